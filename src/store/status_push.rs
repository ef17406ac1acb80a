//! What goes back to MUKTASoft (docs/INTEGRATION.md): how far it has been told, who tells it, and what it
//! refused. What is still to be told is kept nowhere: it is what changed after that point, in the order of
//! the change numbers ([`changes`](super::changes)).

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamp};

use super::changes::{self, Place};
use super::claims::CLOCKS_DIFFER;
use super::exporting::{self, Known};
use super::schema::status_push as push;
use super::scope::Scope;
use super::{Db, StoreError};
use crate::sealing::Sealer;

/// For so long a process may tell without renewing its lease. What ends later than that from now was written
/// by a clock that was ahead: it is no evidence of anybody at work.
pub const LEASE: TimeDelta = TimeDelta::seconds(20);

/// Of what waits to be told, so many are counted.
pub const COUNTED: i64 = 10_000;

/// The one row of the table.
const ROW: i32 = 1;

/// How far MUKTASoft has been told.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = push)]
pub struct Progress {
    change_number: i64,
    instruction_id: i64,
    /// When it came there (UTC); `None` before the first.
    pub told_at: Option<NaiveDateTime>,
    /// Since when the next one waits to be told again (UTC).
    pub waiting_since: Option<NaiveDateTime>,
    /// How often that was tried.
    pub attempts: i32,
    /// What MUKTASoft answered to it, if it did.
    pub http_status: Option<i32>,
    /// Why there was no answer.
    pub cause: Option<String>,
    /// When it is tried again (UTC).
    pub next_attempt_at: Option<NaiveDateTime>,
    lease_token: Option<String>,
    lease_until: Option<NaiveDateTime>,
}

impl Progress {
    fn point(&self) -> Place {
        Place::of_row(self.change_number, self.instruction_id)
    }

    /// Whether another process is telling at `now`.
    fn is_anothers(&self, token: &str, now: NaiveDateTime) -> bool {
        // Its holder may have renewed it since `now`, by another clock.
        let latest = now + LEASE + CLOCKS_DIFFER;
        let holds = self.lease_until.is_some_and(|until| now < until && until <= latest);
        holds && self.lease_token.as_deref() != Some(token)
    }

    /// Whether the pause after a fruitless attempt is still on at `now`, none of which is longer than `longest`.
    fn is_pausing(&self, now: NaiveDateTime, longest: TimeDelta) -> bool {
        self.next_attempt_at.is_some_and(|at| now < at && at <= now + longest)
    }

    /// Whether the point is beyond all that this database has seen.
    fn is_ahead(&self, latest: i64) -> bool {
        self.change_number > latest
    }
}

/// Who wants to tell, and when.
#[derive(Debug, Clone)]
pub struct Teller {
    /// The process, by a token of its own.
    pub token: String,
    /// The time (UTC).
    pub now: NaiveDateTime,
    /// No pause after a fruitless attempt is longer than this; zero for one that heeds none.
    pub longest_pause: TimeDelta,
}

/// How far MUKTASoft has been told.
pub fn progress(db: &mut Db) -> Result<Progress, StoreError> {
    Ok(push::table.find(ROW).select(Progress::as_select()).get_result(db)?)
}

/// Whether there is something to be told now, and nobody else tells. Takes nothing.
pub fn is_due(db: &mut Db, teller: &Teller) -> Result<bool, StoreError> {
    let progress = progress(db)?;
    if progress.is_anothers(&teller.token, teller.now)
        || progress.is_pausing(teller.now, teller.longest_pause)
    {
        return Ok(false);
    }
    Ok(progress.is_ahead(changes::latest(db)?) || changes::next(db, progress.point())?.is_some())
}

/// What became of the wish to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Nobody else tells until the lease ends.
    Ours,
    /// The same; but the point was of a change that this database has not come to. From now on what changes
    /// after `latest` is told.
    PointWasAhead {
        /// Where the point was.
        point: i64,
        /// Where the changes are.
        latest: i64,
    },
    /// Another process tells, or a pause is on.
    NotNow,
}

