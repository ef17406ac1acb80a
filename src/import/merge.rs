//! What becomes of an instruction that is here already when MUKTASoft tells of it again
//! (DOMAIN.md §8, last paragraph). Pure.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::spelling::{importable, read_date};
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
    /// Beneficiaries that the file adds to a PI that FTPS has completed without them: left out.
    pub(super) left_out: usize,
}

/// An instruction that is not here yet.
pub(super) fn first(record: InstructionRecord) -> Version {
    let in_process = record.status == PiStatus::InProcess;
    let in_process_since = in_process.then_some(record.created_at);
    Version { lifecycle: Lifecycle { in_process_since, ..Lifecycle::default() }, record }
}

/// An instruction that is here, as `told` changes it.
pub(super) fn merge(known: &Known, told: InstructionRecord, now: NaiveDateTime) -> Merged {
    let before = &known.version.record;
    let payments = Payments::of(known, told.status, now);
    let status = match (before.status, payments) {
        (PiStatus::Completed, _) => PiStatus::Completed,
        (status, Payments::BeingAsked) => status,
        (_, _) => told.status,
    };
    let advices = match payments {
        Payments::BroughtByFtps => muktasofts_advices(known, told.advices),
        _ => told.advices,
    };
    let (beneficiaries, left_out) =
        beneficiaries(payments, &before.beneficiaries, told.beneficiaries, status);
    let lifecycle = lifecycle(&known.version.lifecycle, before.status, status, now);
    let record = InstructionRecord { status, advices, beneficiaries, ..told };
    Merged { version: Version { record, lifecycle }, left_out }
}

/// Who has the say on where the payments stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payments {
    /// FTPS completed it: what it brought stays.
    BroughtByFtps,
    /// A call is under way: the statuses are left to it.
    BeingAsked,
    /// Completed, and the file is older than that: only what is final is news.
    FollowFinal,
    /// MUKTASoft.
    Follow,
}

impl Payments {
    fn of(known: &Known, told: PiStatus, now: NaiveDateTime) -> Self {
        let completed = known.version.record.status == PiStatus::Completed;
        if known.was_completed_by_ftps() {
            Self::BroughtByFtps
        } else if known.is_claimed(now) {
            Self::BeingAsked
        } else if completed && told != PiStatus::Completed {
            Self::FollowFinal
        } else {
            Self::Follow
        }
    }

    fn facts(self, here: &PaymentFacts, told: PaymentFacts) -> PaymentFacts {
        let is_final = matches!(told.status, PaymentStatus::Successful | PaymentStatus::Failed);
        match self {
            Self::BroughtByFtps | Self::BeingAsked => here.clone(),
            Self::FollowFinal if !is_final => here.clone(),
            Self::FollowFinal | Self::Follow => told,
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

/// The beneficiaries in the file's order, and how many of the file's are left out.
fn beneficiaries(
    payments: Payments,
    before: &[BeneficiaryRecord],
    told: Vec<BeneficiaryRecord>,
    status: PiStatus,
) -> (Vec<BeneficiaryRecord>, usize) {
    let mut here: HashMap<String, &BeneficiaryRecord> =
        before.iter().map(|one| (one.payment_key(), one)).collect();
    let mut left_out = 0;
    let mut merged = Vec::with_capacity(told.len());
    for one in told {
        match (here.remove(&one.payment_key()), payments) {
            (Some(known), _) => merged.push(beneficiary(payments, known, one, status)),
            (None, Payments::BroughtByFtps) => left_out += 1,
            (None, Payments::BeingAsked) => merged.push(BeneficiaryRecord { payment: waiting(), ..one }),
            (None, _) => merged
                .push(BeneficiaryRecord { disputed: one.disputed && status == PiStatus::Completed, ..one }),
        }
    }
    if payments == Payments::BroughtByFtps {
        // Money went to them: they stay, whether the file lists them or not.
        merged.extend(before.iter().filter(|one| here.contains_key(&one.payment_key())).cloned());
    }
    (merged, left_out)
}

fn beneficiary(
    payments: Payments,
    here: &BeneficiaryRecord,
    told: BeneficiaryRecord,
    status: PiStatus,
) -> BeneficiaryRecord {
    // Names, accounts and mobile numbers are not in the adapter's own answer: that it does not tell
    // them does not mean that they are gone. An account and its branch go together.
    let bank_told = told.account.is_some() || told.ifsc.is_some();
    let bank = if bank_told { (told.account, told.ifsc) } else { (here.account.clone(), here.ifsc.clone()) };
    let disputed = match payments {
        Payments::BroughtByFtps => told.disputed || told.payment.status == PaymentStatus::Failed,
        _ => told.disputed && status == PiStatus::Completed,
    };
    BeneficiaryRecord {
        name: told.name.or_else(|| here.name.clone()),
        account: bank.0,
        ifsc: bank.1,
        mobile: told.mobile.or_else(|| here.mobile.clone()),
        payment: payments.facts(&here.payment, told.payment),
        disputed,
        ..told
    }
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
