//! The first opening of a database that was restored from a backup: what waits is held (DOMAIN.md §6).

use std::fmt;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};

use crate::domain::date::ist_minute;
use crate::domain::{HoldReason, MessageEventKind, MessageState};
use crate::store::connection::on_either;
use crate::store::schema::outbox_messages as outbox;
use crate::store::{Db, StoreError, restorations};

/// What the first opening of a restored database came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstOpening {
    /// What the database holds is as of this instant (UTC).
    pub backed_up_at: NaiveDateTime,
    /// Messages that waited and are held now.
    pub held: usize,
    /// Payment instructions In Process, whose messages will be held.
    pub in_process: usize,
}

impl fmt::Display for FirstOpening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backed_up_at, held, in_process } = self;
        write!(
            f,
            "this database was restored from a backup of {}: {held} messages that waited are held, and so will be those \
             of {in_process} payment instructions that are In Process, until a person sends or settles them (/messages)",
            ist_minute(backed_up_at.and_utc())
        )
    }
}

/// To be called by each program that opens a database, before it does anything else: of a marked one, what waits is held,
/// what is In Process is noted, and the mark is spent. Of programs that open it together, one does so, and the others
/// wait for it.
pub fn open(db: &mut Db, now: NaiveDateTime) -> Result<Option<FirstOpening>, StoreError> {
    let Some(backed_up_at) = restorations::unspent(db)?.first().copied() else { return Ok(None) };
    let held = hold_all(db, now)?;
    let in_process = restorations::spend(db, now)?;
    Ok(Some(FirstOpening { backed_up_at, held, in_process }))
}

/// Holds all that waits or was being sent when the backup was made that this database is restored from; how many.
fn hold_all(db: &mut Db, now: NaiveDateTime) -> Result<usize, StoreError> {
    let reason = HoldReason::Restored.to_string();
    let standing = [MessageState::Waiting.as_str(), MessageState::Sending.as_str()];
    let held = on_either!(db, db => diesel::update(outbox::table.filter(outbox::state.eq_any(standing)))
        .set((
            outbox::state.eq(MessageState::Held.as_str()),
            outbox::next_attempt_at.eq(None::<NaiveDateTime>),
            outbox::last_error.eq(&reason),
            outbox::lease_token.eq(None::<String>),
            outbox::lease_until.eq(None::<NaiveDateTime>),
            outbox::changed_at.eq(now),
        ))
        .execute(db)?);
    diesel::sql_query(
        "INSERT INTO outbox_events (message_id, happened_at, what, attempt, cause, applied) \
         SELECT id, changed_at, $1, 0, last_error, TRUE FROM outbox_messages \
         WHERE state = $2 AND last_error = $3 AND changed_at = $4 ORDER BY id",
    )
    .bind::<Text, _>(MessageEventKind::Held.as_str())
    .bind::<Text, _>(MessageState::Held.as_str())
    .bind::<Text, _>(&reason)
    .bind::<Timestamp, _>(now)
    .execute(db)?;
    Ok(held)
}
