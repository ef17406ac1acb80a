use super::*;
use crate::jit::messages::parse_answer;
use proptest::prelude::*;

#[path = "decide_fuzz_tests.rs"]
mod spoilt;

const NUMBER: &str = "PI-1013/2023-24/000256";

fn instruction(count: usize) -> AskedInstruction {
    let beneficiaries = (0..count)
        .map(|n| AskedBeneficiary {
            id: n as i64 + 10,
            payment_id: format!("BN-1013/{n:06}"),
            account: Some("30180123456".to_owned()),
            ifsc: Some("SBIN0000123".to_owned()),
            person_id: None,
            amount: Paise(100),
        })
        .collect();
    AskedInstruction { number: NUMBER.to_owned(), beneficiaries }
}

/// The entry that pays this instruction.
fn entry(asked: &AskedInstruction) -> Entry {
    let beneficiaries = asked
        .beneficiaries
        .iter()
        .map(|one| EntryBeneficiary {
            payment_id: one.payment_id.clone(),
            utr: format!("SBIN{:018}", one.id),
            utr_date: Some("2023-11-03".to_owned()),
            account: one.account.clone(),
            ifsc: one.ifsc.clone(),
            failure: None,
            end_to_end_id: Some(format!("E{}", one.id)),
        })
        .collect();
    Entry {
        number: asked.number.clone(),
        voucher_number: Some("V1".to_owned()),
        voucher_date: Some("2023-11-02".to_owned()),
        bill_reference: Some("202300001".to_owned()),
        payment_status: Some("Paid by RBI eKuber,please check with your bank".to_owned()),
        failure: None,
        token_number: Some("T1".to_owned()),
        token_date: Some("not a date".to_owned()),
        beneficiaries: Ok(beneficiaries),
    }
}

fn reply_of(entries: Vec<Entry>) -> Reply {
    Reply::Answered(Answer {
        service_id: Some("FTPS".to_owned()),
        error: None,
        data: AnswerData::Entries(entries),
    })
}

/// The decision on an instruction of two whose otherwise good entry is changed so.
fn changed(change: impl FnOnce(&mut Entry)) -> Decision {
    let asked = instruction(2);
    let mut entry = entry(&asked);
    change(&mut entry);
    decide(&asked, &reply_of(vec![entry]))
}

fn first(entry: &mut Entry) -> &mut EntryBeneficiary {
    &mut entry.beneficiaries.as_mut().unwrap()[0]
}

fn list(entry: &mut Entry) -> &mut Vec<EntryBeneficiary> {
    entry.beneficiaries.as_mut().unwrap()
}

fn json(text: &str) -> Decision {
    let reply = match parse_answer(text.as_bytes()) {
        Ok(answer) => Reply::Answered(answer),
        Err(glitch) => Reply::Unusable(glitch),
    };
    decide(&instruction(1), &reply)
}

/// The reply of DOMAIN.md §4 that pays `instruction(1)`.
fn paid_json() -> String {
    format!(
        r#"{{"serviceId":"FTPS ","errorMsg":null,"data":[{{"jitCorBillNo":"{NUMBER}","voucherNo":"1","billRefNo":202300001,"benfDtls":[{{"benfAcctNo":"30180123456","benfBankIfscCode":"SBIN0000123","utrNo":" SBIN1 ","utrDate":"2023-11-03","endToEndId":"e","benfId":"bn-1013/000000"}}]}}]}}"#
    )
}

// The rows of DOMAIN.md §2.

#[test]
fn no_response_says_so() {
    let decision = decide(&instruction(1), &Reply::Nothing { cause: "connection reset".to_owned() });
    assert_eq!(decision, Decision::NoResponse { cause: "connection reset".to_owned() });
    assert_eq!(decision.message(), "On call of FTPS API: No response is received.");
    assert_eq!(decision.outcome(), Outcome::NoResponse);
    assert_eq!(decision.cause(), Some("connection reset"));
}

