//! The beat of the scheduler's thread: whoever cannot hear it knows that no night comes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When the thread was last at work.
#[derive(Debug, Default)]
pub(super) struct Beat(Mutex<Option<Instant>>);

impl Beat {
    /// It is at work now.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long ago it was, if it ever was.
    pub(super) fn silent_for(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }
}
