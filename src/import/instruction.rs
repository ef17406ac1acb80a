//! One element of `paymentInstructions` → a record, or every fault in it (DOMAIN.md §8).

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

use super::fault::Faults;
use super::fields::{Object, Path, stands_for_none};
use super::reading::Element;
use super::spelling::{TEXT_MAX_CHARS, read_date, read_day, read_payment_status, read_pi_status};
use crate::domain::record::{AdviceRecord, BeneficiaryRecord, InstructionRecord, PaymentFacts, folded};
use crate::domain::sentence::Around;
use crate::domain::text::one_line;
use crate::domain::{PaymentStatus, PiStatus};

/// The longest PI number and payment ID, in characters.
const NUMBER_MAX_CHARS: usize = 128;
/// The longest tenant id.
const TENANT_MAX_CHARS: usize = 64;
/// The longest reason of a failure.
const REASON_MAX_CHARS: usize = 4000;
/// Instants taken for such: 2000-01-01 to 2100-01-01 in epoch milliseconds. Epoch seconds, the usual
/// mistake, lie far below.
const INSTANTS_IN_MILLIS: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// Reads the instructions of one input and remembers its faults.
#[derive(Default)]
pub(super) struct InstructionReader {
    faults: Faults,
    /// Which element brought a PI number, in one case, first.
    numbers: HashMap<String, usize>,
}

/// What was read of one element.
#[derive(Debug)]
pub(super) enum ReadElement {
    /// An instruction.
    Record(Box<InstructionRecord>),
    /// One without a number: it never reached JIT.
    WithoutNumber,
    /// One with faults, which are told.
    Faulty,
}

impl InstructionReader {
    pub(super) fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// The faults since they were last taken.
    pub(super) fn take_faults(&mut self) -> Faults {
        std::mem::take(&mut self.faults)
    }

    /// The faults, and the PI numbers of the input.
    pub(super) fn finished(self) -> (Faults, Vec<String>) {
        (self.faults, self.numbers.into_keys().collect())
    }

    /// What element `index` is.
    pub(super) fn read(&mut self, index: usize, element: &Element) -> ReadElement {
        let before = self.faults.count();
        for key in &element.twice {
            self.faults.add(format_args!("{}{key}", Path::Instruction(index)), "is there more than once");
        }
        if self.faults.count() == before && has_no_number(&element.value) {
            return ReadElement::WithoutNumber;
        }
        match self.record(index, &element.value) {
            Some(record) if self.faults.count() == before => ReadElement::Record(Box::new(record)),
            _ => ReadElement::Faulty,
        }
    }

    fn record(&mut self, index: usize, element: &Value) -> Option<InstructionRecord> {
        let at = Path::Instruction(index);
        let pi = Object::of(at, Some(element), &mut self.faults)?;
        let number = self.number(index, &pi);
        let faults = &mut self.faults;
        let tenant_id = tenant(&pi, faults);
        let parent_number = pi.id("parentPiNumber", NUMBER_MAX_CHARS, faults);
        let told_status = pi.required_text("piStatus", TEXT_MAX_CHARS, faults);
        let status =
            told_status.as_deref().and_then(|told| pi_status(&pi, told, parent_number.is_some(), faults));
        let gross = pi.amount("grossAmount", faults);
        let net = pi.required_amount("netAmount", faults);
        let details_path = Path::Key(&at, "additionalDetails");
        let details = Object::of(details_path, pi.get("additionalDetails"), faults)?;
        let audit_path = Path::Key(&at, "auditDetails");
        let audit = Object::of(audit_path, pi.get("auditDetails"), faults)?;
        let created_at = created_time(&audit, faults);
        let modified_at = modified_time(&audit, faults);
        let advices = advices(&pi, faults);
        let beneficiaries = beneficiaries(&pi, status, faults);
        let mut record = InstructionRecord {
            external_id: pi.number("id", TEXT_MAX_CHARS, faults),
            mukta_reference_id: pi.number("muktaReferenceId", TEXT_MAX_CHARS, faults),
            is_active: pi.flag("isActive", true, faults),
            gross,
            bill_numbers: details.numbers("billNumber", TEXT_MAX_CHARS, faults),
            head_of_account: details.number("hoaCode", TEXT_MAX_CHARS, faults),
            master_allotment_id: details.number("mstAllotmentId", TEXT_MAX_CHARS, faults),
            advices,
            parent_number,
            tenant_id: tenant_id?,
            number: number?,
            status: status?,
            told_status,
            error_response: error_response(&pi),
            net: net?,
            created_at: created_at?,
            modified_at,
            beneficiaries: beneficiaries?,
        };
        let around = Around::record(&record);
        let mask = |told: &mut Option<String>| *told = told.as_deref().map(|told| around.masked(told));
        mask(&mut record.error_response);
        record.beneficiaries.iter_mut().for_each(|one| mask(&mut one.payment.failure_reason));
        Some(record)
    }

