//! From claim to result: who sends which message, and what came of it.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{NewEvent, Sendable, hold_if_new, refuse};
use crate::domain::sms::Sms;
use crate::domain::{DeliveryFault, HoldReason, MessageEventKind, MessageState};
use crate::sealing::{Sealer, random_hex};
use crate::store::connection::on_either;
use crate::store::recorder::Recordable;
use crate::store::schema::outbox_messages as outbox;
use crate::store::{Db, StoreError};

/// The proof of a claim on a message: only [`claim`] makes one.
#[derive(Debug, Clone)]
pub struct MessageLease {
    id: i64,
    token: String,
}

/// A message to be sent now, by whoever holds it.
#[derive(Debug)]
pub struct Claimed {
    /// The proof.
    pub lease: MessageLease,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// What to send.
    pub sms: Sms,
}

/// What one claim came to.
#[derive(Debug, Default)]
pub struct Claim {
    /// To be sent now.
    pub messages: Vec<Claimed>,
    /// How many turned out unfit to be sent, and have failed or are held.
    pub refused: usize,
}

/// Claims at most `limit` messages that are due, those due longest first, until `until`.
pub fn claim(
    db: &mut Db,
    sealer: &Sealer,
    now: NaiveDateTime,
    until: NaiveDateTime,
    limit: usize,
) -> Result<Claim, StoreError> {
    let ids = due(db, now, i64::try_from(limit).unwrap_or(i64::MAX))?;
    if ids.is_empty() {
        return Ok(Claim::default());
    }
    let found = on_either!(db, db => Sendable::query()
        .filter(outbox::id.eq_any(&ids))
        .order((outbox::next_attempt_at, outbox::id))
        .load::<Sendable>(db)?);
    let token = random_hex(16)?;
    let mut claimed = Claim::default();
    for message in found {
        // The news that a payment was returned holds what waits; what was being sent meanwhile comes here.
        if message.is_returned() && hold_if_new(db, &message, &HoldReason::Returned, now)? {
            claimed.refused += 1;
            continue;
        }
        match message.sms(sealer) {
            Ok(sms) => claimed.messages.push(Claimed {
                lease: MessageLease { id: message.id, token: token.clone() },
                attempt: message.attempts + 1,
                sms,
            }),
            Err(refusal) => {
                refuse(db, &message, refusal, now)?;
                claimed.refused += 1;
            }
        }
    }
    let ids: Vec<i64> = claimed.messages.iter().map(|message| message.lease.id).collect();
    on_either!(db, db => diesel::update(outbox::table.filter(outbox::id.eq_any(&ids)))
        .set((
            outbox::state.eq(MessageState::Sending.as_str()),
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::next_attempt_at.eq(None::<NaiveDateTime>),
            outbox::lease_token.eq(&token),
            outbox::lease_until.eq(until),
            outbox::changed_at.eq(now),
        ))
        .execute(db)?);
    Ok(claimed)
}

/// Messages that are due. On PostgreSQL they are locked until the transaction ends, and those that
/// another process is claiming are passed over; SQLite has one writer.
fn due(db: &mut Db, now: NaiveDateTime, limit: i64) -> Result<Vec<i64>, StoreError> {
    // Only a waiting message has a next attempt (a CHECK of the schema, and the index).
    let query = outbox::table
        .filter(outbox::next_attempt_at.le(now))
        .order((outbox::next_attempt_at, outbox::id))
        .limit(limit)
        .select(outbox::id);
    Ok(match db {
        Db::Sqlite(db) => query.load(db)?,
        Db::Postgres(db) => query.for_update().skip_locked().load(db)?,
    })
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The gateway accepted it.
    Sent,
    /// It surely was not accepted, and may be later.
    Waiting {
        /// When to try again (UTC).
        next_attempt_at: NaiveDateTime,
    },
    /// It was refused.
    Failed,
    /// Whether it was accepted could not be learnt.
    Unknown,
}

impl Fate {
    const fn state(self) -> MessageState {
        match self {
            Self::Sent => MessageState::Sent,
            Self::Waiting { .. } => MessageState::Waiting,
            Self::Failed => MessageState::Failed,
            Self::Unknown => MessageState::Unknown,
        }
    }

    const fn event(self) -> MessageEventKind {
        match self {
            Self::Sent => MessageEventKind::Sent,
            Self::Waiting { .. } => MessageEventKind::Waiting,
            Self::Failed => MessageEventKind::Failed,
            Self::Unknown => MessageEventKind::Unknown,
        }
    }
}

