//! The payment instructions of the tests, as MUKTASoft sends them.

use chrono::{DateTime, Utc};
use mukta_ftps::simulator::jit::{JitSimulator, KnownBeneficiary, KnownInstruction};
use serde_json::{Value, json};

/// The sample's original, whose payments failed.
pub(crate) const ORIGINAL: &str = "PI-1013/2023-24/000112";
/// The revised instruction that DOMAIN.md tells of.
pub(crate) const REVISED: &str = "PI-1013/2023-24/000256";
/// Another revised one.
pub(crate) const OTHER: &str = "PI-1013/2023-24/000257";
/// The payment IDs of the sample's beneficiaries, from the one that DOMAIN.md tells of.
pub(crate) const PEOPLE: &[&str] = &["BN-1013/000224", "BN-1013/000225", "BN-1013/000226"];

/// An instant as RFC 3339 writes it.
pub(crate) fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().unwrap()
}

/// Payment IDs for so many beneficiaries.
pub(crate) fn payment_ids(many: usize) -> Vec<String> {
    (1..=many).map(|number| format!("BN-1013/{number:06}")).collect()
}

/// A payment instruction in the import's format.
#[derive(Clone)]
pub(crate) struct Instruction(Value);

/// The sample: an original and a revised one that waits, of the same people.
pub(crate) fn pair(people: &[impl AsRef<str>]) -> [Instruction; 2] {
    [original(ORIGINAL, people), revised(REVISED, ORIGINAL, people)]
}

/// An original whose payments failed, with its bill reference.
pub(crate) fn original(number: &str, people: &[impl AsRef<str>]) -> Instruction {
    instruction(number, None, people).in_state("PARTIAL", "Payment Failed").but(|original| {
        original["paDetails"] = json!([
            { "paBillRefNumber": "  ", "paFinYear": "2023-24" },
            { "paBillRefNumber": "202211033261", "paFinYear": "2023-24", "paAdviceId": "601",
              "paAdviceDate": "2023-11-05", "paTokenNumber": "401", "paTokenDate": "2023-11-05" }
        ]);
    })
}

/// A revised one In Process.
pub(crate) fn revised(number: &str, parent: &str, people: &[impl AsRef<str>]) -> Instruction {
    instruction(number, Some(parent), people)
}

fn instruction(number: &str, parent: Option<&str>, people: &[impl AsRef<str>]) -> Instruction {
    let beneficiary = |(place, id): (usize, &str)| {
        json!({
            "beneficiaryNumber": id,
            "beneficiaryId": format!("person-{place}"),
            "beneficiaryType": "IND",
            "benefName": format!("Sabita Nayak {place}"),
            "benfAcctNo": format!("3013150001{place:04}"),
            "benfBankIfscCode": "SBIN0012345",
            "benfMobileNo": format!("755001{place:04}"),
            "amount": "1230.50",
            "paymentStatus": "Payment In Process",
        })
    };
    let beneficiaries: Vec<Value> = people.iter().map(AsRef::as_ref).enumerate().map(beneficiary).collect();
    Instruction(json!({
        "tenantId": "od.jatni",
        "jitBillNo": number,
        "parentPiNumber": parent,
        "piStatus": "INITIATED",
        "netAmount": 1230.50 * people.len() as f64,
        "auditDetails": { "createdTime": at("2024-03-21T05:46:40Z").timestamp_millis() },
        "additionalDetails": {
            "billNumber": ["WB/2023-24/000512"],
            "hoaCode": "221705800100000351201900078",
            "mstAllotmentId": "3362",
        },
        "beneficiaryDetails": beneficiaries,
    }))
}

/// What a test may have otherwise.
impl Instruction {
    pub(crate) fn of_tenant(self, tenant: &str) -> Self {
        self.but(|one| one["tenantId"] = tenant.into())
    }

    pub(crate) fn created(self, instant: DateTime<Utc>) -> Self {
        self.but(|one| one["auditDetails"]["createdTime"] = instant.timestamp_millis().into())
    }

    pub(crate) fn inactive(self) -> Self {
        self.but(|one| one["isActive"] = false.into())
    }

    /// Paid, as MUKTASoft has it.
    pub(crate) fn completed(self) -> Self {
        self.in_state("SUCCESSFUL", "Payment Successful")
    }

    /// In another state, and so all of its payments; both in MUKTASoft's words.
    pub(crate) fn in_state(self, state: &str, payments: &str) -> Self {
        self.but(|one| one["piStatus"] = state.into())
            .each_person(|_, person| person["paymentStatus"] = payments.into())
    }

    /// With one field of one beneficiary changed.
    pub(crate) fn person(self, place: usize, field: &str, value: impl Into<Value>) -> Self {
        self.but(|one| one["beneficiaryDetails"][place][field] = value.into())
    }

    /// With every beneficiary changed, each known by its place.
    pub(crate) fn each_person(self, change: impl Fn(usize, &mut Value)) -> Self {
        self.but(|one| {
            let people = one["beneficiaryDetails"].as_array_mut().unwrap();
            people.iter_mut().enumerate().for_each(|(place, person)| change(place, person));
        })
    }

    /// With any other change.
    pub(crate) fn but(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.0);
        self
    }
}

/// The file in which MUKTASoft sends them.
pub(crate) fn document(instructions: &[Instruction]) -> String {
    let instructions: Vec<&Value> = instructions.iter().map(|one| &one.0).collect();
    json!({ "ResponseInfo": {}, "paymentInstructions": instructions }).to_string()
}

/// Tells JIT of the revised ones.
pub(crate) fn introduce(jit: &JitSimulator, instructions: &[Instruction]) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for Instruction(one) in instructions {
        if one["parentPiNumber"].is_null() {
            continue;
        }
        let people = one["beneficiaryDetails"].as_array().unwrap().iter();
        let beneficiaries = people.map(|person| KnownBeneficiary {
            payment_id: text(&person["beneficiaryNumber"]).unwrap(),
            account: text(&person["benfAcctNo"]),
            ifsc: text(&person["benfBankIfscCode"]),
        });
        let number = text(&one["jitBillNo"]).unwrap();
        jit.know(KnownInstruction { number, beneficiaries: beneficiaries.collect() });
    }
}
