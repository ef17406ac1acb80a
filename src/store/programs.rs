//! Which programs are at work, and with which data key: each says so from time to time.

use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::schema::program_state;
use super::{Db, StoreError, keys};
use crate::sealing::{SealError, Sealer, random_hex};

/// How often each program says so, in seconds.
pub const BEAT_SECONDS: u64 = 5;

/// A program that is at work says so more often.
const LONGEST_SILENCE: Duration = Duration::from_secs(BEAT_SECONDS + 3);

/// What the name of the row begins with that says which database is copied into this one.
pub(super) const COPY_UNDER_WAY: &str = "copy under way from ";

/// What the names of programs' rows have in common.
const SEALS_WITH: &str = " seals with ";

/// A running program.
#[derive(Debug, Clone)]
pub struct Program {
    /// What its row is called, but for the key.
    name: String,
}

impl Program {
    /// One that begins to run.
    pub fn starting() -> Result<Self, SealError> {
        Ok(Self { name: format!("program {}{SEALS_WITH}", random_hex(8)?) })
    }

    /// Says that the program is at work with its current key, in the database's own time. A key that fits no more
    /// is [`StoreError::WrongDataKey`].
    pub fn beat(&self, db: &mut Db, sealer: &Sealer) -> Result<(), StoreError> {
        keys::hold(db, sealer)?;
        diesel::sql_query(
            "INSERT INTO program_state (name, noted_at) VALUES ($1, CURRENT_TIMESTAMP) \
             ON CONFLICT (name) DO UPDATE SET noted_at = excluded.noted_at",
        )
        .bind::<Text, _>(format!("{}{}", self.name, sealer.current_key_id()))
        .execute(db)?;
        Ok(())
    }

    /// Says that the program is at work, for the first time; programs that were killed long ago are forgotten.
    pub fn begin(&self, db: &mut Db, sealer: &Sealer) -> Result<(), StoreError> {
        let long_ago = match db {
            Db::Sqlite(_) => "datetime('now', '-1 day')",
            Db::Postgres(_) => "CURRENT_TIMESTAMP - INTERVAL '1 day'",
        };
        let killed = format!("name LIKE 'program %{SEALS_WITH}%' AND noted_at < {long_ago}");
        diesel::sql_query(format!("DELETE FROM program_state WHERE {killed}")).execute(db)?;
        self.beat(db, sealer)
    }

    /// Says that the program ends.
    pub fn end(&self, db: &mut Db) -> Result<(), StoreError> {
        diesel::delete(program_state::table.filter(program_state::name.like(format!("{}%", self.name))))
            .execute(db)?;
        Ok(())
    }
}

/// The row that says which database is copied into this one, if one is.
pub(super) fn copy_under_way(db: &mut Db) -> Result<Option<String>, StoreError> {
    let marks = program_state::table.filter(program_state::name.like(format!("{COPY_UNDER_WAY}%")));
    Ok(marks.select(program_state::name).first(db).optional()?)
}

/// Says which database is copied into this one.
pub(super) fn mark_copy(db: &mut Db, mark: &str) -> Result<(), StoreError> {
    diesel::sql_query("INSERT INTO program_state (name, noted_at) VALUES ($1, CURRENT_TIMESTAMP)")
        .bind::<Text, _>(mark)
        .execute(db)?;
    Ok(())
}

/// When a program last said that it is at work: its row, and the instant.
pub type LastSaid = (String, NaiveDateTime);

/// The programs that said that they seal with another key than the current one, and have not said that they end.
pub(super) fn sealing_with_another_key(db: &mut Db, sealer: &Sealer) -> Result<Vec<LastSaid>, StoreError> {
    let ours = format!("%{SEALS_WITH}{}", sealer.current_key_id());
    Ok(program_state::table
        .filter(program_state::name.like(format!("program %{SEALS_WITH}%")))
        .filter(program_state::name.not_like(ours))
        .select((program_state::name, program_state::noted_at))
        .load(db)?)
}

/// The programs that said so and have not said that they end.
pub fn said_to_be_at_work(db: &mut Db) -> Result<Vec<LastSaid>, StoreError> {
    Ok(program_state::table
        .filter(program_state::name.like(format!("program %{SEALS_WITH}%")))
        .select((program_state::name, program_state::noted_at))
        .load(db)?)
}

/// Waits to see whether a program that said it is at work says so again: `None` if one does, else those that were killed.
pub fn killed(
    look: impl Fn() -> Result<Vec<LastSaid>, StoreError>,
) -> Result<Option<Vec<LastSaid>>, StoreError> {
    let said = look()?;
    let until = Instant::now() + LONGEST_SILENCE;
    while !said.is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        let now = look()?;
        if now.is_empty() {
            return Ok(Some(now));
        }
        if now.iter().any(|program| !said.contains(program)) {
            return Ok(None);
        }
    }
    Ok(Some(said))
}

/// Forgets programs that were killed.
pub fn forget(db: &mut Db, killed: &[LastSaid]) -> Result<(), StoreError> {
    for (name, said) in killed {
        let row = program_state::table.find(name).filter(program_state::noted_at.eq(said));
        diesel::delete(row).execute(db)?;
    }
    Ok(())
}
