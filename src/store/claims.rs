//! Claims: who is asking JIT about an instruction, and until when.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::instructions::{self, InstructionId, PaymentInstruction};
use super::schema::payment_instructions as pi;
use super::sync_runs::{self, SyncRun};
use super::{Db, StoreError, beneficiaries};
use crate::domain::{AskedInstruction, BillToAsk, Decision, Glitch, ItemOutcome, LatestOutcome, Outcome};
use crate::sealing::{Sealer, random_hex};

/// The proof of a claim: only [`claim`] makes one, and only its holder records an outcome.
#[derive(Debug)]
pub struct Lease {
    pub(super) instruction_id: InstructionId,
    pub(super) token: String,
}

/// What a claim brings: the proof, and all that the call and the decision need.
#[derive(Debug)]
pub struct Claimed {
    /// The proof.
    pub lease: Lease,
    /// The instruction, for the decision.
    pub asked: AskedInstruction,
    /// The bill to ask about, or why JIT cannot be asked.
    pub bill: Result<BillToAsk, Glitch>,
    /// Whether JIT cannot be asked, and that is what the page says already.
    pub is_known_to_be_unaskable: bool,
    /// Attempts without an answer up to now, in a row.
    pub unanswered_attempts: u32,
}

/// Why an instruction was not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotClaimed {
    /// Another call on it is under way.
    Busy,
    /// It does not wait for FTPS.
    NotWaiting,
}

