//! Sealing anew with the current `DATA_KEY` what an earlier one sealed.
//!
//! Row by row in short transactions, and only where the value is still the one that was read: it
//! may be interrupted at any point, begun again, and run beside `serve`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::audit::{self, NewEvent};
use super::schema::{beneficiaries, employees, ftps_calls, payment_instructions};
use super::{Db, Store, StoreError, Unreadable, keys, programs, trail};
use crate::sealing::{BeneficiaryKey, SealError, SealedField, Sealer};

/// Rows read in one transaction.
const PAGE: i64 = 500;

/// What a `reseal` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values of beneficiaries sealed anew: accounts and mobile numbers.
    pub beneficiaries: u64,
    /// Values of the call log sealed anew: requests and responses.
    pub calls: u64,
    /// Secrets of second factors sealed anew.
    pub second_factors: u64,
    /// Values that no key at hand opens: they stay as they are, and no key is forgotten.
    pub unreadable: Vec<Unreadable>,
}

impl Resealed {
    fn told(&self) -> String {
        let Self { beneficiaries, calls, second_factors, unreadable } = self;
        let left = match unreadable.len() {
            0 => String::new(),
            left => format!(", {left} cannot be opened"),
        };
        format!(
            "{beneficiaries} values of beneficiaries, {calls} of the call log and {second_factors} second factors{left}"
        )
    }
}

/// Seals everything with the current key; then an earlier key is not needed any more, and the
/// database forgets that it ever fitted. Before that it counts once more: what somebody sealed with an
/// earlier key meanwhile takes another turn. The audit trail is told of it, with what it came to as the subject.
/// Blocks.
pub fn reseal(store: &Store, sealer: &Sealer, event: &NewEvent) -> Result<Resealed, StoreError> {
    let mut done = Resealed::default();
    refuse_while_the_earlier_key_is_at_work(store, sealer)?;
    store.write_blocking(|db| keys::fit(db, sealer, event.at))?;
    loop {
        done.unreadable.clear();
        let mut after = 0;
        while let Some(last) = store.write_blocking(|db| beneficiaries_after(db, sealer, after, &mut done))? {
            after = last;
        }
        after = 0;
        while let Some(last) = store.write_blocking(|db| calls_after(db, sealer, after, &mut done))? {
            after = last;
        }
        after = 0;
        while let Some(last) = store.write_blocking(|db| factors_after(db, sealer, after, &mut done))? {
            after = last;
        }
        // An event cannot be linked by a key that cannot be opened.
        let mut linking = Some(sealer);
        if let Err(cause) = store.write_blocking(|db| trail::reseal_key(db, sealer))? {
            done.unreadable.push(Unreadable::new("audit trail", "its chains", "key", cause));
            linking = None;
        }
        let is_done = store.write_blocking(|db| {
            let left = keys::forget_earlier(db, sealer, |db| {
                if !programs::sealing_with_another_key(db, sealer)?.is_empty() {
                    return Err(StoreError::EarlierKeyAtWork);
                }
                left(db, sealer)
            })?;
            let is_done = left <= done.unreadable.len() as u64;
            if is_done {
                audit::append(db, linking, &NewEvent { subject: Some(done.told()), ..event.clone() })?;
            }
            Ok::<_, StoreError>(is_done)
        })?;
        if is_done {
            return Ok(done);
        }
    }
}

/// A program that still seals with an earlier key would lose what it seals from now on, or is about to open. One that
/// says nothing for longer than it may was killed.
fn refuse_while_the_earlier_key_is_at_work(store: &Store, sealer: &Sealer) -> Result<(), StoreError> {
    let look = || store.read_blocking(|db| programs::sealing_with_another_key(db, sealer));
    let killed = programs::killed(look)?.ok_or(StoreError::EarlierKeyAtWork)?;
    store.write_blocking(|db| programs::forget(db, &killed))
}

/// How many values are not sealed with the current key.
fn left(db: &mut Db, sealer: &Sealer) -> Result<u64, StoreError> {
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = BigInt)]
        left: i64,
    }
    let of = |table: &str, columns: &[&str]| {
        let others = |column: &&str| {
            format!("coalesce(sum(CASE WHEN substr({column}, 1, 9) <> $1 THEN 1 ELSE 0 END), 0)")
        };
        let sums = columns.iter().map(others).collect::<Vec<_>>().join(" + ");
        format!("SELECT CAST({sums} AS bigint) AS \"left\" FROM {table}")
    };
    let mut count = |query: String| -> Result<u64, StoreError> {
        let counted: Left =
            diesel::sql_query(query).bind::<Binary, _>(sealer.current_prefix()).get_result(db)?;
        Ok(counted.left.unsigned_abs())
    };
    Ok(count(of("trail_key", &["key_sealed"]))?
        + count(of("beneficiaries", &["account_sealed", "mobile_sealed", "other_account_sealed"]))?
        + count(of("ftps_calls", &["request_sealed", "response_sealed"]))?
        + count(of("employees", &["second_factor_sealed"]))?)
}

