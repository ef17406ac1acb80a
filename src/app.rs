//! The only wiring: what the commands, the pages and the tests build from settings, and share.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::jit::{JitClient, JitSetupError};
use crate::notifications::SmsSender;
use crate::notifications::gateway::GatewaySetupError;
use crate::sealing::Sealer;
use crate::settings::{Jit, Sms, SyncTimes};
use crate::store::{self, Store, StoreError};
use crate::sync::circuit::Circuit;
use crate::sync::nights::Nights;
use crate::sync::recorder::Recorder;

/// What tells the time: the machine's clock, or a test's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::of(Utc::now)
    }

    /// A clock that reads `now`.
    pub fn of(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The instant, in whole milliseconds: both databases keep those exactly.
    pub fn now(&self) -> DateTime<Utc> {
        let now = (self.0)();
        DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
    }
}

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
    /// JIT.
    pub jit: JitClient,
    /// The SMS gateway, if there is one.
    pub sms: Option<Arc<SmsSender>>,
    /// Told when a message may have become due in this process.
    pub outbox_news: Arc<Notify>,
    /// The time.
    pub clock: Clock,
    /// Slots among the calls in flight.
    pub call_slots: Arc<Semaphore>,
    /// How many slots there are.
    pub concurrency: u32,
    /// The one writer of outcomes.
    pub recorder: Recorder,
    /// One HTTP exchange with JIT takes at most this long.
    pub jit_timeout: Duration,
    /// The schedule of the nightly runs.
    pub nights: Nights,
    /// First step between attempts without an answer.
    pub retry_first: Duration,
    /// Longest step between attempts without an answer.
    pub retry_longest: Duration,
    /// Opens when JIT cannot be reached at all.
    pub circuit: Arc<Circuit>,
    /// Held while this process works on a run.
    pub run_at_work: Arc<Mutex<()>>,
    /// Held while this process makes the attempts that are due.
    pub retries_at_work: Arc<Mutex<()>>,
    /// When this process began.
    pub started_at: DateTime<Utc>,
    /// The long-lived runtime: what must outlive a browser's request runs here.
    pub runtime: tokio::runtime::Handle,
}

impl App {
    /// Wires the program up on the current tokio runtime; opens the database, and checks that the
    /// data key fits it.
    pub async fn new(
        store: Store,
        sealer: Sealer,
        jit: Jit,
        sms: Option<Sms>,
        sync: SyncTimes,
        clock: Clock,
    ) -> Result<Self, AppError> {
        let sealer = Arc::new(sealer);
        fit_data_key(&store, &sealer, &clock).await?;
        Ok(Self {
            recorder: Recorder::start(store.clone(), Arc::clone(&sealer)),
            call_slots: Arc::new(Semaphore::new(jit.concurrency as usize)),
            concurrency: jit.concurrency,
            jit_timeout: jit.config.timeout,
            jit: JitClient::new(jit.config)?,
            sms: sms.map(SmsSender::new).transpose()?.map(Arc::new),
            outbox_news: Arc::default(),
            // Half the first step: a single instruction's next attempt never waits for the circuit.
            circuit: Arc::new(Circuit::new(TimeDelta::from_std(sync.retry_first / 2).unwrap_or_default())),
            nights: sync.nights,
            retry_first: sync.retry_first,
            retry_longest: sync.retry_longest,
            run_at_work: Arc::default(),
            retries_at_work: Arc::default(),
            started_at: clock.now(),
            runtime: tokio::runtime::Handle::current(),
            store,
            sealer,
            clock,
        })
    }

    /// Waits until no call is in flight, and lets none begin after: for the program's end. Whoever
    /// waits for a slot then is told that there is none to come.
    pub async fn calls_finished(&self) {
        if let Ok(all) = self.call_slots.acquire_many(self.concurrency).await {
            all.forget();
            self.call_slots.close();
        }
    }
}

/// Refuses a data key that the database was not written with.
pub async fn fit_data_key(store: &Store, sealer: &Arc<Sealer>, clock: &Clock) -> Result<(), StoreError> {
    let (sealer, now) = (Arc::clone(sealer), clock.now().naive_utc());
    store.write(move |db| store::keys::fit(db, &sealer, now)).await
}
