//! What an operator's tools read off the database: for `/metrics` and the details of `/health/ready`.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::schema::{audit_events, ftps_calls, outbox_messages, payment_instructions, sync_runs as runs};
use super::sync_runs::{self, Counts, SyncRun, counts};
use super::{DatabaseUrl, Db, Store, StoreError};
use crate::domain::nights::NightsSoFar;
use crate::domain::{MessageState, RunState};

/// All of it, as of one instant.
#[derive(Debug, Clone)]
pub struct Readings {
    /// What is known of the nights, if they are watched.
    pub nights: Option<NightsSoFar>,
    /// The latest run for an instant of the schedule that has ended, and what it came to.
    pub last_night: Option<(SyncRun, Counts)>,
    /// When the latest such run ended that was finished (UTC).
    pub last_finished: Option<NaiveDateTime>,
    /// How many runs there are in each state.
    pub runs: Vec<(RunState, i64)>,
    /// How many messages there are in each state, as pages tell it.
    pub outbox: Vec<(MessageState, i64)>,
    /// Since when the oldest message waits that does (UTC).
    pub waiting_since: Option<NaiveDateTime>,
    /// Payment instructions that wait for FTPS.
    pub in_process: i64,
    /// Since when the oldest of them is In Process (UTC).
    pub in_process_since: Option<NaiveDateTime>,
    /// The latest instant that was stored (UTC).
    pub latest_stored: Option<NaiveDateTime>,
    /// How large a database of PostgreSQL is, in bytes.
    pub server_bytes: Option<i64>,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

impl Readings {
    /// Reads all of it. Its cost grows with the messages and the instructions that wait, which indexes hold.
    pub fn read(db: &mut Db, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let nightly = runs::table.filter(runs::scheduled_for.is_not_null());
        let last: Option<SyncRun> = nightly
            .filter(runs::state.ne(RunState::Running.as_str()))
            .order(runs::id.desc())
            .select(SyncRun::as_select())
            .first(db)
            .optional()?;
        let last_night = match last {
            Some(run) => {
                let counts = counts::kept_total(db, run.id)?;
                Some((run, counts))
            }
            None => None,
        };
        let (in_process, in_process_since) = payment_instructions::table
            .filter(payment_instructions::action_rank.is_not_null())
            .select((count_star(), min(payment_instructions::in_process_since)))
            .first(db)?;
        Ok(Self {
            nights: sync_runs::nights_so_far(db, now)?,
            last_night,
            last_finished: nightly
                .filter(runs::state.eq(RunState::Finished.as_str()))
                .select(max(runs::finished_at))
                .first(db)?,
            runs: runs::table.group_by(runs::state).select((runs::state, count_star())).load(db)?,
            outbox: as_told(
                outbox_messages::table
                    .group_by(outbox_messages::state)
                    .select((outbox_messages::state, count_star()))
                    .load(db)?,
            ),
            waiting_since: outbox_messages::table
                .filter(outbox_messages::waiting_since.is_not_null())
                .select(min(outbox_messages::waiting_since))
                .first(db)?,
            in_process,
            in_process_since,
            latest_stored: latest_stored(db)?,
            server_bytes: match db {
                Db::Sqlite(_) => None,
                Db::Postgres(_) => {
                    let sql = "SELECT pg_database_size(current_database()) AS bytes";
                    Some(diesel::sql_query(sql).get_result::<Bytes>(db)?.bytes)
                }
            },
        })
    }

    /// How many messages are in a state.
    pub fn messages(&self, state: MessageState) -> i64 {
        self.outbox.iter().find(|(found, _)| *found == state).map_or(0, |(_, count)| *count)
    }
}

/// Counts of what is being sent are told with what waits.
fn as_told(counted: Vec<(MessageState, i64)>) -> Vec<(MessageState, i64)> {
    let of = |state: MessageState| {
        counted.iter().filter(|(found, _)| found.shown() == state).map(|(_, count)| count).sum()
    };
    let told = MessageState::ALL.iter().filter(|state| state.shown() == **state);
    told.map(|state| (*state, of(*state))).collect()
}

/// Of what is written without end: a clock that is behind it was set back, or another's was ahead.
fn latest_stored(db: &mut Db) -> Result<Option<NaiveDateTime>, StoreError> {
    let event: Option<NaiveDateTime> =
        audit_events::table.order(audit_events::id.desc()).select(audit_events::at).first(db).optional()?;
    let call: Option<NaiveDateTime> =
        ftps_calls::table.order(ftps_calls::id.desc()).select(ftps_calls::started_at).first(db).optional()?;
    let run: Option<NaiveDateTime> =
        runs::table.order(runs::id.desc()).select(runs::worked_at).first(db).optional()?;
    Ok(event.max(call).max(run))
}

/// Room on the disk of a SQLite database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free for this program.
    pub free: u64,
    /// Bytes that the database takes, its log included.
    pub taken: u64,
}

/// Less is told: a busy day of the state takes a tenth of it.
const LITTLE_ROOM: u64 = 1 << 30;

impl Room {
    /// Whether somebody had better look for more.
    pub const fn is_little(self) -> bool {
        self.free < LITTLE_ROOM
    }
}

/// Connections of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Somebody has.
    pub in_use: u32,
    /// Are open, and nobody has.
    pub idle: u32,
    /// May be open at the most.
    pub most: u32,
}

impl Store {
    /// The room on the disk, where the database is a file on one of this machine's.
    pub fn room(&self) -> std::io::Result<Option<Room>> {
        let DatabaseUrl::Sqlite(path) = &self.connections.0 else { return Ok(None) };
        let disk = rustix::fs::statvfs(path.as_str())?;
        let size = |file: String| std::fs::metadata(file).map_or(0, |file| file.len());
        Ok(Some(Room {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            taken: size(path.clone()) + size(format!("{path}-wal")),
        }))
    }

    /// How the pool of connections is used at this moment.
    pub fn pool_use(&self) -> PoolUse {
        let state = self.pool.state();
        let idle = state.idle_connections;
        PoolUse { in_use: state.connections.saturating_sub(idle), idle, most: self.pool.max_size() }
    }
}
