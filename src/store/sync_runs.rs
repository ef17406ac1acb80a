//! Sync runs, what belongs to each, and how far they are.

pub mod counts;
pub mod listing;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::audit::{self, NewEvent};
use super::fixed::fixed;
use super::instructions::InstructionId;
use super::schema::{program_state, sync_run_items as items, sync_runs as runs};
use super::{Db, StoreError, bills};
use crate::domain::nights::NightsSoFar;
use crate::domain::{ItemOutcome, RunState, RunTrigger};
use crate::sealing::Sealer;
pub use counts::{Counts, total};

/// A process at work notes it this often at most.
const NOTED_EVERY: TimeDelta = TimeDelta::seconds(5);

/// The name in `program_state` of the instant since when nights are watched.
const WATCHED_SINCE: &str = "nights watched since";

/// A sync run as stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = runs)]
pub struct SyncRun {
    /// Our row.
    pub id: i64,
    /// The instant of the schedule that it is for, if it is for one (UTC).
    pub scheduled_for: Option<NaiveDateTime>,
    /// What set it off.
    pub trigger_word: RunTrigger,
    /// The employee who did, if one did.
    pub started_by: Option<String>,
    /// How far it is.
    pub state: RunState,
    /// When it began (UTC).
    pub started_at: NaiveDateTime,
    /// When a process last worked on it (UTC).
    pub worked_at: NaiveDateTime,
    /// When it ended (UTC).
    pub finished_at: Option<NaiveDateTime>,
    /// Since when it waits for a JIT that is away (UTC); kept when it was given up for that.
    pub waiting_since: Option<NaiveDateTime>,
}

/// A run to be begun.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The instant of the schedule that it is for, if it is for one.
    pub scheduled_for: Option<NaiveDateTime>,
    /// What sets it off.
    pub trigger: RunTrigger,
    /// The employee who does, if one does.
    pub started_by: Option<String>,
    /// What the audit trail is told if it begins; its subject will be the run.
    pub event: Option<NewEvent>,
}

/// What became of the wish to begin a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It began.
    Started(SyncRun),
    /// Another one is under way: none began.
    InProgress(SyncRun),
    /// That instant of the schedule has had its run: none began.
    AlreadyMade,
}

/// Begins a run over all that waits now and can be asked about, unless one is under way. A run that nobody has worked on
/// since `left_behind` is marked interrupted first.
pub fn begin(
    db: &mut Db,
    sealer: &Sealer,
    new: &NewRun,
    now: NaiveDateTime,
    left_behind: NaiveDateTime,
) -> Result<Begun, StoreError> {
    // A process that worked on it in the future had a clock that was ahead.
    let is_left_behind =
        |run: &SyncRun| run.worked_at <= left_behind || run.worked_at > now + (now - left_behind);
    if let Some(run) = running(db)?.filter(is_left_behind) {
        end(db, run.id, RunState::Interrupted, now)?;
    }
    if let Some(run) = running(db)? {
        return Ok(Begun::InProgress(run));
    }
    // What a clock that was ahead has begun is no evidence of a night: it stays under the instant at which
    // it began.
    if let Some(night) = new.scheduled_for {
        diesel::update(runs::table.filter(runs::scheduled_for.eq(night)).filter(runs::started_at.gt(now)))
            .set(runs::scheduled_for.eq(runs::started_at.nullable()))
            .execute(db)?;
    }
    // Two processes may come this far at once on PostgreSQL: the unique indexes let one through.
    let begun: Option<SyncRun> = diesel::sql_query(
        "INSERT INTO sync_runs (scheduled_for, trigger_word, started_by, state, started_at, worked_at) \
         VALUES ($1, $2, $3, 'running', $4, $5) ON CONFLICT DO NOTHING RETURNING *",
    )
    .bind::<Nullable<Timestamp>, _>(new.scheduled_for)
    .bind::<Text, _>(new.trigger.as_str())
    .bind::<Nullable<Text>, _>(&new.started_by)
    .bind::<Timestamp, _>(now)
    .bind::<Timestamp, _>(now)
    .get_result(db)
    .optional()?;
    match begun {
        Some(run) => {
            bills::look_again(db, sealer, now)?;
            join(db, run.id)?;
            if let Some(event) = &new.event {
                let subject = Some(format!("sync run {}", run.id));
                audit::append(db, Some(sealer), &NewEvent { subject, ..event.clone() })?;
            }
            Ok(Begun::Started(run))
        }
        None => Ok(running(db)?.map_or(Begun::AlreadyMade, Begun::InProgress)),
    }
}

