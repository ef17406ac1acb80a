//! Recording what a call came to: the call itself, the instruction, and on success everyone in it,
//! in one transaction.

use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::calls::NewCall;
use super::claims::Lease;
use super::instructions::{self, InstructionId, PaymentInstruction};
use super::recorder::Recordable;
use super::schema::{beneficiaries as people, ftps_calls, payment_instructions as pi};
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
            for paid in &payment.beneficiaries {
                mark_paid(db, recording, payment, paid)?;
            }
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
    let target = pi::table.find(recording.lease.instruction_id);
    let next = Some(&recording.next_attempt).filter(|_| decision.is_tried_again());
    let latest = (
        pi::lease_token.eq(None::<String>),
        pi::lease_until.eq(None::<NaiveDateTime>),
        pi::lease_started_at.eq(None::<NaiveDateTime>),
        pi::ftps_outcome.eq(decision.outcome().as_str()),
        pi::ftps_message.eq(around.masked(&decision.message())),
        pi::ftps_called_at.eq(recording.answered_at),
        pi::changed_at.eq(now),
        pi::next_attempt_at.eq(next.map(|next| next.at)),
        pi::wanted_at.eq(None::<NaiveDateTime>),
        pi::wanted_by.eq(None::<String>),
        pi::unanswered_attempts.eq(next.map_or(0, |next| i32::try_from(next.attempts).unwrap_or(i32::MAX))),
    );
    match decision {
        Decision::Success(payment) => diesel::update(target)
            .set((
                latest,
                pi::change_number.eq(super::changes::UNNUMBERED),
                pi::status.eq(PiStatus::Completed.as_str()),
                pi::completed_at.eq(now),
                pi::completed_by.eq(CompletedBy::Ftps.as_str()),
                pi::ftps_voucher_number.eq(&payment.voucher_number),
                pi::ftps_voucher_date.eq(&payment.voucher_date),
                pi::ftps_bill_reference.eq(&payment.bill_reference),
                pi::ftps_token_number.eq(&payment.token_number),
                pi::ftps_token_date.eq(&payment.token_date),
                pi::ftps_payment_status.eq(payment.payment_status.as_deref().map(|told| around.masked(told))),
            ))
            .execute(db)?,
        Decision::NoResponse { .. } | Decision::Error { .. } | Decision::Glitch(_) => {
            diesel::update(target).set(latest).execute(db)?
        }
    };
    Ok(())
}

fn mark_paid(
    db: &mut Db,
    recording: &Recording,
    payment: &Payment,
    paid: &PaidBeneficiary,
) -> Result<(), StoreError> {
    let other_account = paid
        .other_account
        .as_deref()
        .map(|account| {
            let payment_key = recording
                .asked
                .beneficiaries
                .iter()
                .find(|asked| asked.id == paid.id)
                .map(|asked| asked.payment_id.to_lowercase())
                .unwrap_or_default();
            let field = SealedField::OtherAccount(BeneficiaryKey {
                number: &recording.asked.number,
                payment_key: &payment_key,
            });
            recording.sealer.seal(field, account.as_bytes())
        })
        .transpose()?;
    let marked = diesel::update(people::table.find(paid.id))
        .filter(people::instruction_id.eq(recording.lease.instruction_id))
        .set((
            people::payment_status.eq(PaymentStatus::Successful.as_str()),
            people::failure_reason.eq(None::<String>),
            people::utr.eq(&paid.utr),
            people::utr_date.eq(&paid.utr_date),
            people::end_to_end_id.eq(&paid.end_to_end_id),
            people::voucher_number.eq(&payment.voucher_number),
            people::voucher_date.eq(&payment.voucher_date),
            people::other_account_sealed.eq(other_account),
            people::other_account_last4.eq(paid.other_account.as_deref().and_then(last_four)),
            people::other_ifsc.eq(&paid.other_ifsc),
        ))
        .execute(db)?;
    // All of them were there when the instruction was locked.
    if marked == 1 { Ok(()) } else { Err(diesel::result::Error::NotFound.into()) }
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
