//! Whether `DATA_KEY` fits the database.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::data_keys;
use super::{Db, StoreError};
use crate::sealing::{SealedField, Sealer};

const CHECK: &[u8] = b"mukta-ftps";

/// Accepts a database that no key has written yet, or one whose keys at hand open its check value,
/// and notes the current key. Anything else is [`StoreError::WrongDataKey`].
pub fn fit(db: &mut Db, sealer: &Sealer, now: NaiveDateTime) -> Result<(), StoreError> {
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
    let current = sealer.current_key_id();
    if !known.iter().any(|(id, _)| *id == current) {
        diesel::insert_into(data_keys::table)
            .values((
                data_keys::key_id.eq(current),
                data_keys::sealed_check.eq(sealer.seal(SealedField::KeyCheck, CHECK)?),
                data_keys::first_used_at.eq(now),
            ))
            .execute(db)?;
    }
    Ok(())
}
