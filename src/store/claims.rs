//! Claims: who is asking JIT about an instruction, and until when.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::calls::Trace;
use super::fixed::fixed;
use super::instructions::{self, InstructionId, LONGEST_CLAIM, PaymentInstruction, is_claim};
use super::schema::payment_instructions as pi;
use super::sync_runs::{self, SyncRun};
use super::{Db, StoreError, bills};
use crate::domain::{
    AskedInstruction, BillToAsk, CallOutcome, Decision, Glitch, ItemOutcome, LatestOutcome, Outcome, Trigger,
};
use crate::sealing::{Sealer, random_hex};

/// The proof of a claim: only [`claim`] makes one, and only its holder records an outcome.
#[derive(Debug)]
pub struct Lease {
    pub(super) instruction_id: InstructionId,
    pub(super) token: String,
}

/// Under what a claim is made. It is kept with the claim, so that a call whose process dies leaves a trace.
#[derive(Debug, Clone)]
pub struct ClaimTerms {
    /// What sets the call off.
    pub trigger: Trigger,
    /// The employee who does, if one does.
    pub by: Option<String>,
    /// The sync run that it is part of, if it is.
    pub run_id: Option<i64>,
    /// When it is made (UTC).
    pub now: NaiveDateTime,
    /// Until when it holds (UTC).
    pub until: NaiveDateTime,
}

/// What a claim brings: the proof, and all that the call and the decision need.
#[derive(Debug)]
pub struct Claimed {
    /// The proof.
    pub lease: Lease,
    /// The instruction, for the decision.
    pub asked: AskedInstruction,
    /// The bill to ask about.
    pub bill: BillToAsk,
    /// Attempts without an answer up to now, in a row.
    pub unanswered_attempts: u32,
}

/// Why an instruction was not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotClaimed {
    /// Another call on it is under way.
    Busy,
    /// Something else is being written about it: an import, or the outcome of an earlier call.
    Locked,
    /// It does not wait for FTPS.
    NotWaiting,
    /// JIT cannot be asked about it, for want of something here: that is recorded as its glitch.
    CannotBeAsked,
}

/// Claims an instruction, if it waits and nobody else holds it. A claim found that ran out becomes a row of
/// the call log.
pub fn claim(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    terms: &ClaimTerms,
) -> Result<Result<Claimed, NotClaimed>, StoreError> {
    if instructions::lock_free(db, &[instruction_id])?.is_empty() {
        return Ok(Err(NotClaimed::Locked));
    }
    let instruction = instructions::get(db, instruction_id)?;
    if let Some(found) = FoundClaim::on(db, &instruction)? {
        if found.holds(terms.now) {
            let reason = if instruction.is_waiting() { NotClaimed::Busy } else { NotClaimed::NotWaiting };
            return Ok(Err(reason));
        }
        found.bury(db, sealer)?;
    }
    if !instruction.is_waiting() {
        return Ok(Err(NotClaimed::NotWaiting));
    }
    let (bill, asked) = match bills::to_ask(db, sealer, &instruction)? {
        Ok(to_ask) => to_ask,
        Err(missing) => {
            note_not_sent(db, sealer, instruction_id, &missing.into(), terms)?;
            return Ok(Err(NotClaimed::CannotBeAsked));
        }
    };
    let token = random_hex(16)?;
    fixed!(
        db,
        "UPDATE payment_instructions SET lease_token = ?, lease_until = ?, lease_started_at = ?, \
         lease_trigger = ?, lease_by = ?, lease_run_id = ?, cannot_ask = ? WHERE id = ?",
        &token,
        terms.until,
        terms.now,
        terms.trigger.as_str(),
        &terms.by,
        terms.run_id,
        false,
        instruction_id,
    )?;
    Ok(Ok(Claimed {
        lease: Lease { instruction_id, token },
        asked,
        bill,
        unanswered_attempts: u32::try_from(instruction.unanswered_attempts).unwrap_or_default(),
    }))
}

/// A claim as it was found in a row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = pi)]
struct FoundClaim {
    #[diesel(column_name = id)]
    instruction_id: InstructionId,
    lease_token: Option<String>,
    lease_until: Option<NaiveDateTime>,
    lease_started_at: Option<NaiveDateTime>,
    lease_trigger: Option<Trigger>,
    lease_by: Option<String>,
    lease_run_id: Option<i64>,
}

/// The clocks of processes that share a database differ by no more than this: a claim that began later than
/// that from now was made by a clock that was ahead.
pub(super) const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(30);