    fn number(&mut self, index: usize, pi: &Object<'_>) -> Option<String> {
        let number = pi.required_id("jitBillNo", NUMBER_MAX_CHARS, &mut self.faults)?;
        match self.numbers.get(&folded(&number)) {
            Some(first) => {
                let problem = format_args!("is already the number of paymentInstructions[{first}]");
                self.faults.add(pi.path("jitBillNo"), problem);
            }
            None => {
                self.numbers.insert(folded(&number), index);
            }
        }
        Some(number)
    }
}

/// Whether it is an instruction whose number is absent, blank or `NA`.
fn has_no_number(element: &Value) -> bool {
    element.as_object().is_some_and(|fields| match fields.get("jitBillNo") {
        None | Some(Value::Null) => true,
        Some(number) => number.as_str().is_some_and(stands_for_none),
    })
}

fn tenant(pi: &Object<'_>, faults: &mut Faults) -> Option<String> {
    let tenant = pi.required_text("tenantId", TENANT_MAX_CHARS, faults)?;
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !tenant.bytes().all(known) || tenant.starts_with('.') {
        faults
            .add(pi.path("tenantId"), "is not a tenant: letters, digits, dots and dashes, such as od.jatni");
        return None;
    }
    Some(tenant)
}

fn pi_status(pi: &Object<'_>, told: &str, revised: bool, faults: &mut Faults) -> Option<PiStatus> {
    let status = read_pi_status(told, revised);
    if status.is_none() {
        faults.add(pi.path("piStatus"), format_args!("“{told}” is not a status of a payment instruction"));
    }
    status
}

/// The treasury's reason on one line, at most so long as a reason may be.
fn error_response(pi: &Object<'_>) -> Option<String> {
    let told = match pi.get("piErrorResp")? {
        Value::String(told) => told.clone(),
        other => other.to_string(),
    };
    let told = one_line(&told);
    let told: String = told.chars().take(REASON_MAX_CHARS).collect();
    let told = told.trim_end().to_owned();
    (!stands_for_none(&told)).then_some(told)
}

fn created_time(audit: &Object<'_>, faults: &mut Faults) -> Option<NaiveDateTime> {
    let spelt = if audit.get("createdTime").is_none() && audit.get("created_time").is_some() {
        "created_time"
    } else {
        "createdTime"
    };
    let text = audit.required_text(spelt, TEXT_MAX_CHARS, faults)?;
    instant(audit, spelt, &text, faults)
}

/// When MUKTASoft last changed it; 0 stands for never.
fn modified_time(audit: &Object<'_>, faults: &mut Faults) -> Option<NaiveDateTime> {
    let spelt =
        if audit.get("lastModifiedTime").is_some() { "lastModifiedTime" } else { "last_modified_time" };
    let text = audit.text(spelt, TEXT_MAX_CHARS, faults).filter(|text| text != "0")?;
    instant(audit, spelt, &text, faults)
}

fn instant(audit: &Object<'_>, key: &'static str, text: &str, faults: &mut Faults) -> Option<NaiveDateTime> {
    let millis = text.parse().ok().filter(|millis| INSTANTS_IN_MILLIS.contains(millis));
    let instant = millis.and_then(DateTime::from_timestamp_millis);
    if instant.is_none() {
        faults.add(audit.path(key), "is not a time in epoch milliseconds, such as 1699142400000");
    }
    Some(instant?.naive_utc())
}

fn advices(pi: &Object<'_>, faults: &mut Faults) -> Vec<AdviceRecord> {
    let mut advices = Vec::new();
    let list = pi.path("paDetails");
    for (i, element) in pi.list("paDetails", faults).iter().enumerate() {
        if element.is_null() {
            continue;
        }
        let Some(advice) = Object::of(Path::Item(&list, i), Some(element), faults) else { continue };
        let [advice_date, token_date] = ["paAdviceDate", "paTokenDate"]
            .map(|key| advice.day(key, TEXT_MAX_CHARS, faults).as_deref().map(read_date));
        let mut number = |key| advice.number(key, TEXT_MAX_CHARS, faults);
        let record = AdviceRecord {
            bill_reference: number("paBillRefNumber"),
            financial_year: number("paFinYear"),
            advice_id: number("paAdviceId"),
            advice_date,
            token_number: number("paTokenNumber"),
            token_date,
        };
        if record != AdviceRecord::default() {
            advices.push(record);
        }
    }
    advices
}

