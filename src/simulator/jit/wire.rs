//! JIT's side of the wire: opening what clients send, making what they get.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde_json::{Value, json};

use super::scenario::Scenario;
use super::{KnownBeneficiary, KnownInstruction, lost_session};
use crate::domain::date::IST;
use crate::jit::envelope::{SymmetricKey, decode_base64};
use crate::simulator::http::Action;

/// More than a client may read (DOMAIN.md §2.3).
const TOO_LARGE: usize = 8 * 1024 * 1024 + 1;

/// A call, opened.
pub(super) struct Asked {
    pub(super) number: String,
    pub(super) request: String,
    params: Value,
    rek: SymmetricKey,
    /// The day on which it is asked, in India.
    today: NaiveDate,
}

impl Asked {
    /// `None` if it is not sealed as agreed.
    pub(super) fn open(sek: &SymmetricKey, body: &[u8], now: DateTime<Utc>) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let rek = SymmetricKey::from_bytes(&sek.open(body.get("rek")?.as_str()?).ok()?).ok()?;
        let request = String::from_utf8(sek.open(body.get("params")?.as_str()?).ok()?).ok()?;
        let mut json: Value = serde_json::from_str(&request).ok()?;
        if json.get("serviceId")? != "FTPS" {
            return None;
        }
        let params = json.get_mut("params")?.take();
        let number = params.get("jitCorBillNo")?.as_str()?.to_owned();
        Some(Self { number, request, params, rek, today: now.with_timezone(&IST).date_naive() })
    }
}

impl Asked {
    /// The day so many days before it is asked, as JIT writes it.
    fn days_ago(&self, days: u64) -> String {
        (self.today - Days::new(days)).to_string()
    }
}

/// A new session for the appKey in the body: token, sek, and the reply's JSON.
pub(super) fn new_session(
    private_key: &PrivateDecryptingKey,
    body: &[u8],
) -> Option<(String, SymmetricKey, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let sealed = decode_base64(body.get("appKey")?.as_str()?).ok()?;
    let key = OaepPrivateDecryptingKey::new(private_key.clone()).ok()?;
    let mut plain = vec![0; key.min_output_size()];
    let app_key = key.decrypt(&OAEP_SHA1_MGF1SHA1, &sealed, &mut plain, None).ok()?;
    let app_key = SymmetricKey::from_bytes(app_key).ok()?;
    let (token, sek) = (random_word()?, SymmetricKey::random().ok()?);
    let reply = json!({ "authToken": token, "sek": app_key.seal(sek.as_bytes()).ok()? }).to_string();
    Some((token, sek, reply))
}

/// 32 random hexadecimal digits.
pub(super) fn random_word() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A UTR number as a bank might give it: always the same for this payment, and no other's.
pub(super) fn utr(number: &str, payment_id: &str) -> String {
    let hash = digest(&SHA256, format!("{number}\n{payment_id}").as_bytes());
    let value = hash.as_ref().iter().take(8).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    format!("SBINN{:017}", value % 100_000_000_000_000_000)
}