/// Takes the lease, unless another process has it.
pub fn take(db: &mut Db, teller: &Teller) -> Result<Taken, StoreError> {
    let progress = locked(db)?;
    if progress.is_anothers(&teller.token, teller.now)
        || progress.is_pausing(teller.now, teller.longest_pause)
    {
        return Ok(Taken::NotNow);
    }
    diesel::update(push::table.find(ROW))
        .set((push::lease_token.eq(&teller.token), push::lease_until.eq(teller.now + LEASE)))
        .execute(db)?;
    let latest = changes::latest(db)?;
    if !progress.is_ahead(latest) {
        return Ok(Taken::Ours);
    }
    move_to(db, Place::of_row(latest, i64::MAX))?;
    Ok(Taken::PointWasAhead { point: progress.change_number, latest })
}

/// Gives the lease back, if it is this teller's.
pub fn release(db: &mut Db, token: &str) -> Result<(), StoreError> {
    diesel::update(push::table.find(ROW).filter(push::lease_token.eq(token)))
        .set((push::lease_token.eq(None::<String>), push::lease_until.eq(None::<NaiveDateTime>)))
        .execute(db)?;
    Ok(())
}

/// An instruction to be told, as it stands now.
#[derive(Debug)]
pub struct Next {
    /// Where it stands in the order of changes.
    pub place: Place,
    /// The instruction.
    pub known: Known,
    /// How often it was tried in vain.
    pub attempts: u32,
}

/// What is to be told next, if the lease is this teller's.
pub fn next(db: &mut Db, sealer: &Sealer, token: &str) -> Result<Option<Next>, StoreError> {
    let progress = progress(db)?;
    if progress.lease_token.as_deref() != Some(token) {
        return Ok(None);
    }
    let Some(place) = changes::next(db, progress.point())? else { return Ok(None) };
    let known = exporting::at(db, sealer, place)?;
    Ok(Some(Next { place, known, attempts: u32::try_from(progress.attempts).unwrap_or_default() }))
}

/// What MUKTASoft made of an instruction that it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It has it.
    Taken,
    /// It will not take it.
    Refused {
        /// Its HTTP status.
        http_status: u16,
        /// The first words of its answer, long numbers masked.
        answer: Option<String>,
    },
    /// It may take it later.
    Later {
        /// Its HTTP status, if it answered.
        http_status: Option<u16>,
        /// Why it did not.
        cause: Option<String>,
        /// When it is told again (UTC).
        next_attempt_at: NaiveDateTime,
    },
}

/// Records what MUKTASoft made of it; the lease is renewed where more may be told, else given back. Nothing is
/// recorded, and `false` returned, if the lease is another's by now.
pub fn record(
    db: &mut Db,
    token: &str,
    place: Place,
    told: &Told,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let progress = locked(db)?;
    if progress.lease_token.as_deref() != Some(token) {
        return Ok(false);
    }
    if let Told::Later { http_status, cause, next_attempt_at } = told {
        diesel::update(push::table.find(ROW))
            .set((
                push::waiting_since.eq(progress.waiting_since.unwrap_or(now)),
                push::attempts.eq(progress.attempts.saturating_add(1)),
                push::http_status.eq(http_status.map(i32::from)),
                push::cause.eq(cause),
                push::next_attempt_at.eq(next_attempt_at),
            ))
            .execute(db)?;
        release(db, token)?;
        return Ok(true);
    }
    if let Told::Refused { http_status, answer } = told {
        diesel::sql_query(
            "INSERT INTO status_refusals (instruction_id, change_number, refused_at, http_status, answer) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (instruction_id, change_number) DO UPDATE SET \
             refused_at = excluded.refused_at, http_status = excluded.http_status, answer = excluded.answer",
        )
        .bind::<BigInt, _>(place.instruction_id())
        .bind::<BigInt, _>(place.number())
        .bind::<Timestamp, _>(now)
        .bind::<Integer, _>(i32::from(*http_status))
        .bind::<Nullable<Text>, _>(answer)
        .execute(db)?;
    }
    move_to(db, place)?;
    diesel::update(push::table.find(ROW))
        .set((push::told_at.eq(now), push::lease_until.eq(now + LEASE)))
        .execute(db)?;
    Ok(true)
}

