//! The erasing of what is due: by `mukta-ftps prune`, and each night by `serve`. Pages of it are transactions of
//! their own ([`store::pruning`](crate::store::pruning)).

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::clock::Clock;
use crate::domain::retention::{Limits, Turn};
use crate::sealing::Sealer;
use crate::store::pruning::{self, Erased, Order, Place};
use crate::store::{Store, StoreError, attempts, sessions};

/// How often `serve` looks whether it is time.
const LOOKED_EVERY: Duration = Duration::from_secs(60);

/// As whom `serve` erases, in the audit trail.
const BY_ITSELF: &str = "system";

/// When a session has ended.
#[derive(Debug, Clone, Copy)]
pub struct SessionTimes {
    /// Unused for so long.
    pub idle: TimeDelta,
    /// After so long in any case.
    pub longest: TimeDelta,
}

/// What an erasing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// What was due by the limits.
    pub erased: Erased,
    /// Sessions that had ended.
    pub sessions: usize,
    /// Failed attempts to sign in that counted no more.
    pub attempts: usize,
}

/// The closing line of the command.
impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { erased: Erased { calls, messages, events, kept }, sessions, attempts } = self;
        write!(f, "erased the payloads of {calls} calls and {messages} messages, {events} audit events")?;
        if *kept > 0 {
            write!(f, "; {kept} calls keep theirs, since their payment instruction is In Process")?;
        }
        write!(f, "; forgot {sessions} sessions and {attempts} attempts to sign in")
    }
}

/// Erases what is due.
#[derive(Clone)]
pub struct Retention {
    /// The database.
    pub store: Store,
    /// The data keys.
    pub sealer: Arc<Sealer>,
    /// What is due.
    pub limits: Limits,
    /// Which sessions have ended.
    pub sessions: SessionTimes,
    /// The time.
    pub clock: Clock,
}

impl Retention {
    /// Erases all that is due now. It may be cut off after any page, and begun again.
    pub async fn erase(&self, actor: &str) -> Result<Done, StoreError> {
        let now = self.clock.now().naive_utc();
        let order = Order::of(self.limits, now, actor);
        let mut done = Done::default();
        let mut next = Some(Place::default());
        while let Some(place) = next {
            let began = Instant::now();
            let (sealer, order) = (Arc::clone(&self.sealer), order.clone());
            let page = self.store.write(move |db| pruning::page(db, &sealer, &order, place)).await?;
            done.erased = done.erased.and(page.erased);
            next = page.next;
            // Writers of other processes get as much of the time.
            if next.is_some() {
                tokio::time::sleep(began.elapsed()).await;
            }
        }
        let (sealer, times) = (Arc::clone(&self.sealer), self.sessions);
        (done.sessions, done.attempts) = self
            .store
            .write(move |db| {
                let ended = sessions::forget(db, now - times.idle, now - times.longest)?;
                Ok((ended, attempts::forget(db, &sealer, now)?))
            })
            .await?;
        Ok(done)
    }

    /// Erases what is due if the hour of it has come and no process has done it since.
    pub async fn look_after(&self) -> Result<Option<Done>, StoreError> {
        let now = self.clock.now();
        if self.store.read(move |db| pruning::seems_to_be(db, now)).await? == Turn::Wait {
            return Ok(None);
        }
        match self.store.write(move |db| pruning::take_turn(db, now)).await? {
            Turn::Wait => Ok(None),
            Turn::Note { has_leapt } => {
                if has_leapt {
                    log::warn!(
                        "nothing was erased for more than two days, or the clock has leapt: what is due by this clock \
                         is erased from the next night on"
                    );
                }
                Ok(None)
            }
            Turn::Erase => {
                let done = self.erase(BY_ITSELF).await?;
                self.store.shorten_log().await?;
                Ok(Some(done))
            }
        }
    }

    /// Looks after it until the task is aborted: between two pages, nothing is lost.
    pub fn start(self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            let mut beat = tokio::time::interval(LOOKED_EVERY);
            loop {
                beat.tick().await;
                match self.look_after().await {
                    Ok(Some(done)) => log::info!("{done}"),
                    Ok(None) => {}
                    Err(fault) => log::error!("what is due was not erased: {fault}"),
                }
            }
        })
    }
}
