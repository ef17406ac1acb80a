//! Recording what a call came to: the call itself, the instruction, and on success everyone in it,
//! in one transaction.

use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use super::calls::NewCall;
use super::claims::Lease;
use super::fixed::fixed;
use super::instructions::{self, InstructionId, PaymentInstruction};
use super::recorder::Recordable;
use super::schema::{ftps_calls, payment_instructions as pi};
use super::trail::{self, CallFacts};
use super::{Db, StoreError, beneficiaries, sync_runs};
use crate::clock::Clock;
use crate::domain::sentence::{Around, may_tell_numbers};
use crate::domain::text::last_four;
use crate::domain::{
    AskedInstruction, CompletedBy, Decision, Glitch, HoldReason, PaidBeneficiary, Payment, PaymentStatus,
    PiStatus, sms,
};
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// One call's outcome, on its way into the database.
#[derive(Debug)]
pub struct Recording {
    /// The proof of the claim under which the call was made.
    pub lease: Lease,
    /// What was asked about.
    pub asked: AskedInstruction,
    /// The call.
    pub call: NewCall,
    /// What it came to.
    pub decision: Decision,
    /// When it is asked about again, if JIT did not answer.
    pub next_attempt: NextAttempt,
    /// When JIT answered, or did not (UTC).
    pub answered_at: NaiveDateTime,
    /// The time of the writing, which may be much later.
    pub clock: Clock,
    /// Seals what is sensitive in it.
    pub sealer: Arc<Sealer>,
}

/// The attempt after one that JIT did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextAttempt {
    /// Attempts without an answer so far, this one included.
    pub attempts: u32,
    /// When it is due (UTC).
    pub at: NaiveDateTime,
}

impl Recordable for Recording {
    /// The decision as it stands in the database.
    type Recorded = Decision;

    fn name(&self) -> String {
        format!("an outcome of {}", self.asked.number)
    }

    fn lock(all: &[Arc<Self>], db: &mut Db) -> Result<Vec<bool>, StoreError> {
        let ids: Vec<InstructionId> = all.iter().map(|one| one.lease.instruction_id).collect();
        let free = instructions::lock_free(db, &ids)?;
        Ok(ids.iter().map(|id| free.contains(id)).collect())
    }

    fn store(&self, db: &mut Db) -> Result<Decision, StoreError> {
        store_outcome(db, self)
    }

    /// The same call as a glitch, without what JIT said. If even that is refused, its claim ends by
    /// itself.
    fn if_refused(&self) -> Option<Self> {
        if self.decision == Decision::Glitch(Glitch::AnswerNotRecorded) {
            return None;
        }
        let Lease { instruction_id, token } = &self.lease;
        Some(Self {
            lease: Lease { instruction_id: *instruction_id, token: token.clone() },
            asked: self.asked.clone(),
            call: NewCall { response: None, ..self.call.clone() },
            decision: Decision::Glitch(Glitch::AnswerNotRecorded),
            sealer: Arc::clone(&self.sealer),
            clock: self.clock.clone(),
            ..*self
        })
    }
}

/// Stores the call, applies its decision and releases the claim.
///
/// Applied is it while the instruction is In Process and claimed by this lease or by nobody; the
/// call is stored in any case. Recording the same call again changes nothing. Returns the decision
/// as recorded: a success whose beneficiaries changed meanwhile becomes a glitch.
fn store_outcome(db: &mut Db, recording: &Recording) -> Result<Decision, StoreError> {
    if already_stored(db, &recording.call)? {
        return Ok(recording.decision.clone());
    }
    // Locked first: what is judged from here on stays so.
    let instruction = instructions::lock(db, recording.lease.instruction_id)?;
    let now = recording.clock.now().naive_utc();
    let decision = still_complete(db, recording)?;
    let applied = recording.may_touch(&instruction, now);
    let around = around(db, recording, &instruction, &decision)?;
    if applied {
        if let Decision::Success(payment) = &decision {
            mark_paid(db, recording, payment)?;
        }
        bring_up_to_date(db, recording, &decision, &around, now)?;
        if let Decision::Success(payment) = &decision {
            super::outbox::enqueue(db, &recording.sealer, instruction.id, &messages_of(payment), now)?;
        }
    } else {
        super::claims::release(db, &recording.lease)?;
        ask_again(db, &instruction, now)?;
    }
    store_call(db, recording, &decision, &around, applied)?;
    // What was not applied leaves the run's item open: it is asked about again, or no longer waits.
    if let Some(run_id) = recording.call.run_id.filter(|_| applied) {
        sync_runs::settle(db, run_id, instruction.id, decision.outcome().into())?;
    }
    Ok(decision)
}

