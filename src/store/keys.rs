//! Whether `DATA_KEY` fits the database.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::connection::on_either;
use super::schema::data_keys;
use super::{Db, StoreError};
use crate::sealing::{SealedField, Sealer};

const CHECK: &[u8] = b"mukta-ftps";

/// Accepts a database that no key has written yet, or one whose keys at hand open its check value,
/// and notes the current key. Anything else is [`StoreError::WrongDataKey`].
pub fn fit(db: &mut Db, sealer: &Sealer, now: NaiveDateTime) -> Result<(), StoreError> {
    let known = fitting(db, sealer)?;
    let current = sealer.current_key_id();
    if !known.contains(&current) {
        let noted = diesel::insert_into(data_keys::table).values((
            data_keys::key_id.eq(current),
            data_keys::sealed_check.eq(sealer.seal(SealedField::KeyCheck, CHECK)?),
            data_keys::first_used_at.eq(now),
        ));
        // Processes that start together with a new key all note it.
        on_either!(db, db => noted.on_conflict_do_nothing().execute(db)?);
    }
    Ok(())
}

/// The same without noting anything; the ids of the keys that the database knows.
pub fn fitting(db: &mut Db, sealer: &Sealer) -> Result<Vec<String>, StoreError> {
    let known: Vec<(String, Vec<u8>)> =
        data_keys::table.select((data_keys::key_id, data_keys::sealed_check)).load(db)?;
    let at_hand = sealer.key_ids();
    let mut fitting = known.iter().filter(|(id, _)| at_hand.contains(id)).peekable();
    if !known.is_empty() && fitting.peek().is_none() {
        return Err(StoreError::WrongDataKey);
    }
    for (_, check) in fitting {
        sealer.open(SealedField::KeyCheck, check).map_err(|_| StoreError::WrongDataKey)?;
    }
    Ok(known.into_iter().map(|(id, _)| id).collect())
}

/// Keeps the current key from being forgotten until the transaction ends, so that what is sealed in it is
/// not left behind by a `reseal` beside it. One that is forgotten already is [`StoreError::WrongDataKey`];
/// a database that no key has been noted in has forgotten none.
pub fn hold(db: &mut Db, sealer: &Sealer) -> Result<(), StoreError> {
    let current = data_keys::table.find(sealer.current_key_id()).select(data_keys::key_id);
    let held: Option<String> = match db {
        // Its one writer is this transaction.
        Db::Sqlite(db) => current.get_result(db).optional()?,
        Db::Postgres(db) => current.for_key_share().get_result(db).optional()?,
    };
    if held.is_some() || data_keys::table.count().get_result::<i64>(db)? == 0 {
        return Ok(());
    }
    Err(StoreError::WrongDataKey)
}

/// Forgets every key but the current one, unless values are left that `left` counts. What others seal at
/// this moment with an earlier key is waited for; they seal no more with it after.
pub(super) fn forget_earlier(
    db: &mut Db,
    sealer: &Sealer,
    left: impl FnOnce(&mut Db) -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    let current = sealer.current_key_id();
    if let Db::Postgres(db) = db {
        db.batch_execute("SET LOCAL lock_timeout = 0")?;
        let _held: Vec<String> = data_keys::table
            .filter(data_keys::key_id.ne(&current))
            .select(data_keys::key_id)
            .for_update()
            .load(db)?;
    }
    let left = left(db)?;
    if left == 0 {
        diesel::delete(data_keys::table.filter(data_keys::key_id.ne(&current))).execute(db)?;
    }
    Ok(left)
}
