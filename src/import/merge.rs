//! What becomes of an instruction that is here already when MUKTASoft tells of it again
//! (DOMAIN.md §8, last paragraph). Pure.

use std::collections::HashMap;

use chrono::{NaiveDateTime, SecondsFormat};

use super::instruction::{DONE_TOO_EARLY, in_process};
use super::spelling::{importable, read_date, read_pi_status};
use crate::domain::record::{
    AdviceRecord, BeneficiaryRecord, InstructionRecord, Lifecycle, PaymentFacts, Version,
};
use crate::domain::{CompletedBy, PaymentStatus, PiStatus};
use crate::store::exporting::{FtpsReferences, Known};

/// An instruction brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// As it stands now.
    pub(super) version: Version,
    /// What of the record deserves a look.
    pub(super) notes: Vec<String>,
}

/// An instruction that is not here yet.
pub(super) fn first(record: InstructionRecord) -> Version {
    let in_process = record.status == PiStatus::InProcess;
    let in_process_since = in_process.then_some(record.created_at);
    Version { lifecycle: Lifecycle { in_process_since, ..Lifecycle::default() }, record }
}

/// An instruction that is here, as `told` changes it; what is at fault with it, if it cannot be.
pub(super) fn merge(known: &Known, told: InstructionRecord, now: NaiveDateTime) -> Result<Merged, String> {
    let before = &known.version.record;
    if let (Some(here), Some(then)) = (before.modified_at, told.modified_at)
        && then < here
    {
        let note = format!(
            "this record is older ({}) than what is here ({}): it changes nothing",
            then.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true),
            here.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        return Ok(Merged { version: known.version.clone(), notes: vec![note] });
    }
    let told = with_parent_of(before, told)?;
    let payments = Payments::of(known, &told, now);
    let status = match (before.status, payments) {
        (PiStatus::Completed, _) => PiStatus::Completed,
        (status, Payments::BeingAsked) => status,
        (_, _) => told.status,
    };
    let told_status = match payments {
        // What MUKTASoft's word was before it heard of the payment is no news, nor that it has heard.
        Payments::BroughtByFtps(_) => before.told_status.clone(),
        _ if status == told.status => told.told_status,
        _ => before.told_status.clone(),
    };
    let advices = match payments {
        Payments::BroughtByFtps(_) => muktasofts_advices(known, told.advices),
        _ => told.advices,
    };
    let mut notes = Vec::new();
    let beneficiaries = beneficiaries(payments, &before.beneficiaries, told.beneficiaries, &mut notes);
    if payments == Payments::BeingAsked && told.status != before.status {
        notes.push(
            "JIT is being asked about it at this moment, and its statuses are left to the answer: import it again \
             to bring them"
                .to_owned(),
        );
    }
    let lifecycle = lifecycle(&known.version.lifecycle, before.status, status, now);
    // The treasury's reason is not taken back by a record that is silent about it.
    let is_silent = told.error_response.is_none() && status == before.status;
    let error_response = if is_silent { before.error_response.clone() } else { told.error_response };
    let record = InstructionRecord {
        number: before.number.clone(),
        status,
        told_status,
        modified_at: told.modified_at.or(before.modified_at),
        error_response,
        advices,
        beneficiaries,
        ..told
    };
    Ok(Merged { version: Version { record, lifecycle }, notes })
}

/// A known revised PI whose parent a file leaves out keeps its parent, and its words are read as a revised
/// PI's.
fn with_parent_of(
    before: &InstructionRecord,
    mut told: InstructionRecord,
) -> Result<InstructionRecord, String> {
    if told.parent_number.is_some() || before.parent_number.is_none() {
        return Ok(told);
    }
    told.parent_number.clone_from(&before.parent_number);
    let status = told.told_status.as_deref().and_then(|word| read_pi_status(word, true));
    if let Some(status) = status.filter(|status| *status != told.status) {
        told.status = status;
        for one in &mut told.beneficiaries {
            one.payment.status = in_process(one.payment.status)
                .ok_or_else(|| format!("{}: {DONE_TOO_EARLY}", one.payment_id))?;
        }
    }
    Ok(told)
}

/// Who has the say on where the payments stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payments {
    /// FTPS completed it: what it brought stays, unless it came back.
    BroughtByFtps(News),
    /// A call is under way: the statuses are left to it.
    BeingAsked,
    /// Completed, and the file is older than that: only what is final is news.
    FollowFinal,
    /// MUKTASoft.
    Follow,
}

/// What a record may tell of payments that FTPS reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Nothing: it is of before the completion.
    None,
    /// It does not say of when it is.
    Undated,
    /// It is of after the completion, and newer than what is here or not.
    Dated {
        /// When a payment that it says failed came back; `None` if its status tells of no such thing.
        returned_at: Option<NaiveDateTime>,
        newer: bool,
    },
}