#[test]
fn an_error_shows_jits_own_words() {
    let decision = json(r#"{"serviceId":"FTPS","errorMsg":"Bill is under process","data":[]}"#);
    assert_eq!(decision, Decision::Error { message: "Bill is under process".to_owned() });
    assert_eq!(decision.message(), "On call of FTPS API: Bill is under process");
    assert_eq!(decision.outcome(), Outcome::Error);
    assert_eq!(decision.cause(), None);
}

#[test]
fn success_says_so_and_brings_everything() {
    let asked = instruction(2);
    let decision = decide(&asked, &reply_of(vec![entry(&asked)]));
    assert_eq!(decision.message(), "On call of FTPS API: Response is received and updated successfully");
    assert_eq!(decision.outcome(), Outcome::Success);
    let paid = |id: i64| PaidBeneficiary {
        id,
        utr: format!("SBIN{id:018}"),
        utr_date: Some("2023-11-03".to_owned()),
        end_to_end_id: Some(format!("E{id}")),
        other_account: None,
        other_ifsc: None,
    };
    assert_eq!(
        decision,
        Decision::Success(Payment {
            voucher_number: Some("V1".to_owned()),
            voucher_date: Some("2023-11-02".to_owned()),
            bill_reference: Some("202300001".to_owned()),
            token_number: Some("T1".to_owned()),
            token_date: Some("not a date".to_owned()),
            payment_status: Some("Paid by RBI eKuber,please check with your bank".to_owned()),
            beneficiaries: vec![paid(10), paid(11)],
        })
    );
}

#[test]
fn a_glitch_is_shown_in_our_words() {
    let unusable = Reply::Unusable(crate::domain::Glitch::NotDecrypted);
    let decision = decide(&instruction(1), &unusable);
    assert_eq!(decision.message(), "On call of FTPS API: JIT's reply could not be decrypted.");
    assert_eq!(decision.outcome(), Outcome::Glitch);
}

// The classes of DOMAIN.md §2, in their order.

#[test]
fn json_replies_come_to_their_class() {
    use Outcome::*;
    let paid = paid_json();
    for (text, outcome) in [
        (paid.clone(), Success),
        (paid.replace("\"FTPS \"", "null"), Success),
        (paid.replace("\"FTPS \"", "\" ftps\""), Success),
        (paid.replace("\"FTPS \"", "\"COR\""), Glitch),
        (paid.replace("000256\"", "000257\""), Glitch),
        (paid.replace("[{\"benfAcctNo\"", "[5,{\"benfAcctNo\""), Glitch),
        (paid.replace(" SBIN1 ", "  "), Glitch),
        (paid.replace(" SBIN1 ", "SB IN"), Glitch),
        (paid.replace(" SBIN1 ", "SB\\u0000IN"), Glitch),
        (paid.replace("\" SBIN1 \"", "123"), Success),
        (paid.replace("\" SBIN1 \"", "null"), Glitch),
        (paid.replace("\" SBIN1 \"", "{}"), Glitch),
        (paid.replace("null,\"data\"", "\"no\",\"data\""), Error),
        (paid.replace("null,\"data\"", "0,\"data\""), Glitch),
        (paid.replace("null,\"data\"", "\" \",\"data\""), Success),
        ("{}".to_owned(), NoResponse),
        (r#"{"serviceId":"FTPS","errorMsg":null,"data":[]}"#.to_owned(), NoResponse),
        (r#"{"serviceId":"COR","errorMsg":null,"data":null}"#.to_owned(), NoResponse),
        (r#"{"errorMsgs":[{"errorMsg":"a"},{"errorMsg":"b"}],"data":[]}"#.to_owned(), Error),
        (r#"{"errorMsg":{},"data":[]}"#.to_owned(), Glitch),
        (r#"{"data":"paid"}"#.to_owned(), Glitch),
        (r#"{"data":[{}]}"#.to_owned(), Glitch),
        ("[]".to_owned(), Glitch),
        ("<html>".to_owned(), Glitch),
    ] {
        let decision = json(&text);
        assert_eq!(decision.outcome(), outcome, "{text}: {decision:?}");
    }
}

#[test]
fn glitches_are_described_to_the_letter() {
    let asked = instruction(2);
    let good = entry(&asked);
    let other = Entry { number: "PI-9".to_owned(), ..good.clone() };
    let answer = |service: &str, data: AnswerData| {
        Reply::Answered(Answer { service_id: Some(service.to_owned()), error: None, data })
    };
    for (decision, description) in [
        (
            decide(&asked, &answer("COR", AnswerData::Entries(vec![good.clone()]))),
            "JIT's reply is for another service (COR).",
        ),
        (
            decide(&asked, &answer("FTPS", AnswerData::Malformed("its data is not a list".to_owned()))),
            "JIT's reply is not in the agreed form.",
        ),
        (
            decide(&asked, &reply_of(vec![other.clone()])),
            "JIT's reply is about another payment instruction (PI-9).",
        ),
        (
            decide(&asked, &reply_of(vec![other.clone(), other.clone()])),
            "JIT's reply does not name this payment instruction.",
        ),
        (
            decide(&asked, &reply_of(vec![good.clone(), other.clone(), good.clone()])),
            "JIT's reply names this payment instruction more than once.",
        ),
        (
            decide(&instruction(0), &reply_of(vec![entry(&instruction(0))])),
            "This payment instruction has no beneficiaries here, so JIT's reply cannot be applied.",
        ),
        (
            changed(|entry| entry.beneficiaries = Err("it has no benfDtls".to_owned())),
            "JIT's reply is not in the agreed form.",
        ),
        (changed(|entry| drop(list(entry).pop())), "JIT's reply leaves out beneficiary BN-1013/000001."),
        (changed(|entry| list(entry).clear()), "JIT's reply leaves out beneficiary BN-1013/000000."),
        (
            changed(|entry| {
                let mut again = first(entry).clone();
                again.payment_id = again.payment_id.to_lowercase();
                list(entry).push(again);
            }),
            "JIT's reply names beneficiary bn-1013/000000 more than once.",
        ),
        (
            changed(|entry| {
                list(entry).push(EntryBeneficiary {
                    payment_id: "BN-7".to_owned(),
                    utr: "U".to_owned(),
                    ..Default::default()
                });
            }),
            "JIT's reply names beneficiary BN-7, who is not part of this payment instruction.",
        ),
        (
            changed(|entry| first(entry).utr.clear()),
            "JIT's reply has no UTR number for beneficiary BN-1013/000000.",
        ),
        (
            changed(|entry| first(entry).utr = "U".repeat(65)),
            "JIT's reply has a UTR number that cannot be one for beneficiary BN-1013/000000.",
        ),
    ] {
        assert_eq!(decision.message(), format!("{MESSAGE_PREFIX}{description}"));
        assert_eq!(decision.outcome(), Outcome::Glitch);
    }
}

#[test]
fn a_utr_number_is_one_word_of_at_most_64_characters() {
    for (utr, outcome) in [
        ("U".to_owned(), Outcome::Success),
        ("U".repeat(64), Outcome::Success),
        ("ଓ".repeat(64), Outcome::Success),
        ("U".repeat(65), Outcome::Glitch),
        ("NA".to_owned(), Outcome::Glitch),
        ("n/a".to_owned(), Outcome::Glitch),
        ("Nil".to_owned(), Outcome::Glitch),
        ("null".to_owned(), Outcome::Glitch),
        ("NONE".to_owned(), Outcome::Glitch),
        ("-".to_owned(), Outcome::Glitch),
        ("0".to_owned(), Outcome::Glitch),
        ("000000".to_owned(), Outcome::Glitch),
        ("0001".to_owned(), Outcome::Success),
        ("NAB1".to_owned(), Outcome::Success),
        ("SBIN\u{200b}1".to_owned(), Outcome::Glitch),
        ("\u{feff}SBIN1".to_owned(), Outcome::Glitch),
        ("SBIN1\u{202e}".to_owned(), Outcome::Glitch),
        ("SB\u{ad}IN1".to_owned(), Outcome::Glitch),
        ("SBIN 1".to_owned(), Outcome::Glitch),
        ("SBIN\u{a0}1".to_owned(), Outcome::Glitch),
        ("SBIN\n1".to_owned(), Outcome::Glitch),
        ("SBIN\u{0}1".to_owned(), Outcome::Glitch),
        ("\u{7f}".to_owned(), Outcome::Glitch),
        (String::new(), Outcome::Glitch),
    ] {
        assert_eq!(changed(|entry| first(entry).utr = utr.clone()).outcome(), outcome, "{utr:?}");
    }
}

#[test]
fn what_is_said_to_be_paid_and_failed_at_once_changes_nothing() {
    let rbi = "Failed to Pay by RBI(Through e-Kuber) Late Ret";
    let status = |told: &str| changed(|entry| entry.payment_status = Some(told.to_owned()));
    for told in
        [rbi, "Returned by bank", "REJECTED", "rejected at RBI", "Bill not  paid yet", "Repaid: failure"]
    {
        let Decision::Glitch(Glitch::PaymentFailed(quoted)) = status(told) else { panic!("{told}") };
        assert_eq!(quoted, one_line(told));
    }
    assert_eq!(
        status(rbi).message(),
        format!(
            "{MESSAGE_PREFIX}JIT's reply tells of a failed payment of this payment instruction: “{rbi}”."
        )
    );
    for told in [
        "Paid by RBI, earlier failure settled",
        "PAID",
        "paid; returned slip kept",
        "Sent to RBI eKuber",
        "N",
    ] {
        assert_eq!(status(told).outcome(), Outcome::Success, "{told}");
    }
}

#[test]
fn a_beneficiary_with_a_reason_of_failure_is_named_with_it() {
    let failing = |field: &str, value: &str| {
        json(&paid_json().replace("\"endToEndId\"", &format!("\"{field}\":{value},\"endToEndId\"")))
    };
    for (field, value, quoted) in [
        ("failedReason", "\"Account does not exist.\"", "Account does not exist."),
        ("failedReason", "\" Account\\n closed \"", "Account closed"),
        ("failedReason", "\"30180123456 is closed\"", "•••• 3456 is closed"),
        ("challanNumber", "4711", "4711"),
        ("challanNumber", "[7]", "[7]"),
        ("failedReason", "true", "true"),
    ] {
        let description = format!(
            "{MESSAGE_PREFIX}JIT's reply tells of a failed payment of beneficiary bn-1013/000000 (“{quoted}”)."
        );
        assert_eq!(failing(field, value).message(), description);
    }
    for value in [
        "null", "\"\"", "\" \"", "\"NA\"", "\"n/a\"", "\"Nil\"", "\"-\"", "0", "\"000\"", "[]", "{}", "false",
    ] {
        for field in ["failedReason", "challanNumber"] {
            assert_eq!(failing(field, value).outcome(), Outcome::Success, "{field} {value}");
        }
    }
    let whole = paid_json().replace("\"voucherNo\"", "\"failedReason\":\"Late return\",\"voucherNo\"");
    assert!(json(&whole).message().ends_with("of this payment instruction: “Late return”."));
}

#[test]
fn every_beneficiary_that_failed_is_named_and_a_stranger_is_not() {
    let failed = |entry: &mut Entry, place: usize, reason: &str| {
        list(entry)[place].failure = Some(reason.to_owned());
    };
    let decision = changed(|entry| {
        failed(entry, 0, "closed");
        failed(entry, 1, "no such account");
        entry.payment_status = Some("Failed".to_owned());
    });
    assert!(
        decision
            .message()
            .ends_with("beneficiary BN-1013/000000 (“closed”), BN-1013/000001 (“no such account”)."),
        "{decision:?}"
    );
    let stranger = changed(|entry| {
        let mut other = first(entry).clone();
        other.payment_id = "BN-7".to_owned();
        other.failure = Some("closed".to_owned());
        list(entry).push(other);
    });
    assert_eq!(stranger, Decision::Glitch(Glitch::Stranger("BN-7".to_owned())));
}

#[test]
fn an_error_wins_over_data_beside_it() {
    let asked = instruction(1);
    let reply = Reply::Answered(Answer {
        service_id: Some("COR".to_owned()),
        error: Some("no".to_owned()),
        data: AnswerData::Entries(vec![entry(&asked)]),
    });
    assert_eq!(decide(&asked, &reply), Decision::Error { message: "no".to_owned() });
}

#[test]
fn ours_is_found_among_several_entries_whatever_ails_the_others() {
    let asked = instruction(2);
    let other = Entry {
        number: "PI-9".to_owned(),
        beneficiaries: Err("its benfDtls is not a list".to_owned()),
        ..entry(&asked)
    };
    let decision = decide(&asked, &reply_of(vec![other.clone(), entry(&asked), other]));
    assert_eq!(decision.outcome(), Outcome::Success);
}

#[test]
fn the_order_of_the_reply_and_the_case_of_ids_do_not_matter() {
    let decision = changed(|entry| {
        list(entry).reverse();
        first(entry).payment_id = first(entry).payment_id.to_lowercase();
    });
    match decision {
        Decision::Success(payment) => {
            let ids: Vec<i64> = payment.beneficiaries.iter().map(|one| one.id).collect();
            assert_eq!(ids, [10, 11]);
            assert_eq!(payment.beneficiaries[1].utr, format!("SBIN{:018}", 11));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_is_needed_need_be_there() {
    let decision = json(&format!(
        r#"{{"data":[{{"jitCorBillNo":"{NUMBER}","benfDtls":[{{"benfId":"BN-1013/000000","utrNo":"U1"}}]}}]}}"#
    ));
    match decision {
        Decision::Success(payment) => assert_eq!(payment.beneficiaries[0].utr, "U1"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_paid_account_other_than_the_registered_one_is_told() {
    let paid_to = |account: Option<&str>, ifsc: Option<&str>| {
        let decision = changed(|entry| {
            first(entry).account = account.map(str::to_owned);
            first(entry).ifsc = ifsc.map(str::to_owned);
        });
        match decision {
            Decision::Success(payment) => {
                let one = payment.beneficiaries[0].clone();
                (one.other_account, one.other_ifsc)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(paid_to(Some("30180123456"), Some("sbin0000123")), (None, None));
    assert_eq!(paid_to(None, Some(" ")), (None, None));
    for same in ["3018 0123 456", "3018-0123-456", "000030180123456", "NA", "0"] {
        assert_eq!(paid_to(Some(same), None), (None, None), "{same}");
    }
    assert_eq!(
        paid_to(Some("999"), Some("UTIB0000001")),
        (Some("999".to_owned()), Some("UTIB0000001".to_owned()))
    );
}

#[test]
fn their_texts_in_our_sentences_are_kept_short() {
    let decision = changed(|entry| entry.number = "ଓ".repeat(1000));
    assert!(decision.message().chars().count() < 160);
}

// For all replies.

/// Texts that are often what matters: blank, ours, ours in another case, noise.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(NUMBER.to_owned()),
        (0..4_u8).prop_map(|n| format!("BN-1013/{n:06}")),
        (0..4_u8).prop_map(|n| format!("bn-1013/{n:06}")),
        Just("FTPS".to_owned()),
        Just(String::new()),
        Just("U".repeat(64)),
        Just("U".repeat(65)),
        Just("NA".to_owned()),
        Just("0".to_owned()),
        Just("SB\u{200b}IN".to_owned()),
        "[A-Z0-9]{1,20}",
        ".{0,10}",
    ]
}

fn any_beneficiary() -> impl Strategy<Value = EntryBeneficiary> {
    let failure = prop_oneof![3 => Just(None), 1 => word().prop_map(Some)];
    (word(), word(), prop::option::of(word()), failure).prop_map(|(payment_id, utr, account, failure)| {
        EntryBeneficiary { payment_id, utr, account, failure, ..Default::default() }
    })
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let beneficiaries = prop_oneof![3 => prop::collection::vec(any_beneficiary(), 0..4).prop_map(Ok), 1 => word().prop_map(Err)];
    let any_entry = (word(), beneficiaries).prop_map(|(number, beneficiaries)| Entry {
        number,
        beneficiaries,
        ..entry(&instruction(0))
    });
    let data = prop_oneof![
        Just(AnswerData::Empty),
        word().prop_map(AnswerData::Malformed),
        prop::collection::vec(any_entry, 0..3).prop_map(AnswerData::Entries),
    ];
    prop_oneof![
        word().prop_map(|cause| Reply::Nothing { cause }),
        word().prop_map(|word| Reply::Unusable(crate::domain::Glitch::NotInForm(word))),
        (prop::option::of(word()), prop::option::of(word()), data)
            .prop_map(|(service_id, error, data)| Reply::Answered(Answer { service_id, error, data })),
    ]
}

/// JSON of any shape, with the wire's own names in it.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "serviceId",
        "errorMsg",
        "errorMsgs",
        "data",
        "jitCorBillNo",
        "benfDtls",
        "benfId",
        "utrNo",
        "voucherNo",
        "x",
    ]);
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..7).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

/// Success is all or nothing: every beneficiary asked about, in order, with a UTR number.
fn assert_all_or_nothing(asked: &AskedInstruction, decision: &Decision) {
    assert!(decision.message().starts_with("On call of FTPS API: "));
    if let Decision::Success(payment) = decision {
        assert!(!asked.beneficiaries.is_empty());
        let ours: Vec<i64> = asked.beneficiaries.iter().map(|one| one.id).collect();
        let paid: Vec<i64> = payment.beneficiaries.iter().map(|one| one.id).collect();
        assert_eq!(ours, paid);
        for one in &payment.beneficiaries {
            assert!(!one.utr.is_empty() && one.utr.chars().count() <= 64);
            assert!(!one.utr.chars().any(breaks_a_number));
            assert!(!stands_for_none(&one.utr));
        }
    }
}

/// One way of spoiling a good reply.
#[derive(Debug, Clone, Copy)]
enum Spoil {
    DropOne,
    DuplicateOne,
    AddStranger,
    BlankUtr,
    BlankInUtr,
    LongUtr,
    OtherNumber,
    EntryTwice,
    OtherService,
    AnError,
    Failed,
    FailedStatus,
    PlaceholderUtr,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_reply_is_all_or_nothing(count in 0..4_usize, reply in any_reply()) {
        let asked = instruction(count);
        assert_all_or_nothing(&asked, &decide(&asked, &reply));
    }

    #[test]
    fn any_json_is_all_or_nothing(count in 0..4_usize, json in any_json()) {
        let asked = instruction(count);
        if let Ok(answer) = parse_answer(json.to_string().as_bytes()) {
            assert_all_or_nothing(&asked, &decide(&asked, &Reply::Answered(answer)));
        }
    }

    #[test]
    fn bytes_changed_anywhere_are_all_or_nothing(at in 0..400_usize, byte in any::<u8>()) {
        let mut bytes = paid_json().into_bytes();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let asked = instruction(1);
        if let Ok(answer) = parse_answer(&bytes) {
            assert_all_or_nothing(&asked, &decide(&asked, &Reply::Answered(answer)));
        }
    }

    #[test]
    fn a_good_reply_is_success_in_any_order(count in 1..8_usize, turn in any::<usize>()) {
        let asked = instruction(count);
        let mut entry = entry(&asked);
        list(&mut entry).rotate_left(turn % count);
        let decision = decide(&asked, &reply_of(vec![entry]));
        prop_assert_eq!(decision.outcome(), Outcome::Success);
        assert_all_or_nothing(&asked, &decision);
    }

    #[test]
    fn a_spoiled_reply_changes_nothing(
        count in 1..8_usize,
        which in any::<usize>(),
        spoil in prop::sample::select(vec![
            Spoil::DropOne, Spoil::DuplicateOne, Spoil::AddStranger, Spoil::BlankUtr, Spoil::BlankInUtr,
            Spoil::LongUtr, Spoil::OtherNumber, Spoil::EntryTwice, Spoil::OtherService, Spoil::AnError,
            Spoil::Failed, Spoil::FailedStatus, Spoil::PlaceholderUtr,
        ]),
    ) {
        let asked = instruction(count);
        let mut good = entry(&asked);
        let which = which % count;
        let mut answer = Answer { service_id: Some("FTPS".to_owned()), error: None, data: AnswerData::Empty };
        let mut entries = Vec::new();
        match spoil {
            Spoil::DropOne => drop(list(&mut good).remove(which)),
            Spoil::DuplicateOne => {
                let again = list(&mut good)[which].clone();
                list(&mut good).push(again);
            }
            Spoil::AddStranger => {
                let mut stranger = list(&mut good)[which].clone();
                stranger.payment_id.push('x');
                list(&mut good).insert(which, stranger);
            }
            Spoil::BlankUtr => list(&mut good)[which].utr.clear(),
            Spoil::BlankInUtr => list(&mut good)[which].utr.insert(2, ' '),
            Spoil::LongUtr => list(&mut good)[which].utr = "9".repeat(65),
            Spoil::OtherNumber => good.number.push('0'),
            Spoil::EntryTwice => entries.push(good.clone()),
            Spoil::OtherService => answer.service_id = Some("COR".to_owned()),
            Spoil::AnError => answer.error = Some("no".to_owned()),
            Spoil::Failed => list(&mut good)[which].failure = Some("closed".to_owned()),
            Spoil::FailedStatus => good.payment_status = Some("Failed to Pay".to_owned()),
            Spoil::PlaceholderUtr => list(&mut good)[which].utr = "n/a".to_owned(),
        }
        entries.push(good);
        answer.data = AnswerData::Entries(entries);
        let decision = decide(&asked, &Reply::Answered(answer));
        prop_assert_ne!(decision.outcome(), Outcome::Success);
    }
}
