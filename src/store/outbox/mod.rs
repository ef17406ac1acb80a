//! The outbox: the SMS that follow from a payment, one row a message, and an append-only event for
//! whatever happened to it.
//!
//! A message is entered in the transaction that completes its payment instruction ([`enqueue`]), claimed
//! and sent from `waiting` only ([`sending`]), and sent again or settled by a person only ([`by_hand`]).
//! `waiting → sending → sent | failed | unknown | waiting`; `waiting → held` where its words would not be
//! true, or the database was restored; `failed | unknown | held → waiting | settled` by a person; and
//! `failed → waiting` when an import brings the number that was wanting ([`renew`]). The number is not kept here, nor is the text.

pub mod by_hand;
pub mod desk;
pub mod listing;
pub mod restored;
pub mod sending;

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::connection::on_either;
use super::instructions::InstructionId;
use super::schema::{
    beneficiaries, outbox_events as events, outbox_messages as outbox, payment_instructions,
};
use super::{Db, StoreError, restorations};
use crate::domain::sms::{self, Sms};
use crate::domain::{HoldReason, MessageEventKind, MessageState, Paise, PaymentStatus, Refusal};
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// Rows in one INSERT on PostgreSQL, whose statements take 65,535 values.
const ROWS_AT_ONCE: usize = 1000;

/// A message that waits for longer than this is late.
pub const LATE: TimeDelta = TimeDelta::days(1);

/// For so long after the completion a message goes to a number that MUKTASoft tells later; from then on
/// a person decides.
const NEWS_AFTER: TimeDelta = TimeDelta::days(7);

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct NewMessage {
    instruction_id: InstructionId,
    beneficiary_id: i64,
    tenant_id: String,
    person_id: Option<String>,
    event: &'static str,
    amount_paise: i64,
    utr: String,
    state: &'static str,
    attempts: i32,
    next_attempt_at: Option<NaiveDateTime>,
    last_error: Option<String>,
    created_at: NaiveDateTime,
    changed_at: NaiveDateTime,
}

/// What a message is made of when it is entered.
type Told = (i64, String, Option<String>, Paise, Option<String>);

/// Enters a message for every beneficiary of an instruction that FTPS has just paid; those that must not
/// be sent, or may have been in a time that is lost, are held, those that cannot be fail at once, with the reason. What
/// is there already stays as it is.
pub fn enqueue(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    paid: &[(i64, Option<HoldReason>)],
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    let paid: HashMap<i64, Option<&HoldReason>> =
        paid.iter().map(|(id, reason)| (*id, reason.as_ref())).collect();
    let may_be_sent_already = restorations::may_have_told_of(db, instruction_id)?;
    let told: Vec<Told> = beneficiaries::table
        .inner_join(payment_instructions::table)
        .filter(beneficiaries::instruction_id.eq(instruction_id))
        .order((beneficiaries::position, beneficiaries::id))
        .select((
            beneficiaries::id,
            payment_instructions::tenant_id,
            beneficiaries::beneficiary_id,
            beneficiaries::amount_paise,
            beneficiaries::utr,
        ))
        .load(db)?;
    let rows: Vec<NewMessage> = told
        .into_iter()
        .filter_map(|(beneficiary_id, tenant_id, person_id, amount, utr)| {
            let held = paid.get(&beneficiary_id)?.or(may_be_sent_already.then_some(&HoldReason::Restored));
            let state = if held.is_some() { MessageState::Held } else { MessageState::Waiting };
            Some(NewMessage {
                instruction_id,
                beneficiary_id,
                tenant_id,
                person_id,
                event: "payment-successful",
                amount_paise: amount.0,
                utr: utr.unwrap_or_default(),
                state: state.as_str(),
                attempts: 0,
                next_attempt_at: held.is_none().then_some(now),
                last_error: held.map(HoldReason::to_string),
                created_at: now,
                changed_at: now,
            })
        })
        .collect();
    let entered = enter(db, &rows)?;
    let messages = on_either!(db, db => Sendable::query()
        .filter(outbox::instruction_id.eq(instruction_id))
        .order(outbox::id)
        .load::<Sendable>(db)?);
    for message in messages.into_iter().filter(|message| entered.contains(&message.id)) {
        if message.state == MessageState::Held {
            message.event(MessageEventKind::Held, now).because(message.last_error.as_deref()).store(db)?;
        } else if let Err(refusal) = message.sms(sealer) {
            refuse(db, &message, refusal, now)?;
        }
    }
    Ok(())
}

