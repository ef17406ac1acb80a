//! Sealing anew with the current `DATA_KEY` what an earlier one sealed.
//!
//! Row by row in short transactions, and only where the value is still the one that was read: it
//! may be interrupted at any point, begun again, and run beside `serve`.

use diesel::prelude::*;

use super::schema::{beneficiaries, data_keys, ftps_calls, payment_instructions};
use super::{Db, Store, StoreError};
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// Rows read in one transaction.
const PAGE: i64 = 500;

/// How many values were sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Of beneficiaries: accounts and mobile numbers.
    pub beneficiaries: u64,
    /// Of the call log: requests and responses.
    pub calls: u64,
}

/// Seals everything with the current key; then an earlier key is not needed any more, and the
/// database forgets that it ever fitted. Blocks.
pub fn reseal(store: &Store, sealer: &Sealer) -> Result<Resealed, StoreError> {
    let mut done = Resealed::default();
    let mut after = 0;
    while let Some(last) = store.write_blocking(|db| beneficiaries_after(db, sealer, after, &mut done))? {
        after = last;
    }
    after = 0;
    while let Some(last) = store.write_blocking(|db| calls_after(db, sealer, after, &mut done))? {
        after = last;
    }
    let current = sealer.current_key_id();
    store.write_blocking(|db| {
        diesel::delete(data_keys::table.filter(data_keys::key_id.ne(&current))).execute(db)?;
        Ok(())
    })?;
    Ok(done)
}

#[derive(Queryable)]
struct SealedBeneficiary {
    id: i64,
    payment_key: String,
    number: String,
    account: Option<Vec<u8>>,
    mobile: Option<Vec<u8>>,
    other_account: Option<Vec<u8>>,
}

/// One page of beneficiaries; the last row's id, or `None` after the end. The transaction has the
/// writer's lock (SQLite) or locks the rows that it updates (PostgreSQL, where the condition on the
/// old value keeps what an import wrote meanwhile).
fn beneficiaries_after(
    db: &mut Db,
    sealer: &Sealer,
    after: i64,
    done: &mut Resealed,
) -> Result<Option<i64>, StoreError> {
    let rows: Vec<SealedBeneficiary> = beneficiaries::table
        .inner_join(payment_instructions::table)
        .filter(beneficiaries::id.gt(after))
        .order(beneficiaries::id)
        .limit(PAGE)
        .select((
            beneficiaries::id,
            beneficiaries::payment_key,
            payment_instructions::number,
            beneficiaries::account_sealed,
            beneficiaries::mobile_sealed,
            beneficiaries::other_account_sealed,
        ))
        .load(db)?;
    for row in &rows {
        let key = BeneficiaryKey { number: &row.number, payment_key: &row.payment_key };
        let target = beneficiaries::table.filter(beneficiaries::id.eq(row.id));
        if let Some((old, new, plain)) = anew(sealer, SealedField::Account(key), row.account.as_ref())? {
            done.beneficiaries += diesel::update(target.filter(beneficiaries::account_sealed.eq(old)))
                .set((
                    beneficiaries::account_sealed.eq(new),
                    beneficiaries::account_hash.eq(sealer.hash(&plain)),
                ))
                .execute(db)? as u64;
        }
        if let Some((old, new, plain)) = anew(sealer, SealedField::Mobile(key), row.mobile.as_ref())? {
            done.beneficiaries += diesel::update(target.filter(beneficiaries::mobile_sealed.eq(old)))
                .set((
                    beneficiaries::mobile_sealed.eq(new),
                    beneficiaries::mobile_hash.eq(sealer.hash(&plain)),
                ))
                .execute(db)? as u64;
        }
        if let Some((old, new, _)) = anew(sealer, SealedField::OtherAccount(key), row.other_account.as_ref())?
        {
            done.beneficiaries += diesel::update(target.filter(beneficiaries::other_account_sealed.eq(old)))
                .set(beneficiaries::other_account_sealed.eq(new))
                .execute(db)? as u64;
        }
    }
    Ok(rows.last().map(|row| row.id))
}

/// One page of calls; the last row's id, or `None` after the end.
fn calls_after(
    db: &mut Db,
    sealer: &Sealer,
    after: i64,
    done: &mut Resealed,
) -> Result<Option<i64>, StoreError> {
    type Row = (i64, String, Option<Vec<u8>>, Option<Vec<u8>>);
    let rows: Vec<Row> = ftps_calls::table
        .filter(ftps_calls::id.gt(after))
        .order(ftps_calls::id)
        .limit(PAGE)
        .select((
            ftps_calls::id,
            ftps_calls::call_ref,
            ftps_calls::request_sealed,
            ftps_calls::response_sealed,
        ))
        .load(db)?;
    for (id, call_ref, request, response) in &rows {
        let target = ftps_calls::table.filter(ftps_calls::id.eq(id));
        if let Some((_, new, _)) = anew(sealer, SealedField::Request(call_ref), request.as_ref())? {
            done.calls += diesel::update(target).set(ftps_calls::request_sealed.eq(new)).execute(db)? as u64;
        }
        if let Some((_, new, _)) = anew(sealer, SealedField::Response(call_ref), response.as_ref())? {
            done.calls += diesel::update(target).set(ftps_calls::response_sealed.eq(new)).execute(db)? as u64;
        }
    }
    Ok(rows.last().map(|row| row.0))
}

/// The old value, the new one and its text; `None` if the current key sealed it already.
#[allow(clippy::type_complexity)] // a triple used on the spot, three times
fn anew<'a>(
    sealer: &Sealer,
    field: SealedField<'_>,
    sealed: Option<&'a Vec<u8>>,
) -> Result<Option<(&'a Vec<u8>, Vec<u8>, String)>, StoreError> {
    let Some(old) = sealed.filter(|sealed| !sealer.is_current(sealed)) else { return Ok(None) };
    let plain = sealer.open_text(field, old)?;
    Ok(Some((old, sealer.seal(field, plain.as_bytes())?, plain)))
}
