//! What the simulated MUKTASoft knows: its payment instructions, and apart from them their people.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// Of a beneficiary, this is told by the services of people, not by the search of instructions.
const INLINE: [&str; 4] = ["benefName", "benfAcctNo", "benfBankIfscCode", "benfMobileNo"];

/// What a status that comes back says anew of a beneficiary.
const PAYMENT: [&str; 6] =
    ["paymentStatus", "utrNo", "utrDate", "endToEndId", "voucherNumber", "voucherDate"];

/// All that is known. Instructions are kept as text, since there may be very many.
#[derive(Debug, Default)]
pub(super) struct Register {
    /// In the order in which they became known.
    rows: BTreeMap<u64, Row>,
    places: HashMap<String, u64>,
    people: HashMap<String, Person>,
    last: u64,
}

/// A payment instruction.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) tenant: String,
    /// None of one that never reached JIT.
    pub(super) number: Option<String>,
    pub(super) is_revised: bool,
    /// Its JSON, as the search of instructions tells it.
    pub(super) json: Box<str>,
}

/// A beneficiary, as the services of people know them.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) is_organisation: bool,
    pub(super) name: Option<String>,
    pub(super) account: Option<String>,
    pub(super) ifsc: Option<String>,
    pub(super) mobile: Option<String>,
}

impl Person {
    /// In the order of [`INLINE`].
    fn inline(&self) -> [&Option<String>; 4] {
        [&self.name, &self.account, &self.ifsc, &self.mobile]
    }

    fn inline_mut(&mut self) -> [&mut Option<String>; 4] {
        [&mut self.name, &mut self.account, &mut self.ifsc, &mut self.mobile]
    }
}

impl Register {
    /// Takes an instruction in, in the place of the one with the same number if there is one.
    pub(super) fn know(&mut self, mut instruction: Value) {
        let number = number_of(&instruction).map(str::to_owned);
        for beneficiary in beneficiaries_mut(&mut instruction) {
            self.know_person(number.as_deref(), beneficiary);
        }
        let known = number.as_ref().and_then(|number| self.places.get(number)).copied();
        let row = Row {
            tenant: text(&instruction, "tenantId").unwrap_or_default().to_owned(),
            number,
            is_revised: text(&instruction, "parentPiNumber").is_some(),
            json: instruction.to_string().into(),
        };
        match known {
            Some(place) => drop(self.rows.insert(place, row)),
            None => self.append(row),
        }
    }

    fn append(&mut self, row: Row) {
        self.last += 1;
        if let Some(number) = &row.number {
            self.places.insert(number.clone(), self.last);
        }
        self.rows.insert(self.last, row);
    }

    /// Takes what is told of a person out of a beneficiary. A null takes away what was known, what is
    /// not there leaves it.
    fn know_person(&mut self, number: Option<&str>, beneficiary: &mut Value) {
        let key = person_key(number, beneficiary);
        let is_individual = text(beneficiary, "beneficiaryType").is_none_or(|kind| kind == "IND");
        let Some(fields) = beneficiary.as_object_mut() else { return };
        let person = self.people.entry(key).or_default();
        person.is_organisation = !is_individual;
        for (field, known) in INLINE.into_iter().zip(person.inline_mut()) {
            match fields.shift_remove(field) {
                None => {}
                Some(Value::String(told)) if !told.trim().is_empty() => *known = Some(told),
                Some(Value::Number(told)) => *known = Some(told.to_string()),
                Some(_) => *known = None,
            }
        }
    }

    /// Forgets an instruction; its people stay.
    pub(super) fn forget(&mut self, number: &str) {
        if let Some(place) = self.places.remove(number) {
            self.rows.remove(&place);
        }
    }

    /// Moves the first instruction to the end.
    pub(super) fn shift(&mut self) {
        if let Some((_, first)) = self.rows.pop_first() {
            self.append(first);
        }
    }

    /// In the order in which they became known.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The instruction with this number.
    pub(super) fn row(&self, number: &str) -> Option<&Row> {
        self.rows.get(self.places.get(number)?)
    }