/// What is known around what JIT said, if it may tell numbers of people.
fn around(
    db: &mut Db,
    recording: &Recording,
    instruction: &PaymentInstruction,
    decision: &Decision,
) -> Result<Around, StoreError> {
    let by_rbi = match decision {
        Decision::Success(payment) => payment.payment_status.as_deref(),
        _ => None,
    };
    if may_tell_numbers(&decision.message()) || by_rbi.is_some_and(may_tell_numbers) {
        super::sentences::around(db, &recording.sealer, instruction)
    } else {
        Ok(Around::default())
    }
}

impl Recording {
    /// Whether its outcome may be written: the instruction is In Process and nobody else is asking.
    fn may_touch(&self, instruction: &PaymentInstruction, now: NaiveDateTime) -> bool {
        let is_anothers = instruction.lease_token.as_ref().is_some_and(|token| *token != self.lease.token)
            && instruction.is_claimed(now.and_utc());
        instruction.status == PiStatus::InProcess && !is_anothers
    }
}

/// Whom to tell of a payment, and of each why the message must wait for a person, if it must.
fn messages_of(payment: &Payment) -> Vec<(i64, Option<HoldReason>)> {
    let held = |paid: &PaidBeneficiary| {
        sms::hold_reason(payment.payment_status.as_deref(), paid.other_account.is_some())
    };
    payment.beneficiaries.iter().map(|paid| (paid.id, held(paid))).collect()
}

/// Makes an instruction due whose answer could not be applied, if it still waits: what JIT says next
/// counts.
fn ask_again(db: &mut Db, instruction: &PaymentInstruction, now: NaiveDateTime) -> Result<(), StoreError> {
    if instruction.is_waiting() {
        diesel::update(pi::table.find(instruction.id)).set(pi::next_attempt_at.eq(now)).execute(db)?;
    }
    Ok(())
}

fn already_stored(db: &mut Db, call: &NewCall) -> Result<bool, StoreError> {
    let stored: i64 =
        ftps_calls::table.filter(ftps_calls::call_ref.eq(&call.call_ref)).count().get_result(db)?;
    Ok(stored > 0)
}

/// FTPS completes an instruction with all its beneficiaries or not at all, and is believed of those whom it was
/// asked about: if an import added or removed one meanwhile, or told of another person, account or amount, the
/// answer does not cover it.
fn still_complete(db: &mut Db, recording: &Recording) -> Result<Decision, StoreError> {
    let Decision::Success(_) = &recording.decision else { return Ok(recording.decision.clone()) };
    let Recording { asked, lease, sealer, .. } = recording;
    let mut now = beneficiaries::asked(db, sealer, lease.instruction_id, &asked.number)?.known;
    let mut then = asked.beneficiaries.clone();
    now.sort_by_key(|one| one.id);
    then.sort_by_key(|one| one.id);
    Ok(if now == then { recording.decision.clone() } else { Decision::Glitch(Glitch::BeneficiariesChanged) })
}

/// Brings the instruction up to date and releases the claim.
fn bring_up_to_date(
    db: &mut Db,
    recording: &Recording,
    decision: &Decision,
    around: &Around,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    macro_rules! what_came_of_it {
        () => {
            "UPDATE payment_instructions SET lease_token = NULL, lease_until = NULL, lease_started_at = NULL, \
             wanted_at = NULL, wanted_by = NULL, ftps_outcome = ?, ftps_message = ?, ftps_called_at = ?, \
             changed_at = ?, next_attempt_at = ?, unanswered_attempts = ?"
        };
    }
    let next = Some(&recording.next_attempt).filter(|_| decision.is_tried_again());
    let next_at = next.map(|next| next.at);
    let attempts = next.map_or(0, |next| i64::from(i32::try_from(next.attempts).unwrap_or(i32::MAX)));
    let message = around.masked(&decision.message());
    match decision {
        Decision::Success(payment) => fixed!(
            db,
            concat!(
                what_came_of_it!(),
                ", change_number = ?, status = ?, completed_at = ?, completed_by = ?, ftps_voucher_number = ?, \
                 ftps_voucher_date = ?, ftps_bill_reference = ?, ftps_token_number = ?, ftps_token_date = ?, \
                 ftps_payment_status = ? WHERE id = ?"
            ),
            decision.outcome().as_str(),
            &message,
            recording.answered_at,
            now,
            next_at,
            attempts,
            super::changes::UNNUMBERED,
            PiStatus::Completed.as_str(),
            now,
            CompletedBy::Ftps.as_str(),
            &payment.voucher_number,
            &payment.voucher_date,
            &payment.bill_reference,
            &payment.token_number,
            &payment.token_date,
            &payment.payment_status.as_deref().map(|told| around.masked(told)),
            recording.lease.instruction_id,
        )?,
        Decision::NoResponse { .. } | Decision::Error { .. } | Decision::Glitch(_) => fixed!(
            db,
            concat!(what_came_of_it!(), " WHERE id = ?"),
            decision.outcome().as_str(),
            &message,
            recording.answered_at,
            now,
            next_at,
            attempts,
            recording.lease.instruction_id,
        )?,
    };
    Ok(())
}

