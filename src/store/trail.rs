//! The chains of what is written once. Each event of the audit trail, and each call of a payment instruction,
//! bears a link: HMAC-SHA-256, with a key of the database's own, over the link before it and what it says. A row
//! that is changed, removed or put in between no longer fits, and [`check::faults`] names it.
//!
//! The end of a chain stands in a row of its own (`trail_head`, `call_heads`), so that a row removed from the
//! end is missed as well. Who takes away rows *and* winds back that end is noticed by what the log told of it.

pub mod check;

use aws_lc_rs::{hmac, rand};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::fixed::fixed;
use super::instructions::InstructionId;
use super::schema::{call_heads, ftps_calls, prunes, trail_head, trail_key};
use super::{Db, StoreError};
use crate::domain::{CallOutcome, Trigger};
use crate::sealing::{SealError, SealedField, Sealer, hex};

/// The key of the chains.
struct TrailKey(hmac::Key);

impl TrailKey {
    /// The database's key; drawn when the first row needs one.
    fn of(db: &mut Db, sealer: &Sealer) -> Result<Self, StoreError> {
        if let Some(key) = Self::known(db, sealer)? {
            return Ok(key);
        }
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| SealError::Cipher)?;
        // Whoever draws one at the same time: the first that commits counts.
        diesel::sql_query("INSERT INTO trail_key (one, key_sealed) VALUES (1, $1) ON CONFLICT DO NOTHING")
            .bind::<Binary, _>(sealer.seal(SealedField::TrailKey, &key)?)
            .execute(db)?;
        Self::known(db, sealer)?.ok_or_else(|| diesel::result::Error::NotFound.into())
    }

    fn known(db: &mut Db, sealer: &Sealer) -> Result<Option<Self>, StoreError> {
        let sealed: Option<Vec<u8>> =
            trail_key::table.select(trail_key::key_sealed).get_result(db).optional()?;
        let Some(sealed) = sealed else { return Ok(None) };
        let key = sealer.open(SealedField::TrailKey, &sealed)?;
        Ok(Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &key))))
    }

    fn link_over(&self, said: &Said) -> Vec<u8> {
        hmac::sign(&self.0, &said.0).as_ref().to_vec()
    }

    /// What stands for the payloads of a call in its link, so that they can be emptied without breaking it.
    fn digest(&self, request: Option<&str>, response: Option<&str>) -> Vec<u8> {
        self.link_over(&Said::of("payloads").and(request).and(response))
    }
}

/// What a link is over: its parts, each with its length, so that none runs into the next.
struct Said(Vec<u8>);

impl Said {
    fn of(kind: &str) -> Self {
        Self(Vec::new()).and(Some(kind))
    }

    fn and(self, part: Option<impl AsRef<[u8]>>) -> Self {
        let Self(mut bytes) = self;
        match part {
            None => bytes.push(0),
            Some(part) => {
                let part = part.as_ref();
                bytes.push(1);
                bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
                bytes.extend_from_slice(part);
            }
        }
        Self(bytes)
    }

    fn number(self, number: impl Into<i64>) -> Self {
        self.and(Some(number.into().to_be_bytes()))
    }

    /// To the millisecond: as exactly as both databases keep it.
    fn at(self, at: NaiveDateTime) -> Self {
        self.number(at.and_utc().timestamp_millis())
    }
}

/// The place of a new event in the chain, and its link.
pub(super) struct Linked {
    pub(super) position: i64,
    pub(super) link: Vec<u8>,
}

/// Nobody else appends an event until the transaction ends.
fn lock_head(db: &mut Db) -> Result<(i64, Vec<u8>), StoreError> {
    let head = trail_head::table.select((trail_head::position, trail_head::link));
    Ok(match db {
        // Its one writer is this transaction.
        Db::Sqlite(db) => head.get_result(db)?,
        Db::Postgres(db) => head.for_update().get_result(db)?,
    })
}

