//! Telling the beneficiaries: the state's gateway, and the delivery of the outbox (DOMAIN.md §6). Only this
//! room knows the gateway's manners.

mod delivery;
pub mod gateway;
mod pace;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::domain::{DeliveryFault, retry};
use crate::meters::Meter;
use crate::sealing::{Sealer, random_number};
use crate::store::Store;
pub use delivery::Delivery;
use gateway::{Answer, Gateway, GatewayConfig, GatewaySetupError, Verdict};

/// The state's SMS gateway, and how eagerly messages go there.
#[derive(Debug, Clone)]
pub struct Sms {
    /// For the client.
    pub config: GatewayConfig,
    /// Messages in flight at once.
    pub concurrency: u32,
    /// Messages sent per second at most.
    pub per_second: u32,
    /// First step before a message is tried again.
    pub retry_first: Duration,
    /// Longest step.
    pub retry_max: Duration,
}

/// Delivers the outbox. Clones share one state.
#[derive(Clone)]
pub struct Notifications {
    store: Store,
    sealer: Arc<Sealer>,
    clock: Clock,
    /// The gateway, if there is one.
    line: Option<Arc<Line>>,
    /// Whether nothing is sent at present.
    is_paused: bool,
    /// Told when a message may have become due in this process.
    news: Arc<Notify>,
    /// Since when the gateway takes no message of this process.
    away_since: Arc<Mutex<Option<DateTime<Utc>>>>,
    /// Messages handed to the gateway.
    calls: Arc<Meter<1>>,
}

/// The gateway, and how to treat it.
#[derive(Debug)]
struct Line {
    gateway: Gateway,
    settings: Sms,
}

impl Notifications {
    /// Nothing is sent yet.
    pub fn new(
        store: Store,
        sealer: Arc<Sealer>,
        sms: Option<Sms>,
        clock: Clock,
    ) -> Result<Self, GatewaySetupError> {
        let line = match sms {
            Some(settings) => {
                Some(Arc::new(Line { gateway: Gateway::new(settings.config.clone())?, settings }))
            }
            None => None,
        };
        Ok(Self {
            store,
            sealer,
            clock,
            line,
            is_paused: false,
            news: Arc::default(),
            away_since: Arc::default(),
            calls: Arc::new(Meter::new(["outcome"])),
        })
    }

    /// The same, in a process that reads another clock: for a demo's past.
    pub fn in_the_past(&self, clock: Clock) -> Self {
        Self { clock, ..self.clone() }
    }

    /// The same, sending nothing while that pauses.
    pub fn pausing(self, is_paused: bool) -> Self {
        Self { is_paused, ..self }
    }

    /// Whether messages can be sent at all; without a gateway they wait.
    pub fn has_gateway(&self) -> bool {
        self.line.is_some()
    }

    /// The messages that were handed to the gateway, by what came of it.
    pub fn calls(&self) -> &Meter<1> {
        &self.calls
    }

    /// Since when the gateway has answered no message of this process, or taken none yet, if so it is.
    pub fn gateway_away_since(&self) -> Option<DateTime<Utc>> {
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the gateway dealt with a message.
    fn note_contact(&self, answer: &Answer) {
        let is_there = match (answer.verdict, &answer.cause) {
            // Nobody tried.
            (_, Some(DeliveryFault::HeldUp)) => return,
            (Verdict::Accepted | Verdict::Refused, _) => true,
            (Verdict::TryLater | Verdict::Unknown, _) => false,
        };
        let mut away_since = self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        *away_since = if is_there { None } else { away_since.or_else(|| Some(self.clock.now())) };
    }

    /// Whether messages that are due are sent: there is a gateway, and no pause.
    pub fn sends(&self) -> bool {
        self.has_gateway() && !self.is_paused
    }

    /// Has the outbox looked at soon: a message may have become due in this process.
    pub fn wake(&self) {
        self.news.notify_one();
    }
}

impl Line {
    /// How long to wait after so many attempts in a row, in whole milliseconds: both databases keep
    /// those exactly.
    fn pause_after(&self, attempts: i32) -> TimeDelta {
        let failures = u32::try_from(attempts).unwrap_or(1);
        // Without randomness, which does not happen, the shortest.
        let random = random_number().unwrap_or(0);
        let pause = retry::pause(self.settings.retry_first, self.settings.retry_max, failures, random);
        TimeDelta::milliseconds(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
    }
}
