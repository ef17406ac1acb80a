//! What the operator's tools read off the database, read no more often than it can bear.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::app::App;
use crate::store::readings::Readings;

/// It is read no more often than this.
const FRESH: Duration = Duration::from_secs(5);

/// Nor does reading it take more than this share of the time.
const SHARE: u32 = 20;

/// Fresh readings are waited for so long; then the older ones are told.
const PATIENCE: Duration = Duration::from_millis(500);

/// The latest readings. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LatestReadings(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    latest: watch::Sender<Option<Arc<Read>>>,
    is_reading: AtomicBool,
    /// What the latest reading failed of, which the log was told.
    failed_of: Mutex<Option<String>>,
}

/// Readings, and what they took.
#[derive(Debug)]
pub struct Read {
    /// What was read.
    pub readings: Readings,
    /// When.
    pub at: Instant,
    /// For how long.
    pub took: Duration,
}

impl LatestReadings {
    /// The latest, read anew where it is time; none where the database has never answered.
    pub async fn get(&self, app: &App) -> Option<Arc<Read>> {
        let mut latest = self.0.latest.subscribe();
        let asked = Instant::now();
        let is_fresh = |read: &Option<Arc<Read>>| {
            read.as_ref().is_some_and(|read| read.at + FRESH.max(read.took * SHARE) >= asked)
        };
        if !is_fresh(&latest.borrow()) {
            self.read_soon(app);
            // In vain: the older are told.
            let _read = tokio::time::timeout(PATIENCE, latest.wait_for(is_fresh)).await;
        }
        latest.borrow().clone()
    }

    /// On the long-lived runtime: nobody who goes away breaks it off.
    fn read_soon(&self, app: &App) {
        if self.0.is_reading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (this, app) = (self.clone(), app.clone());
        app.sync.clone().spawn(async move {
            let (begun, now) = (Instant::now(), app.clock.now());
            let read = app.store.read(move |db| Readings::read(db, now)).await;
            this.note(read.map_err(|fault| fault.to_string()), begun);
            this.0.is_reading.store(false, Ordering::Release);
        });
    }

    fn note(&self, read: Result<Readings, String>, begun: Instant) {
        let mut failed_of = self.0.failed_of.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(readings) => {
                *failed_of = None;
                let read = Read { readings, at: Instant::now(), took: begun.elapsed() };
                self.0.latest.send_replace(Some(Arc::new(read)));
            }
            Err(fault) => {
                if failed_of.as_ref() != Some(&fault) {
                    log::warn!("the figures for the operator's tools could not be read: {fault}");
                }
                *failed_of = Some(fault);
            }
        }
    }
}