impl Payments {
    fn of(known: &Known, told: &InstructionRecord, now: NaiveDateTime) -> Self {
        let completed = known.version.record.status == PiStatus::Completed;
        if known.was_completed_by_ftps() {
            Self::BroughtByFtps(News::of(known, told, now))
        } else if known.is_claimed(now) {
            Self::BeingAsked
        } else if completed && told.status != PiStatus::Completed {
            Self::FollowFinal
        } else {
            Self::Follow
        }
    }

    fn facts(self, here: &PaymentFacts, told: PaymentFacts) -> PaymentFacts {
        let is_final = matches!(told.status, PaymentStatus::Successful | PaymentStatus::Failed);
        match self {
            Self::BroughtByFtps(_) | Self::BeingAsked => here.clone(),
            Self::FollowFinal if !is_final => here.clone(),
            Self::FollowFinal | Self::Follow => told,
        }
    }
}

impl News {
    fn of(known: &Known, told: &InstructionRecord, now: NaiveDateTime) -> Self {
        let completed_at = known.version.lifecycle.completed_at;
        let tells_of_returns = told.told_status.as_deref().is_some_and(|word| {
            ["PARTIAL", "COMPLETED"].iter().any(|partial| partial.eq_ignore_ascii_case(word))
        });
        match told.modified_at {
            None => Self::Undated,
            Some(at) if completed_at.is_none_or(|completed| at > completed) => Self::Dated {
                returned_at: tells_of_returns.then_some(now),
                newer: known.version.record.modified_at.is_none_or(|here| at > here),
            },
            Some(_) => Self::None,
        }
    }

    /// A beneficiary that FTPS reported paid, as this news changes where the payment stands.
    fn apply(self, here: &BeneficiaryRecord, told: &BeneficiaryRecord, into: &mut BeneficiaryRecord) {
        into.payment = here.payment.clone();
        (into.disputed, into.returned_at) = (here.disputed, here.returned_at);
        match (self, told.payment.status) {
            (Self::Dated { returned_at: Some(at), .. }, PaymentStatus::Failed) => {
                into.payment.status = PaymentStatus::Failed;
                into.payment.failure_reason.clone_from(&told.payment.failure_reason);
                into.returned_at = here.returned_at.or(Some(at));
                into.disputed = false;
            }
            (Self::Dated { .. } | Self::Undated, PaymentStatus::Failed) => {
                into.disputed = here.returned_at.is_none();
            }
            (Self::Dated { newer, .. }, PaymentStatus::Successful) => {
                if newer && here.returned_at.is_some() {
                    into.payment.status = PaymentStatus::Successful;
                    into.payment.failure_reason = None;
                    into.returned_at = None;
                }
                into.disputed = told.disputed;
            }
            (Self::Undated, PaymentStatus::Successful) => into.disputed = told.disputed,
            _ => into.disputed |= told.disputed,
        }
    }
}

fn lifecycle(before: &Lifecycle, was: PiStatus, is: PiStatus, now: NaiveDateTime) -> Lifecycle {
    match (was, is) {
        (PiStatus::InProcess, PiStatus::Completed) => Lifecycle {
            completed_at: Some(now),
            completed_by: Some(CompletedBy::Muktasoft),
            ..before.clone()
        },
        (was, PiStatus::InProcess) if was != is => {
            Lifecycle { in_process_since: Some(now), ..before.clone() }
        }
        _ => before.clone(),
    }
}

/// The beneficiaries in the file's order.
fn beneficiaries(
    payments: Payments,
    before: &[BeneficiaryRecord],
    told: Vec<BeneficiaryRecord>,
    notes: &mut Vec<String>,
) -> Vec<BeneficiaryRecord> {
    let mut here: HashMap<String, &BeneficiaryRecord> =
        before.iter().map(|one| (one.payment_key(), one)).collect();
    let mut left_out = 0;
    let mut merged = Vec::with_capacity(told.len());
    for one in told {
        match (here.remove(&one.payment_key()), payments) {
            (Some(known), _) => merged.push(beneficiary(payments, known, one, notes)),
            (None, Payments::BroughtByFtps(_)) => left_out += 1,
            (None, Payments::BeingAsked) => merged.push(BeneficiaryRecord { payment: waiting(), ..one }),
            (None, _) => merged.push(one),
        }
    }
    if matches!(payments, Payments::BroughtByFtps(_)) {
        // Money went to them: they stay, whether the file lists them or not.
        merged.extend(before.iter().filter(|one| here.contains_key(&one.payment_key())).cloned());
    }
    if left_out > 0 {
        notes.push(format!(
            "FTPS has completed it without {left_out} of the beneficiaries that MUKTASoft now lists; they are left out"
        ));
    }
    merged
}

