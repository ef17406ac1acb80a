//! Databases that were restored from a backup: the mark that says so, and what may have been done in the time that is
//! lost.
//!
//! Messages that wait here may have been sent, and payments that are In Process here may have been told of. Nobody gets
//! a second SMS without a person's yes.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::instructions::InstructionId;
use super::schema::{payment_instructions as pi, restorations, restored_instructions as restored};
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::PiStatus;

/// What MUKTASoft made so long before the backup has come here by then, by a pull or an import.
const ON_ITS_WAY: TimeDelta = TimeDelta::days(1);

/// Marks a database as restored from a backup of that instant (UTC).
pub fn mark(db: &mut Db, backed_up_at: NaiveDateTime) -> Result<(), StoreError> {
    diesel::insert_into(restorations::table)
        .values(restorations::backed_up_at.eq(backed_up_at))
        .execute(db)?;
    Ok(())
}

/// The instants of the backups (UTC) whose marks no program has spent. Until the transaction ends nobody else finds them:
/// whoever asks meanwhile waits.
pub(super) fn unspent(db: &mut Db) -> Result<Vec<NaiveDateTime>, StoreError> {
    let unspent = restorations::table
        .filter(restorations::opened_at.is_null())
        .order(restorations::backed_up_at)
        .select(restorations::backed_up_at);
    Ok(match db {
        // Its one writer is this transaction.
        Db::Sqlite(db) => unspent.load(db)?,
        Db::Postgres(db) => {
            db.batch_execute("SET LOCAL lock_timeout = 0")?;
            unspent.for_update().load(db)?
        }
    })
}

/// Spends the marks, and notes what is In Process; how many.
pub(super) fn spend(db: &mut Db, now: NaiveDateTime) -> Result<usize, StoreError> {
    let in_process = diesel::sql_query(
        "INSERT INTO restored_instructions (instruction_id) SELECT id FROM payment_instructions WHERE status = $1 \
         ON CONFLICT (instruction_id) DO NOTHING",
    )
    .bind::<Text, _>(PiStatus::InProcess.as_str())
    .execute(db)?;
    diesel::update(restorations::table.filter(restorations::opened_at.is_null()))
        .set(restorations::opened_at.eq(now))
        .execute(db)?;
    Ok(in_process)
}

/// Whether the people of an instruction may have been told of their payment in a time that is lost: it was In Process
/// when the restored database was opened, or MUKTASoft made it in that time, so that it was here and is here anew.
pub(super) fn may_have_told_of(db: &mut Db, id: InstructionId) -> Result<bool, StoreError> {
    let lost: Vec<(NaiveDateTime, NaiveDateTime)> = restorations::table
        .filter(restorations::opened_at.is_not_null())
        .select((restorations::backed_up_at, restorations::opened_at.assume_not_null()))
        .load(db)?;
    if lost.is_empty() {
        return Ok(false);
    }
    let was_in_process: i64 =
        restored::table.filter(restored::instruction_id.eq(id)).count().get_result(db)?;
    let created: NaiveDateTime = pi::table.find(id).select(pi::created_at).get_result(db)?;
    let is_lost =
        |(from, to): &(NaiveDateTime, NaiveDateTime)| *from - ON_ITS_WAY <= created && created <= *to;
    Ok(was_in_process > 0 || lost.iter().any(is_lost))
}

/// Whether a restored database was opened at that instant or later (UTC).
pub(super) fn came_after(db: &mut Db, at: NaiveDateTime) -> Result<bool, StoreError> {
    let later: i64 = restorations::table.filter(restorations::opened_at.ge(at)).count().get_result(db)?;
    Ok(later > 0)
}

/// The latest restoration, while payment instructions in scope that it concerns are In Process: the instant of the
/// backup (UTC).
pub fn still_concerns(db: &mut Db, scope: &Scope) -> Result<Option<NaiveDateTime>, StoreError> {
    let Some(latest) = latest(db)? else { return Ok(None) };
    let waiting: Option<i64> = super::connection::on_either!(db, db => restored::table
        .inner_join(pi::table)
        .filter(pi::status.eq(PiStatus::InProcess.as_str()))
        .filter(pi::tenant_id.eq_any(scope.tenants()))
        .select(pi::id)
        .limit(1)
        .get_result(db)
        .optional()?);
    Ok(waiting.map(|_| latest))
}

/// The instant of the backup (UTC) that the data here was last restored from.
pub fn latest(db: &mut Db) -> Result<Option<NaiveDateTime>, StoreError> {
    Ok(restorations::table
        .filter(restorations::opened_at.is_not_null())
        .order(restorations::id.desc())
        .select(restorations::backed_up_at)
        .first(db)
        .optional()?)
}
