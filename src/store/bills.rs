//! What JIT is to be asked about an instruction, and those about which it cannot be asked.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::instructions::{self, InstructionId, PaymentInstruction};
use super::schema::payment_instructions as pi;
use super::{Db, StoreError, beneficiaries};
use crate::domain::{Ancestry, AskedInstruction, BillToAsk, Decision, Missing};
use crate::sealing::Sealer;

/// What JIT is to be asked about a revised PI, and what its answer is held against; or what is missing here
/// for that.
pub(super) fn to_ask(
    db: &mut Db,
    sealer: &Sealer,
    revised: &PaymentInstruction,
) -> Result<Result<(BillToAsk, AskedInstruction), Missing>, StoreError> {
    let people = beneficiaries::asked(db, sealer, revised.id, &revised.number)?;
    if let Some(unreadable) = people.unreadable.first() {
        log::error!("{unreadable}");
        return Ok(Err(Missing::DataKey(unreadable.of.clone())));
    }
    let asked = AskedInstruction { number: revised.number.clone(), beneficiaries: people.known };
    Ok(bill(db, revised)?.map(|bill| (bill, asked)))
}

fn bill(db: &mut Db, revised: &PaymentInstruction) -> Result<Result<BillToAsk, Missing>, StoreError> {
    let ancestry = instructions::ancestry(db, revised)?;
    let advices = match &ancestry {
        Ancestry::Original(original) => instructions::advices(db, original.id)?,
        _ => vec![],
    };
    let references = advices.iter().map(|advice| advice.bill_reference.as_deref());
    let bill = BillToAsk::of(revised, &ancestry, references);
    if let Err(Missing::Original(number)) = &bill
        && instructions::is_known(db, number)?
    {
        return Ok(Err(Missing::OfAnotherTown(number.clone())));
    }
    Ok(bill)
}

/// What JIT cannot be asked about an instruction for want of, if it waits.
pub(crate) fn missing(
    db: &mut Db,
    sealer: &Sealer,
    instruction: &PaymentInstruction,
) -> Result<Option<Missing>, StoreError> {
    if !instruction.is_waiting() {
        return Ok(None);
    }
    // Nobody's account is opened for a look, unless one did not open.
    if instruction.cannot_ask {
        return Ok(to_ask(db, sealer, instruction)?.err());
    }
    Ok(bill(db, instruction)?.err())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The numbers of those PIs that are asked for so that JIT can be asked about what waits in a tenant: ancestors
/// that are not known here, and originals without a bill reference.
pub(crate) fn wanted_originals(db: &mut Db, tenant: &str) -> Result<Vec<String>, StoreError> {
    // Most have an original with a reference for a parent: only the others are looked at one by one.
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT p.id FROM payment_instructions p WHERE p.action_rank IS NOT NULL AND p.tenant_id = $1 \
         AND NOT EXISTS (SELECT 1 FROM payment_instructions o JOIN payment_advices a ON a.instruction_id = o.id \
             WHERE lower(o.number) = lower(p.parent_number) AND o.tenant_id = p.tenant_id \
             AND o.parent_number IS NULL AND trim(COALESCE(a.bill_reference, '')) <> '') \
         ORDER BY p.id",
    )
    .bind::<Text, _>(tenant)
    .load(db)?;
    let mut wanted = Vec::new();
    for Row { id } in rows {
        let waiting = instructions::get(db, InstructionId::of_row(id))?;
        if let Err(Missing::Original(number) | Missing::Reference(number)) = bill(db, &waiting)?
            && !wanted.contains(&number)
        {
            wanted.push(number);
        }
    }
    Ok(wanted)
}

/// The number of the PI that is asked for so that JIT can be asked about this one, if it waits for that.
pub(crate) fn wanted_original_of(db: &mut Db, number: &str) -> Result<Option<String>, StoreError> {
    let found: Option<PaymentInstruction> = pi::table
        .filter(pi::number.eq(number))
        .filter(pi::action_rank.is_not_null())
        .select(PaymentInstruction::as_select())
        .get_result(db)
        .optional()?;
    let Some(waiting) = found else { return Ok(None) };
    Ok(match bill(db, &waiting)? {
        Err(Missing::Original(number) | Missing::Reference(number)) => Some(number),
        Ok(_) | Err(Missing::EndOfCircle | Missing::OfAnotherTown(_) | Missing::DataKey(_)) => None,
    })
}

/// Looks again at those about which JIT could not be asked: one for which somebody has brought what was
/// missing is due at once, and one for which something else is missing now is asked about like any other.
pub(crate) fn look_again(db: &mut Db, sealer: &Sealer, now: NaiveDateTime) -> Result<(), StoreError> {
    let could_not_be_asked: Vec<PaymentInstruction> = pi::table
        .filter(pi::cannot_ask.eq(true))
        .filter(pi::action_rank.is_not_null())
        .order(pi::number)
        .select(PaymentInstruction::as_select())
        .load(db)?;
    for one in could_not_be_asked {
        let missing = to_ask(db, sealer, &one)?.err();
        if missing.map(|missing| Decision::Glitch(missing.into()).message()) != one.ftps_message {
            diesel::update(pi::table.find(one.id))
                .set((pi::cannot_ask.eq(false), pi::next_attempt_at.eq(now)))
                .execute(db)?;
        }
    }
    Ok(())
}
