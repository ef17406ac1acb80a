//! What is waited for a little: a database that is busy or away, others' calls, a JIT that is away.

use std::time::Duration;

use crate::store::StoreError;

/// How long to wait when all that is left is being asked about elsewhere, or JIT or the database is away.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(250);

/// A look for work in the database that was in vain because it is busy or away is not the end.
pub(super) fn unless_away<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.is_transient() => {
            log::warn!("looking for work waits for the database: {fault}");
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}