    /// The person with this `beneficiaryId`.
    pub(super) fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(id)
    }

    /// The instructions with what is known of their people.
    pub(super) fn instructions(&self) -> Vec<Value> {
        self.rows.values().filter_map(|row| self.whole(row)).collect()
    }

    fn whole(&self, row: &Row) -> Option<Value> {
        let mut instruction: Value = serde_json::from_str(&row.json).ok()?;
        for beneficiary in beneficiaries_mut(&mut instruction) {
            let Some(person) = self.people.get(&person_key(row.number.as_deref(), beneficiary)) else {
                continue;
            };
            for (field, known) in INLINE.into_iter().zip(person.inline()) {
                if let Some(known) = known {
                    beneficiary[field] = known.as_str().into();
                }
            }
        }
        Some(instruction)
    }

    /// Applies a status that came back to the instruction that it is of, if that one is known. Where it says
    /// nothing new, nothing is modified: what is pulled and told back in turn comes to rest.
    pub(super) fn apply(&mut self, status: &Value, now_in_millis: i64) {
        let place = number_of(status).and_then(|number| self.places.get(number));
        let Some(row) = place.and_then(|place| self.rows.get_mut(place)) else { return };
        let Ok(before) = serde_json::from_str::<Value>(&row.json) else { return };
        let mut instruction = before.clone();
        copy_told(status, &mut instruction, "piStatus");
        if status["paDetails"].as_array().is_some_and(|advices| !advices.is_empty()) {
            copy_told(status, &mut instruction, "paDetails");
        }
        for beneficiary in beneficiaries_mut(&mut instruction) {
            let told = status["beneficiaryDetails"].as_array().into_iter().flatten();
            let Some(told) = told.into_iter().find(|told| is_same_payment(told, beneficiary)) else {
                continue;
            };
            for field in PAYMENT {
                copy_told(told, beneficiary, field);
            }
            // A payment that is no longer failed has no reason.
            if !told["paymentStatusMessage"].is_null() || !beneficiary["paymentStatusMessage"].is_null() {
                beneficiary["paymentStatusMessage"] = told["paymentStatusMessage"].clone();
            }
        }
        if instruction == before {
            return;
        }
        let modified = instruction["auditDetails"]["lastModifiedTime"].as_i64();
        let later = modified.map_or(now_in_millis, |before| now_in_millis.max(before.saturating_add(1)));
        instruction["auditDetails"]["lastModifiedTime"] = later.into();
        row.json = instruction.to_string().into();
    }
}

fn copy_told(from: &Value, to: &mut Value, field: &str) {
    if let Some(told) = from.get(field).filter(|told| !told.is_null()) {
        to[field] = told.clone();
    }
}

fn is_same_payment(one: &Value, other: &Value) -> bool {
    let payment_id = |beneficiary| text(beneficiary, "beneficiaryNumber");
    matches!((payment_id(one), payment_id(other)), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
}

/// Whom a beneficiary is known as. Nobody asks for those without an ID.
fn person_key(number: Option<&str>, beneficiary: &Value) -> String {
    match text(beneficiary, "beneficiaryId") {
        Some(id) => id.to_owned(),
        None => format!(
            "{} {}",
            number.unwrap_or_default(),
            text(beneficiary, "beneficiaryNumber").unwrap_or_default()
        ),
    }
}

/// A PI's number; none of one that never reached JIT.
pub(super) fn number_of(instruction: &Value) -> Option<&str> {
    text(instruction, "jitBillNo").filter(|number| !number.eq_ignore_ascii_case("NA"))
}

/// A field's text, if it tells anything.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A PI's beneficiaries.
pub(super) fn beneficiaries_mut(instruction: &mut Value) -> impl Iterator<Item = &mut Value> {
    let list = instruction.get_mut("beneficiaryDetails").and_then(Value::as_array_mut);
    // Whatever is no object has no fields to read or change.
    list.into_iter().flatten().filter(|one| one.is_object())
}
