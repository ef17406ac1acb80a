//! The only wiring: what the commands, the pages and the tests build from settings, and share.

use std::sync::Arc;

use chrono::NaiveDateTime;

use crate::alerts::{Alerts, AlertsSetupError, Receiver};
use crate::clock::Clock;
use crate::muktasoft::push::{StatusPush, StatusPushSetupError, StatusReceiver};
use crate::muktasoft::{Muktasoft, MuktasoftConfig, SetupError};
use crate::notifications::gateway::GatewaySetupError;
use crate::notifications::{Notifications, Sms};
use crate::sealing::Sealer;
use crate::store::outbox::restored::{self, FirstOpening};
use crate::store::{DatabaseUrl, Db, Store, StoreError, keys};
use crate::sync::{FtpsSync, Jit, SyncSetupError, SyncTimes};

/// Why the program could not be wired up.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database failed, or `DATA_KEY` does not fit it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What asks JIT could not be made.
    #[error(transparent)]
    Sync(#[from] SyncSetupError),
    /// The SMS gateway's client could not be made.
    #[error(transparent)]
    Gateway(#[from] GatewaySetupError),
    /// The client that tells MUKTASoft could not be made.
    #[error(transparent)]
    StatusPush(#[from] StatusPushSetupError),
    /// What tells of alerts could not be made.
    #[error(transparent)]
    Alerts(#[from] AlertsSetupError),
    /// The clients for MUKTASoft could not be made.
    #[error(transparent)]
    Muktasoft(#[from] SetupError),
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
    /// Tells MUKTASoft what changed, if it is to be told.
    pub status_push: Option<StatusPush>,
    /// Tells the operator's receiver what is amiss, if there is one.
    pub alerts: Option<Alerts>,
    /// Brings payment instructions from MUKTASoft.
    pub muktasoft: Muktasoft,
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
        let opened = store.write(move |db| open_for_writing(db, &fitted, now)).await?;
        tell(opened);
        let notifications = Notifications::new(store.clone(), Arc::clone(&sealer), sms, clock.clone())?
            .pausing(times.is_paused);
        let woken = notifications.clone();
        let sync = FtpsSync::new(
            store.clone(),
            Arc::clone(&sealer),
            jit,
            times,
            clock.clone(),
            Arc::new(move || woken.wake()),
        )?;
        let woken = notifications.clone();
        let muktasoft = Muktasoft::new(
            store.clone(),
            Arc::clone(&sealer),
            None,
            clock.clone(),
            Arc::new(move || woken.wake()),
        )?;
        Ok(Self { store, sealer, sync, notifications, muktasoft, status_push: None, alerts: None, clock })
    }

    /// The same, with a MUKTASoft to pull from, if there is one.
    pub fn pulling(self, from: Option<MuktasoftConfig>) -> Result<Self, AppError> {
        let woken = self.notifications.clone();
        let muktasoft = Muktasoft::new(
            self.store.clone(),
            Arc::clone(&self.sealer),
            from,
            self.clock.clone(),
            Arc::new(move || woken.wake()),
        )?;
        Ok(Self { muktasoft, ..self })
    }

    /// The same, telling that receiver what is amiss once it is [started](Alerts::start).
    pub fn alerting(self, receiver: Option<Receiver>) -> Result<Self, AppError> {
        let make = |receiver| {
            Alerts::new(
                self.store.clone(),
                Arc::clone(&self.sealer),
                self.sync.clone(),
                self.notifications.clone(),
                receiver,
                self.clock.clone(),
            )
        };
        let alerts = receiver.map(make).transpose()?;
        Ok(Self { alerts, ..self })
    }

    /// The same, telling MUKTASoft what changes once it is [started](StatusPush::start).
    pub fn telling(self, receiver: Option<StatusReceiver>) -> Result<Self, AppError> {
        let make = |receiver| {
            StatusPush::new(self.store.clone(), Arc::clone(&self.sealer), receiver, self.clock.clone())
        };
        let status_push = receiver.map(make).transpose()?;
        Ok(Self { status_push, ..self })
    }
}

/// The database with its key, for commands that work in the foreground. Blocks.
pub fn open(url: &DatabaseUrl, sealer: &Sealer, clock: &Clock) -> Result<Store, StoreError> {
    let store = Store::open(url)?;
    let now = clock.now().naive_utc();
    tell(store.write_blocking(|db| open_for_writing(db, sealer, now))?);
    Ok(store)
}

/// What comes before all else that a program writes: its key fits, and what a restored database holds back is held.
fn open_for_writing(
    db: &mut Db,
    sealer: &Sealer,
    now: NaiveDateTime,
) -> Result<Option<FirstOpening>, StoreError> {
    keys::fit(db, sealer, now)?;
    restored::open(db, now)
}

fn tell(opened: Option<FirstOpening>) {
    if let Some(opened) = opened {
        log::warn!("{opened}");
    }
}

/// The same for commands that only look: `None` is a database without a schema. Blocks.
pub fn open_as_it_is(url: &DatabaseUrl, sealer: &Sealer) -> Result<Option<Store>, StoreError> {
    let store = Store::open_as_it_is(url)?;
    if let Some(store) = &store {
        store.read_blocking(|db| keys::fitting(db, sealer))?;
    }
    Ok(store)
}
