use chrono::{DateTime, TimeDelta};

use super::*;
use crate::domain::Paise;
use crate::store::exporting::BeneficiaryPlace;

fn now() -> NaiveDateTime {
    DateTime::from_timestamp_millis(1_700_000_000_000).unwrap().naive_utc()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn facts(status: PaymentStatus) -> PaymentFacts {
    PaymentFacts { status, ..waiting() }
}

fn person_named(payment_id: &str, status: PaymentStatus) -> BeneficiaryRecord {
    BeneficiaryRecord {
        payment_id: payment_id.to_owned(),
        beneficiary_id: None,
        beneficiary_type: None,
        name: text("Asha"),
        account: text("30131500001"),
        ifsc: text("SBIN0000001"),
        mobile: text("9437000001"),
        amount: Paise(100),
        payment: facts(status),
        disputed: false,
    }
}

fn record(status: PiStatus, people: Vec<BeneficiaryRecord>) -> InstructionRecord {
    InstructionRecord {
        tenant_id: "od.jatni".to_owned(),
        number: "PI-2".to_owned(),
        external_id: None,
        parent_number: text("PI-1"),
        mukta_reference_id: None,
        status,
        is_active: true,
        gross: None,
        net: Paise(100),
        bill_numbers: Vec::new(),
        head_of_account: None,
        master_allotment_id: None,
        created_at: now() - TimeDelta::days(3),
        advices: Vec::new(),
        beneficiaries: people,
    }
}

fn in_process() -> InstructionRecord {
    record(PiStatus::InProcess, vec![person_named("BN-1", PaymentStatus::InProcess)])
}

fn completed(status: PaymentStatus) -> InstructionRecord {
    record(PiStatus::Completed, vec![person_named("BN-1", status)])
}

fn known(record: InstructionRecord) -> Known {
    let places = (0..).zip(&record.beneficiaries).map(|(at, _)| BeneficiaryPlace {
        id: i64::from(at),
        position: at,
        closed_account: None,
        closed_mobile: None,
    });
    Known {
        unreadable: Vec::new(),
        id: crate::store::instructions::InstructionId::of_test(1),
        lease_until: None,
        ftps: FtpsReferences::default(),
        beneficiary_rows: places.collect(),
        version: first(record),
    }
}

/// An instruction that FTPS has completed.
fn paid() -> Known {
    let mut known = known(completed(PaymentStatus::Successful));
    known.version.record.beneficiaries[0].payment.utr = text("UTR1");
    known.version.lifecycle.completed_by = Some(CompletedBy::Ftps);
    known.ftps = FtpsReferences {
        token_number: text("T9"),
        token_date: text("2023-11-07"),
        bill_reference: text("R9"),
    };
    known
}

fn merged(known: &Known, told: InstructionRecord) -> Version {
    merge(known, told, now()).version
}

#[test]
fn the_same_again_changes_nothing() {
    for known in [known(in_process()), known(completed(PaymentStatus::Failed)), paid()] {
        assert_eq!(merged(&known, known.version.record.clone()), known.version);
    }
}

#[test]
fn a_completed_instruction_never_goes_back() {
    for known in [known(completed(PaymentStatus::Successful)), paid()] {
        let after = merged(&known, in_process());
        assert_eq!(after, known.version);
    }
}

#[test]
fn a_file_completes_what_is_in_process_here() {
    let after = merged(&known(in_process()), completed(PaymentStatus::Successful));
    assert_eq!(after.record.status, PiStatus::Completed);
    assert_eq!(after.lifecycle.completed_by, Some(CompletedBy::Muktasoft));
    assert_eq!(after.lifecycle.completed_at, Some(now()));
    let first = first(completed(PaymentStatus::Successful));
    assert_eq!(first.lifecycle, Lifecycle::default());
}

#[test]
fn in_process_since_is_its_creation_or_when_we_heard_of_it() {
    assert_eq!(first(in_process()).lifecycle.in_process_since, Some(in_process().created_at));
    let approved = record(PiStatus::Approved, in_process().beneficiaries);
    assert_eq!(merged(&known(approved), in_process()).lifecycle.in_process_since, Some(now()));
}

#[test]
fn what_ftps_brought_stays_and_the_rest_follows_muktasoft() {
    let mut told = completed(PaymentStatus::Failed);
    told.beneficiaries[0].name = text("Asha Das");
    told.beneficiaries[0].payment.failure_reason = text("account closed");
    told.beneficiaries[0].payment_id = "bn-1".to_owned();
    told.net = Paise(200);
    let before = paid();
    let after = merged(&before, told);
    let one = &after.record.beneficiaries[0];
    assert_eq!(one.payment, before.version.record.beneficiaries[0].payment);
    assert_eq!((one.name.as_deref(), after.record.net), (Some("Asha Das"), Paise(200)));
    assert!(one.disputed, "MUKTASoft says Payment Failed of it");
    let flagged = Known { version: after, ..before };
    assert!(!merged(&flagged, completed(PaymentStatus::Successful)).record.beneficiaries[0].disputed);
}

#[test]
fn a_payment_made_is_never_deleted_nor_one_added_to_those_paid() {
    let told = record(PiStatus::Completed, vec![person_named("BN-2", PaymentStatus::Successful)]);
    let after = merge(&paid(), told, now());
    assert_eq!(after.version, paid().version);
    assert_eq!(after.left_out, 1);
}

#[test]
fn other_completed_instructions_follow_muktasofts_payment_statuses() {
    let told = completed(PaymentStatus::Failed);
    assert_eq!(merged(&known(completed(PaymentStatus::Successful)), told.clone()).record, told);
}

#[test]
fn people_come_and_go_while_nothing_is_paid() {
    let told = record(PiStatus::InProcess, vec![person_named("BN-2", PaymentStatus::InProcess)]);
    assert_eq!(merged(&known(in_process()), told.clone()).record, told);
}

#[test]
fn while_jit_is_asked_the_statuses_are_left_to_the_call() {
    let mut known = known(in_process());
    known.lease_until = Some(now() + TimeDelta::seconds(1));
    let mut told = completed(PaymentStatus::Successful);
    told.beneficiaries.push(person_named("BN-2", PaymentStatus::Successful));
    told.beneficiaries[0].payment.utr = text("UTR5");
    told.beneficiaries[0].amount = Paise(500);
    let after = merged(&known, told.clone());
    assert_eq!(after.record.status, PiStatus::InProcess);
    assert!(after.record.beneficiaries.iter().all(|one| one.payment == waiting()));
    assert_eq!(after.record.beneficiaries[0].amount, Paise(500));
    assert_eq!(after.lifecycle, known.version.lifecycle);

    known.lease_until = Some(now());
    assert_eq!(merged(&known, told).record.status, PiStatus::Completed, "that claim is over");
}

#[test]
fn the_adapters_own_answer_does_not_take_names_and_accounts_away() {
    let mut told = in_process();
    told.beneficiaries[0].name = None;
    told.beneficiaries[0].mobile = None;
    told.beneficiaries[0].account = None;
    told.beneficiaries[0].ifsc = None;
    assert_eq!(merged(&known(in_process()), told.clone()).record, in_process());
    told.beneficiaries[0].account = text("99999999999");
    let after = merged(&known(in_process()), told);
    assert_eq!(after.record.beneficiaries[0].account.as_deref(), Some("99999999999"));
    assert_eq!(after.record.beneficiaries[0].ifsc, None, "not the branch of another account");
}

#[test]
fn what_ftps_told_comes_back_in_the_payment_advice_and_is_no_news() {
    let own = AdviceRecord { advice_id: text("A1"), token_number: text("T1"), ..AdviceRecord::default() };
    let second = AdviceRecord { advice_id: text("A2"), ..AdviceRecord::default() };
    for advices in [vec![], vec![own.clone()], vec![own, second]] {
        let mut known = paid();
        known.version.record.advices = advices.clone();
        let exported = advices_with_ftps(&known);
        assert_eq!(exported[0].token_number.as_deref(), Some("T9"));
        assert_eq!(exported.len(), advices.len().max(1));
        let told = InstructionRecord { advices: exported, ..known.version.record.clone() };
        assert_eq!(merged(&known, told), known.version);
    }
}

#[test]
fn an_advice_of_muktasofts_is_not_overwritten_with_nothing() {
    let mut known = paid();
    known.ftps = FtpsReferences { bill_reference: text("R9"), ..FtpsReferences::default() };
    known.version.record.advices = vec![AdviceRecord { token_number: text("T1"), ..AdviceRecord::default() }];
    let exported = advices_with_ftps(&known);
    assert_eq!(exported[0].token_number.as_deref(), Some("T1"));
    assert_eq!(exported[0].bill_reference.as_deref(), Some("R9"));
}
