//! Episodes of what is amiss, and whom they have been told: over all processes one of each kind at a time. What a
//! process sees in its own memory alone (JIT, its sign-in, the gateway) it reports, so that all judge the same.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp};

use super::schema::{
    alert_episodes as episodes, alert_reports as reports, ftps_calls, outbox_events, outbox_messages,
    program_state, sync_runs as runs,
};
use super::sync_runs::{self, SyncRun, counts};
use super::{Db, StoreError};
use crate::domain::alerts::{AlertKind, GATEWAY_PATIENCE, MESSAGE_PATIENCE, Seen, Turn, turn};
use crate::domain::nights::{Nights, NightsSoFar};
use crate::domain::{CallOutcome, MessageEventKind, RunState};

/// A report that was not renewed for so long is of a process that died.
const REPORT_HOLDS: TimeDelta = TimeDelta::minutes(5);
/// A report of the dead is kept for so long, for whoever looks.
const REPORT_KEPT: TimeDelta = TimeDelta::days(1);
/// A claim on telling holds for so long: longer than a post takes.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);
/// No pause between tries is longer.
pub const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// Of the latest calls and events so many are looked through for a sign that all is well again.
const LATEST: i64 = 1000;

/// What a process sees by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Of which kind.
    pub kind: AlertKind,
    /// Since when it is amiss; `None` where it is not, as far as this process knows.
    pub since: Option<DateTime<Utc>>,
}

