//! What a run brought for each payment instruction, then, and how it stands now.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamp};

use super::SyncRun;
use crate::domain::{ItemOutcome, Paise, PiStatus};
use crate::store::instructions::is_stuck;
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};

/// A part of what a run had to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Asked about, and not paid.
    NotPaid,
    /// Paid.
    Paid,
    /// Not asked about.
    NotAsked,
}

impl Part {
    const fn condition(self) -> &'static str {
        match self {
            Self::NotPaid => "i.outcome IN ('error', 'glitch', 'no-response')",
            Self::Paid => "i.outcome = 'success'",
            Self::NotAsked => "(i.outcome IS NULL OR i.outcome = 'skipped')",
        }
    }
}

/// A payment instruction of a run.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Item {
    /// Its row.
    #[diesel(sql_type = BigInt)]
    pub instruction_id: i64,
    /// Its number.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// Its tenant.
    #[diesel(sql_type = Text)]
    pub tenant_id: String,
    /// What the run brought for it.
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<ItemOutcome>,
    /// The message of the run's call, else the latest.
    #[diesel(sql_type = Nullable<Text>)]
    pub message: Option<String>,
    /// What it comes to.
    #[diesel(sql_type = BigInt)]
    pub net_paise: Paise,
    /// Where it stands now.
    #[diesel(sql_type = Text)]
    pub status: PiStatus,
    /// Attempts without an answer, up to now.
    #[diesel(sql_type = Integer)]
    pub unanswered_attempts: i32,
    /// When it is asked about again by itself.
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub next_attempt_at: Option<NaiveDateTime>,
    /// Since when it is In Process.
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub in_process_since: Option<NaiveDateTime>,
}

impl Item {
    /// Whether it has been In Process for longer than it should.
    pub fn is_stuck(&self, now: DateTime<Utc>) -> bool {
        is_stuck(self.status, self.in_process_since, now)
    }
}

/// A part of a run, in scope, after the row `after`, at most `limit`.
pub fn items(
    db: &mut Db,
    scope: &Scope,
    run_id: i64,
    part: Part,
    after: i64,
    limit: i64,
) -> Result<Vec<Item>, StoreError> {
    // A payment instruction never changes its tenant.
    let sql = format!(
        "SELECT i.instruction_id, p.number, p.tenant_id, i.outcome, \
         COALESCE((SELECT c.message FROM ftps_calls c WHERE c.run_id = i.run_id \
             AND c.instruction_id = i.instruction_id AND c.outcome <> 'unknown' \
             ORDER BY c.id DESC LIMIT 1), p.ftps_message) AS message, \
         p.net_paise, p.status, p.unanswered_attempts, p.next_attempt_at, p.in_process_since \
         FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
         WHERE i.run_id = $1 AND i.instruction_id > $2 AND {} AND {} ORDER BY i.instruction_id LIMIT $4",
        scope.condition_on("i", "$3"),
        part.condition()
    );
    Ok(diesel::sql_query(sql)
        .bind::<BigInt, _>(run_id)
        .bind::<BigInt, _>(after)
        .bind::<Text, _>(scope.tenant())
        .bind::<BigInt, _>(limit)
        .load(db)?)
}

/// How the payment instructions of a run stand now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Paid, as FTPS reported.
    pub paid: i64,
    /// In Process; the latest answer is an error.
    pub errors: i64,
    /// In Process; the latest attempt was a glitch.
    pub glitches: i64,
    /// In Process; the latest attempt had no response.
    pub no_response: i64,
    /// In Process, and not asked about since the run began.
    pub unasked: i64,
    /// Completed by MUKTASoft.
    pub by_muktasoft: i64,
    /// No longer to be asked about for another reason.
    pub over: i64,
}

#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = Text)]
    stands: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How the payment instructions of a run stand now. Those that it found paid, so many, are not looked at again:
/// they never stop being so.
pub fn now(db: &mut Db, scope: &Scope, run: &SyncRun, successful: i64) -> Result<Now, StoreError> {
    let sql = format!(
        "SELECT s.stands AS stands, count(*) AS count FROM (SELECT CASE WHEN p.completed_by = 'ftps' THEN 'paid' \
         WHEN p.completed_by IS NOT NULL THEN 'muktasoft' WHEN p.action_rank IS NULL THEN 'over' \
         WHEN i.outcome IS NULL AND (p.ftps_called_at IS NULL OR p.ftps_called_at < $1) THEN 'unasked' \
         ELSE COALESCE(p.ftps_outcome, 'unasked') END AS stands \
         FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
         WHERE i.run_id = $2 AND (i.outcome IS NULL OR i.outcome IN ('error', 'glitch', 'no-response', 'skipped')) \
         AND {}) s GROUP BY s.stands",
        scope.condition_on("i", "$3")
    );
    let rows: Vec<Standing> = diesel::sql_query(sql)
        .bind::<Timestamp, _>(run.started_at)
        .bind::<BigInt, _>(run.id)
        .bind::<Text, _>(scope.tenant())
        .load(db)?;
    let mut now = Now { paid: successful, ..Now::default() };
    for Standing { stands, count } in rows {
        match stands.as_str() {
            "paid" => now.paid += count,
            "error" => now.errors += count,
            "glitch" => now.glitches += count,
            "no-response" => now.no_response += count,
            "muktasoft" => now.by_muktasoft += count,
            "over" => now.over += count,
            _ => now.unasked += count,
        }
    }
    Ok(now)
}

/// How fast recent runs asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Runs that tell it.
    pub runs: i64,
    /// How long they took in all, in milliseconds.
    pub milliseconds: i64,
    /// How many payment instructions they asked about.
    pub asked: i64,
}

/// Runs that are looked at for it.
const RECENT: i64 = 20;
/// So many of them tell it.
const TELLING: usize = 5;

/// The pace of the latest runs that asked about everything, without waiting for JIT; `None` if there is none.
pub fn pace(db: &mut Db) -> Result<Option<Pace>, StoreError> {
    let runs = super::newest(db, None, RECENT)?;
    let Some((first, last)) = runs.last().zip(runs.first()).map(|(first, last)| (first.id, last.id)) else {
        return Ok(None);
    };
    let asked = super::counts::asked_by(db, first, last)?;
    let mut pace = Pace { runs: 0, milliseconds: 0, asked: 0 };
    let took = runs.iter().filter_map(|run| {
        let is_whole = run.state == crate::domain::RunState::Finished && run.waiting_since.is_none();
        let asked = asked.get(&run.id).copied().filter(|asked| is_whole && *asked > 0)?;
        Some((asked, (run.finished_at? - run.started_at).num_milliseconds().max(0)))
    });
    for (asked, milliseconds) in took.take(TELLING) {
        pace.runs += 1;
        pace.asked += asked;
        pace.milliseconds += milliseconds;
    }
    Ok((pace.runs > 0).then_some(pace))
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many payment instructions a run that began now would ask about.
pub fn to_be_asked(db: &mut Db) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) AS count FROM payment_instructions p WHERE p.action_rank IS NOT NULL AND NOT p.cannot_ask";
    let waiting: Waiting = diesel::sql_query(sql).get_result(db)?;
    Ok(waiting.count)
}