impl FoundClaim {
    fn on(db: &mut Db, instruction: &PaymentInstruction) -> Result<Option<Self>, StoreError> {
        if instruction.lease_token.is_none() {
            return Ok(None);
        }
        Ok(Some(pi::table.find(instruction.id).select(Self::as_select()).get_result(db)?))
    }

    /// Whether somebody is asking JIT under it.
    fn holds(&self, now: NaiveDateTime) -> bool {
        is_claim(self.lease_until, now)
            && self.lease_started_at.is_none_or(|began| began <= now + CLOCKS_DIFFER)
    }

    /// Ends it, and puts into the log that nobody knows what came of its call. One from before such was kept
    /// leaves no trace.
    fn bury(&self, db: &mut Db, sealer: &Sealer) -> Result<(), StoreError> {
        if let Self {
            lease_token: Some(token),
            lease_started_at: Some(started_at),
            lease_trigger: Some(trigger),
            ..
        } = self
        {
            log::warn!("a call that began at {started_at} UTC was cut off: what JIT answered is not known");
            Trace {
                instruction_id: self.instruction_id,
                call_ref: token,
                trigger: *trigger,
                by: self.lease_by.as_deref(),
                run_id: self.lease_run_id,
                started_at: *started_at,
                outcome: CallOutcome::Unknown,
                glitch: &Glitch::CutShort,
            }
            .store(db, sealer)?;
        }
        clear(db, self.instruction_id)
    }
}

/// JIT is not called: that is the instruction's glitch, told once, and nothing to be tried again by itself.
fn note_not_sent(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    glitch: &Glitch,
    terms: &ClaimTerms,
) -> Result<(), StoreError> {
    Trace {
        instruction_id,
        call_ref: &random_hex(16)?,
        trigger: terms.trigger,
        by: terms.by.as_deref(),
        run_id: terms.run_id,
        started_at: terms.now,
        outcome: CallOutcome::NotSent,
        glitch,
    }
    .store(db, sealer)?;
    diesel::update(pi::table.find(instruction_id))
        .set((
            pi::ftps_outcome.eq(Outcome::Glitch.as_str()),
            pi::ftps_message.eq(Decision::Glitch(glitch.clone()).message()),
            pi::ftps_called_at.eq(terms.now),
            pi::changed_at.eq(terms.now),
            pi::next_attempt_at.eq(None::<NaiveDateTime>),
            pi::unanswered_attempts.eq(0),
            pi::wanted_at.eq(None::<NaiveDateTime>),
            pi::wanted_by.eq(None::<String>),
            pi::cannot_ask.eq(true),
        ))
        .execute(db)?;
    Ok(())
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
    terms: &ClaimTerms,
) -> Result<Batch, StoreError> {
    if !sync_runs::note_work(db, run.id, terms.now)? {
        return Ok(Batch::default());
    }
    let free: Vec<FreeItem> = diesel::sql_query(format!("{FREE_ITEMS} {}", passing_by(db)))
        .bind::<BigInt, _>(run.id)
        .bind::<Timestamp, _>(terms.now)
        .bind::<Timestamp, _>(terms.now + LONGEST_CLAIM)
        .bind::<Timestamp, _>(terms.now + CLOCKS_DIFFER)
        .bind::<BigInt, _>(limit)
        .load(db)?;
    let mut batch = Batch { seen: free.len(), ..Batch::default() };
    for item in free {
        if let Some(outcome) = item.asked_since(run.started_at, terms.now) {
            sync_runs::settle(db, run.id, item.id(), outcome.into())?;
            continue;
        }
        match claim(db, sealer, item.id(), terms)? {
            Ok(claimed) => batch.claimed.push(claimed),
            Err(NotClaimed::NotWaiting) => {
                sync_runs::settle(db, run.id, item.id(), ItemOutcome::Skipped)?;
            }
            Err(NotClaimed::CannotBeAsked) => {
                sync_runs::settle(db, run.id, item.id(), ItemOutcome::Glitch)?;
            }
            Err(NotClaimed::Busy | NotClaimed::Locked) => {}
        }
    }
    Ok(batch)
}

/// Whether any attempt is due, or any claim ran out. What is put off beyond `latest` is due too.
pub fn any_due(db: &mut Db, now: NaiveDateTime, latest: NaiveDateTime) -> Result<bool, StoreError> {
    Ok(!ran_out(db, now, 1, "")?.is_empty() || !due(db, now, latest, 1, "")?.is_empty())
}

