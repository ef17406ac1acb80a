//! Claims: who is asking JIT about an instruction, and until when.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::instructions::{self, PaymentInstruction};
use super::schema::payment_instructions as pi;
use super::{Db, StoreError, beneficiaries};
use crate::ftps::{AskedInstruction, BillToAsk, PiStatus};
use crate::sealing::{Sealer, random_hex};

/// The proof of a claim: only [`claim`] makes one, and only its holder records an outcome.
#[derive(Debug)]
pub struct Lease {
    pub(super) instruction_id: i64,
    pub(super) token: String,
}

/// What a claim brings: the proof, and all that the call and the decision need.
#[derive(Debug)]
pub struct Claimed {
    /// The proof.
    pub lease: Lease,
    /// The instruction, for the decision.
    pub asked: AskedInstruction,
    /// The bill to ask about, or why JIT cannot be asked, in plain English.
    pub bill: Result<BillToAsk, String>,
}

/// Why an instruction was not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotClaimed {
    /// Another call on it is under way.
    Busy,
    /// It is not an active revised PI In Process.
    NotWaiting,
}

/// Claims an instruction until `until`, if it waits and nobody else holds it.
pub fn claim(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: i64,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<Result<Claimed, NotClaimed>, StoreError> {
    let token = random_hex(16)?;
    let taken = diesel::update(
        pi::table
            .filter(pi::id.eq(instruction_id))
            .filter(pi::status.eq(PiStatus::InProcess.as_str()))
            .filter(pi::is_active.eq(true))
            .filter(pi::parent_number.is_not_null())
            .filter(pi::lease_until.is_null().or(pi::lease_until.le(now))),
    )
    .set((pi::lease_token.eq(&token), pi::lease_until.eq(until)))
    .execute(db)?;
    let instruction = instructions::get(db, instruction_id)?;
    if taken == 0 {
        let reason = if instruction.is_waiting() { NotClaimed::Busy } else { NotClaimed::NotWaiting };
        return Ok(Err(reason));
    }
    let asked = AskedInstruction {
        beneficiaries: beneficiaries::asked(db, sealer, instruction_id, &instruction.number)?,
        number: instruction.number.clone(),
    };
    let bill = bill_to_ask(db, &instruction)?;
    Ok(Ok(Claimed { lease: Lease { instruction_id, token }, asked, bill }))
}

/// The six facts of DOMAIN.md §3, or why JIT cannot be asked.
fn bill_to_ask(db: &mut Db, revised: &PaymentInstruction) -> Result<Result<BillToAsk, String>, StoreError> {
    let Some(original) = instructions::original(db, revised)? else {
        return Ok(Err(
            "The original payment instruction is not known here, so JIT cannot be asked.".to_owned()
        ));
    };
    let reference = instructions::advices(db, original.id)?
        .into_iter()
        .find_map(|advice| advice.bill_reference.filter(|reference| !reference.trim().is_empty()));
    Ok(match reference {
        None => Err(format!(
            "The online bill reference of the original payment instruction {} is not known here, so JIT cannot be asked.",
            original.number
        )),
        Some(original_reference) => Ok(BillToAsk {
            number: revised.number.clone(),
            date: revised.created_at.and_utc(),
            original_reference,
            original_number: original.number,
            original_date: original.created_at.and_utc(),
        }),
    })
}

/// Gives a claim up without an outcome. Only its holder's claim is released.
pub fn release(db: &mut Db, lease: &Lease) -> Result<(), StoreError> {
    diesel::update(
        pi::table.filter(pi::id.eq(lease.instruction_id)).filter(pi::lease_token.eq(&lease.token)),
    )
    .set((pi::lease_token.eq(None::<String>), pi::lease_until.eq(None::<NaiveDateTime>)))
    .execute(db)?;
    Ok(())
}
