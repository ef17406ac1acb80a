//! The outbox: the SMS that follow from a payment, one row a message, and an append-only event for
//! whatever happened to it.
//!
//! A message is entered in the transaction that completes its payment instruction
//! ([`enqueue`]), claimed and sent from `waiting` only ([`sending`]), and sent again by a person only
//! ([`listing::resend`]). `waiting → sending → sent | failed | unknown | waiting`;
//! `failed | unknown → waiting` by a person. The number is not kept here, nor is the text.

pub mod listing;
pub mod sending;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::connection::on_either;
use super::instructions::InstructionId;
use super::schema::{
    beneficiaries, outbox_events as events, outbox_messages as outbox, payment_instructions,
};
use super::{Db, StoreError};
use crate::domain::sms::{self, Sms};
use crate::domain::{MessageEventKind, MessageState, Paise, Refusal};
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// Enters a message for every beneficiary of an instruction that FTPS has just completed; those that
/// cannot be sent fail at once, with the reason. What is there already stays as it is.
pub fn enqueue(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    use diesel::sql_types::{BigInt, Timestamp};
    diesel::sql_query(
        "INSERT INTO outbox_messages (instruction_id, beneficiary_id, tenant_id, event, amount_paise, utr, \
         state, attempts, next_attempt_at, created_at, changed_at) \
         SELECT p.id, b.id, p.tenant_id, 'payment-successful', b.amount_paise, COALESCE(b.utr, ''), \
         'waiting', 0, $1, $1, $1 \
         FROM beneficiaries b JOIN payment_instructions p ON p.id = b.instruction_id \
         WHERE p.id = $2 ORDER BY b.position, b.id \
         ON CONFLICT (instruction_id, beneficiary_id, event) DO NOTHING",
    )
    .bind::<Timestamp, _>(now)
    .bind::<BigInt, _>(instruction_id)
    .execute(db)?;
    let entered = on_either!(db, db => Sendable::query()
        .filter(outbox::instruction_id.eq(instruction_id))
        .filter(outbox::state.eq(MessageState::Waiting.as_str()))
        .filter(outbox::attempts.eq(0))
        .load::<Sendable>(db)?);
    for message in entered {
        if let Err(refusal) = message.sms(sealer) {
            refuse(db, &message, refusal, now)?;
        }
    }
    Ok(())
}

/// A message with all that its text and its number are made of.
#[derive(Queryable)]
struct Sendable {
    id: i64,
    attempts: i32,
    amount_paise: Paise,
    utr: String,
    number: String,
    payment_key: String,
    mobile_sealed: Option<Vec<u8>>,
}

impl Sendable {
    #[diesel::dsl::auto_type(no_type_alias)]
    fn query() -> _ {
        outbox::table.inner_join(beneficiaries::table).inner_join(payment_instructions::table).select((
            outbox::id,
            outbox::attempts,
            outbox::amount_paise,
            outbox::utr,
            payment_instructions::number,
            beneficiaries::payment_key,
            beneficiaries::mobile_sealed,
        ))
    }

    /// The message, made of what was paid and of the number as it is known now.
    fn sms(&self, sealer: &Sealer) -> Result<Sms, Refusal> {
        let key = BeneficiaryKey { number: &self.number, payment_key: &self.payment_key };
        let mobile = self
            .mobile_sealed
            .as_deref()
            .map(|sealed| sealer.open_text(SealedField::Mobile(key), sealed))
            .transpose()
            .map_err(|_| Refusal::Unreadable)?;
        sms::payment_successful(self.amount_paise, &self.utr, mobile.as_deref())
    }
}

/// Fails a message that nobody claimed and that cannot be sent as it is.
fn refuse(db: &mut Db, message: &Sendable, refusal: Refusal, now: NaiveDateTime) -> Result<(), StoreError> {
    let reason = refusal.to_string();
    diesel::update(outbox::table.find(message.id))
        .set((
            outbox::state.eq(MessageState::Failed.as_str()),
            outbox::next_attempt_at.eq(None::<NaiveDateTime>),
            outbox::last_error.eq(&reason),
            outbox::changed_at.eq(now),
        ))
        .execute(db)?;
    NewEvent {
        message_id: message.id,
        happened_at: now,
        what: MessageEventKind::Failed,
        attempt: 0,
        cause: Some(&reason),
        gateway_answer: None,
        person: None,
        applied: true,
    }
    .store(db)
}

struct NewEvent<'a> {
    message_id: i64,
    happened_at: NaiveDateTime,
    what: MessageEventKind,
    attempt: i32,
    cause: Option<&'a str>,
    gateway_answer: Option<&'a str>,
    person: Option<&'a str>,
    applied: bool,
}

impl NewEvent<'_> {
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
                events::applied.eq(self.applied),
            ))
            .execute(db)?;
        Ok(())
    }
}
