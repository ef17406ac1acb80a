//! What is known around the sentences of others about an instruction: the numbers of people that are masked in
//! them, and the references that are not (DOMAIN.md §2).

use std::collections::HashSet;

use diesel::prelude::*;

use super::connection::on_either;
use super::instructions::{self, InstructionId, PaymentInstruction};
use super::schema::{beneficiaries, payment_advices};
use super::{Db, StoreError};
use crate::domain::sentence::Around;
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// Parents beyond these are no relatives that a sentence would be about.
const RELATIVES: usize = 20;

/// What is known around sentences about an instruction, of it and of its relatives.
pub fn around(db: &mut Db, sealer: &Sealer, instruction: &PaymentInstruction) -> Result<Around, StoreError> {
    let mut around = Around::default();
    let family = relatives(db, instruction)?;
    for one in &family {
        around.references.extend([one.number.clone()]);
        around.references.extend(one.bills());
        let told = [
            &one.parent_number,
            &one.mukta_reference_id,
            &one.ftps_bill_reference,
            &one.ftps_token_number,
            &one.ftps_voucher_number,
        ];
        around.references.extend(told.into_iter().flatten().cloned());
    }
    let ids: Vec<InstructionId> = family.iter().map(|one| one.id).collect();
    type Advice = (Option<String>, Option<String>, Option<String>);
    let advices: Vec<Advice> = on_either!(db, db => payment_advices::table
        .filter(payment_advices::instruction_id.eq_any(&ids))
        .select((payment_advices::bill_reference, payment_advices::advice_id, payment_advices::token_number))
        .load(db)?);
    around
        .references
        .extend(advices.into_iter().flat_map(|(bill, advice, token)| [bill, advice, token]).flatten());
    type References =
        (InstructionId, String, String, Option<String>, Option<String>, Option<String>, Option<String>);
    type Told = (References, Option<Vec<u8>>, Option<Vec<u8>>);
    let told: Vec<Told> = on_either!(db, db => beneficiaries::table
        .filter(beneficiaries::instruction_id.eq_any(&ids))
        .select((
            (
                beneficiaries::instruction_id,
                beneficiaries::payment_id,
                beneficiaries::payment_key,
                beneficiaries::beneficiary_id,
                beneficiaries::utr,
                beneficiaries::voucher_number,
                beneficiaries::end_to_end_id,
            ),
            beneficiaries::account_sealed,
            beneficiaries::mobile_sealed,
        ))
        .load(db)?);
    for ((id, payment_id, payment_key, person, utr, voucher, end_to_end), account, mobile) in told {
        around.references.extend([Some(payment_id), person, utr, voucher, end_to_end].into_iter().flatten());
        let Some(of) = family.iter().find(|one| one.id == id) else { continue };
        let key = BeneficiaryKey { number: &of.number, payment_key: &payment_key };
        // What does not open is not known, and is masked like any other number.
        let open = |field, sealed: Option<Vec<u8>>| sealer.open_text(field, &sealed?).ok();
        around.numbers.extend(open(SealedField::Account(key), account));
        around.numbers.extend(open(SealedField::Mobile(key), mobile));
    }
    Ok(around)
}

/// The instruction, what it replaces, and what replaces any of those.
fn relatives(db: &mut Db, of: &PaymentInstruction) -> Result<Vec<PaymentInstruction>, StoreError> {
    let mut family = vec![of.clone()];
    let mut seen = HashSet::from([of.id]);
    while let Some(parent) = family.last().map(|at| instructions::parent(db, at)).transpose()?.flatten() {
        if !seen.insert(parent.id) || family.len() >= RELATIVES {
            break;
        }
        family.push(parent);
    }
    for at in family.clone() {
        family.extend(instructions::revisions(db, &at)?.into_iter().filter(|one| seen.insert(one.id)));
    }
    Ok(family)
}
