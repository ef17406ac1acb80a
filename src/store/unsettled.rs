//! Keeps `unsettled_payments` right, how many payments of an instruction wait for a person, and
//! `correction_due_from`, from when on MUKTASoft counts how long those that failed can be corrected
//! ([`domain::unsettled`](crate::domain::unsettled)). Only an import changes that: FTPS completes what is In
//! Process, with all of it paid.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::{lower, lower_or_null, on_either};
use super::schema::{beneficiaries, payment_instructions as pi};
use super::{Db, StoreError};
use crate::domain::record::folded;
use crate::domain::unsettled::{Member, Unsettled, unsettled};
use crate::domain::{CompletedBy, PaymentStatus, PiStatus};

/// Changed instructions whose families are looked at together.
const AT_ONCE: usize = 500;
/// Values in one list of a statement.
const VALUES_AT_ONCE: usize = 5000;

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pi)]
struct Relative {
    id: i64,
    tenant_id: String,
    number: String,
    parent_number: Option<String>,
    created_at: NaiveDateTime,
    status: PiStatus,
    is_active: bool,
    completed_by: Option<CompletedBy>,
    unsettled_payments: i32,
    correction_due_from: Option<NaiveDateTime>,
}

/// Counts again in the families of what this transaction has changed.
pub(crate) fn count_again(db: &mut Db) -> Result<(), StoreError> {
    let changed: Vec<Changed> =
        diesel::sql_query("SELECT id FROM payment_instructions WHERE change_number = 0 ORDER BY id")
            .load(db)?;
    let mut done = HashSet::new();
    for some in changed.chunks(AT_ONCE) {
        let some: Vec<i64> = some.iter().map(|row| row.id).filter(|id| !done.contains(id)).collect();
        let family = family(db, &some)?;
        done.extend(family.keys().copied());
        count_in(db, family)?;
    }
    Ok(())
}

fn count_in(db: &mut Db, family: HashMap<i64, Relative>) -> Result<(), StoreError> {
    let ids: Vec<i64> = family.keys().copied().collect();
    let mut payments = payments_of(db, &ids)?;
    let (members, counted): (Vec<Member>, Vec<Unsettled>) = family
        .into_values()
        .map(|row| (row.member(payments.remove(&row.id).unwrap_or_default()), row.counted()))
        .unzip();
    for ((member, now), before) in members.iter().zip(unsettled(&members)).zip(counted) {
        if now != before {
            diesel::update(pi::table.filter(pi::id.eq(member.id)))
                .set((
                    pi::unsettled_payments.eq(now.payments),
                    pi::correction_due_from.eq(now.correction_due_from),
                ))
                .execute(db)?;
        }
    }
    Ok(())
}

impl Relative {
    /// As it was counted last.
    fn counted(&self) -> Unsettled {
        Unsettled { payments: self.unsettled_payments, correction_due_from: self.correction_due_from }
    }

    fn member(&self, payments: Vec<(String, PaymentStatus)>) -> Member {
        Member {
            id: self.id,
            tenant_id: self.tenant_id.clone(),
            number: self.number.clone(),
            parent_number: self.parent_number.clone(),
            created_at: self.created_at,
            status: self.status,
            is_active: self.is_active,
            completed_by: self.completed_by,
            payments,
        }
    }
}

/// These instructions, whom they replace, and whatever replaces any of those.
fn family(db: &mut Db, ids: &[i64]) -> Result<HashMap<i64, Relative>, StoreError> {
    let mut family = HashMap::new();
    let mut new = Vec::new();
    for some in ids.chunks(VALUES_AT_ONCE) {
        let rows: Vec<Relative> = on_either!(db, db =>
            pi::table.filter(pi::id.eq_any(some)).select(Relative::as_select()).load(db)?);
        new.extend(join(&mut family, rows));
    }
    let mut looked_for: HashSet<String> = HashSet::new();
    let mut roots = new.clone();
    while !new.is_empty() {
        let parents = new.iter().filter_map(|number: &Names| number.parent.clone());
        let parents: Vec<String> = parents.filter(|parent| looked_for.insert(parent.clone())).collect();
        new = Vec::new();
        for some in parents.chunks(VALUES_AT_ONCE) {
            let rows: Vec<Relative> = on_either!(db, db =>
                pi::table.filter(lower(pi::number).eq_any(some)).select(Relative::as_select()).load(db)?);
            new.extend(join(&mut family, rows));
        }
        roots.extend(new.iter().cloned());
    }
    let mut followed: HashSet<String> = HashSet::new();
    let mut new = roots;
    while !new.is_empty() {
        let names = new.drain(..).flat_map(|names| [Some(names.own), names.parent]).flatten();
        let names: Vec<String> = names.filter(|name| followed.insert(name.clone())).collect();
        for some in names.chunks(VALUES_AT_ONCE) {
            let rows: Vec<Relative> = on_either!(db, db => pi::table
                .filter(lower_or_null(pi::parent_number).eq_any(some))
                .select(Relative::as_select())
                .load(db)?);
            new.extend(join(&mut family, rows));
        }
    }
    Ok(family)
}

/// The numbers by which an instruction's relatives are found, in one case.
#[derive(Clone)]
struct Names {
    own: String,
    parent: Option<String>,
}

/// Takes rows in, and tells of those that are new.
fn join(family: &mut HashMap<i64, Relative>, rows: Vec<Relative>) -> Vec<Names> {
    let mut new = Vec::new();
    for row in rows {
        let names = Names { own: folded(&row.number), parent: row.parent_number.as_deref().map(folded) };
        if family.insert(row.id, row).is_none() {
            new.push(names);
        }
    }
    new
}

fn payments_of(db: &mut Db, ids: &[i64]) -> Result<HashMap<i64, Vec<(String, PaymentStatus)>>, StoreError> {
    let mut by_instruction: HashMap<i64, Vec<(String, PaymentStatus)>> = HashMap::new();
    for some in ids.chunks(VALUES_AT_ONCE) {
        let rows: Vec<(i64, String, PaymentStatus)> = on_either!(db, db => beneficiaries::table
            .filter(beneficiaries::instruction_id.eq_any(some))
            .select((beneficiaries::instruction_id, beneficiaries::payment_key, beneficiaries::payment_status))
            .load(db)?);
        for (id, payment, status) in rows {
            by_instruction.entry(id).or_default().push((payment, status));
        }
    }
    Ok(by_instruction)
}
