//! Employees.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};

use super::schema::{employees, sessions};
use super::scope::{Scope, state_of};
use super::{Db, StoreError};
use crate::access::Role;
use crate::language::Language;

/// An employee as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = employees)]
pub struct Employee {
    /// Our row.
    pub id: i64,
    /// The name to sign in with, in lower case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose data they see.
    pub tenant_id: String,
    /// Argon2id hash in PHC form.
    pub password_hash: String,
    /// Whether they are shut out.
    pub is_disabled: bool,
    /// When they were added (UTC).
    pub created_at: NaiveDateTime,
    /// Since when their password is what it is (UTC).
    pub password_changed_at: NaiveDateTime,
    /// The language they chose for the pages, if they did.
    pub language: Option<Language>,
    /// Somebody else knows the password: it is for the first sign-in only.
    pub must_change_password: bool,
    /// When they signed in last (UTC).
    pub last_sign_in_at: Option<NaiveDateTime>,
    /// When they had signed in before that (UTC).
    pub sign_in_before_at: Option<NaiveDateTime>,
    /// Failures to sign in as them since the last sign-in.
    pub failures_since: i64,
    /// Failures between the last sign-in and the one before it.
    pub failures_before: i64,
    /// Since when they have a second factor, if they have one (UTC).
    pub second_factor_at: Option<NaiveDateTime>,
    /// When they were let in again, if they had been shut out (UTC).
    pub enabled_at: Option<NaiveDateTime>,
    /// They are shut out since nobody had used their account for long.
    pub is_dormant: bool,
}

impl Employee {
    /// When their account was last used: they signed in, or somebody added them or let them in again (UTC).
    pub fn last_use(&self) -> NaiveDateTime {
        let later = self.last_sign_in_at.max(self.enabled_at);
        later.map_or(self.created_at, |later| later.max(self.created_at))
    }
}

/// The employee of that name.
pub fn by_name(db: &mut Db, name: &str) -> Result<Option<Employee>, StoreError> {
    Ok(employees::table
        .filter(employees::name.eq(name))
        .select(Employee::as_select())
        .get_result(db)
        .optional()?)
}

/// The employee of that row, unless disabled.
pub fn active(db: &mut Db, id: i64) -> Result<Option<Employee>, StoreError> {
    Ok(employees::table
        .filter(employees::id.eq(id))
        .filter(employees::is_disabled.eq(false))
        .select(Employee::as_select())
        .get_result(db)
        .optional()?)
}

/// The employee of that name, whom nobody changes until the end of the transaction.
pub fn locked(db: &mut Db, name: &str) -> Result<Option<Employee>, StoreError> {
    lock(db, &[name])?;
    by_name(db, name)
}

/// Nobody changes the employees of those names until the end of the transaction.
pub(super) fn lock(db: &mut Db, names: &[&str]) -> Result<(), StoreError> {
    // SQLite's writers follow each other. All of PostgreSQL's lock in one order, so that none waits for the other.
    if let Db::Postgres(db) = db {
        let _held: Vec<i64> = employees::table
            .filter(employees::name.eq_any(names))
            .order(employees::name)
            .select(employees::id)
            .for_update()
            .load(db)?;
    }
    Ok(())
}

/// The employee of that row, disabled or not.
pub fn by_id(db: &mut Db, id: i64) -> Result<Option<Employee>, StoreError> {
    Ok(employees::table.find(id).select(Employee::as_select()).get_result(db).optional()?)
}

/// Which employees are listed.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Those of these tenants.
    pub scope: Scope,
    /// Whose names hold this; all where it is empty.
    pub typed: String,
    /// Whose names come after this one.
    pub after: String,
}

/// Employees by name, at most `limit`.
pub fn listed(db: &mut Db, listing: &Listing, limit: i64) -> Result<Vec<Employee>, StoreError> {
    Ok(employees::table
        .filter(employees::tenant_id.eq_any(listing.scope.tenants()))
        .filter(employees::name.like(holding(&listing.typed)).escape('\\'))
        .filter(employees::name.gt(listing.after.clone()))
        .order(employees::name)
        .limit(limit)
        .select(Employee::as_select())
        .load(db)?)
}

/// How many employees a listing has, on all of its pages.
pub fn count(db: &mut Db, listing: &Listing) -> Result<i64, StoreError> {
    Ok(employees::table
        .filter(employees::tenant_id.eq_any(listing.scope.tenants()))
        .filter(employees::name.like(holding(&listing.typed)).escape('\\'))
        .count()
        .get_result(db)?)
}

/// The pattern of whatever holds a text.
fn holding(typed: &str) -> String {
    let plain = typed.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{plain}%")
}