/// Moves the point; nothing waits to be told again any more.
fn move_to(db: &mut Db, place: Place) -> Result<(), StoreError> {
    diesel::update(push::table.find(ROW))
        .set((
            push::change_number.eq(place.number()),
            push::instruction_id.eq(place.row()),
            push::waiting_since.eq(None::<NaiveDateTime>),
            push::attempts.eq(0),
            push::http_status.eq(None::<i32>),
            push::cause.eq(None::<String>),
            push::next_attempt_at.eq(None::<NaiveDateTime>),
        ))
        .execute(db)?;
    Ok(())
}

/// The row, locked until the transaction ends. SQLite has one writer anyhow.
fn locked(db: &mut Db) -> Result<Progress, StoreError> {
    let row = push::table.find(ROW);
    Ok(match db {
        Db::Sqlite(db) => row.select(Progress::as_select()).get_result(db)?,
        Db::Postgres(db) => row.select(Progress::as_select()).for_no_key_update().get_result(db)?,
    })
}

/// What waits to be told, in scope.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Open {
    /// How many instructions, of the next [`COUNTED`] over all towns.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// When the first of them changed (UTC).
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub since: Option<NaiveDateTime>,
    /// Whether there may be more.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub may_be_more: bool,
}

/// What waits to be told, in scope. A bounded amount of work.
pub fn open(db: &mut Db, scope: &Scope, progress: &Progress) -> Result<Open, StoreError> {
    Ok(diesel::sql_query(
        "WITH later AS (SELECT id, tenant_id, changed_at FROM payment_instructions \
             WHERE (change_number, id) > ($1, $2) ORDER BY change_number, id LIMIT $3) \
         SELECT count(*) AS count, min(l.changed_at) AS since, \
             (SELECT count(*) FROM later) >= $3 AS may_be_more \
         FROM later l JOIN tenants t ON t.id = l.tenant_id WHERE t.id = $4 OR t.state = $5",
    )
    .bind::<BigInt, _>(progress.change_number)
    .bind::<BigInt, _>(progress.instruction_id)
    .bind::<BigInt, _>(COUNTED)
    .bind::<Text, _>(scope.tenant())
    .bind::<Text, _>(if scope.is_state() { scope.tenant() } else { "" })
    .get_result(db)?)
}

/// An instruction that MUKTASoft refused as it stands here now.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Refused {
    /// Its number.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// Its tenant.
    #[diesel(sql_type = Text)]
    pub tenant_id: String,
    /// Of the change that was refused.
    #[diesel(sql_type = BigInt)]
    pub change_number: i64,
    /// When it was (UTC).
    #[diesel(sql_type = Timestamp)]
    pub refused_at: NaiveDateTime,
    /// MUKTASoft's HTTP status.
    #[diesel(sql_type = Integer)]
    pub http_status: i32,
    /// The first words of its answer, long numbers masked.
    #[diesel(sql_type = Nullable<Text>)]
    pub answer: Option<String>,
}

/// What MUKTASoft refused, in scope, newest first, at most `limit`. One that changed since is told anew, and is
/// not among them.
pub fn refused(db: &mut Db, scope: &Scope, limit: i64) -> Result<Vec<Refused>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT p.number, p.tenant_id, r.change_number, r.refused_at, r.http_status, r.answer \
         FROM status_refusals r JOIN payment_instructions p ON p.id = r.instruction_id \
         JOIN tenants t ON t.id = p.tenant_id \
         WHERE r.change_number = p.change_number AND (t.id = $1 OR t.state = $2) \
         ORDER BY r.id DESC LIMIT $3",
    )
    .bind::<Text, _>(scope.tenant())
    .bind::<Text, _>(if scope.is_state() { scope.tenant() } else { "" })
    .bind::<BigInt, _>(limit)
    .load(db)?)
}