/// Inserts messages; the ids of those that were not there.
fn enter(db: &mut Db, rows: &[NewMessage]) -> Result<HashSet<i64>, StoreError> {
    let mut entered = HashSet::with_capacity(rows.len());
    match db {
        Db::Sqlite(db) => {
            for row in rows {
                let id: Option<i64> = diesel::insert_into(outbox::table)
                    .values(row)
                    .on_conflict_do_nothing()
                    .returning(outbox::id)
                    .get_result(db)
                    .optional()?;
                entered.extend(id);
            }
        }
        Db::Postgres(db) => {
            for some in rows.chunks(ROWS_AT_ONCE) {
                let ids: Vec<i64> = diesel::insert_into(outbox::table)
                    .values(some)
                    .on_conflict_do_nothing()
                    .returning(outbox::id)
                    .get_results(db)?;
                entered.extend(ids);
            }
        }
    }
    Ok(entered)
}

/// Holds the messages still waiting about payments that MUKTASoft has said Payment Failed of since, by our
/// rows of the beneficiaries; how many. To be called in the transaction that writes this news.
pub fn hold_returned(db: &mut Db, beneficiary_rows: &[i64], now: NaiveDateTime) -> Result<usize, StoreError> {
    let mut held = 0;
    for message in locked_of(db, beneficiary_rows, MessageState::Waiting)? {
        held += usize::from(hold_if_new(db, &message, &HoldReason::Returned, now)?);
    }
    Ok(held)
}

/// Has messages wait again that failed only for want of a usable number, if these beneficiaries (our rows)
/// have one now, are still who they were, and were paid not long ago. To be called in the transaction
/// that writes the numbers.
pub fn renew(
    db: &mut Db,
    sealer: &Sealer,
    beneficiary_rows: &[i64],
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    for message in locked_of(db, beneficiary_rows, MessageState::Failed)? {
        let wants_one = message.last_error.as_deref().is_some_and(sms::wants_a_number);
        if !wants_one || now - message.created_at > NEWS_AFTER || message.sms(sealer).is_err() {
            continue;
        }
        if message.is_returned() && hold_if_new(db, &message, &HoldReason::Returned, now)? {
            continue;
        }
        // The number may have come, and the message gone out, in a time that is lost.
        if restorations::came_after(db, message.created_at)?
            && hold_if_new(db, &message, &HoldReason::Restored, now)?
        {
            continue;
        }
        wait(db, &message, now)?;
        message.event(MessageEventKind::Renewed, now).store(db)?;
    }
    Ok(())
}

/// The messages to these beneficiaries in that state; on PostgreSQL locked, in the one order of all
/// locks on messages: by row.
fn locked_of(
    db: &mut Db,
    beneficiary_rows: &[i64],
    state: MessageState,
) -> Result<Vec<Sendable>, StoreError> {
    if beneficiary_rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = on_either!(db, db => outbox::table
        .filter(outbox::beneficiary_id.eq_any(beneficiary_rows))
        .filter(outbox::state.eq(state.as_str()))
        .select(outbox::id)
        .load(db)?);
    let mut messages = locked(db, &ids)?;
    messages.retain(|message| message.state == state);
    Ok(messages)
}

/// Messages as they stand until the transaction ends.
fn locked(db: &mut Db, ids: &[i64]) -> Result<Vec<Sendable>, StoreError> {
    if let Db::Postgres(db) = db {
        outbox::table
            .filter(outbox::id.eq_any(ids))
            .order(outbox::id)
            .select(outbox::id)
            .for_update()
            .load::<i64>(db)?;
    }
    Ok(on_either!(db, db => Sendable::query()
        .filter(outbox::id.eq_any(ids))
        .order(outbox::id)
        .load::<Sendable>(db)?))
}

/// A message with all that its text and its number are made of.
#[derive(Queryable)]
struct Sendable {
    id: i64,
    state: MessageState,
    attempts: i32,
    last_error: Option<String>,
    created_at: NaiveDateTime,
    amount_paise: Paise,
    utr: String,
    /// MUKTASoft's id of whom it was written for.
    person_id: Option<String>,
    /// Of whom the payment belongs to now.
    beneficiary_id: Option<String>,
    payment_status: PaymentStatus,
    /// MUKTASoft has said Payment Failed of it, but not so that it counts.
    disputed: bool,
    number: String,
    payment_key: String,
    mobile_sealed: Option<Vec<u8>>,
}

impl Sendable {
    #[diesel::dsl::auto_type(no_type_alias)]
    fn query() -> _ {
        outbox::table.inner_join(beneficiaries::table).inner_join(payment_instructions::table).select((
            outbox::id,
            outbox::state,
            outbox::attempts,
            outbox::last_error,
            outbox::created_at,
            outbox::amount_paise,
            outbox::utr,
            outbox::person_id,
            beneficiaries::beneficiary_id,
            beneficiaries::payment_status,
            beneficiaries::disputed,
            payment_instructions::number,
            beneficiaries::payment_key,
            beneficiaries::mobile_sealed,
        ))
    }