/// Nobody else appends an event of a chain until the transaction ends: what is looked up in the trail from here on
/// stays so.
pub(super) fn in_turn(db: &mut Db) -> Result<(), StoreError> {
    lock_head(db).map(drop)
}

/// What an event's link is over.
pub(super) struct EventFacts<'a> {
    pub(super) at: NaiveDateTime,
    pub(super) actor: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) address: Option<&'a str>,
    pub(super) action: &'a str,
    pub(super) subject: Option<&'a str>,
}

impl EventFacts<'_> {
    fn said(&self, before: &[u8], position: i64) -> Said {
        Said::of("event")
            .and(Some(before))
            .number(position)
            .at(self.at)
            .and(Some(self.actor))
            .and(self.tenant)
            .and(self.address)
            .and(Some(self.action))
            .and(self.subject)
    }
}

/// Makes room at the end of the audit trail: where the event comes, or `None` without a key at hand.
pub(super) fn place_event(
    db: &mut Db,
    sealer: Option<&Sealer>,
    event: &EventFacts<'_>,
) -> Result<Option<Linked>, StoreError> {
    let (position, before) = lock_head(db)?;
    let Some(sealer) = sealer else { return Ok(None) };
    let position = position + 1;
    let link = TrailKey::of(db, sealer)?.link_over(&event.said(&before, position));
    Ok(Some(Linked { position, link }))
}

/// The audit trail ends with this event, which has been stored.
pub(super) fn end_with(db: &mut Db, linked: &Linked) -> Result<(), StoreError> {
    diesel::update(trail_head::table)
        .set((trail_head::position.eq(linked.position), trail_head::link.eq(&linked.link)))
        .execute(db)?;
    Ok(())
}

/// After which place the audit trail's chain begins, and the link that stood there: what an erasing left of the
/// events that it removed.
pub(super) fn begins_after(db: &mut Db) -> Result<(i64, Vec<u8>), StoreError> {
    let removed: Option<(Option<i64>, Option<Vec<u8>>)> = prunes::table
        .filter(prunes::events_to.is_not_null())
        .order(prunes::id.desc())
        .select((prunes::events_to, prunes::link))
        .first(db)
        .optional()?;
    Ok(removed.and_then(|(position, link)| position.zip(link)).unwrap_or_default())
}

/// What was erased at once, as its signature is over it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = prunes)]
pub(super) struct PruneFacts {
    id: i64,
    at: NaiveDateTime,
    payloads_before: Option<NaiveDateTime>,
    events_to: Option<i64>,
    link: Option<Vec<u8>>,
    last_event_id: Option<i64>,
    calls: i64,
    messages: i64,
    events: i64,
}

impl PruneFacts {
    fn said(&self) -> Said {
        Said::of("prune")
            .number(self.id)
            .at(self.at)
            .and(self.payloads_before.map(|at| at.and_utc().timestamp_millis().to_be_bytes()))
            .and(self.events_to.map(i64::to_be_bytes))
            .and(self.link.as_ref())
            .and(self.last_event_id.map(i64::to_be_bytes))
            .number(self.calls)
            .number(self.messages)
            .number(self.events)
    }
}

/// The signature of an erasing: without the key of the chains nobody has something pass for due.
pub(super) fn sign_prune(db: &mut Db, sealer: &Sealer, prune: &PruneFacts) -> Result<Vec<u8>, StoreError> {
    Ok(TrailKey::of(db, sealer)?.link_over(&prune.said()))
}

/// What a call's link is over, its payloads by their digest.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = ftps_calls)]
pub(super) struct CallFacts {
    pub(super) instruction_id: InstructionId,
    pub(super) call_ref: String,
    pub(super) trigger_word: Trigger,
    pub(super) triggered_by: Option<String>,
    pub(super) started_at: NaiveDateTime,
    pub(super) duration_ms: i64,
    pub(super) outcome: CallOutcome,
    pub(super) message: String,
    pub(super) cause: Option<String>,
    pub(super) http_status: Option<i32>,
    pub(super) applied: bool,
    pub(super) run_id: Option<i64>,
    pub(super) request_id: Option<String>,
}

