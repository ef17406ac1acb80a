//! Claims: who is asking JIT about an instruction, and until when.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::instructions::{self, PaymentInstruction};
use super::schema::payment_instructions as pi;
use super::sync_runs::{self, SyncRun};
use super::{Db, StoreError, beneficiaries};
use crate::ftps::{AskedInstruction, BillToAsk, Outcome, PiStatus};
use crate::sealing::{Sealer, random_hex};

/// The proof of a claim: only [`claim`] makes one, and only its holder records an outcome.
#[derive(Debug)]
pub struct Lease {
    pub(super) instruction_id: i64,
    pub(super) token: String,
}

/// What a claim brings: the proof, and all that the call and the decision need.
#[derive(Debug)]
pub struct Claimed {
    /// The proof.
    pub lease: Lease,
    /// The instruction, for the decision.
    pub asked: AskedInstruction,
    /// The bill to ask about, or why JIT cannot be asked, in plain English.
    pub bill: Result<BillToAsk, String>,
    /// Attempts without an answer up to now, in a row.
    pub unanswered_attempts: u32,
}

/// Why an instruction was not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotClaimed {
    /// Another call on it is under way.
    Busy,
    /// It is not an active revised PI In Process.
    NotWaiting,
}

/// Claims an instruction until `until`, if it waits and nobody else holds it.
pub fn claim(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: i64,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<Result<Claimed, NotClaimed>, StoreError> {
    let token = random_hex(16)?;
    let taken = diesel::update(
        pi::table
            .filter(pi::id.eq(instruction_id))
            .filter(pi::status.eq(PiStatus::InProcess.as_str()))
            .filter(pi::is_active.eq(true))
            .filter(pi::parent_number.is_not_null())
            .filter(pi::lease_until.is_null().or(pi::lease_until.le(now))),
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
    let unanswered_attempts = u32::try_from(instruction.unanswered_attempts).unwrap_or_default();
    Ok(Ok(Claimed { lease: Lease { instruction_id, token }, asked, bill, unanswered_attempts }))
}

/// What a look for more work came to.
#[derive(Debug, Default)]
pub struct Page {
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
) -> Result<Page, StoreError> {
    if !sync_runs::note_work(db, run.id, now)? {
        return Ok(Page::default());
    }
    let free: Vec<FreeItem> = diesel::sql_query(format!("{FREE_ITEMS} {}", passing_by(db)))
        .bind::<BigInt, _>(run.id)
        .bind::<Timestamp, _>(now)
        .bind::<BigInt, _>(limit)
        .load(db)?;
    let mut page = Page { seen: free.len(), ..Page::default() };
    for item in free {
        if let Some(outcome) = item.asked_since(run.started_at) {
            sync_runs::settle(db, run.id, item.id, outcome.as_str())?;
            continue;
        }
        match claim(db, sealer, item.id, now, until)? {
            Ok(claimed) => page.claimed.push(claimed),
            Err(NotClaimed::NotWaiting) => sync_runs::settle(db, run.id, item.id, sync_runs::SKIPPED)?,
            Err(NotClaimed::Busy) => {}
        }
    }
    Ok(page)
}

/// Whether any attempt is due.
pub fn any_due(db: &mut Db, now: NaiveDateTime) -> Result<bool, StoreError> {
    let due: Vec<DueInstruction> =
        diesel::sql_query(DUE_INSTRUCTIONS).bind::<Timestamp, _>(now).bind::<BigInt, _>(1).load(db)?;
    Ok(!due.is_empty())
}

/// Claims instructions whose next attempt is due, those due longest first, in one transaction.
pub fn claim_due(
    db: &mut Db,
    sealer: &Sealer,
    limit: i64,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<Page, StoreError> {
    let due: Vec<DueInstruction> = diesel::sql_query(format!("{DUE_INSTRUCTIONS} {}", passing_by(db)))
        .bind::<Timestamp, _>(now)
        .bind::<BigInt, _>(limit)
        .load(db)?;
    let mut page = Page { seen: due.len(), ..Page::default() };
    for one in due {
        if let Ok(claimed) = claim(db, sealer, one.id, now, until)? {
            page.claimed.push(claimed);
        }
    }
    Ok(page)
}

const FREE_ITEMS: &str = "SELECT p.id, p.ftps_outcome, p.ftps_called_at \
    FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
    WHERE i.run_id = $1 AND i.outcome IS NULL AND (p.lease_until IS NULL OR p.lease_until <= $2) \
    ORDER BY i.instruction_id LIMIT $3";

const DUE_INSTRUCTIONS: &str = "SELECT p.id FROM payment_instructions p \
    WHERE p.next_attempt_at <= $1 AND p.status = 'In Process' AND p.is_active \
    AND p.parent_number IS NOT NULL AND (p.lease_until IS NULL OR p.lease_until <= $1) \
    ORDER BY p.next_attempt_at, p.id LIMIT $2";

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
    ftps_outcome: String,
    #[diesel(sql_type = Nullable<Timestamp>)]
    ftps_called_at: Option<NaiveDateTime>,
}

impl FreeItem {
    /// What the latest call came to, if that was after `since`.
    fn asked_since(&self, since: NaiveDateTime) -> Option<Outcome> {
        let outcome = self.ftps_outcome.parse().ok()?;
        self.ftps_called_at.is_some_and(|at| at > since).then_some(outcome)
    }
}

#[derive(QueryableByName)]
struct DueInstruction {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The six facts of DOMAIN.md §3, or why JIT cannot be asked.
fn bill_to_ask(db: &mut Db, revised: &PaymentInstruction) -> Result<Result<BillToAsk, String>, StoreError> {
    let Some(original) = instructions::original(db, revised)? else {
        return Ok(Err(
            "The original payment instruction is not known here, so JIT cannot be asked.".to_owned()
        ));
    };
    let reference = instructions::advices(db, original.id)?
        .into_iter()
        .find_map(|advice| advice.bill_reference.filter(|reference| !reference.trim().is_empty()));
    Ok(match reference {
        None => Err(format!(
            "The online bill reference of the original payment instruction {} is not known here, so JIT cannot be asked.",
            original.number
        )),
        Some(original_reference) => Ok(BillToAsk {
            number: revised.number.clone(),
            date: revised.created_at.and_utc(),
            original_reference,
            original_number: original.number,
            original_date: original.created_at.and_utc(),
        }),
    })
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
