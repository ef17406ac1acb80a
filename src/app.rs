//! The only wiring: what the commands, the pages and the tests build from settings, and share.

use std::sync::Arc;

use crate::clock::Clock;
use crate::jit::JitSetupError;
use crate::notifications::gateway::GatewaySetupError;
use crate::notifications::{Notifications, Sms};
use crate::sealing::Sealer;
use crate::store::{DatabaseUrl, Store, StoreError, keys};
use crate::sync::{FtpsSync, Jit, SyncTimes};

/// Why the program could not be wired up.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database failed, or `DATA_KEY` does not fit it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// JIT's client could not be made.
    #[error(transparent)]
    Jit(#[from] JitSetupError),
    /// The SMS gateway's client could not be made.
    #[error(transparent)]
    Gateway(#[from] GatewaySetupError),
}

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The data keys.
    pub sealer: Arc<Sealer>,
    /// Asks JIT.
    pub sync: FtpsSync,
    /// Sends the SMS.
    pub notifications: Notifications,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Wires the program up on the current tokio runtime; checks that the data key fits the database.
    pub async fn new(
        store: Store,
        sealer: Sealer,
        jit: Jit,
        sms: Option<Sms>,
        times: SyncTimes,
        clock: Clock,
    ) -> Result<Self, AppError> {
        let sealer = Arc::new(sealer);
        let (fitted, now) = (Arc::clone(&sealer), clock.now().naive_utc());
        store.write(move |db| keys::fit(db, &fitted, now)).await?;
        let notifications = Notifications::new(store.clone(), Arc::clone(&sealer), sms, clock.clone())?;
        let woken = notifications.clone();
        let sync = FtpsSync::new(
            store.clone(),
            Arc::clone(&sealer),
            jit,
            times,
            clock.clone(),
            Arc::new(move || woken.wake()),
        )?;
        Ok(Self { store, sealer, sync, notifications, clock })
    }
}

/// The database with its key, for commands that work in the foreground. Blocks.
pub fn open(url: &DatabaseUrl, sealer: &Sealer, clock: &Clock) -> Result<Store, StoreError> {
    let store = Store::open(url)?;
    let now = clock.now().naive_utc();
    store.write_blocking(|db| keys::fit(db, sealer, now))?;
    Ok(store)
}