fn beneficiary(
    payments: Payments,
    here: &BeneficiaryRecord,
    told: BeneficiaryRecord,
    notes: &mut Vec<String>,
) -> BeneficiaryRecord {
    let mut merged = person(here, &told);
    match payments {
        Payments::BroughtByFtps(news) => {
            news.apply(here, &told, &mut merged);
            if merged.disputed && told.payment.status == PaymentStatus::Failed {
                let lacks = match news {
                    News::Undated => "without lastModifiedTime",
                    _ => "in a record that is neither PARTIAL nor COMPLETED",
                };
                notes.push(format!(
                    "{}: Payment Failed of what FTPS reported paid, {lacks}: it changes nothing, and is flagged",
                    here.payment_id
                ));
            }
        }
        _ => {
            merged.payment = payments.facts(&here.payment, told.payment);
            merged.disputed = told.disputed && payments != Payments::BeingAsked;
        }
    }
    let was_made = here.payment.status == PaymentStatus::Successful || here.returned_at.is_some();
    let is_made = merged.payment.status == PaymentStatus::Successful || merged.returned_at.is_some();
    if was_made && is_made {
        as_it_was_paid(here, &mut merged);
    }
    merged
}

/// What MUKTASoft owns of a person. Names, accounts and mobile numbers are not in the adapter's own
/// answer: that it does not tell them does not mean that they are gone, while the person is the same. An
/// account and its branch go together.
fn person(here: &BeneficiaryRecord, told: &BeneficiaryRecord) -> BeneficiaryRecord {
    let is_same = told.beneficiary_id.is_none() || told.beneficiary_id == here.beneficiary_id;
    let kept = |told: &Option<String>, here: &Option<String>| {
        told.clone().or_else(|| here.clone().filter(|_| is_same))
    };
    let repeats = |told: &Option<String>, here: &Option<String>| told.is_none() || told == here;
    let is_same_bank = repeats(&told.account, &here.account) && repeats(&told.ifsc, &here.ifsc);
    let (account, ifsc) = if is_same_bank {
        (kept(&told.account, &here.account), kept(&told.ifsc, &here.ifsc))
    } else {
        (told.account.clone(), told.ifsc.clone())
    };
    BeneficiaryRecord {
        beneficiary_id: told.beneficiary_id.clone().or_else(|| here.beneficiary_id.clone()),
        name: kept(&told.name, &here.name),
        account,
        ifsc,
        mobile: kept(&told.mobile, &here.mobile),
        ..told.clone()
    }
}

/// The amount that was paid stays, and who was paid is not forgotten.
fn as_it_was_paid(here: &BeneficiaryRecord, merged: &mut BeneficiaryRecord) {
    let told = merged.told_amount.unwrap_or(merged.amount);
    merged.amount = here.amount;
    merged.told_amount = (told != here.amount).then_some(told);
    let paid = here.paid_beneficiary_id.as_ref().or(here.beneficiary_id.as_ref());
    merged.paid_beneficiary_id = paid.filter(|paid| merged.beneficiary_id.as_ref() != Some(*paid)).cloned();
}

/// Where the payment of a beneficiary stands that is added while JIT is asked.
fn waiting() -> PaymentFacts {
    PaymentFacts {
        status: PaymentStatus::InProcess,
        failure_reason: None,
        utr: None,
        utr_date: None,
        end_to_end_id: None,
        voucher_number: None,
        voucher_date: None,
    }
}

/// What FTPS told of a PI, as the export puts it into a payment advice.
pub(super) fn ftps_advice(ftps: &FtpsReferences) -> AdviceRecord {
    AdviceRecord {
        bill_reference: ftps.bill_reference.as_deref().and_then(importable),
        token_number: ftps.token_number.as_deref().and_then(importable),
        token_date: ftps.token_date.as_deref().and_then(importable).as_deref().map(read_date),
        ..AdviceRecord::default()
    }
}

/// The payment advice with what FTPS told in the first of its entries, for the export.
pub(super) fn advices_with_ftps(known: &Known) -> Vec<AdviceRecord> {
    let mut advices = known.version.record.advices.clone();
    let ftps = ftps_advice(&known.ftps);
    if known.was_completed_by_ftps() && ftps != AdviceRecord::default() {
        if advices.is_empty() {
            advices.push(AdviceRecord::default());
        }
        let first = &mut advices[0];
        first.bill_reference = ftps.bill_reference.or_else(|| first.bill_reference.take());
        first.token_number = ftps.token_number.or_else(|| first.token_number.take());
        first.token_date = ftps.token_date.or_else(|| first.token_date.take());
    }
    advices
}

/// The other way round: the payment advice without what FTPS told, which MUKTASoft only repeats.
fn muktasofts_advices(known: &Known, mut told: Vec<AdviceRecord>) -> Vec<AdviceRecord> {
    let ftps = ftps_advice(&known.ftps);
    let own = known.version.record.advices.first().cloned().unwrap_or_default();
    if let Some(first) = told.first_mut() {
        let unless_repeated = |field: &mut Option<String>, ftps: Option<String>, own: Option<String>| {
            if ftps.is_some() && *field == ftps {
                *field = own;
            }
        };
        unless_repeated(&mut first.bill_reference, ftps.bill_reference, own.bill_reference);
        unless_repeated(&mut first.token_number, ftps.token_number, own.token_number);
        unless_repeated(&mut first.token_date, ftps.token_date, own.token_date);
        if *first == AdviceRecord::default() {
            told.remove(0);
        }
    }
    told
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