fn beneficiaries(
    pi: &Object<'_>,
    status: Option<PiStatus>,
    faults: &mut Faults,
) -> Option<Vec<BeneficiaryRecord>> {
    let list = pi.path("beneficiaryDetails");
    let before = faults.count();
    let elements = pi.list("beneficiaryDetails", faults);
    let mut told = elements.iter().enumerate().filter(|(_, element)| !element.is_null()).peekable();
    if told.peek().is_none() && faults.count() == before {
        faults.add(list, "is missing or empty: a payment instruction has at least one beneficiary");
    }
    let mut firsts = HashMap::new();
    let mut records = Vec::with_capacity(elements.len());
    for (i, element) in told {
        let Some(one) = Object::of(Path::Item(&list, i), Some(element), faults) else { continue };
        let Some(record) = beneficiary(&one, status, faults) else { continue };
        if let Some(first) = firsts.insert(record.payment_key(), i) {
            let problem = format_args!("is already the payment ID of beneficiaryDetails[{first}]");
            faults.add(one.path("beneficiaryNumber"), problem);
        }
        records.push(record);
    }
    Some(records)
}

fn beneficiary(one: &Object<'_>, status: Option<PiStatus>, faults: &mut Faults) -> Option<BeneficiaryRecord> {
    let payment_id = one.required_id("beneficiaryNumber", NUMBER_MAX_CHARS, faults);
    let amount = one.required_amount("amount", faults);
    let payment_status = payment_status(one, status, faults);
    let failure_reason = one.sentence("paymentStatusMessage", REASON_MAX_CHARS, faults);
    let disputed = one.flag("disputed", false, faults) && status == Some(PiStatus::Completed);
    let told_amount = one.amount("toldAmount", faults).filter(|_| status == Some(PiStatus::Completed));
    let name = one.name("benefName", TEXT_MAX_CHARS, faults);
    let utr_date = one.day("utrDate", TEXT_MAX_CHARS, faults).as_deref().map(read_date);
    let voucher_date = one.day("voucherDate", TEXT_MAX_CHARS, faults).as_deref().map(read_day);
    let mut number = |key| one.number(key, TEXT_MAX_CHARS, faults);
    let record = BeneficiaryRecord {
        beneficiary_id: number("beneficiaryId"),
        beneficiary_type: number("beneficiaryType"),
        name,
        account: number("benfAcctNo"),
        ifsc: number("benfBankIfscCode"),
        mobile: number("benfMobileNo"),
        payment: PaymentFacts {
            failure_reason,
            utr: number("utrNo"),
            utr_date,
            end_to_end_id: number("endToEndId"),
            voucher_number: number("voucherNumber"),
            voucher_date,
            status: payment_status?,
        },
        disputed,
        returned_at: None,
        told_amount,
        paid_beneficiary_id: number("paidBeneficiaryId").filter(|_| status == Some(PiStatus::Completed)),
        payment_id: payment_id?,
        amount: amount?,
    };
    Some(record)
}

/// Where a payment stands on a PI In Process: none is merely pending any more. `None` if it cannot be.
pub(super) const fn in_process(told: PaymentStatus) -> Option<PaymentStatus> {
    match told {
        PaymentStatus::Successful => None,
        PaymentStatus::Pending | PaymentStatus::Initiated | PaymentStatus::InProcess => {
            Some(PaymentStatus::InProcess)
        }
        PaymentStatus::Failed => Some(PaymentStatus::Failed),
    }
}

/// What is told of a payment that is done on a PI In Process.
pub(super) const DONE_TOO_EARLY: &str =
    "cannot be Payment Successful while the payment instruction is In Process";

fn payment_status(
    one: &Object<'_>,
    pi_status: Option<PiStatus>,
    faults: &mut Faults,
) -> Option<PaymentStatus> {
    let text = one.required_text("paymentStatus", TEXT_MAX_CHARS, faults)?;
    let Some(told) = read_payment_status(&text) else {
        faults.add(one.path("paymentStatus"), format_args!("“{text}” is not a payment status"));
        return None;
    };
    if pi_status != Some(PiStatus::InProcess) {
        return Some(told);
    }
    let status = in_process(told);
    if status.is_none() {
        faults.add(one.path("paymentStatus"), DONE_TOO_EARLY);
    }
    status
}

#[cfg(test)]
#[path = "instruction_tests.rs"]
mod tests;
