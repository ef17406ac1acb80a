//! What people do with messages that nobody else does anything with: send them (again), or settle them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{NewEvent, Sendable, hold_if_new, locked, refuse, wait};
use crate::domain::{HoldReason, MessageEventKind, MessageState, Refusal};
use crate::sealing::Sealer;
use crate::store::connection::on_either;
use crate::store::schema::outbox_messages as outbox;
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};

/// A message as a person saw it when they decided to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Our row.
    pub id: i64,
    /// Where it stood.
    pub state: MessageState,
    /// How often it had been tried.
    pub attempts: i32,
}

/// What came of sending messages again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resent {
    /// How many will be sent.
    pub sent: usize,
    /// How many do not stand as they were seen.
    pub changed: usize,
    /// How many were written for another person than the payment belongs to now.
    pub of_others: usize,
    /// How many cannot be sent as they are: there is no usable number, UTR or amount.
    pub unusable: usize,
}

/// What came of settling messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// How many are never sent now.
    pub settled: usize,
    /// How many do not stand as they were seen.
    pub changed: usize,
}

/// Has those of these messages that are in scope sent (again), by the will of `person`: each that fails, is
/// held or not known, stands as it was seen, and can be sent as it is. Whatever was tried or changed since is
/// left as it is, so that one click sends one message.
pub fn resend(
    db: &mut Db,
    sealer: &Sealer,
    scope: &Scope,
    seen: &[Seen],
    person: &str,
    now: NaiveDateTime,
) -> Result<Resent, StoreError> {
    let mut came_to = Resent::default();
    let ids: Vec<i64> = seen.iter().map(|one| one.id).collect();
    for message in locked_in(db, scope, &ids)? {
        if !message.state.needs_a_person() || !seen.contains(&message.seen()) {
            came_to.changed += 1;
        } else if message.is_anothers() {
            refuse(db, &message, Refusal::OtherPerson, now)?;
            came_to.of_others += 1;
        } else if let Err(refusal) = message.sms(sealer) {
            // What is held or not known stays so: that it cannot be sent now says nothing of it.
            if message.state == MessageState::Failed {
                refuse(db, &message, refusal, now)?;
            }
            came_to.unusable += 1;
        } else if message.state != MessageState::Held
            && message.is_returned()
            && hold_if_new(db, &message, &HoldReason::Returned, now)?
        {
            came_to.changed += 1;
        } else {
            wait(db, &message, now)?;
            let event = message.event(MessageEventKind::Resend, now);
            NewEvent { attempt: message.attempts, person: Some(person), ..event }.store(db)?;
            came_to.sent += 1;
        }
    }
    Ok(came_to)
}

/// Settles those of these messages that are in scope and failed, held or not known: `person` dealt with them as
/// `note` says, and they are never sent. One that is among `seen` is left as it is unless it stands so.
pub fn settle(
    db: &mut Db,
    scope: &Scope,
    ids: &[i64],
    seen: &[Seen],
    person: &str,
    note: &str,
    now: NaiveDateTime,
) -> Result<Settled, StoreError> {
    let mut came_to = Settled::default();
    for message in locked_in(db, scope, ids)? {
        let was = seen.iter().find(|one| one.id == message.id);
        if !message.state.needs_a_person() || was.is_some_and(|was| *was != message.seen()) {
            came_to.changed += 1;
            continue;
        }
        diesel::update(outbox::table.find(message.id))
            .set((
                outbox::state.eq(MessageState::Settled.as_str()),
                // An answer to an earlier attempt that comes now no longer finds its message.
                outbox::lease_token.eq(None::<String>),
                outbox::changed_at.eq(now),
            ))
            .execute(db)?;
        let event = message.event(MessageEventKind::Settle, now);
        NewEvent { attempt: message.attempts, person: Some(person), note: Some(note), ..event }.store(db)?;
        came_to.settled += 1;
    }
    Ok(came_to)
}

impl Sendable {
    /// As a person would see it now.
    const fn seen(&self) -> Seen {
        Seen { id: self.id, state: self.state, attempts: self.attempts }
    }
}

fn locked_in(db: &mut Db, scope: &Scope, ids: &[i64]) -> Result<Vec<Sendable>, StoreError> {
    let ids: Vec<i64> = on_either!(db, db => outbox::table
        .filter(outbox::id.eq_any(ids))
        .filter(outbox::tenant_id.eq_any(scope.tenants()))
        .select(outbox::id)
        .load(db)?);
    locked(db, &ids)
}