/// All employees, by name.
pub fn all(db: &mut Db) -> Result<Vec<Employee>, StoreError> {
    Ok(employees::table.order(employees::name).select(Employee::as_select()).load(db)?)
}

/// Adds an employee; `false` if the name is taken.
pub fn add(
    db: &mut Db,
    name: &str,
    role: Role,
    tenant: &str,
    password_hash: &str,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    know_tenant(db, tenant)?;
    // Somebody else may be adding the same name.
    let added = diesel::sql_query(
        "INSERT INTO employees (name, role, tenant_id, password_hash, created_at, password_changed_at) \
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (name) DO NOTHING",
    )
    .bind::<Text, _>(name)
    .bind::<Text, _>(role.as_str())
    .bind::<Text, _>(tenant)
    .bind::<Text, _>(password_hash)
    .bind::<Timestamp, _>(now)
    .execute(db)?;
    Ok(added > 0)
}

fn know_tenant(db: &mut Db, tenant: &str) -> Result<(), StoreError> {
    diesel::sql_query("INSERT INTO tenants (id, state) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind::<Text, _>(tenant)
        .bind::<Text, _>(state_of(tenant))
        .execute(db)?;
    Ok(())
}

/// Their password is one that somebody else gave them: it is for the first sign-in only.
pub fn password_is_for_once(db: &mut Db, name: &str) -> Result<(), StoreError> {
    diesel::update(employees::table.filter(employees::name.eq(name)))
        .set(employees::must_change_password.eq(true))
        .execute(db)?;
    Ok(())
}

/// Sets a password that they chose, and ends every session but the one whose key hash is `keep`.
pub fn set_password(
    db: &mut Db,
    id: i64,
    password_hash: &str,
    keep: Option<&str>,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    diesel::update(employees::table.find(id))
        .set((
            employees::password_hash.eq(password_hash),
            employees::password_changed_at.eq(now),
            employees::must_change_password.eq(false),
        ))
        .execute(db)?;
    diesel::delete(
        sessions::table
            .filter(sessions::employee_id.eq(id))
            .filter(sessions::key_hash.ne(keep.unwrap_or_default())),
    )
    .execute(db)?;
    Ok(())
}

/// Keeps the language that an employee chose.
pub fn set_language(db: &mut Db, id: i64, language: Language) -> Result<(), StoreError> {
    diesel::update(employees::table.find(id)).set(employees::language.eq(language)).execute(db)?;
    Ok(())
}

/// Shuts an employee out at once.
pub fn disable(db: &mut Db, id: i64) -> Result<(), StoreError> {
    diesel::update(employees::table.find(id)).set(employees::is_disabled.eq(true)).execute(db)?;
    end_sessions(db, id)
}

/// Shuts an employee out whose account nobody has used for long.
pub(super) fn put_to_sleep(db: &mut Db, id: i64) -> Result<(), StoreError> {
    diesel::update(employees::table.find(id)).set(employees::is_dormant.eq(true)).execute(db)?;
    disable(db, id)
}

/// Lets an employee in again who was shut out.
pub fn enable(db: &mut Db, id: i64, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(employees::table.find(id))
        .set((
            employees::is_disabled.eq(false),
            employees::is_dormant.eq(false),
            employees::enabled_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Changes what an employee may do, and ends their sessions.
pub fn set_role(db: &mut Db, id: i64, role: Role) -> Result<(), StoreError> {
    diesel::update(employees::table.find(id)).set(employees::role.eq(role.as_str())).execute(db)?;
    end_sessions(db, id)
}

/// Changes whose data an employee sees, and ends their sessions.
pub fn set_tenant(db: &mut Db, id: i64, tenant: &str) -> Result<(), StoreError> {
    know_tenant(db, tenant)?;
    diesel::update(employees::table.find(id)).set(employees::tenant_id.eq(tenant)).execute(db)?;
    end_sessions(db, id)
}

/// Ends every session of an employee.
pub fn end_sessions(db: &mut Db, id: i64) -> Result<(), StoreError> {
    diesel::delete(sessions::table.filter(sessions::employee_id.eq(id))).execute(db)?;
    Ok(())
}

/// Notes an attempt to sign in as them.
pub fn note_attempt(db: &mut Db, id: i64, succeeded: bool, now: NaiveDateTime) -> Result<(), StoreError> {
    let employee = employees::table.find(id);
    if succeeded {
        diesel::update(employee)
            .set((
                employees::sign_in_before_at.eq(employees::last_sign_in_at),
                employees::failures_before.eq(employees::failures_since),
                employees::last_sign_in_at.eq(now),
                employees::failures_since.eq(0),
            ))
            .execute(db)?;
    } else {
        diesel::update(employee)
            .set(employees::failures_since.eq(employees::failures_since + 1))
            .execute(db)?;
    }
    Ok(())
}