/// What the scenario makes of the call, which is the `count`-th.
pub(super) fn action(
    scenario: &Scenario,
    asked: &Asked,
    known: Option<&KnownInstruction>,
    count: usize,
) -> Action {
    let sealed = |reply: Value| sealed_reply(asked, &reply.to_string(), count);
    let error = |message: &str| sealed(json!({ "serviceId": "FTPS", "errorMsg": message, "data": [] }));
    match scenario {
        Scenario::Error(message) => error(message),
        Scenario::ErrorList => sealed(json!({
            "serviceId": "FTPS",
            "errorMsg": null,
            "errorMsgs": [
                { "errorCode": "322", "errorMsg": "JIT correction bill number is not found" },
                { "errorCode": "323", "errorMsg": "JIT original bill reference number is not valid" },
            ],
            "data": [],
        })),
        Scenario::EmptyBody => Action::respond(200, ""),
        Scenario::EmptyData => sealed(json!({ "serviceId": "FTPS", "errorMsg": null, "data": [] })),
        Scenario::TimeOut => Action::Hang,
        Scenario::Reset => Action::Reset,
        Scenario::Truncated => match sealed(paid(scenario, asked, known, count)) {
            Action::Respond { mut body, .. } => {
                let missing = body.len() / 2;
                body.truncate(body.len() - missing);
                Action::Truncate { body, missing }
            }
            other => other,
        },
        Scenario::Http500 => Action::respond(500, "<html><h1>500 Internal Server Error</h1></html>"),
        Scenario::Http404 => Action::respond(404, "<html><h1>404 Not Found</h1></html>"),
        Scenario::Redirect => Action::Respond {
            status: 302,
            headers: vec![("Location".to_owned(), "/webservices/jitfs/elsewhere".to_owned())],
            body: Vec::new(),
        },
        Scenario::TooLarge => Action::respond(200, vec![b'A'; TOO_LARGE]),
        Scenario::Garbage => Action::respond(200, "<!-- this is no base64 -->"),
        // 40 bytes: no multiple of AES's block, so that chance cannot decrypt them.
        Scenario::NotEncryptedRight => {
            Action::respond(200, "bm9pc2Ugbm9pc2Ugbm9pc2Ugbm9pc2Ugbm9pc2Ugbm9pc2Ugbm9pcw==")
        }
        Scenario::NotJson => sealed_reply(asked, "Please try again later", count),
        Scenario::WrongShape => sealed(json!({ "serviceId": "FTPS", "errorMsg": null, "data": "paid" })),
        Scenario::Http401 => Action::json(401, r#"{"message":"Token is expired."}"#),
        Scenario::Http403 => Action::json(403, r#"{"message":"Access is denied."}"#),
        Scenario::LostSessionOk => error("No valid session encryption key found for the token."),
        Scenario::LostSession | Scenario::AlwaysLostSession | Scenario::SignInRefused => lost_session(),
        Scenario::Paid
        | Scenario::Slow
        | Scenario::WrongService
        | Scenario::WrongPi
        | Scenario::TwiceInReply
        | Scenario::SeveralEntries
        | Scenario::MissingBeneficiary
        | Scenario::ExtraBeneficiary
        | Scenario::DuplicateBeneficiary
        | Scenario::BlankUtr
        | Scenario::BadUtr
        | Scenario::OtherAccount
        | Scenario::PaidAndFailed
        | Scenario::FailedReason
        | Scenario::PlaceholderUtr
        | Scenario::InvisibleInUtr
        | Scenario::OddPaymentStatus => sealed(paid(scenario, asked, known, count)),
    }
}

/// The reply's text, bare and as a JSON string by turns: clients must read both.
fn sealed_reply(asked: &Asked, json: &str, count: usize) -> Action {
    match asked.rek.seal(json.as_bytes()) {
        Ok(text) if count.is_multiple_of(2) => Action::json(200, Value::String(text).to_string()),
        Ok(text) => Action::respond(200, text),
        Err(_) => Action::respond(500, "The simulator could not encrypt."),
    }
}

/// The reply that says paid, spoiled as the scenario wants.
fn paid(scenario: &Scenario, asked: &Asked, known: Option<&KnownInstruction>, count: usize) -> Value {
    let ours = entry(scenario, asked, known, count);
    let mut other = ours.clone();
    other["jitCorBillNo"] = json!("PI-9999/2023-24/999999");
    let (service, data) = match scenario {
        Scenario::WrongService => ("COR", vec![ours]),
        Scenario::WrongPi => ("FTPS", vec![other]),
        Scenario::TwiceInReply => ("FTPS", vec![ours.clone(), ours]),
        Scenario::SeveralEntries => ("FTPS", vec![other, ours]),
        // The stray blank is JIT's own (DOMAIN.md §4).
        _ => ("FTPS ", vec![ours]),
    };
    json!({ "serviceId": service, "errorMsg": null, "data": data })
}

fn entry(scenario: &Scenario, asked: &Asked, known: Option<&KnownInstruction>, count: usize) -> Value {
    let of_bill = utr(&asked.number, "bill");
    let digits = &of_bill[of_bill.len() - 6..];
    // The specification and the service differ in this name; so do their kinds of number.
    let (voucher, token) = match count % 4 {
        0 | 1 => ("voucherNo", json!(digits)),
        _ => ("voucherNumber", json!(digits.parse::<u32>().unwrap_or_default())),
    };
    let status = match scenario {
        Scenario::OddPaymentStatus => "Sent to RBI eKuber",
        Scenario::PaidAndFailed => "Failed to Pay by RBI(Through e-Kuber) Late Ret",
        _ => "Paid by RBI eKuber,please check with your bank",
    };
    json!({
        "jitCorBillNo": asked.number,
        "jitCorBillDate": asked.params["jitCorBillDate"],
        "jitOrgBillRefNo": asked.params["jitOrgBillRefNo"],
        voucher: digits,
        "voucherDate": asked.days_ago(1),
        "billRefNo": format!("{}{digits}", asked.today.year()),
        "paymentStatus": status,
        "tokenNumber": token,
        "tokenDate": asked.days_ago(2),
        "benfDtls": beneficiaries(scenario, asked, known),
    })
}

fn beneficiaries(scenario: &Scenario, asked: &Asked, known: Option<&KnownInstruction>) -> Vec<Value> {
    let registered = known.map(|instruction| instruction.beneficiaries.as_slice()).unwrap_or_default();
    let mut list: Vec<Value> = registered.iter().map(|one| beneficiary(asked, one)).collect();
    match scenario {
        Scenario::MissingBeneficiary => {
            list.pop();
        }
        Scenario::ExtraBeneficiary => {
            let stranger =
                KnownBeneficiary { payment_id: "BN-9999/999999".to_owned(), account: None, ifsc: None };
            list.push(beneficiary(asked, &stranger));
        }
        Scenario::DuplicateBeneficiary => list.extend(list.first().cloned()),
        Scenario::BlankUtr => change_first(&mut list, &[("utrNo", " ")]),
        Scenario::BadUtr => change_first(&mut list, &[("utrNo", "SBIN 0001")]),
        Scenario::FailedReason => change_first(&mut list, &[("failedReason", "Account does not exist.")]),
        Scenario::PlaceholderUtr => change_first(&mut list, &[("utrNo", "NA")]),
        Scenario::InvisibleInUtr => change_first(&mut list, &[("utrNo", "SBIN\u{200b}0001")]),
        Scenario::OtherAccount => {
            change_first(&mut list, &[("benfAcctNo", "99999999999"), ("benfBankIfscCode", "UTIB0009999")]);
        }
        _ => {}
    }
    list
}

fn change_first(list: &mut [Value], fields: &[(&str, &str)]) {
    if let Some(first) = list.first_mut() {
        for (name, value) in fields {
            first[*name] = json!(value);
        }
    }
}

fn beneficiary(asked: &Asked, known: &KnownBeneficiary) -> Value {
    let (utr, utr_date) = (utr(&asked.number, &known.payment_id), asked.days_ago(0));
    json!({
        "benfAcctNo": known.account,
        "benfBankIfscCode": known.ifsc,
        "utrDate": utr_date,
        "endToEndId": format!("E2E{}", &utr[5..]),
        "benfId": known.payment_id,
        "utrNo": utr,
    })
}
