//! Second factors of employees: the sealed secret, the step of the last code that was accepted, and recovery codes.
//! Whoever changes or uses one has [locked](super::employees::locked) the employee before.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::employees::{self, Employee};
use super::schema::{employees as rows, recovery_codes};
use super::{Db, StoreError, keys};
use crate::access::second_factor::{Given, Secret};
use crate::sealing::{SealError, SealedField, Sealer};

/// Gives an employee a second factor in place of the one that they may have: its secret, the step of the code that
/// showed that their app knows it, and recovery codes. Ends their sessions.
pub fn set(
    db: &mut Db,
    sealer: &Sealer,
    employee: &Employee,
    secret: &Secret,
    step: i64,
    codes: &[String],
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    keys::hold(db, sealer)?;
    let sealed = sealer.seal(SealedField::SecondFactor(&employee.name), secret.text().as_bytes())?;
    diesel::update(rows::table.find(employee.id))
        .set((
            rows::second_factor_sealed.eq(sealed),
            rows::second_factor_at.eq(now),
            rows::second_factor_step.eq(step),
        ))
        .execute(db)?;
    keep_codes(db, employee.id, secret, codes)?;
    employees::end_sessions(db, employee.id)
}

/// Recovery codes in place of those before. The employee has a second factor.
pub fn set_codes(
    db: &mut Db,
    sealer: &Sealer,
    employee: &Employee,
    codes: &[String],
) -> Result<(), StoreError> {
    let (secret, _) = known(db, sealer, employee)?.ok_or(diesel::result::Error::NotFound)?;
    keep_codes(db, employee.id, &secret, codes)
}

fn keep_codes(db: &mut Db, id: i64, secret: &Secret, codes: &[String]) -> Result<(), StoreError> {
    forget_codes(db, id)?;
    for code in codes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::employee_id.eq(id), recovery_codes::code_hash.eq(secret.hash(code))))
            .execute(db)?;
    }
    Ok(())
}

fn forget_codes(db: &mut Db, id: i64) -> Result<(), StoreError> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::employee_id.eq(id))).execute(db)?;
    Ok(())
}

/// Takes an employee's second factor away, with its recovery codes, and ends their sessions.
pub fn remove(db: &mut Db, id: i64) -> Result<(), StoreError> {
    forget_codes(db, id)?;
    diesel::update(rows::table.find(id))
        .set((
            rows::second_factor_sealed.eq(None::<Vec<u8>>),
            rows::second_factor_at.eq(None::<NaiveDateTime>),
            rows::second_factor_step.eq(None::<i64>),
        ))
        .execute(db)?;
    employees::end_sessions(db, id)
}

/// How many recovery codes an employee has not used yet.
pub fn codes_left(db: &mut Db, id: i64) -> Result<i64, StoreError> {
    Ok(recovery_codes::table
        .filter(recovery_codes::employee_id.eq(id))
        .filter(recovery_codes::used_at.is_null())
        .count()
        .get_result(db)?)
}

/// Whether what was given is right; if so, it is used up.
pub fn accept(
    db: &mut Db,
    sealer: &Sealer,
    employee: &Employee,
    given: &Given,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let Some((secret, last)) = known(db, sealer, employee)? else { return Ok(false) };
    match given {
        Given::Code(code) => {
            let Some(step) = secret.step_of(code, now.and_utc(), Some(last)) else { return Ok(false) };
            diesel::update(rows::table.find(employee.id))
                .set(rows::second_factor_step.eq(step))
                .execute(db)?;
            Ok(true)
        }
        Given::Recovery(code) => {
            let unused = recovery_codes::table
                .find((employee.id, secret.hash(code)))
                .filter(recovery_codes::used_at.is_null());
            Ok(diesel::update(unused).set(recovery_codes::used_at.eq(now)).execute(db)? > 0)
        }
        Given::Neither => Ok(false),
    }
}

/// The secret of an employee, and the step of the last code that was accepted.
fn known(db: &mut Db, sealer: &Sealer, employee: &Employee) -> Result<Option<(Secret, i64)>, StoreError> {
    let (sealed, step): (Option<Vec<u8>>, Option<i64>) = rows::table
        .find(employee.id)
        .select((rows::second_factor_sealed, rows::second_factor_step))
        .get_result(db)?;
    let (Some(sealed), Some(step)) = (sealed, step) else { return Ok(None) };
    let text = sealer.open_text(SealedField::SecondFactor(&employee.name), &sealed)?;
    let secret = Secret::read(&text).map_err(|_| SealError::NotText)?;
    Ok(Some((secret, step)))
}