#[derive(Queryable)]
struct SealedBeneficiary {
    id: i64,
    payment_id: String,
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
            beneficiaries::payment_id,
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
        let mut anew = |name, field, sealed| {
            anew(sealer, field, sealed).unwrap_or_else(|cause| {
                done.unreadable.push(Unreadable::new(&row.number, &row.payment_id, name, cause));
                None
            })
        };
        let account = anew("account number", SealedField::Account(key), row.account.as_ref());
        let mobile = anew("mobile number", SealedField::Mobile(key), row.mobile.as_ref());
        let other =
            anew("account number that was paid", SealedField::OtherAccount(key), row.other_account.as_ref());
        if let Some((old, new, plain)) = account {
            done.beneficiaries += diesel::update(target.filter(beneficiaries::account_sealed.eq(old)))
                .set((
                    beneficiaries::account_sealed.eq(new),
                    beneficiaries::account_hash.eq(sealer.hash(&plain)),
                ))
                .execute(db)? as u64;
        }
        if let Some((old, new, plain)) = mobile {
            done.beneficiaries += diesel::update(target.filter(beneficiaries::mobile_sealed.eq(old)))
                .set((
                    beneficiaries::mobile_sealed.eq(new),
                    beneficiaries::mobile_hash.eq(sealer.hash(&plain)),
                ))
                .execute(db)? as u64;
        }
        if let Some((old, new, _)) = other {
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
    type Row = (i64, String, String, Option<Vec<u8>>, Option<Vec<u8>>);
    let rows: Vec<Row> = ftps_calls::table
        .inner_join(payment_instructions::table)
        .filter(ftps_calls::id.gt(after))
        .order(ftps_calls::id)
        .limit(PAGE)
        .select((
            ftps_calls::id,
            ftps_calls::call_ref,
            payment_instructions::number,
            ftps_calls::request_sealed,
            ftps_calls::response_sealed,
        ))
        .load(db)?;
    for (id, call_ref, number, request, response) in &rows {
        let target = ftps_calls::table.filter(ftps_calls::id.eq(id));
        let mut anew = |name, field, sealed| {
            anew(sealer, field, sealed).unwrap_or_else(|cause| {
                done.unreadable.push(Unreadable::new(number, &format!("call {id}"), name, cause));
                None
            })
        };
        let request = anew("request", SealedField::Request(call_ref), request.as_ref());
        let response = anew("response", SealedField::Response(call_ref), response.as_ref());
        if let Some((_, new, _)) = request {
            done.calls += diesel::update(target).set(ftps_calls::request_sealed.eq(new)).execute(db)? as u64;
        }
        if let Some((_, new, _)) = response {
            done.calls += diesel::update(target).set(ftps_calls::response_sealed.eq(new)).execute(db)? as u64;
        }
    }
    Ok(rows.last().map(|row| row.0))
}

/// One page of employees; the last row's id, or `None` after the end.
fn factors_after(
    db: &mut Db,
    sealer: &Sealer,
    after: i64,
    done: &mut Resealed,
) -> Result<Option<i64>, StoreError> {
    let rows: Vec<(i64, String, Option<Vec<u8>>)> = employees::table
        .filter(employees::id.gt(after))
        .order(employees::id)
        .limit(PAGE)
        .select((employees::id, employees::name, employees::second_factor_sealed))
        .load(db)?;
    for (id, name, sealed) in &rows {
        match anew(sealer, SealedField::SecondFactor(name), sealed.as_ref()) {
            Ok(Some((old, new, _))) => {
                let target = employees::table
                    .filter(employees::id.eq(id))
                    .filter(employees::second_factor_sealed.eq(old));
                done.second_factors +=
                    diesel::update(target).set(employees::second_factor_sealed.eq(new)).execute(db)? as u64;
            }
            Ok(None) => {}
            Err(cause) => {
                done.unreadable.push(Unreadable::new(
                    "employees",
                    name,
                    "secret of the second factor",
                    cause,
                ));
            }
        }
    }
    Ok(rows.last().map(|row| row.0))
}

/// The old value, the new one and its text; `None` if the current key sealed it already.
type Anew<'a> = Option<(&'a Vec<u8>, Vec<u8>, String)>;

fn anew<'a>(
    sealer: &Sealer,
    field: SealedField<'_>,
    sealed: Option<&'a Vec<u8>>,
) -> Result<Anew<'a>, SealError> {
    let Some(old) = sealed.filter(|sealed| !sealer.is_current(sealed)) else { return Ok(None) };
    let plain = sealer.open_text(field, old)?;
    Ok(Some((old, sealer.seal(field, plain.as_bytes())?, plain)))
}
