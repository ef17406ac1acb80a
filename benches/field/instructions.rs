//! Payment instructions in pairs, an original whose payments failed and its revision, in MUKTASoft's JSON, as JIT
//! knows them and as it is asked about them.

use std::io::Write;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use mukta_ftps::domain::BillToAsk;
use mukta_ftps::simulator::jit::{KnownBeneficiary, KnownInstruction};
use serde_json::{Value, json};

/// When the first of them was made, in milliseconds.
const FIRST_CREATED: usize = 1_711_000_000_000;

const FIRST_NAMES: [&str; 11] = [
    "Sabita", "Ramesh", "Sunita", "Bijay", "Laxmi", "Gopal", "Mamata", "Prakash", "Anjali", "Dilip", "Kabita",
];
const LAST_NAMES: [&str; 13] = [
    "Nayak", "Sahoo", "Behera", "Das", "Mohanty", "Pradhan", "Jena", "Swain", "Rout", "Sethi", "Mallick",
    "Barik", "Panda",
];

/// So many pairs, each of whose two instructions pays so many people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pairs {
    pub(crate) count: usize,
    pub(crate) people: usize,
}

/// The number of a pair's revised instruction.
pub(crate) fn revised_number(pair: usize) -> String {
    number(2 * pair + 1)
}

fn number(place: usize) -> String {
    format!("PI-1013/2023-24/{place:06}")
}

/// The online reference of a pair's original.
fn reference(pair: usize) -> String {
    format!("2022{pair:08}")
}

fn created(place: usize) -> usize {
    FIRST_CREATED + place * 60_000
}

impl Pairs {
    /// The document that `import` reads.
    pub(crate) fn write(self, mut to: impl Write) -> Result<()> {
        to.write_all(b"{\"paymentInstructions\":[")?;
        for pair in 0..self.count {
            let comma = if pair == 0 { "" } else { "," };
            write!(to, "{comma}{},{}", self.original(pair), self.revised(pair))?;
        }
        to.write_all(b"]}")?;
        Ok(to.flush()?)
    }

    pub(crate) fn original(self, pair: usize) -> Value {
        json!({
            "id": format!("original-{pair}"),
            "tenantId": "od.jatni",
            "jitBillNo": number(2 * pair),
            "piStatus": "PARTIAL",
            "netAmount": 1230 * self.people,
            "auditDetails": { "createdTime": created(2 * pair) },
            "additionalDetails": {
                "billNumber": [format!("WB/2023-24/{pair:06}")],
                "hoaCode": "221705800100000351201900078",
                "mstAllotmentId": "3362",
            },
            "paDetails": [{
                "paBillRefNumber": reference(pair), "paFinYear": "2023-24", "paAdviceId": "601",
                "paAdviceDate": "2023-11-05", "paTokenNumber": "401", "paTokenDate": "2023-11-05",
            }],
            "beneficiaryDetails":
                (0..self.people).map(|place| self.person(pair, place, "Payment Failed")).collect::<Vec<_>>(),
        })
    }

    pub(crate) fn revised(self, pair: usize) -> Value {
        let mut revised = self.original(pair);
        revised["id"] = format!("revised-{pair}").into();
        revised["jitBillNo"] = revised_number(pair).into();
        revised["parentPiNumber"] = number(2 * pair).into();
        revised["piStatus"] = "INITIATED".into();
        revised["auditDetails"]["createdTime"] = created(2 * pair + 1).into();
        for person in revised["beneficiaryDetails"].as_array_mut().into_iter().flatten() {
            person["paymentStatus"] = "Payment In Process".into();
        }
        revised
    }

    fn person(self, pair: usize, place: usize, status: &str) -> Value {
        let person = pair * self.people + place;
        let first = FIRST_NAMES[person % FIRST_NAMES.len()];
        let last = LAST_NAMES[person / FIRST_NAMES.len() % LAST_NAMES.len()];
        json!({
            "beneficiaryNumber": payment_id(pair, place),
            "beneficiaryId": format!("c3a1f0de-2f0c-4d55-0000-{person:012}"),
            "beneficiaryType": "IND",
            "benefName": format!("{first} {last}"),
            "benfAcctNo": account(person),
            "benfBankIfscCode": IFSC,
            "benfMobileNo": format!("75{person:08}"),
            "amount": "1230.00",
            "paymentStatus": status,
        })
    }

    /// What JIT knows: the revised ones.
    pub(crate) fn known(self, pair: usize) -> KnownInstruction {
        let beneficiaries = (0..self.people)
            .map(|place| KnownBeneficiary {
                payment_id: payment_id(pair, place),
                account: Some(account(pair * self.people + place)),
                ifsc: Some(IFSC.to_owned()),
            })
            .collect();
        KnownInstruction { number: revised_number(pair), beneficiaries }
    }
}

const IFSC: &str = "SBIN0012345";

fn payment_id(pair: usize, place: usize) -> String {
    format!("BN-{pair:06}/{place:06}")
}

fn account(person: usize) -> String {
    format!("3013{person:010}")
}

/// What JIT is asked about a pair.
pub(crate) fn bill(pair: usize) -> Result<BillToAsk> {
    Ok(BillToAsk {
        number: revised_number(pair),
        date: instant(created(2 * pair + 1))?,
        original_reference: reference(pair),
        original_number: number(2 * pair),
        original_date: instant(created(2 * pair))?,
    })
}

fn instant(milliseconds: usize) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(milliseconds)?).context("no instant")
}
