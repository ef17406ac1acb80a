//! The one path that asks JIT about an instruction and records what came of it: claim → call → decide →
//! record. Refresh, the nightly run, a retry and the `sync` command differ in their [`Order`] only.
//!
//! [`FtpsSync`] owns all that this takes: nobody else closes a slot, opens the circuit or writes an
//! outcome. [`run`] works through a sync run, [`retries`] makes the attempts that are due; both are plain
//! steps that take their time from the clock. [`scheduler`] is the thread that takes them.

mod beat;
mod circuit;
mod engine;
mod in_flight;
mod retries;
mod run;
pub mod scheduler;
mod slots;
mod waiting;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, watch};

use crate::clock::Clock;
use crate::domain::nights::{Nights, NightsSoFar};
use crate::jit::{JitClient, JitConfig, JitSetupError, SignInRefusal};
use crate::meters::Meter;
use crate::sealing::Sealer;
use crate::store::instructions::{CLAIM_GRACE_SECONDS, TIMEOUTS_OF_AN_ATTEMPT};
use crate::store::recorder::Recorder;
use crate::store::recording::Recording;
use crate::store::vitals::Vitals;
use crate::store::{Store, StoreError};

use beat::Beat;
use circuit::Circuit;
pub use engine::{Asked, Order};
pub use run::Worked;
use slots::Slots;

/// How long it may take to record, at the program's end, what was cut off.
const TO_RECORD: Duration = Duration::from_secs(5);

/// How far the program's end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    BeginNothing,
    CutOff,
}

/// How JIT is reached, and how many calls are made at once.
#[derive(Debug, Clone)]
pub struct Jit {
    /// For the client.
    pub config: JitConfig,
    /// Calls in flight at once.
    pub concurrency: u32,
}

/// When JIT is asked without anybody asking.
#[derive(Debug, Clone)]
pub struct SyncTimes {
    /// The schedule.
    pub nights: Nights,
    /// First step between attempts without an answer.
    pub retry_first: Duration,
    /// Longest step between attempts without an answer.
    pub retry_longest: Duration,
    /// How long a run waits for JIT at most, from its beginning.
    pub run_longest: Duration,
    /// Whether nobody is asked by itself, neither at night nor again, and no SMS is sent: the treasury's year end.
    pub is_paused: bool,
}

/// Asks JIT and records what comes of it. Clones share one state.
#[derive(Clone)]
pub struct FtpsSync {
    store: Store,
    sealer: Arc<Sealer>,
    jit: JitClient,
    /// One exchange with JIT takes at most this long.
    timeout: Duration,
    slots: Slots,
    /// Held by each attempt from the call to the record.
    under_way: Arc<tokio::sync::RwLock<()>>,
    /// The one writer of outcomes.
    recorder: Recorder<Recording>,
    times: SyncTimes,
    /// Opens when JIT cannot be reached at all.
    circuit: Arc<Circuit>,
    /// Held while this process works on a run.
    run_at_work: Arc<Mutex<()>>,
    /// The latest night that the log was told is missing.
    missing_told: Arc<std::sync::Mutex<Option<DateTime<Utc>>>>,
    /// Held while this process makes the attempts that are due.
    retries_at_work: Arc<Mutex<()>>,
    /// Held while this process asks about what somebody wants asked about.
    wanted_at_work: Arc<Mutex<()>>,
    /// How far the program's end is.
    stop: Arc<watch::Sender<Stop>>,
    clock: Clock,
    /// When this process began.
    started_at: DateTime<Utc>,
    /// The long-lived runtime: what must outlive a browser's request runs here.
    runtime: tokio::runtime::Handle,
    /// Called when an instruction has been completed, so that messages may be due.
    on_paid: Arc<dyn Fn() + Send + Sync>,
    /// Of the database.
    vitals: Vitals,
    /// Of the scheduler's thread.
    beat: Arc<Beat>,
    /// Attempts to ask JIT.
    calls: Arc<Meter<1>>,
}

