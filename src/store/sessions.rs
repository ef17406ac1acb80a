//! Sessions of browsers. Only the hash of a session's id is stored.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::sessions;
use super::{Db, StoreError};

/// A session as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// The hash of its id.
    pub key_hash: String,
    /// Who signed in, if anybody did.
    pub employee_id: Option<i64>,
    /// What the web layer keeps in it, JSON.
    pub state: String,
    /// When it began (UTC).
    pub created_at: NaiveDateTime,
    /// When it was last used, to within a minute (UTC).
    pub last_seen_at: NaiveDateTime,
}

/// The session of that hash.
pub fn find(db: &mut Db, key_hash: &str) -> Result<Option<Session>, StoreError> {
    Ok(sessions::table.find(key_hash).select(Session::as_select()).get_result(db).optional()?)
}

/// The sessions of an employee, the newest first.
pub fn of_employee(db: &mut Db, id: i64) -> Result<Vec<Session>, StoreError> {
    Ok(sessions::table
        .filter(sessions::employee_id.eq(id))
        .order((sessions::created_at.desc(), sessions::key_hash))
        .select(Session::as_select())
        .load(db)?)
}

/// Notes that a session is in use.
pub fn touch(db: &mut Db, key_hash: &str, now: NaiveDateTime) -> Result<(), StoreError> {
    diesel::update(sessions::table.find(key_hash)).set(sessions::last_seen_at.eq(now)).execute(db)?;
    Ok(())
}

/// Stores a new session, and removes those last used before `idle_before`.
pub fn insert(
    db: &mut Db,
    key_hash: &str,
    employee_id: Option<i64>,
    state: &str,
    now: NaiveDateTime,
    idle_before: NaiveDateTime,
) -> Result<(), StoreError> {
    diesel::delete(sessions::table.filter(sessions::last_seen_at.lt(idle_before))).execute(db)?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(key_hash),
            sessions::employee_id.eq(employee_id),
            sessions::state.eq(state),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Replaces what a session holds; `false` if it has ended.
pub fn update(
    db: &mut Db,
    key_hash: &str,
    employee_id: Option<i64>,
    state: &str,
) -> Result<bool, StoreError> {
    let updated = diesel::update(sessions::table.find(key_hash))
        .set((sessions::employee_id.eq(employee_id), sessions::state.eq(state)))
        .execute(db)?;
    Ok(updated > 0)
}

/// Forgets those that were last used, or began, before these instants; how many.
pub fn forget(
    db: &mut Db,
    last_used_before: NaiveDateTime,
    began_before: NaiveDateTime,
) -> Result<usize, StoreError> {
    let is_over = sessions::last_seen_at.lt(last_used_before).or(sessions::created_at.lt(began_before));
    Ok(diesel::delete(sessions::table.filter(is_over)).execute(db)?)
}

/// Ends a session.
pub fn delete(db: &mut Db, key_hash: &str) -> Result<(), StoreError> {
    diesel::delete(sessions::table.find(key_hash)).execute(db)?;
    Ok(())
}
