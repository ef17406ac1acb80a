//! Erasing what is due: contents of payloads, and the oldest events of the audit trail. Each page of it is a
//! transaction of its own, with a row in `prunes`, signed with the key of the chains, and an event of the audit
//! trail; without an open row of its transaction the database's triggers refuse it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};

use super::audit::{self, Action, NewEvent};
use super::connection::on_either;
use super::instructions::InstructionId;
use super::schema::{
    audit_events, ftps_calls, outbox_events, outbox_messages, payment_instructions, program_state, prunes,
};
use super::trail::{self, PruneFacts};
use super::{Db, StoreError};
use crate::domain::PiStatus;
use crate::domain::date::ist_minute;
use crate::domain::retention::{Limits, Turn, turn};
use crate::sealing::Sealer;

/// Calls, answers and events that one transaction looks at, each: writers wait for a page at most.
const PAGE: i64 = 1000;

/// The name in `program_state` of the instant at which a program last looked after the erasing.
const LOOKED_AT: &str = "erasing looked after";

/// That something was erased since it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = prunes)]
pub struct Erasure {
    /// When (UTC).
    pub at: NaiveDateTime,
    payloads_before: Option<NaiveDateTime>,
}

impl Erasure {
    /// After how many days it was due then.
    pub fn days(&self) -> i64 {
        self.payloads_before.map_or(0, |before| (self.at - before).num_days())
    }
}

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Calls whose request and response were emptied.
    pub calls: u64,
    /// Answers of the SMS gateway that were emptied.
    pub messages: u64,
    /// Events of the audit trail that were removed.
    pub events: u64,
    /// Calls whose payloads are due and stay, since their payment instruction is In Process.
    pub kept: u64,
}

impl Erased {
    /// With those of another page.
    pub fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            messages: self.messages + other.messages,
            events: self.events + other.events,
            kept: self.kept + other.kept,
        }
    }
}

/// What is to be erased: judged once, so that all pages agree.
#[derive(Debug, Clone)]
pub struct Order {
    /// Payloads of before that instant (UTC).
    payloads_before: Option<NaiveDateTime>,
    /// Events of before that instant (UTC).
    events_before: Option<NaiveDateTime>,
    /// Now (UTC).
    at: NaiveDateTime,
    /// Who has it done.
    actor: String,
}

impl Order {
    /// What these limits say at `now`.
    pub fn of(limits: Limits, now: NaiveDateTime, actor: &str) -> Self {
        Self {
            payloads_before: limits.payloads_before(now),
            events_before: limits.events_before(now),
            at: now,
            actor: actor.to_owned(),
        }
    }
}

/// Where the next page begins: after this call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    started_at: NaiveDateTime,
    call: i64,
}

/// What one page came to.
#[derive(Debug)]
pub struct Page {
    /// What was erased.
    pub erased: Erased,
    /// Where to go on; `None` after the last page.
    pub next: Option<Place>,
}

#[derive(Queryable)]
struct DueCall {
    id: i64,
    started_at: NaiveDateTime,
    instruction_id: InstructionId,
}

/// Events that are removed: all up to a row.
#[derive(Debug)]
struct DueEvents {
    last_row: i64,
    /// The last place in the chain up to there, and its link.
    position: i64,
    link: Vec<u8>,
    is_whole_page: bool,
}

/// Erases a page of what is due.
pub fn page(db: &mut Db, sealer: &Sealer, order: &Order, after: Place) -> Result<Page, StoreError> {
    one_at_a_time(db)?;
    let due = match order.payloads_before {
        Some(before) => due_calls(db, before, after)?,
        None => Vec::new(),
    };
    let settled = settled(db, &due)?;
    let (calls, kept): (Vec<&DueCall>, Vec<&DueCall>) =
        due.iter().partition(|call| settled.contains(&call.instruction_id));
    let calls: Vec<i64> = calls.iter().map(|call| call.id).collect();
    let answers = match order.payloads_before {
        Some(before) => due_answers(db, before)?,
        None => Vec::new(),
    };
    let events = match order.events_before {
        Some(before) => due_events(db, before)?,
        None => None,
    };
    let is_whole = |count: usize| count == PAGE as usize;
    let has_more = is_whole(due.len())
        || is_whole(answers.len())
        || events.as_ref().is_some_and(|events| events.is_whole_page);
    let place = due.last().map_or(after, |last| Place { started_at: last.started_at, call: last.id });
    let mut erased = Erased { kept: kept.len() as u64, ..Erased::default() };
    if !(calls.is_empty() && answers.is_empty() && events.is_none()) {
        let prune = open(db, order, events.as_ref())?;
        overwriting(db, true)?;
        erased.calls = empty_calls(db, prune, &calls)?;
        erased.messages = empty_answers(db, prune, &answers)?;
        if let Some(events) = &events {
            let up_to = audit_events::table.filter(audit_events::id.le(events.last_row));
            erased.events = diesel::delete(up_to).execute(db)? as u64;
        }
        overwriting(db, false)?;
        close(db, sealer, prune, &erased)?;
        audit::append(db, Some(sealer), &event(order, &erased))?;
    }
    Ok(Page { erased, next: has_more.then_some(place) })
}