/// Why what asks JIT could not be wired up.
#[derive(Debug, thiserror::Error)]
pub enum SyncSetupError {
    /// JIT's client could not be made.
    #[error(transparent)]
    Jit(#[from] JitSetupError),
    /// The migrations of this program cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FtpsSync {
    /// Begins on the current tokio runtime; nothing is asked yet.
    pub fn new(
        store: Store,
        sealer: Arc<Sealer>,
        jit: Jit,
        times: SyncTimes,
        clock: Clock,
        on_paid: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, SyncSetupError> {
        Ok(Self {
            vitals: Vitals::of(&store)?,
            beat: Arc::default(),
            calls: Arc::new(Meter::new(["outcome"])),
            recorder: Recorder::start(store.clone()),
            slots: Slots::new(jit.concurrency),
            under_way: Arc::default(),
            timeout: jit.config.timeout,
            jit: JitClient::new(jit.config, clock.clone())?,
            circuit: Arc::default(),
            times,
            run_at_work: Arc::default(),
            missing_told: Arc::default(),
            retries_at_work: Arc::default(),
            wanted_at_work: Arc::default(),
            stop: Arc::new(watch::Sender::new(Stop::No)),
            started_at: clock.now(),
            runtime: tokio::runtime::Handle::current(),
            store,
            sealer,
            clock,
            on_paid,
        })
    }

    /// The same, in a process that reads another clock and has been there for ever: for a demo's past.
    pub fn in_the_past(&self, clock: Clock) -> Self {
        Self { clock, started_at: DateTime::UNIX_EPOCH, ..self.clone() }
    }

    /// The schedule of the nightly runs.
    pub fn nights(&self) -> &Nights {
        &self.times.nights
    }

    /// The attempts to ask JIT by outcome.
    pub fn calls(&self) -> &Meter<1> {
        &self.calls
    }

    /// How the database is; the scheduler tries a write from time to time.
    pub fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// How long ago the scheduler's thread was last at work, if it ever was.
    pub fn scheduler_silent_for(&self) -> Option<Duration> {
        self.beat.silent_for()
    }

    /// Runs what outlives a browser's request.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Whether nobody is asked by itself.
    pub fn is_paused(&self) -> bool {
        self.times.is_paused
    }

    /// When the next nightly run is, unless that is paused.
    pub fn next_night(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.times.nights.next_after(now).filter(|_| !self.is_paused())
    }

    /// The night that is missing; in a pause none is.
    pub fn missing_night(&self, so_far: Option<NightsSoFar>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.times.nights.missing(so_far?, now).filter(|_| !self.is_paused())
    }

    /// The longest that one attempt takes, signing in included.
    pub fn longest_attempt(&self) -> Duration {
        self.timeout * TIMEOUTS_OF_AN_ATTEMPT
    }

    /// Since when calls pause that nobody waits for, because JIT is away or does not answer.
    pub fn jit_away_since(&self) -> Option<DateTime<Utc>> {
        self.circuit.away_since()
    }

    /// Since when no call is made that nobody waits for: JIT is away, or refused a sign-in.
    fn no_calls_since(&self) -> Option<DateTime<Utc>> {
        self.jit_away_since().or_else(|| self.sign_in_refusal().map(|refusal| refusal.since))
    }

    /// Until when nobody is asked, since JIT refused a sign-in (DOMAIN.md §5.3).
    pub fn sign_in_paused_until(&self) -> Option<DateTime<Utc>> {
        self.jit.sign_in_paused_until()
    }

    /// Sign-ins that JIT refused since the last that it did not.
    pub fn sign_in_refusal(&self) -> Option<SignInRefusal> {
        self.jit.sign_in_refusal()
    }

    /// How long a claim holds at the most.
    fn claim_term(&self) -> Duration {
        self.longest_attempt() + Duration::from_secs(CLAIM_GRACE_SECONDS.into())
    }

    /// For the program's end: begins no call any more, and returns when none is in flight, after `within` at
    /// the latest; `false` if some were then. What JIT does not answer in time is cut off before, so that it
    /// can be recorded that nobody knows what became of it.
    pub async fn finish(&self, within: Duration) -> bool {
        self.stop.send_replace(Stop::BeginNothing);
        self.jit.begin_nothing_more();
        let to_record = TO_RECORD.min(within / 2);
        if tokio::time::timeout(within - to_record, self.all_over()).await.is_ok() {
            return true;
        }
        log::warn!("JIT does not answer in time: the calls under way are cut off");
        self.stop.send_replace(Stop::CutOff);
        tokio::time::timeout(to_record, self.all_over()).await.is_ok()
    }

    /// Lets no call begin any more, and returns when none is in flight and what came of each is recorded.
    async fn all_over(&self) {
        self.slots.close().await;
        drop(self.under_way.write().await);
    }

    /// Answers of JIT that are in hand and not in the database.
    pub fn unrecorded(&self) -> usize {
        self.recorder.unrecorded()
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Returns when the calls in flight are to be cut off.
    async fn cut_off(&self) {
        // The sender is held by `self`.
        drop(self.stop.subscribe().wait_for(|stop| *stop == Stop::CutOff).await);
    }
}