/// An attempt that is over, on its way into the database.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// The proof of the claim under which it was made.
    pub lease: MessageLease,
    /// Which attempt it was.
    pub attempt: i32,
    /// What came of it.
    pub fate: Fate,
    /// Why it was not accepted, in words for the page.
    pub cause: Option<String>,
    /// What the gateway said, shortened and masked.
    pub answer: Option<String>,
    /// When it ended (UTC).
    pub at: NaiveDateTime,
}

impl Recordable for Attempted {
    /// Whether the message was touched.
    type Recorded = bool;

    fn name(&self) -> String {
        "an SMS attempt".to_owned()
    }

    fn lock(all: &[Arc<Self>], db: &mut Db) -> Result<Vec<bool>, StoreError> {
        let Db::Postgres(db) = db else { return Ok(vec![true; all.len()]) };
        let ids: Vec<i64> = all.iter().map(|one| one.lease.id).collect();
        let free: HashSet<i64> = outbox::table
            .filter(outbox::id.eq_any(&ids))
            .order(outbox::id)
            .select(outbox::id)
            .for_update()
            .skip_locked()
            .load(db)?
            .into_iter()
            .collect();
        Ok(ids.iter().map(|id| free.contains(id)).collect())
    }

    fn store(&self, db: &mut Db) -> Result<bool, StoreError> {
        store_attempt(db, self)
    }

    /// Its message becomes unknown when its claim ends.
    fn if_refused(&self) -> Option<Self> {
        None
    }
}

/// Stores an attempt's event and brings its message up to date, unless somebody else has had it
/// since. A sure answer counts even after the claim ran out; whether the message was touched.
fn store_attempt(db: &mut Db, attempted: &Attempted) -> Result<bool, StoreError> {
    let Attempted { lease, attempt, fate, cause, answer, at } = attempted;
    let mine =
        outbox::table.filter(outbox::id.eq(lease.id)).filter(outbox::lease_token.eq(&lease.token)).filter(
            outbox::state
                .eq(MessageState::Sending.as_str())
                .or(outbox::state.eq(MessageState::Unknown.as_str())),
        );
    let (next_attempt_at, sent_at) = match fate {
        Fate::Sent => (None, Some(*at)),
        Fate::Waiting { next_attempt_at } => (Some(*next_attempt_at), None),
        Fate::Failed | Fate::Unknown => (None, None),
    };
    let touched = diesel::update(mine)
        .set((
            outbox::state.eq(fate.state().as_str()),
            outbox::next_attempt_at.eq(next_attempt_at),
            outbox::sent_at.eq(sent_at),
            outbox::last_error.eq(cause),
            outbox::gateway_answer.eq(answer),
            outbox::changed_at.eq(*at),
            outbox::lease_token.eq(None::<String>),
            outbox::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(db)?;
    NewEvent {
        message_id: lease.id,
        happened_at: *at,
        what: fate.event(),
        attempt: *attempt,
        cause: cause.as_deref(),
        gateway_answer: answer.as_deref(),
        person: None,
        note: None,
        applied: touched > 0,
    }
    .store(db)?;
    Ok(touched > 0)
}

/// Messages whose claim ran out become unknown; how many.
pub fn expire(db: &mut Db, now: NaiveDateTime) -> Result<usize, StoreError> {
    let query = outbox::table.filter(outbox::lease_until.le(now)).select((outbox::id, outbox::attempts));
    let died: Vec<(i64, i32)> = match db {
        Db::Sqlite(db) => query.load(db)?,
        Db::Postgres(db) => query.for_update().skip_locked().load(db)?,
    };
    let cause = DeliveryFault::Died.to_string();
    for &(id, attempt) in &died {
        diesel::update(outbox::table.find(id))
            .set((
                outbox::state.eq(MessageState::Unknown.as_str()),
                outbox::last_error.eq(&cause),
                outbox::lease_until.eq(None::<NaiveDateTime>),
                outbox::changed_at.eq(now),
            ))
            .execute(db)?;
        NewEvent {
            message_id: id,
            happened_at: now,
            what: MessageEventKind::Unknown,
            attempt,
            cause: Some(&cause),
            gateway_answer: None,
            person: None,
            note: None,
            applied: true,
        }
        .store(db)?;
    }
    Ok(died.len())
}