/// One page at a time over all processes.
fn one_at_a_time(db: &mut Db) -> Result<(), StoreError> {
    if let Db::Postgres(db) = db {
        db.batch_execute("SELECT pg_advisory_xact_lock(5121968)")?;
    }
    Ok(())
}

/// Has SQLite write zeros over what it deletes, so that no free page of the file holds it.
fn overwriting(db: &mut Db, is_on: bool) -> Result<(), StoreError> {
    if let Db::Sqlite(db) = db {
        db.batch_execute(if is_on { "PRAGMA secure_delete = ON" } else { "PRAGMA secure_delete = OFF" })?;
    }
    Ok(())
}

fn due_calls(db: &mut Db, before: NaiveDateTime, after: Place) -> Result<Vec<DueCall>, StoreError> {
    Ok(ftps_calls::table
        // The condition of the index.
        .filter(ftps_calls::request_sealed.is_not_null().or(ftps_calls::response_sealed.is_not_null()))
        .filter(ftps_calls::started_at.lt(before))
        .filter(ftps_calls::started_at.ge(after.started_at))
        .filter(ftps_calls::started_at.gt(after.started_at).or(ftps_calls::id.gt(after.call)))
        .order((ftps_calls::started_at, ftps_calls::id))
        .limit(PAGE)
        .select((ftps_calls::id, ftps_calls::started_at, ftps_calls::instruction_id))
        .load(db)?)
}

/// Those of the calls' instructions that are not In Process, and stay so until the transaction ends.
fn settled(db: &mut Db, calls: &[DueCall]) -> Result<HashSet<InstructionId>, StoreError> {
    let ids: HashSet<InstructionId> = calls.iter().map(|call| call.instruction_id).collect();
    let ids: Vec<InstructionId> = ids.into_iter().collect();
    let columns = (payment_instructions::id, payment_instructions::status);
    let found: Vec<(InstructionId, PiStatus)> = match db {
        Db::Sqlite(db) => payment_instructions::table
            .filter(payment_instructions::id.eq_any(&ids))
            .select(columns)
            .load(db)?,
        // In the one order of all locks.
        Db::Postgres(db) => payment_instructions::table
            .filter(payment_instructions::id.eq_any(&ids))
            .order(payment_instructions::number)
            .select(columns)
            .for_no_key_update()
            .load(db)?,
    };
    Ok(found.into_iter().filter(|(_, status)| *status != PiStatus::InProcess).map(|(id, _)| id).collect())
}

/// Events with an answer of the gateway, and their messages. A message is of a payment that was made.
fn due_answers(db: &mut Db, before: NaiveDateTime) -> Result<Vec<(i64, i64)>, StoreError> {
    Ok(outbox_events::table
        .filter(outbox_events::gateway_answer.is_not_null())
        .filter(outbox_events::happened_at.lt(before))
        .order((outbox_events::happened_at, outbox_events::id))
        .limit(PAGE)
        .select((outbox_events::id, outbox_events::message_id))
        .load(db)?)
}

/// The oldest events, up to the first that is not due: only the end of the chain can be taken away. Where the
/// chain goes on afterwards is that of the last one with a place in it, or what an earlier prune left.
fn due_events(db: &mut Db, before: NaiveDateTime) -> Result<Option<DueEvents>, StoreError> {
    type Row = (i64, NaiveDateTime, Option<i64>, Option<Vec<u8>>);
    let oldest: Vec<Row> = audit_events::table
        .order(audit_events::id)
        .limit(PAGE)
        .select((audit_events::id, audit_events::at, audit_events::position, audit_events::link))
        .load(db)?;
    let due: Vec<Row> = oldest.into_iter().take_while(|(_, at, ..)| *at < before).collect();
    let Some((last_row, ..)) = due.last() else { return Ok(None) };
    let (position, link) = due
        .iter()
        .rev()
        .find_map(|(_, _, position, link)| position.zip(link.clone()))
        .map_or_else(|| trail::begins_after(db), Ok)?;
    Ok(Some(DueEvents { last_row: *last_row, position, link, is_whole_page: due.len() == PAGE as usize }))
}

/// Opens the way for this transaction: its row in `prunes`.
fn open(db: &mut Db, order: &Order, events: Option<&DueEvents>) -> Result<i64, StoreError> {
    Ok(diesel::insert_into(prunes::table)
        .values((
            prunes::at.eq(order.at),
            prunes::payloads_before.eq(order.payloads_before),
            prunes::events_to.eq(events.map(|events| events.position)),
            prunes::link.eq(events.map(|events| &events.link)),
            prunes::last_event_id.eq(events.map(|events| events.last_row)),
            prunes::is_open.eq(true),
        ))
        .returning(prunes::id)
        .get_result(db)?)
}

