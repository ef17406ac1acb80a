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
        returned_at: None,
        told_amount: None,
        paid_beneficiary_id: None,
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
        told_status: None,
        error_response: None,
        modified_at: None,
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
    merge(known, told, now()).unwrap().version
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
    let after = merge(&paid(), told, now()).unwrap();
    assert_eq!(after.version, paid().version);
    assert!(after.notes[0].contains("without 1 of the beneficiaries"), "{:?}", after.notes);
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

/// `paid`, completed a day ago; a record of `hours` after that, in MUKTASoft's word.
fn told_later(hours: i64, status: PaymentStatus) -> (Known, InstructionRecord) {
    let mut known = paid();
    let completed_at = now() - TimeDelta::days(1);
    known.version.lifecycle.completed_at = Some(completed_at);
    let mut told = completed(status);
    told.told_status = text("PARTIAL");
    told.modified_at = Some(completed_at + TimeDelta::hours(hours));
    told.beneficiaries[0].payment.failure_reason = text("Account does not exist.");
    (known, told)
}

#[test]
fn a_later_payment_failed_is_a_payment_that_came_back() {
    let (known, told) = told_later(1, PaymentStatus::Failed);
    let after = merged(&known, told.clone());
    let one = &after.record.beneficiaries[0];
    assert_eq!(one.payment.status, PaymentStatus::Failed);
    assert_eq!(one.payment.failure_reason.as_deref(), Some("Account does not exist."));
    assert_eq!(one.payment.utr.as_deref(), Some("UTR1"), "what FTPS brought is never erased");
    assert_eq!((one.returned_at, one.disputed), (Some(now()), false));
    assert_eq!((after.record.status, &after.lifecycle), (PiStatus::Completed, &known.version.lifecycle));
    let returned = Known { version: after.clone(), ..known };
    let tomorrow = now() + TimeDelta::days(1);
    assert_eq!(merge(&returned, told, tomorrow).unwrap().version, after, "the same again is no news");

    // Only what is newer takes it back.
    let (_, same) = told_later(1, PaymentStatus::Successful);
    assert_eq!(merged(&returned, same).record.beneficiaries, after.record.beneficiaries);
    let undated = InstructionRecord { modified_at: None, ..completed(PaymentStatus::Successful) };
    assert_eq!(merged(&returned, undated), after);
    let (paid, newer) = told_later(2, PaymentStatus::Successful);
    let back = merged(&returned, newer);
    assert_eq!(back.record.beneficiaries, paid.version.record.beneficiaries);
}

#[test]
fn payment_failed_from_before_the_completion_changes_nothing() {
    for hours in [-1, 0] {
        let (known, told) = told_later(hours, PaymentStatus::Failed);
        let after = merged(&known, told);
        assert_eq!(after.record.beneficiaries, known.version.record.beneficiaries, "{hours}");
    }
}

#[test]
fn payment_failed_in_a_record_of_another_status_is_noted_and_flagged() {
    for (status, word) in [
        (PiStatus::InProcess, "INITIATED"),
        (PiStatus::Rejected, "REJECTED"),
        (PiStatus::Completed, "SUCCESSFUL"),
    ] {
        let (known, mut told) = told_later(1, PaymentStatus::Failed);
        (told.status, told.told_status) = (status, Some(word.to_owned()));
        let after = merge(&known, told, now()).unwrap();
        assert!(after.notes[0].contains("neither PARTIAL nor COMPLETED"), "{:?}", after.notes);
        let one = &after.version.record.beneficiaries[0];
        assert_eq!(
            (one.payment.status, one.disputed, one.returned_at),
            (PaymentStatus::Successful, true, None)
        );
    }
}

#[test]
fn payment_failed_without_a_time_is_noted_and_flagged() {
    let told = completed(PaymentStatus::Failed);
    let after = merge(&paid(), told, now()).unwrap();
    assert!(after.notes[0].contains("BN-1: Payment Failed"), "{:?}", after.notes);
    let one = &after.version.record.beneficiaries[0];
    assert_eq!((one.payment.status, one.disputed, one.returned_at), (PaymentStatus::Successful, true, None));
    let flagged = Known { version: after.version, ..paid() };
    assert_eq!(
        merged(&flagged, in_process()),
        flagged.version,
        "who has not heard yet does not contradict it"
    );
}