/// Claims an instruction until `until`, if it waits and nobody else holds it. A claim that ends later than
/// any can was made by a clock that was ahead: nobody holds it.
pub fn claim(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<Result<Claimed, NotClaimed>, StoreError> {
    let token = random_hex(16)?;
    let taken = diesel::update(
        pi::table
            .filter(pi::id.eq(instruction_id))
            .filter(pi::action_rank.is_not_null())
            .filter(pi::lease_until.is_null().or(pi::lease_until.le(now)).or(pi::lease_until.gt(until))),
    )
    .set((pi::lease_token.eq(&token), pi::lease_until.eq(until)))
    .execute(db)?;
    let instruction = instructions::get(db, instruction_id)?;
    if taken == 0 {
        let reason = if instruction.is_waiting() { NotClaimed::Busy } else { NotClaimed::NotWaiting };
        return Ok(Err(reason));
    }
    let asked = AskedInstruction {
        beneficiaries: beneficiaries::asked(db, sealer, instruction_id, &instruction.number)?,
        number: instruction.number.clone(),
    };
    let bill = bill_to_ask(db, &instruction)?;
    let told = bill.as_ref().err().map(|glitch| Decision::Glitch(glitch.clone()).message());
    Ok(Ok(Claimed {
        lease: Lease { instruction_id, token },
        asked,
        is_known_to_be_unaskable: told.is_some() && told == instruction.ftps_message,
        bill,
        unanswered_attempts: u32::try_from(instruction.unanswered_attempts).unwrap_or_default(),
    }))
}

/// What a look for more work came to.
#[derive(Debug, Default)]
pub struct Batch {
    /// To be asked about now.
    pub claimed: Vec<Claimed>,
    /// How many were looked at: fewer than asked for means that no more are free at the moment.
    pub seen: usize,
}

/// Claims instructions of a run that are still to be asked about, at most `limit`, in one
/// transaction. One that was asked about since the run began, by Refresh or a retry, is not asked
/// again: its answer counts. One that no longer waits is skipped. Of a run that is not running
/// there are none.
pub fn claim_of_run(
    db: &mut Db,
    sealer: &Sealer,
    run: &SyncRun,
    limit: i64,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<Batch, StoreError> {
    if !sync_runs::note_work(db, run.id, now)? {
        return Ok(Batch::default());
    }
    let free: Vec<FreeItem> = diesel::sql_query(format!("{FREE_ITEMS} {}", passing_by(db)))
        .bind::<BigInt, _>(run.id)
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(until)
        .bind::<BigInt, _>(limit)
        .load(db)?;
    let mut batch = Batch { seen: free.len(), ..Batch::default() };
    for item in free {
        if let Some(outcome) = item.asked_since(run.started_at, now) {
            sync_runs::settle(db, run.id, item.id(), outcome.into())?;
            continue;
        }
        match claim(db, sealer, item.id(), now, until)? {
            // It has its glitch already, and nothing has been brought that is missing.
            Ok(Claimed { lease, is_known_to_be_unaskable: true, .. }) => {
                release(db, &lease)?;
                sync_runs::settle(db, run.id, item.id(), ItemOutcome::Skipped)?;
            }
            Ok(claimed) => batch.claimed.push(claimed),
            Err(NotClaimed::NotWaiting) => {
                sync_runs::settle(db, run.id, item.id(), ItemOutcome::Skipped)?;
            }
            Err(NotClaimed::Busy) => {}
        }
    }
    Ok(batch)
}

/// Whether any attempt is due.
pub fn any_due(db: &mut Db, now: NaiveDateTime, latest: NaiveDateTime) -> Result<bool, StoreError> {
    let due: Vec<DueInstruction> = diesel::sql_query(DUE_INSTRUCTIONS)
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(latest)
        .bind::<BigInt, _>(1)
        .load(db)?;
    Ok(!due.is_empty())
}

/// Claims instructions whose next attempt is due, those due longest first, in one transaction. What is put
/// off beyond `latest` is due too.
pub fn claim_due(
    db: &mut Db,
    sealer: &Sealer,
    limit: i64,
    now: NaiveDateTime,
    until: NaiveDateTime,
    latest: NaiveDateTime,
) -> Result<Batch, StoreError> {
    let due: Vec<DueInstruction> = diesel::sql_query(format!("{DUE_INSTRUCTIONS} {}", passing_by(db)))
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(until)
        .bind::<Timestamp, _>(latest)
        .bind::<BigInt, _>(limit)
        .load(db)?;
    let mut batch = Batch { seen: due.len(), ..Batch::default() };
    for one in due {
        if let Ok(claimed) = claim(db, sealer, InstructionId::of_row(one.id), now, until)? {
            batch.claimed.push(claimed);
        }
    }
    Ok(batch)
}

const FREE_ITEMS: &str = "SELECT p.id, p.ftps_outcome, p.ftps_called_at \
    FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
    WHERE i.run_id = $1 AND i.outcome IS NULL \
    AND (p.lease_until IS NULL OR p.lease_until <= $2 OR p.lease_until > $3) \
    ORDER BY i.instruction_id LIMIT $4";

const DUE_INSTRUCTIONS: &str = "SELECT p.id FROM payment_instructions p \
    WHERE (p.next_attempt_at <= $1 OR p.next_attempt_at > $3) AND p.action_rank IS NOT NULL \
    AND (p.lease_until IS NULL OR p.lease_until <= $1 OR p.lease_until > $2) \
    ORDER BY p.next_attempt_at, p.id LIMIT $4";

/// SQLite has one writer. On PostgreSQL several processes look for work at once: each passes by
/// what another is claiming at that moment.
fn passing_by(db: &Db) -> &'static str {
    match db {
        Db::Sqlite(_) => "",
        Db::Postgres(_) => "FOR UPDATE OF p SKIP LOCKED",
    }
}

#[derive(QueryableByName)]
struct FreeItem {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    ftps_outcome: LatestOutcome,
    #[diesel(sql_type = Nullable<Timestamp>)]
    ftps_called_at: Option<NaiveDateTime>,
}

impl FreeItem {
    fn id(&self) -> InstructionId {
        InstructionId::of_row(self.id)
    }

    /// What the latest call came to, if that was after `since`, and not by a clock that was ahead.
    fn asked_since(&self, since: NaiveDateTime, now: NaiveDateTime) -> Option<Outcome> {
        self.ftps_outcome.0.filter(|_| self.ftps_called_at.is_some_and(|at| since < at && at <= now))
    }
}

#[derive(QueryableByName)]
struct DueInstruction {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// What JIT is to be asked about a revised PI.
fn bill_to_ask(db: &mut Db, revised: &PaymentInstruction) -> Result<Result<BillToAsk, Glitch>, StoreError> {
    let original = instructions::ancestry(db, revised)?.original();
    let advices = original.as_ref().map(|original| instructions::advices(db, original.id)).transpose()?;
    let references = advices.iter().flatten().map(|advice| advice.bill_reference.as_deref());
    Ok(BillToAsk::of(revised, original.as_ref(), references))
}

/// Gives a claim up without an outcome. Only its holder's claim is released.
pub fn release(db: &mut Db, lease: &Lease) -> Result<(), StoreError> {
    diesel::update(
        pi::table.filter(pi::id.eq(lease.instruction_id)).filter(pi::lease_token.eq(&lease.token)),
    )
    .set((pi::lease_token.eq(None::<String>), pi::lease_until.eq(None::<NaiveDateTime>)))
    .execute(db)?;
    Ok(())
}