/// Claims instructions whose claim ran out, then those whose next attempt is due, those due longest first, in
/// one transaction. What is put off beyond `latest` is due too.
pub fn claim_due(
    db: &mut Db,
    sealer: &Sealer,
    limit: i64,
    terms: &ClaimTerms,
    latest: NaiveDateTime,
) -> Result<Batch, StoreError> {
    let locking = passing_by(db);
    let mut found = ran_out(db, terms.now, limit, locking)?;
    let room = limit - i64::try_from(found.len()).unwrap_or(limit);
    found.extend(due(db, terms.now, latest, room, locking)?);
    let mut batch = Batch { seen: found.len(), ..Batch::default() };
    for one in found {
        if let Ok(claimed) = claim(db, sealer, InstructionId::of_row(one.id), terms)? {
            batch.claimed.push(claimed);
        }
    }
    Ok(batch)
}

fn ran_out(
    db: &mut Db,
    now: NaiveDateTime,
    limit: i64,
    locking: &str,
) -> Result<Vec<DueInstruction>, StoreError> {
    Ok(diesel::sql_query(format!("{RAN_OUT} {locking}"))
        .bind::<Timestamp, _>(now)
        .bind::<BigInt, _>(limit)
        .load(db)?)
}

fn due(
    db: &mut Db,
    now: NaiveDateTime,
    latest: NaiveDateTime,
    limit: i64,
    locking: &str,
) -> Result<Vec<DueInstruction>, StoreError> {
    Ok(diesel::sql_query(format!("{DUE} {locking}"))
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(latest)
        .bind::<Timestamp, _>(now + LONGEST_CLAIM)
        .bind::<Timestamp, _>(now + CLOCKS_DIFFER)
        .bind::<BigInt, _>(limit)
        .load(db)?)
}

// SQLite counts `$1`, `$2` … in the order in which they first appear.
const FREE_ITEMS: &str = "SELECT p.id, p.ftps_outcome, p.ftps_called_at \
    FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
    WHERE i.run_id = $1 AND i.outcome IS NULL \
    AND (p.lease_until IS NULL OR p.lease_until <= $2 OR p.lease_until > $3 OR p.lease_started_at > $4) \
    ORDER BY i.instruction_id LIMIT $5";

/// Of one that no longer waits too: what became of its call goes into the log.
const RAN_OUT: &str = "SELECT p.id FROM payment_instructions p WHERE p.lease_until <= $1 \
    ORDER BY p.lease_until, p.id LIMIT $2";

const DUE: &str = "SELECT p.id FROM payment_instructions p \
    WHERE (p.next_attempt_at <= $1 OR p.next_attempt_at > $2) AND p.action_rank IS NOT NULL \
    AND (p.lease_until IS NULL OR p.lease_until > $3 OR p.lease_started_at > $4) \
    ORDER BY p.next_attempt_at, p.id LIMIT $5";

/// SQLite has one writer. On PostgreSQL several processes look for work at once: each passes by
/// what another is claiming at that moment.
pub(super) fn passing_by(db: &Db) -> &'static str {
    match db {
        Db::Sqlite(_) => "",
        Db::Postgres(_) => "FOR NO KEY UPDATE OF p SKIP LOCKED",
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

/// Gives a claim up of which no call was made, as if it had never been. Only its holder's is.
pub fn release(db: &mut Db, lease: &Lease) -> Result<(), StoreError> {
    if is_mine(&instructions::lock(db, lease.instruction_id)?, lease) {
        clear(db, lease.instruction_id)?;
    }
    Ok(())
}

/// Gives a claim up whose call was cut off: the log says so, and the instruction is due at once.
pub fn cut_short(db: &mut Db, sealer: &Sealer, lease: &Lease, now: NaiveDateTime) -> Result<(), StoreError> {
    let instruction = instructions::lock(db, lease.instruction_id)?;
    if is_mine(&instruction, lease)
        && let Some(found) = FoundClaim::on(db, &instruction)?
    {
        found.bury(db, sealer)?;
        diesel::update(pi::table.find(instruction.id)).set(pi::next_attempt_at.eq(now)).execute(db)?;
    }
    Ok(())
}

fn is_mine(instruction: &PaymentInstruction, lease: &Lease) -> bool {
    instruction.lease_token.as_deref() == Some(&lease.token)
}

fn clear(db: &mut Db, instruction_id: InstructionId) -> Result<(), StoreError> {
    fixed!(
        db,
        "UPDATE payment_instructions SET lease_token = NULL, lease_until = NULL, lease_started_at = NULL \
         WHERE id = ?",
        instruction_id,
    )?;
    Ok(())
}