#[test]
fn an_older_record_changes_nothing_and_is_named() {
    let mut here = known(in_process());
    here.version.record.modified_at = Some(now());
    let mut told = record(PiStatus::Approved, in_process().beneficiaries);
    told.modified_at = Some(now() - TimeDelta::seconds(1));
    let after = merge(&here, told.clone(), now()).unwrap();
    assert_eq!(after.version, here.version);
    assert!(after.notes[0].contains("older (2023-11-14T22:13:19Z)"), "{:?}", after.notes);
    told.modified_at = None;
    assert_eq!(merged(&here, told.clone()).record.status, PiStatus::Approved, "no time is no older time");
    assert_eq!(merged(&here, told).record.modified_at, Some(now()));
}

#[test]
fn a_revised_pi_whose_parent_is_left_out_keeps_it_and_its_words_mean_what_they_did() {
    let mut told = record(PiStatus::Initiated, vec![person_named("BN-1", PaymentStatus::Initiated)]);
    told.parent_number = None;
    told.told_status = text("INITIATED");
    let after = merged(&known(in_process()), told.clone()).record;
    assert_eq!(after.parent_number.as_deref(), Some("PI-1"));
    assert_eq!((after.status, after.beneficiaries), (PiStatus::InProcess, in_process().beneficiaries));
    told.beneficiaries[0].payment.status = PaymentStatus::Successful;
    let fault = merge(&known(in_process()), told, now()).unwrap_err();
    assert!(fault.contains("BN-1: cannot be Payment Successful"), "{fault}");
}

#[test]
fn after_a_payment_the_amount_and_the_person_that_were_paid_stay_known() {
    let mut known = paid();
    known.version.record.beneficiaries[0].beneficiary_id = text("P1");
    let mut told = completed(PaymentStatus::Successful);
    told.beneficiaries[0].amount = Paise(999);
    told.beneficiaries[0].beneficiary_id = text("P2");
    let after = merged(&known, told.clone());
    let one = &after.record.beneficiaries[0];
    assert_eq!((one.amount, one.told_amount), (Paise(100), Some(Paise(999))));
    assert_eq!((one.beneficiary_id.as_deref(), one.paid_beneficiary_id.as_deref()), (Some("P2"), Some("P1")));
    assert!(one.changed_after_payment());
    let changed = Known { version: after.clone(), ..known.clone() };
    assert_eq!(merged(&changed, after.record.clone()), after, "as an export tells it");
    assert_eq!(merged(&changed, told), after);
    let again = merged(&changed, known.version.record.clone()).record.beneficiaries[0].clone();
    assert!(!again.changed_after_payment());

    let mut waiting = in_process();
    waiting.beneficiaries[0].amount = Paise(999);
    let after = merged(&self::known(in_process()), waiting.clone());
    assert_eq!(after.record, waiting, "what is not paid yet follows");
}

#[test]
fn another_person_does_not_get_the_numbers_of_the_one_before() {
    let mut here = known(in_process());
    here.version.record.beneficiaries[0].beneficiary_id = text("P1");
    let bare = |id: Option<&str>| {
        let mut told = in_process();
        let one = &mut told.beneficiaries[0];
        (one.name, one.account, one.ifsc, one.mobile) = (None, None, None, None);
        one.beneficiary_id = id.map(str::to_owned);
        told
    };
    let kept = |id| merged(&here, bare(id)).record.beneficiaries[0].clone();
    for same in [Some("P1"), None] {
        assert_eq!(kept(same), here.version.record.beneficiaries[0], "{same:?}");
    }
    let other = kept(Some("P2"));
    assert_eq!((other.name, other.account, other.ifsc, other.mobile), (None, None, None, None));
    let mut branch = bare(Some("P1"));
    branch.beneficiaries[0].ifsc = text("SBIN0000001");
    assert_eq!(merged(&here, branch.clone()), here.version, "the same branch alone wipes no account");
    branch.beneficiaries[0].ifsc = text("HDFC0000001");
    assert_eq!(merged(&here, branch).record.beneficiaries[0].account, None, "that of another branch");
}

#[test]
fn muktasofts_own_word_is_kept_with_the_status_it_stands_for() {
    let mut told = completed(PaymentStatus::Failed);
    told.told_status = text("COMPLETED");
    let here = merged(&known(in_process()), told);
    assert_eq!(here.record.told_status.as_deref(), Some("COMPLETED"));
    let mut older = in_process();
    older.told_status = text("INITIATED");
    let after = merged(&Known { version: here.clone(), ..known(in_process()) }, older);
    assert_eq!(after.record.told_status.as_deref(), Some("COMPLETED"));
}
