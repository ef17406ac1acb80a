//! What JIT is to be asked about an instruction, and those about which it cannot be asked.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::instructions::{self, PaymentInstruction};
use super::schema::payment_instructions as pi;
use super::{Db, StoreError};
use crate::domain::{BillToAsk, Decision, Glitch};

/// What JIT is to be asked about a revised PI, or what is missing here for that.
pub(super) fn bill_to_ask(
    db: &mut Db,
    revised: &PaymentInstruction,
) -> Result<Result<BillToAsk, Glitch>, StoreError> {
    let original = instructions::ancestry(db, revised)?.original();
    let advices = original.as_ref().map(|original| instructions::advices(db, original.id)).transpose()?;
    let references = advices.iter().flatten().map(|advice| advice.bill_reference.as_deref());
    Ok(BillToAsk::of(revised, original.as_ref(), references))
}

/// Looks again at those about which JIT could not be asked: one for which somebody has brought what was
/// missing is due at once, and one for which something else is missing now is asked about like any other.
pub(crate) fn look_again(db: &mut Db, now: NaiveDateTime) -> Result<(), StoreError> {
    let could_not_be_asked: Vec<PaymentInstruction> = pi::table
        .filter(pi::cannot_ask.eq(true))
        .filter(pi::action_rank.is_not_null())
        .order(pi::number)
        .select(PaymentInstruction::as_select())
        .load(db)?;
    for one in could_not_be_asked {
        let missing = bill_to_ask(db, &one)?.err().map(|glitch| Decision::Glitch(glitch).message());
        if missing != one.ftps_message {
            diesel::update(pi::table.find(one.id))
                .set((pi::cannot_ask.eq(false), pi::next_attempt_at.eq(now)))
                .execute(db)?;
        }
    }
    Ok(())
}