/// Adds to a run what waits, can be asked about, and does not belong to it yet. What somebody else has locked
/// so that it could not be referred to is left for later: nobody is waited for.
fn join(db: &mut Db, run_id: i64) -> Result<(), StoreError> {
    let locked = match db {
        Db::Sqlite(_) => "",
        Db::Postgres(_) => "FOR KEY SHARE OF p SKIP LOCKED",
    };
    diesel::sql_query(format!(
        "INSERT INTO sync_run_items (run_id, instruction_id, tenant_id) \
         SELECT $1, p.id, p.tenant_id FROM payment_instructions p \
         WHERE p.action_rank IS NOT NULL AND NOT p.cannot_ask AND NOT EXISTS (SELECT 1 FROM sync_run_items i \
         WHERE i.run_id = $1 AND i.instruction_id = p.id) {locked} ON CONFLICT DO NOTHING"
    ))
    .bind::<BigInt, _>(run_id)
    .execute(db)?;
    Ok(())
}

/// Whether the run under way will ask about an instruction.
pub fn is_open_in_a_run(db: &mut Db, id: InstructionId) -> Result<bool, StoreError> {
    let Some(run) = running(db)? else { return Ok(false) };
    let open: i64 =
        items::table.find((run.id, id)).filter(items::outcome.is_null()).count().get_result(db)?;
    Ok(open > 0)
}

/// The run under way, if there is one.
pub fn running(db: &mut Db) -> Result<Option<SyncRun>, StoreError> {
    Ok(runs::table
        .filter(runs::state.eq(RunState::Running.as_str()))
        .select(SyncRun::as_select())
        .get_result(db)
        .optional()?)
}

/// Notes that a process works on a run; `false` if it is not running any more.
pub fn note_work(db: &mut Db, run_id: i64, now: NaiveDateTime) -> Result<bool, StoreError> {
    let Some(run) = get(db, run_id)?.filter(|run| run.state == RunState::Running) else { return Ok(false) };
    if run.worked_at + NOTED_EVERY <= now || run.worked_at > now {
        diesel::update(runs::table.find(run_id)).set(runs::worked_at.eq(now)).execute(db)?;
    }
    Ok(true)
}

/// Writes what became of an instruction in a run, once.
pub(super) fn settle(
    db: &mut Db,
    run_id: i64,
    instruction_id: InstructionId,
    outcome: ItemOutcome,
) -> Result<(), StoreError> {
    let settled = fixed!(
        db,
        "UPDATE sync_run_items SET outcome = ? WHERE run_id = ? AND instruction_id = ? AND outcome IS NULL",
        outcome.as_str(),
        run_id,
        instruction_id,
    )?;
    if settled > 0 { counts::add_late(db, run_id, instruction_id, outcome) } else { Ok(()) }
}

/// Marks a run finished if nothing is left to be asked, of what has come meanwhile either; says whether it is
/// over.
pub fn finish(db: &mut Db, run_id: i64, now: NaiveDateTime) -> Result<bool, StoreError> {
    if get(db, run_id)?.is_some_and(|run| run.state == RunState::Running) {
        join(db, run_id)?;
    }
    let open: Option<InstructionId> = items::table
        .filter(items::run_id.eq(run_id))
        .filter(items::outcome.is_null())
        .select(items::instruction_id)
        .limit(1)
        .get_result(db)
        .optional()?;
    if open.is_none() {
        end(db, run_id, RunState::Finished, now)?;
    }
    Ok(get(db, run_id)?.is_none_or(|run| run.state != RunState::Running))
}

/// Notes that a run waits for JIT since an instant, or does not any more, and that a process works on it;
/// `false` if it is not running.
pub fn note_waiting(
    db: &mut Db,
    run_id: i64,
    since: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let Some(run) = get(db, run_id)?.filter(|run| run.state == RunState::Running) else { return Ok(false) };
    // The first of several processes knows best since when.
    let since = since.map(|since| run.waiting_since.map_or(since, |known| known.min(since)));
    if since != run.waiting_since {
        diesel::update(runs::table.find(run_id)).set(runs::waiting_since.eq(since)).execute(db)?;
    }
    note_work(db, run_id, now)
}