    /// The message, made of what was paid and of the number as it is known now.
    fn sms(&self, sealer: &Sealer) -> Result<Sms, Refusal> {
        if self.is_anothers() {
            return Err(Refusal::OtherPerson);
        }
        let key = BeneficiaryKey { number: &self.number, payment_key: &self.payment_key };
        let mobile = self
            .mobile_sealed
            .as_deref()
            .map(|sealed| sealer.open_text(SealedField::Mobile(key), sealed))
            .transpose()
            .map_err(|_| Refusal::Unreadable)?;
        sms::payment_successful(self.amount_paise, &self.utr, mobile.as_deref())
    }

    /// Whether the payment belongs to another person by now.
    fn is_anothers(&self) -> bool {
        sms::is_anothers(self.person_id.as_deref(), self.beneficiary_id.as_deref())
    }

    /// Whether MUKTASoft has said Payment Failed of what FTPS paid.
    fn is_returned(&self) -> bool {
        self.payment_status == PaymentStatus::Failed || self.disputed
    }

    /// Something that happens to it without an attempt.
    fn event(&self, what: MessageEventKind, at: NaiveDateTime) -> NewEvent<'_> {
        NewEvent {
            message_id: self.id,
            happened_at: at,
            what,
            attempt: 0,
            cause: None,
            gateway_answer: None,
            person: None,
            note: None,
            applied: true,
        }
    }
}

/// Fails a message that is locked and cannot be sent as it is.
fn refuse(db: &mut Db, message: &Sendable, refusal: Refusal, now: NaiveDateTime) -> Result<(), StoreError> {
    let reason = refusal.to_string();
    stop(db, message, MessageState::Failed, &reason, now)?;
    message.event(MessageEventKind::Failed, now).because(Some(&reason)).store(db)
}

/// Holds a locked message for that reason, unless it was held for it before, and sent by a person all the same;
/// whether it is held now.
fn hold_if_new(
    db: &mut Db,
    message: &Sendable,
    reason: &HoldReason,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let reason = reason.to_string();
    let held_before: i64 = events::table
        .filter(events::message_id.eq(message.id))
        .filter(events::what.eq(MessageEventKind::Held.as_str()))
        .filter(events::cause.eq(&reason))
        .count()
        .get_result(db)?;
    if held_before > 0 {
        return Ok(false);
    }
    stop(db, message, MessageState::Held, &reason, now)?;
    message.event(MessageEventKind::Held, now).because(Some(&reason)).store(db)?;
    Ok(true)
}

/// Takes a locked message out of what is sent.
fn stop(
    db: &mut Db,
    message: &Sendable,
    state: MessageState,
    reason: &str,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    diesel::update(outbox::table.find(message.id))
        .set((
            outbox::state.eq(state.as_str()),
            outbox::next_attempt_at.eq(None::<NaiveDateTime>),
            outbox::last_error.eq(reason),
            outbox::lease_token.eq(None::<String>),
            outbox::changed_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Has a locked message sent soon. What was said of its earlier attempt stands in its events.
fn wait(db: &mut Db, message: &Sendable, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(outbox::table.find(message.id))
        .set((
            outbox::state.eq(MessageState::Waiting.as_str()),
            outbox::next_attempt_at.eq(now),
            outbox::last_error.eq(None::<String>),
            outbox::gateway_answer.eq(None::<String>),
            // An answer to the earlier attempt that comes now no longer finds its message.
            outbox::lease_token.eq(None::<String>),
            outbox::changed_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

struct NewEvent<'a> {
    message_id: i64,
    happened_at: NaiveDateTime,
    what: MessageEventKind,
    attempt: i32,
    cause: Option<&'a str>,
    gateway_answer: Option<&'a str>,
    person: Option<&'a str>,
    note: Option<&'a str>,
    applied: bool,
}

impl<'a> NewEvent<'a> {
    fn because(self, cause: Option<&'a str>) -> Self {
        Self { cause, ..self }
    }

    fn store(&self, db: &mut Db) -> Result<(), StoreError> {
        diesel::insert_into(events::table)
            .values((
                events::message_id.eq(self.message_id),
                events::happened_at.eq(self.happened_at),
                events::what.eq(self.what.as_str()),
                events::attempt.eq(self.attempt),
                events::cause.eq(self.cause),
                events::gateway_answer.eq(self.gateway_answer),
                events::person.eq(self.person),
                events::note.eq(self.note),
                events::applied.eq(self.applied),
            ))
            .execute(db)?;
        Ok(())
    }
}
