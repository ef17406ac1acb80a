//! Messages as people see them.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::domain::{MessageEventKind, MessageReason, MessageState, Paise, PaymentStatus};
use crate::store::connection::on_either;
use crate::store::instructions::InstructionId;
use crate::store::pruning::Erasure;
use crate::store::schema::{
    beneficiaries, outbox_events as events, outbox_messages as outbox, payment_instructions, prunes,
};
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};

/// A message as the pages show it: nothing sealed is read.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct OutboxMessage {
    /// Our row.
    pub id: i64,
    /// The PI that was paid.
    pub number: String,
    /// Our row of whom it goes to.
    pub beneficiary_id: i64,
    /// Their payment ID.
    pub payment_id: String,
    /// Their name, if known.
    pub name: Option<String>,
    /// The last four digits of their mobile number, as it is known now.
    pub mobile_last4: Option<String>,
    /// What was paid.
    pub amount_paise: Paise,
    /// By which transaction.
    pub utr: String,
    /// Where the payment stands by now: Payment Failed, if it was returned.
    pub payment_status: PaymentStatus,
    /// Where it stands.
    pub state: MessageState,
    /// Why, unless nothing is to be done.
    pub reason: Option<MessageReason>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, while it waits (UTC).
    pub next_attempt_at: Option<NaiveDateTime>,
    /// Why the latest attempt did not succeed, or why it is held.
    pub last_error: Option<String>,
    /// What the gateway said to it, shortened and masked.
    pub gateway_answer: Option<String>,
    /// When it was entered (UTC).
    pub created_at: NaiveDateTime,
    /// When the gateway accepted it (UTC).
    pub sent_at: Option<NaiveDateTime>,
    /// When it last changed its state, or was tried (UTC).
    pub changed_at: NaiveDateTime,
}

impl OutboxMessage {
    #[diesel::dsl::auto_type(no_type_alias)]
    fn query() -> _ {
        outbox::table.inner_join(beneficiaries::table).inner_join(payment_instructions::table).select((
            outbox::id,
            payment_instructions::number,
            outbox::beneficiary_id,
            beneficiaries::payment_id,
            beneficiaries::name,
            beneficiaries::mobile_last4,
            outbox::amount_paise,
            outbox::utr,
            beneficiaries::payment_status,
            outbox::state,
            outbox::reason,
            outbox::attempts,
            outbox::next_attempt_at,
            outbox::last_error,
            outbox::gateway_answer,
            outbox::created_at,
            outbox::sent_at,
            outbox::changed_at,
        ))
    }
}

/// Something that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct MessageEvent {
    /// The message.
    pub message_id: i64,
    /// When (UTC).
    pub happened_at: NaiveDateTime,
    /// What.
    pub what: MessageEventKind,
    /// Which attempt; 0 where none was made.
    pub attempt: i32,
    /// Why it did not succeed.
    pub cause: Option<String>,
    /// What the gateway said.
    pub gateway_answer: Option<String>,
    /// That what it said was erased, if it was.
    #[diesel(embed)]
    pub erased: Option<Erasure>,
    /// Who had it sent again, or settled it.
    pub person: Option<String>,
    /// What who settled it did instead.
    pub note: Option<String>,
    /// Whether the message was brought up to date by it.
    pub applied: bool,
}

/// The messages of an instruction.
pub fn of_instruction(db: &mut Db, instruction_id: InstructionId) -> Result<Vec<OutboxMessage>, StoreError> {
    Ok(on_either!(db, db => OutboxMessage::query()
        .filter(outbox::instruction_id.eq(instruction_id))
        .order(outbox::id)
        .load(db)?))
}

/// Where the messages of these instructions stand, by our rows of whom they go to.
pub fn states_of(
    db: &mut Db,
    instruction_ids: &[InstructionId],
) -> Result<HashMap<i64, MessageState>, StoreError> {
    let states: Vec<(i64, MessageState)> = on_either!(db, db => outbox::table
        .filter(outbox::instruction_id.eq_any(instruction_ids))
        .order(outbox::id)
        .select((outbox::beneficiary_id, outbox::state))
        .load(db)?);
    Ok(states.into_iter().collect())
}

/// Those of these messages that are in scope.
pub fn find(db: &mut Db, scope: &Scope, ids: &[i64]) -> Result<Vec<OutboxMessage>, StoreError> {
    Ok(on_either!(db, db => OutboxMessage::query()
        .filter(outbox::tenant_id.eq_any(scope.tenants()))
        .filter(outbox::id.eq_any(ids))
        .order(outbox::id)
        .load(db)?))
}

/// Of these messages the first that is here but out of scope: the number of its PI.
pub fn first_out_of_scope(db: &mut Db, scope: &Scope, ids: &[i64]) -> Result<Option<String>, StoreError> {
    Ok(on_either!(db, db => outbox::table
        .inner_join(payment_instructions::table)
        .filter(outbox::id.eq_any(ids))
        .filter(outbox::tenant_id.ne_all(scope.tenants()))
        .order(outbox::id)
        .select(payment_instructions::number)
        .first(db)
        .optional()?))
}

/// What happened to these messages, oldest first.
pub fn events_of(db: &mut Db, messages: &[OutboxMessage]) -> Result<Vec<MessageEvent>, StoreError> {
    let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
    Ok(on_either!(db, db => events::table
        .left_join(prunes::table.on(events::pruned_by.eq(prunes::id.nullable())))
        .filter(events::message_id.eq_any(ids))
        .order(events::id)
        .select(MessageEvent::as_select())
        .load(db)?))
}

/// Those of these messages that the gateway accepted once, or may have.
pub fn that_may_have_arrived(db: &mut Db, ids: &[i64]) -> Result<HashSet<i64>, StoreError> {
    let found: Vec<i64> = on_either!(db, db => events::table
        .filter(events::message_id.eq_any(ids))
        .filter(events::what.eq_any([MessageEventKind::Unknown.as_str(), MessageEventKind::Sent.as_str()]))
        .select(events::message_id)
        .load(db)?);
    Ok(found.into_iter().collect())
}