/// Another account than the registered one, sealed.
fn sealed_other_account(
    recording: &Recording,
    paid: &PaidBeneficiary,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(account) = paid.other_account.as_deref() else { return Ok(None) };
    let mut asked = recording.asked.beneficiaries.iter();
    let payment_key = asked
        .find(|asked| asked.id == paid.id)
        .map(|asked| asked.payment_id.to_lowercase())
        .unwrap_or_default();
    let key = BeneficiaryKey { number: &recording.asked.number, payment_key: &payment_key };
    Ok(Some(recording.sealer.seal(SealedField::OtherAccount(key), account.as_bytes())?))
}

/// Marks everybody paid, each where the statement costs least: PostgreSQL's is the round trip.
fn mark_paid(db: &mut Db, recording: &Recording, payment: &Payment) -> Result<(), StoreError> {
    let sealed: Vec<Option<Vec<u8>>> = payment
        .beneficiaries
        .iter()
        .map(|paid| sealed_other_account(recording, paid))
        .collect::<Result<_, _>>()?;
    let marked = match db {
        Db::Sqlite(_) => {
            let mut marked = 0;
            for (paid, sealed) in payment.beneficiaries.iter().zip(&sealed) {
                marked += fixed!(
                    db,
                    "UPDATE beneficiaries SET payment_status = ?, failure_reason = NULL, utr = ?, utr_date = ?, \
                     end_to_end_id = ?, voucher_number = ?, voucher_date = ?, other_account_sealed = ?, \
                     other_account_last4 = ?, other_ifsc = ? WHERE id = ? AND instruction_id = ?",
                    PaymentStatus::Successful.as_str(),
                    &paid.utr,
                    &paid.utr_date,
                    &paid.end_to_end_id,
                    &payment.voucher_number,
                    &payment.voucher_date,
                    sealed,
                    &paid.other_account.as_deref().and_then(last_four),
                    &paid.other_ifsc,
                    paid.id,
                    recording.lease.instruction_id,
                )?;
            }
            marked
        }
        Db::Postgres(db) => {
            let of = |field: fn(&PaidBeneficiary) -> Option<&str>| -> Vec<Option<&str>> {
                payment.beneficiaries.iter().map(field).collect()
            };
            let last4: Vec<Option<String>> =
                of(|paid| paid.other_account.as_deref()).into_iter().map(|told| last_four(told?)).collect();
            diesel::sql_query(
                "UPDATE beneficiaries b SET payment_status = $1, failure_reason = NULL, utr = t.utr, \
                 utr_date = t.utr_date, end_to_end_id = t.end_to_end_id, voucher_number = $2, voucher_date = $3, \
                 other_account_sealed = t.sealed, other_account_last4 = t.last4, other_ifsc = t.ifsc \
                 FROM unnest($4::BIGINT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::BYTEA[], $9::TEXT[], $10::TEXT[]) \
                 AS t (id, utr, utr_date, end_to_end_id, sealed, last4, ifsc) \
                 WHERE b.id = t.id AND b.instruction_id = $11",
            )
            .bind::<Text, _>(PaymentStatus::Successful.as_str())
            .bind::<Nullable<Text>, _>(&payment.voucher_number)
            .bind::<Nullable<Text>, _>(&payment.voucher_date)
            .bind::<Array<BigInt>, _>(payment.beneficiaries.iter().map(|paid| paid.id).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(of(|paid| Some(&paid.utr)))
            .bind::<Array<Nullable<Text>>, _>(of(|paid| paid.utr_date.as_deref()))
            .bind::<Array<Nullable<Text>>, _>(of(|paid| paid.end_to_end_id.as_deref()))
            .bind::<Array<Nullable<Binary>>, _>(sealed)
            .bind::<Array<Nullable<Text>>, _>(last4)
            .bind::<Array<Nullable<Text>>, _>(of(|paid| paid.other_ifsc.as_deref()))
            .bind::<BigInt, _>(recording.lease.instruction_id)
            .execute(db)?
        }
    };
    // All of them were there when the instruction was locked.
    if marked == payment.beneficiaries.len() { Ok(()) } else { Err(diesel::result::Error::NotFound.into()) }
}

fn store_call(
    db: &mut Db,
    recording: &Recording,
    decision: &Decision,
    around: &Around,
    applied: bool,
) -> Result<(), StoreError> {
    let call = &recording.call;
    let facts = CallFacts {
        instruction_id: recording.lease.instruction_id,
        call_ref: call.call_ref.clone(),
        trigger_word: call.trigger,
        triggered_by: call.triggered_by.clone(),
        started_at: call.started_at,
        duration_ms: call.duration_ms,
        outcome: decision.outcome().into(),
        message: around.masked(&decision.message()),
        cause: decision.cause().map(str::to_owned),
        http_status: call.http_status.map(i32::from),
        applied,
        run_id: call.run_id,
        request_id: call.request_id.clone(),
    };
    trail::append_call(db, &recording.sealer, &facts, call.request.as_deref(), call.response.as_deref())
}