fn empty_calls(db: &mut Db, prune: i64, ids: &[i64]) -> Result<u64, StoreError> {
    Ok(on_either!(db, db => diesel::update(ftps_calls::table.filter(ftps_calls::id.eq_any(ids)))
        .set((
            ftps_calls::request_sealed.eq(None::<Vec<u8>>),
            ftps_calls::response_sealed.eq(None::<Vec<u8>>),
            ftps_calls::pruned_by.eq(prune),
        ))
        .execute(db)?) as u64)
}

/// Empties answers, and what their messages repeat of them: unless a later attempt was answered.
fn empty_answers(db: &mut Db, prune: i64, answers: &[(i64, i64)]) -> Result<u64, StoreError> {
    let messages: HashSet<i64> = answers.iter().map(|(_, message)| *message).collect();
    let messages: Vec<i64> = messages.into_iter().collect();
    if let Db::Postgres(db) = db {
        outbox_messages::table
            .filter(outbox_messages::id.eq_any(&messages))
            .order(outbox_messages::id)
            .select(outbox_messages::id)
            .for_update()
            .load::<i64>(db)?;
    }
    let ids: Vec<i64> = answers.iter().map(|(event, _)| *event).collect();
    let emptied = on_either!(db, db => diesel::update(outbox_events::table.filter(outbox_events::id.eq_any(&ids)))
        .set((outbox_events::gateway_answer.eq(None::<String>), outbox_events::pruned_by.eq(prune)))
        .execute(db)?) as u64;
    let answered: Vec<i64> = on_either!(db, db => outbox_events::table
        .filter(outbox_events::message_id.eq_any(&messages))
        .filter(outbox_events::gateway_answer.is_not_null())
        .select(outbox_events::message_id)
        .load(db)?);
    let silent: Vec<i64> = messages.into_iter().filter(|message| !answered.contains(message)).collect();
    on_either!(db, db => diesel::update(outbox_messages::table.filter(outbox_messages::id.eq_any(&silent)))
        .set(outbox_messages::gateway_answer.eq(None::<String>))
        .execute(db)?);
    Ok(emptied)
}

/// Closes the way, and signs what was done on it.
fn close(db: &mut Db, sealer: &Sealer, prune: i64, erased: &Erased) -> Result<(), StoreError> {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let row = prunes::table.find(prune);
    diesel::update(row)
        .set((
            prunes::calls.eq(count(erased.calls)),
            prunes::messages.eq(count(erased.messages)),
            prunes::events.eq(count(erased.events)),
        ))
        .execute(db)?;
    let facts: PruneFacts = row.select(PruneFacts::as_select()).get_result(db)?;
    let signature = trail::sign_prune(db, sealer, &facts)?;
    diesel::update(row).set((prunes::is_open.eq(false), prunes::signature.eq(signature))).execute(db)?;
    Ok(())
}

fn event(order: &Order, erased: &Erased) -> NewEvent {
    let from = |before: Option<NaiveDateTime>| {
        before.map_or_else(String::new, |before| format!(" from before {} IST", ist_minute(before.and_utc())))
    };
    let payloads = format!(
        "payloads of {} calls and {} messages{}",
        erased.calls,
        erased.messages,
        from(order.payloads_before)
    );
    let events = format!("{} events{}", erased.events, from(order.events_before));
    let subject = match (erased.calls + erased.messages, erased.events) {
        (0, _) => events,
        (_, 0) => payloads,
        _ => format!("{payloads}; {events}"),
    };
    NewEvent {
        at: order.at,
        actor: order.actor.clone(),
        tenant: None,
        address: None,
        action: Action::Pruned,
        subject: Some(subject),
    }
}

/// Whose turn it is, as far as a look can tell that takes no lock.
pub fn seems_to_be(db: &mut Db, now: DateTime<Utc>) -> Result<Turn, StoreError> {
    Ok(turn(looked_at(db)?, now))
}

/// Whose turn it is. It is over for all processes then, until the hour comes again.
pub fn take_turn(db: &mut Db, now: DateTime<Utc>) -> Result<Turn, StoreError> {
    one_at_a_time(db)?;
    let turn = turn(looked_at(db)?, now);
    if turn != Turn::Wait {
        diesel::sql_query(
            "INSERT INTO program_state (name, noted_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET noted_at = excluded.noted_at",
        )
        .bind::<Text, _>(LOOKED_AT)
        .bind::<Timestamp, _>(now.naive_utc())
        .execute(db)?;
    }
    Ok(turn)
}

fn looked_at(db: &mut Db) -> Result<Option<NaiveDateTime>, StoreError> {
    Ok(program_state::table.find(LOOKED_AT).select(program_state::noted_at).get_result(db).optional()?)
}

/// What those rows of `prunes` erased.
pub(super) fn erasures(db: &mut Db, prunes: &[i64]) -> Result<HashMap<i64, Erasure>, StoreError> {
    if prunes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Erasure)> = on_either!(db, db => prunes::table
        .filter(prunes::id.eq_any(prunes))
        .select((prunes::id, Erasure::as_select()))
        .load(db)?);
    Ok(rows.into_iter().collect())
}
