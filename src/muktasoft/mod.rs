//! MUKTASoft's services, as its treasury adapter and those of people speak: pulling payment instructions with
//! their people (DOMAIN.md §8), and telling what became of them. Only this room knows their manners; what is read
//! and merged, `import` knows.

mod client;
mod fetch;
mod people;
mod pull;
pub mod push;
mod round;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use reqwest::Url;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::PullTrigger;
use crate::domain::nights::Nights;
use crate::sealing::Sealer;
use crate::store::Store;
pub use client::SetupError;
use client::{Client, Service};
pub use fetch::{FetchError, Fetched};
pub use pull::{PullError, Pulled};

/// How long to wait for another process that pulls.
const BUSY_PAUSE: Duration = Duration::from_secs(30);

/// Which of the adapter's two endpoints the search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchKind {
    /// `/ifms-adapter/pi/v1/_search`.
    Ifms,
    /// `/mukta-ifix-adapter/v1/pi/_search`.
    MuktaIfix,
}

/// How MUKTASoft is reached.
#[derive(Clone)]
pub struct MuktasoftConfig {
    /// The search of payment instructions.
    pub search: Url,
    /// How it wants to be asked.
    pub kind: SearchKind,
    /// What lets us in.
    pub token: Option<String>,
    /// The search of bank accounts.
    pub bank_accounts: Option<Url>,
    /// The search of individuals.
    pub individuals: Option<Url>,
    /// The search of organisations.
    pub organisations: Option<Url>,
    /// The ULBs that are pulled; none: those known here.
    pub tenants: Vec<String>,
    /// How often `serve` pulls.
    pub every: Duration,
    /// How long a pull may ask.
    pub longest: Duration,
}

/// Never shows the token, nor an address that may hold one.
impl std::fmt::Debug for MuktasoftConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MuktasoftConfig")
            .field("kind", &self.kind)
            .field("every", &self.every)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// Brings payment instructions from MUKTASoft. Clones share one state.
#[derive(Clone)]
pub struct Muktasoft {
    store: Store,
    sealer: Arc<Sealer>,
    clock: Clock,
    /// The way there, if there is one.
    line: Option<Arc<Line>>,
    /// Told when something was brought, so that messages may be due.
    on_brought: Arc<dyn Fn() + Send + Sync>,
    /// Says that the program ends.
    stop: Arc<watch::Sender<bool>>,
    /// Who refused the token, which is said once.
    refusals_told: Arc<Mutex<HashSet<Service>>>,
    /// The long-lived runtime: what must outlive a browser's request runs here.
    runtime: tokio::runtime::Handle,
}

/// The way to MUKTASoft, and how it is treated.
struct Line {
    client: Client,
    config: MuktasoftConfig,
}

impl Muktasoft {
    /// On the current tokio runtime; nothing is asked yet.
    pub fn new(
        store: Store,
        sealer: Arc<Sealer>,
        config: Option<MuktasoftConfig>,
        clock: Clock,
        on_brought: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, SetupError> {
        let line = match config {
            Some(config) => Some(Arc::new(Line { client: Client::new(&config)?, config })),
            None => None,
        };
        Ok(Self {
            store,
            sealer,
            clock,
            line,
            on_brought,
            stop: Arc::new(watch::Sender::new(false)),
            refusals_told: Arc::default(),
            runtime: tokio::runtime::Handle::current(),
        })
    }

    fn refusals_told(&self) -> MutexGuard<'_, HashSet<Service>> {
        self.refusals_told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a MUKTASoft to pull from.
    pub fn is_set(&self) -> bool {
        self.line.is_some()
    }

    /// Pulls now, every so often, and at the nights' instants, until told to stop; a pull that fails ends
    /// nothing. Does nothing without a MUKTASoft.
    pub fn start(&self, nights: &Nights) -> Pulling {
        let (this, nights) = (self.clone(), nights.clone());
        let task = self
            .line
            .clone()
            .map(|line| tokio::spawn(async move { this.pull_for_ever(&nights, line.config.every).await }));
        Pulling { stop: Arc::clone(&self.stop), task }
    }

    async fn pull_for_ever(&self, nights: &Nights, every: Duration) {
        let mut stop = self.stop.subscribe();
        let mut trigger = PullTrigger::Timer;
        loop {
            if *stop.borrow() {
                return;
            }
            let began = self.clock.now();
            let pulled = AssertUnwindSafe(self.pull_and_tell(trigger)).catch_unwind().await;
            if pulled.is_err() {
                log::error!("pulling from MUKTASoft panicked");
            }
            let (pause, next) = next_pull(began, self.clock.now(), every, nights.next_after(began));
            // Whoever pulls may be dead: then this process does, as soon as that is sure.
            let is_busy = pulled.is_ok_and(|made| !made);
            let (pause, next) = if is_busy { (pause.min(BUSY_PAUSE), trigger) } else { (pause, next) };
            trigger = next;
            tokio::select! {
                // The sender is held by `self`.
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Pulls, and says in the log what came of it; `false` if another process pulls.
    async fn pull_and_tell(&self, trigger: PullTrigger) -> bool {
        match self.pull(trigger).await {
            Ok(pulled) => pulled.tell_log(),
            Err(PullError::Busy) => {
                log::info!("another process is pulling from MUKTASoft, or has died while it did");
                return false;
            }
            Err(fault) => log::error!("pulling from MUKTASoft failed: {fault}"),
        }
        true
    }

    /// Pulls in a task of its own, if there is a MUKTASoft: for a run that a person begins.
    pub fn pull_soon(&self) {
        if self.is_set() {
            let this = self.clone();
            self.runtime.spawn(async move { this.pull_and_tell(PullTrigger::Timer).await });
        }
    }

    /// Ends what is under way: pulls are cut off where they stand, what was read is kept.
    pub fn end(&self) {
        self.stop.send_replace(true);
    }
}

/// How long to wait until the next pull, and what sets it off. A night that passed meanwhile is due at once.
fn next_pull(
    began: DateTime<Utc>,
    now: DateTime<Utc>,
    every: Duration,
    night: Option<DateTime<Utc>>,
) -> (Duration, PullTrigger) {
    let until = |at: DateTime<Utc>| (at - now).to_std().unwrap_or_default();
    let timer = until(began + every);
    match night.map(until) {
        Some(night) if night <= timer => (night, PullTrigger::Night),
        _ => (timer, PullTrigger::Timer),
    }
}

/// Pulling under way.
pub struct Pulling {
    stop: Arc<watch::Sender<bool>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Pulling {
    /// Begins no more pulls, cuts off the one under way, and returns when what it read is written.
    pub async fn finish(self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task {
            // Whatever it came to is told by itself.
            drop(task.await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_is_not_missed_and_the_timer_keeps_its_pace() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (began, every) = (at("2024-03-31T16:20:00Z"), Duration::from_secs(900));
        let night = Some(at("2024-03-31T16:30:00Z"));
        let next = |now: &str, night| next_pull(began, at(now), every, night);
        let after = Duration::from_secs;
        assert_eq!(next("2024-03-31T16:21:00Z", None), (after(840), PullTrigger::Timer));
        assert_eq!(next("2024-03-31T16:21:00Z", night), (after(540), PullTrigger::Night));
        assert_eq!(next("2024-03-31T16:31:00Z", night), (after(0), PullTrigger::Night));
        let far = Some(at("2024-04-01T16:30:00Z"));
        assert_eq!(next("2024-03-31T16:21:00Z", far), (after(840), PullTrigger::Timer));
        assert_eq!(next("2024-03-31T17:00:00Z", far), (after(0), PullTrigger::Timer));
    }
}