/// Ends a run that waited for JIT for too long: what it did not ask about, and still waits, is due at once.
/// How many that are.
pub fn give_up(db: &mut Db, run_id: i64, now: NaiveDateTime) -> Result<usize, StoreError> {
    if get(db, run_id)?.is_none_or(|run| run.state != RunState::Running) {
        return Ok(0);
    }
    let locked = match db {
        Db::Sqlite(_) => "",
        // In the one order of all locks.
        Db::Postgres(_) => "FOR NO KEY UPDATE OF p",
    };
    // Instructions are locked before items, as by whoever records an answer.
    let due = diesel::sql_query(format!(
        "WITH unasked AS (SELECT p.id FROM payment_instructions p JOIN sync_run_items i ON i.instruction_id = p.id \
         WHERE i.run_id = $1 AND i.outcome IS NULL AND p.action_rank IS NOT NULL ORDER BY p.number {locked}) \
         UPDATE payment_instructions SET next_attempt_at = $2 WHERE id IN (SELECT id FROM unasked)"
    ))
    .bind::<BigInt, _>(run_id)
    .bind::<Timestamp, _>(now)
    .execute(db)?;
    end(db, run_id, RunState::Interrupted, now)?;
    Ok(due)
}

/// Marks a run that is stopped on purpose.
pub fn interrupt(db: &mut Db, run_id: i64, now: NaiveDateTime) -> Result<(), StoreError> {
    end(db, run_id, RunState::Interrupted, now)
}

fn end(db: &mut Db, run_id: i64, state: RunState, now: NaiveDateTime) -> Result<(), StoreError> {
    let ended = diesel::update(runs::table.find(run_id).filter(runs::state.eq(RunState::Running.as_str())))
        .set((runs::state.eq(state.as_str()), runs::finished_at.eq(now), runs::worked_at.eq(now)))
        .execute(db)?;
    if ended > 0 { counts::keep(db, run_id) } else { Ok(()) }
}

/// What is known of the nights so far, if they are watched at all. An instant later than `now` was stored
/// by a clock that was ahead: it is no evidence.
pub fn nights_so_far(db: &mut Db, now: DateTime<Utc>) -> Result<Option<NightsSoFar>, StoreError> {
    let watched_since: Option<NaiveDateTime> =
        program_state::table.find(WATCHED_SINCE).select(program_state::noted_at).get_result(db).optional()?;
    let latest: Option<NaiveDateTime> = runs::table
        .filter(runs::scheduled_for.le(now.naive_utc()))
        .filter(runs::started_at.le(now.naive_utc()))
        .select(diesel::dsl::max(runs::scheduled_for))
        .get_result(db)?;
    Ok(watched_since
        .filter(|since| *since <= now.naive_utc())
        .map(|since| NightsSoFar { watched_since: since.and_utc(), latest: latest.map(|at| at.and_utc()) }))
}

/// Watches the nights from `now` on, if they are not watched yet, or only since an instant to come.
pub fn watch_nights(db: &mut Db, now: DateTime<Utc>) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO program_state (name, noted_at) VALUES ($1, $2) ON CONFLICT (name) \
         DO UPDATE SET noted_at = excluded.noted_at WHERE program_state.noted_at > excluded.noted_at",
    )
    .bind::<Text, _>(WATCHED_SINCE)
    .bind::<Timestamp, _>(now.naive_utc())
    .execute(db)?;
    Ok(())
}

/// The run of that row.
pub fn get(db: &mut Db, id: i64) -> Result<Option<SyncRun>, StoreError> {
    Ok(runs::table.find(id).select(SyncRun::as_select()).get_result(db).optional()?)
}

/// Runs newest first, at most `limit`, older than `before` if given.
pub fn newest(db: &mut Db, before: Option<i64>, limit: i64) -> Result<Vec<SyncRun>, StoreError> {
    Ok(runs::table
        .filter(runs::id.lt(before.unwrap_or(i64::MAX)))
        .order(runs::id.desc())
        .limit(limit)
        .select(SyncRun::as_select())
        .load(db)?)
}

/// The latest run that ended.
pub fn latest_ended(db: &mut Db) -> Result<Option<SyncRun>, StoreError> {
    let ended: Vec<SyncRun> = runs::table
        .filter(runs::state.ne(RunState::Running.as_str()))
        .order(runs::id.desc())
        .limit(1)
        .select(SyncRun::as_select())
        .load(db)?;
    Ok(ended.into_iter().next())
}

/// The runs for instants of the schedule since `since`, oldest first.
pub fn nights_since(db: &mut Db, since: NaiveDateTime) -> Result<Vec<SyncRun>, StoreError> {
    Ok(runs::table
        .filter(runs::scheduled_for.ge(since))
        .order(runs::id)
        .select(SyncRun::as_select())
        .load(db)?)
}