/// What there is to be judged by.
#[derive(Debug, Clone)]
pub struct View {
    /// The process, by a token of its own.
    pub program: String,
    /// What it sees in its memory.
    pub reports: Vec<Report>,
    /// The schedule.
    pub nights: Nights,
    /// Whether nights and messages are paused.
    pub is_paused: bool,
    /// What a check of the trail came to, if one was made: whether it holds.
    pub trail_holds: Option<bool>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Judges all that can be amiss, and begins and ends episodes; what follows, for the log.
pub fn judge(db: &mut Db, view: &View) -> Result<Vec<(AlertKind, Turn)>, StoreError> {
    let now = view.now.naive_utc();
    let well = report(db, view)?;
    let mut turns = Vec::new();
    for kind in AlertKind::ALL.iter().copied() {
        let open: Option<NaiveDateTime> = episodes::table
            .filter(episodes::kind.eq(kind.as_str()))
            .filter(episodes::over_at.is_null())
            .select(episodes::since)
            .get_result(db)
            .optional()?;
        let seen = match kind {
            AlertKind::NightMissing => {
                night_missing(sync_runs::nights_so_far(db, view.now)?, &view.nights, view.is_paused, view.now)
            }
            AlertKind::NightUnasked => night_unasked(db)?,
            AlertKind::SignInRefused | AlertKind::JitAway | AlertKind::GatewayAway => {
                reported(db, kind, open, well.contains(&kind), now)?
            }
            AlertKind::MessageLate if view.is_paused => Seen::Unknown,
            AlertKind::MessageLate => message_late(db, view.now)?,
            AlertKind::TrailBroken => match view.trail_holds {
                None => Seen::Unknown,
                Some(true) => Seen::Well,
                Some(false) => Seen::Amiss(view.now),
            },
        };
        let patience = match kind {
            AlertKind::GatewayAway => GATEWAY_PATIENCE,
            _ => TimeDelta::zero(),
        };
        if let Some(turn) = turn(open.is_some(), seen.after(patience, view.now))
            && took(db, kind, turn, now)?
        {
            turns.push((kind, turn));
        }
    }
    Ok(turns)
}

/// Begins or ends an episode, unless another process just has.
fn took(db: &mut Db, kind: AlertKind, turn: Turn, now: NaiveDateTime) -> Result<bool, StoreError> {
    let rows = match turn {
        Turn::Begins(since) => diesel::sql_query(
            "INSERT INTO alert_episodes (kind, since) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(kind.as_str())
        .bind::<Timestamp, _>(since.naive_utc())
        .execute(db)?,
        Turn::Ends => diesel::update(
            episodes::table.filter(episodes::kind.eq(kind.as_str())).filter(episodes::over_at.is_null()),
        )
        .set(episodes::over_at.eq(now))
        .execute(db)?,
    };
    Ok(rows > 0)
}

/// Writes down what this process sees; the kinds of which it had reported that they are amiss, and does no more.
fn report(db: &mut Db, view: &View) -> Result<Vec<AlertKind>, StoreError> {
    let now = view.now.naive_utc();
    let mut well = Vec::new();
    for Report { kind, since } in &view.reports {
        let Some(since) = since else {
            let withdrawn =
                diesel::delete(reports::table.find((&view.program, kind.as_str()))).execute(db)?;
            if withdrawn > 0 {
                well.push(*kind);
            }
            continue;
        };
        diesel::sql_query(
            "INSERT INTO alert_reports (program, kind, since, said_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (program, kind) DO UPDATE SET since = excluded.since, said_at = excluded.said_at",
        )
        .bind::<Text, _>(&view.program)
        .bind::<Text, _>(kind.as_str())
        .bind::<Timestamp, _>(since.naive_utc())
        .bind::<Timestamp, _>(now)
        .execute(db)?;
    }
    let old = reports::said_at.lt(now - REPORT_KEPT).or(reports::said_at.gt(now + REPORT_KEPT));
    diesel::delete(reports::table.filter(old)).execute(db)?;
    Ok(well)
}

/// Amiss while any process that lives says so. A process that died has said nothing of how it went on: the episode
/// ends where one that saw it sees it no more, or what was stored shows it.
fn reported(
    db: &mut Db,
    kind: AlertKind,
    open_since: Option<NaiveDateTime>,
    is_well_again: bool,
    now: NaiveDateTime,
) -> Result<Seen, StoreError> {
    let since: Option<NaiveDateTime> = reports::table
        .filter(reports::kind.eq(kind.as_str()))
        .filter(reports::said_at.between(now - REPORT_HOLDS, now + REPORT_HOLDS))
        .select(diesel::dsl::min(reports::since))
        .get_result(db)?;
    if let Some(since) = since {
        return Ok(Seen::Amiss(since.and_utc()));
    }
    let Some(open_since) = open_since else { return Ok(Seen::Well) };
    let shown = match kind {
        AlertKind::GatewayAway => has_taken_messages(db, open_since)?,
        _ => has_answered(db, open_since)?,
    };
    Ok(if is_well_again || shown { Seen::Well } else { Seen::Unknown })
}

/// Whether JIT has let us sign in, and answered, a call that began since then.
fn has_answered(db: &mut Db, since: NaiveDateTime) -> Result<bool, StoreError> {
    let latest: Vec<(NaiveDateTime, CallOutcome)> = ftps_calls::table
        .order(ftps_calls::id.desc())
        .limit(LATEST)
        .select((ftps_calls::started_at, ftps_calls::outcome))
        .load(db)?;
    let answered = |outcome| matches!(outcome, CallOutcome::Success | CallOutcome::Error);
    Ok(latest.into_iter().any(|(at, outcome)| at >= since && answered(outcome)))
}

/// Whether the gateway has taken a message since then.
fn has_taken_messages(db: &mut Db, since: NaiveDateTime) -> Result<bool, StoreError> {
    let latest: Vec<(NaiveDateTime, MessageEventKind)> = outbox_events::table
        .order(outbox_events::id.desc())
        .limit(LATEST)
        .select((outbox_events::happened_at, outbox_events::what))
        .load(db)?;
    Ok(latest.into_iter().any(|(at, what)| at >= since && what == MessageEventKind::Sent))
}

fn night_missing(so_far: Option<NightsSoFar>, nights: &Nights, is_paused: bool, now: DateTime<Utc>) -> Seen {
    let missing = so_far.and_then(|so_far| nights.missing(so_far, now)).filter(|_| !is_paused);
    missing.map_or(Seen::Well, Seen::Amiss)
}

#[derive(QueryableByName)]
struct Unasked {
    #[diesel(sql_type = BigInt)]
    unasked: i64,
}

/// Of the latest night: what it left unasked, and still nobody was asked about.
fn night_unasked(db: &mut Db) -> Result<Seen, StoreError> {
    let night: Option<SyncRun> = runs::table
        .filter(runs::scheduled_for.is_not_null())
        .order(runs::id.desc())
        .select(SyncRun::as_select())
        .first(db)
        .optional()?;
    let Some(night) = night else { return Ok(Seen::Well) };
    let Some(ended) = night.finished_at.filter(|_| night.state != RunState::Running) else {
        return Ok(Seen::Unknown);
    };
    if counts::kept_total(db, night.id)?.left() == 0 {
        return Ok(Seen::Well);
    }
    let Unasked { unasked } = diesel::sql_query(
        "SELECT count(*) AS unasked FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
         WHERE i.run_id = $1 AND i.outcome IS NULL AND p.action_rank IS NOT NULL \
         AND (p.ftps_called_at IS NULL OR p.ftps_called_at < $2)",
    )
    .bind::<BigInt, _>(night.id)
    .bind::<Timestamp, _>(night.started_at)
    .get_result(db)?;
    Ok(if unasked == 0 { Seen::Well } else { Seen::Amiss(ended.and_utc()) })
}

fn message_late(db: &mut Db, now: DateTime<Utc>) -> Result<Seen, StoreError> {
    let oldest: Option<NaiveDateTime> = outbox_messages::table
        .filter(outbox_messages::waiting_since.is_not_null())
        .select(diesel::dsl::min(outbox_messages::waiting_since))
        .get_result(db)?;
    Ok(match oldest.map(|since| since.and_utc()) {
        Some(since) if since + MESSAGE_PATIENCE <= now => Seen::Amiss(since),
        _ => Seen::Well,
    })
}

/// A telling that is due: the beginning of an episode, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    id: i64,
    /// Of which kind.
    pub kind: AlertKind,
    /// Since when (UTC).
    pub since: NaiveDateTime,
    /// Whether it is its end.
    pub is_over: bool,
    /// How often it was tried in vain.
    pub attempts: u32,
    token: String,
}

impl Telling {
    /// The same for each try of it, and for nothing else.
    pub fn key(&self) -> String {
        format!("{}-{}", self.id, if self.is_over { "over" } else { "begun" })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = episodes)]
struct Episode {
    id: i64,
    kind: AlertKind,
    since: NaiveDateTime,
    told_at: Option<NaiveDateTime>,
    attempts: i32,
}

/// Claims the next telling that is due, for `token`, unless none is. An episode that is over before anybody was told of
/// it is told of in order.
pub fn claim(db: &mut Db, token: &str, now: NaiveDateTime) -> Result<Option<Telling>, StoreError> {
    let is_due = episodes::next_attempt_at
        .is_null()
        .or(episodes::next_attempt_at.le(now))
        // Put off by a clock that was ahead.
        .or(episodes::next_attempt_at.gt(now + LONGEST_PAUSE));
    let is_free = episodes::lease_until
        .is_null()
        .or(episodes::lease_until.le(now))
        .or(episodes::lease_until.gt(now + LEASE * 2));
    let is_open = episodes::told_at.is_null().or(episodes::over_at.is_not_null());
    let due = episodes::table
        .filter(episodes::told_over_at.is_null())
        .filter(is_open)
        .filter(is_due)
        .filter(is_free)
        .order(episodes::id)
        .limit(1);
    let episode: Option<Episode> = match db {
        // Its one writer is this transaction.
        Db::Sqlite(db) => due.select(Episode::as_select()).get_result(db).optional()?,
        Db::Postgres(db) => {
            due.select(Episode::as_select()).for_no_key_update().skip_locked().get_result(db).optional()?
        }
    };
    let Some(episode) = episode else { return Ok(None) };
    diesel::update(episodes::table.find(episode.id))
        .set((episodes::lease_token.eq(token), episodes::lease_until.eq(now + LEASE)))
        .execute(db)?;
    Ok(Some(Telling {
        id: episode.id,
        kind: episode.kind,
        since: episode.since,
        is_over: episode.told_at.is_some(),
        attempts: u32::try_from(episode.attempts).unwrap_or_default(),
        token: token.to_owned(),
    }))
}

/// Whether a telling is due. Takes nothing.
pub fn is_any_due(db: &mut Db) -> Result<bool, StoreError> {
    let is_open = episodes::told_at.is_null().or(episodes::over_at.is_not_null());
    let due = episodes::table.filter(episodes::told_over_at.is_null()).filter(is_open);
    let found: Option<i64> = due.select(episodes::id).first(db).optional()?;
    Ok(found.is_some())
}

/// Records that it was told, or when it is told again; `false` where another process has claimed it by now.
pub fn record(
    db: &mut Db,
    telling: &Telling,
    again_at: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let ours = episodes::table.find(telling.id).filter(episodes::lease_token.eq(&telling.token));
    let free = (episodes::lease_token.eq(None::<String>), episodes::lease_until.eq(None::<NaiveDateTime>));
    let rows = match again_at {
        Some(at) => diesel::update(ours)
            .set((free, episodes::next_attempt_at.eq(at), episodes::attempts.eq(episodes::attempts + 1)))
            .execute(db)?,
        None => {
            let done = (free, episodes::attempts.eq(0), episodes::next_attempt_at.eq(None::<NaiveDateTime>));
            if telling.is_over {
                diesel::update(ours).set((done, episodes::told_over_at.eq(now))).execute(db)?
            } else {
                diesel::update(ours).set((done, episodes::told_at.eq(now))).execute(db)?
            }
        }
    };
    Ok(rows > 0)
}

/// The name in `program_state` of the instant at which the trail was last checked.
const TRAIL_CHECKED: &str = "trail checked for alerts";

/// Claims the check of the trail, where the last was begun so long ago; one process makes it.
pub fn claim_trail_check(db: &mut Db, each: TimeDelta, now: NaiveDateTime) -> Result<bool, StoreError> {
    let claimed = diesel::sql_query(
        "INSERT INTO program_state (name, noted_at) VALUES ($1, $2) ON CONFLICT (name) \
         DO UPDATE SET noted_at = excluded.noted_at \
         WHERE program_state.noted_at <= $3 OR program_state.noted_at > $2",
    )
    .bind::<Text, _>(TRAIL_CHECKED)
    .bind::<Timestamp, _>(now)
    .bind::<Timestamp, _>(now - each)
    .execute(db)?;
    Ok(claimed > 0)
}

/// A check that was claimed came to nothing: it is due at once.
pub fn forget_trail_check(db: &mut Db) -> Result<(), StoreError> {
    diesel::delete(program_state::table.find(TRAIL_CHECKED)).execute(db)?;
    Ok(())
}