impl CallFacts {
    fn said(&self, before: &[u8], calls: i64, digest: &[u8]) -> Said {
        let said = Said::of("call")
            .and(Some(before))
            .number(calls)
            .and(Some(&self.call_ref))
            .and(Some(self.trigger_word.as_str()))
            .and(self.triggered_by.as_ref())
            .at(self.started_at)
            .number(self.duration_ms)
            .and(Some(self.outcome.as_str()))
            .and(Some(&self.message))
            .and(self.cause.as_ref())
            .and(self.http_status.map(i32::to_be_bytes))
            .number(self.applied)
            .and(self.run_id.map(i64::to_be_bytes))
            .and(Some(digest));
        // Calls from before there were numbers of requests have none in their links.
        match &self.request_id {
            Some(id) => said.and(Some(id)),
            None => said,
        }
    }
}

/// Puts a call into the log, at the end of its instruction's chain. The instruction is locked by the caller.
pub(super) fn append_call(
    db: &mut Db,
    sealer: &Sealer,
    call: &CallFacts,
    request: Option<&str>,
    response: Option<&str>,
) -> Result<(), StoreError> {
    let key = TrailKey::of(db, sealer)?;
    let head: Option<(i64, Vec<u8>)> = call_heads::table
        .find(call.instruction_id)
        .select((call_heads::calls, call_heads::link))
        .get_result(db)
        .optional()?;
    let (calls, before) = head.unwrap_or_default();
    let digest = key.digest(request, response);
    let link = key.link_over(&call.said(&before, calls + 1, &digest));
    let seal = |field, text: Option<&str>| text.map(|text| sealer.seal(field, text.as_bytes())).transpose();
    diesel::insert_into(ftps_calls::table)
        .values((
            call.clone(),
            ftps_calls::request_sealed.eq(seal(SealedField::Request(&call.call_ref), request)?),
            ftps_calls::response_sealed.eq(seal(SealedField::Response(&call.call_ref), response)?),
            ftps_calls::link.eq(&link),
            ftps_calls::payload_digest.eq(&digest),
        ))
        .execute(db)?;
    if calls == 0 {
        diesel::insert_into(call_heads::table)
            .values((
                call_heads::instruction_id.eq(call.instruction_id),
                call_heads::calls.eq(1),
                call_heads::link.eq(&link),
            ))
            .execute(db)?;
    } else {
        fixed!(
            db,
            "UPDATE call_heads SET calls = ?, link = ? WHERE instruction_id = ?",
            calls + 1,
            &link[..],
            call.instruction_id,
        )?;
    }
    Ok(())
}

/// Where the chain of the audit trail ends: how many events it has had, and the beginning of the last link. It
/// tells nothing of them, and is for the log: what the log says once, the database cannot take back.
pub fn end(db: &mut Db) -> Result<(i64, String), StoreError> {
    let (position, link): (i64, Vec<u8>) =
        trail_head::table.select((trail_head::position, trail_head::link)).get_result(db)?;
    Ok((position, hex(&link[..link.len().min(8)])))
}

/// Seals the key of the chains with the current data key; the chains stay as they are.
pub(super) fn reseal_key(db: &mut Db, sealer: &Sealer) -> Result<Result<(), SealError>, StoreError> {
    let sealed: Option<Vec<u8>> = trail_key::table.select(trail_key::key_sealed).get_result(db).optional()?;
    let Some(sealed) = sealed.filter(|sealed| !sealer.is_current(sealed)) else { return Ok(Ok(())) };
    let key = match sealer.open(SealedField::TrailKey, &sealed) {
        Ok(key) => key,
        Err(cause) => return Ok(Err(cause)),
    };
    diesel::update(trail_key::table)
        .set(trail_key::key_sealed.eq(sealer.seal(SealedField::TrailKey, &key)?))
        .execute(db)?;
    Ok(Ok(()))
}
