//! The threads that make the pool's connections.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use scheduled_thread_pool::{OnPoolDropBehavior, ScheduledThreadPool};

/// Connections made at once.
const THREADS: usize = 2;

/// How long the end waits, in all, for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The threads. When this is dropped, none of them speaks TLS any more: OpenSSL cleans up as the program ends, and
/// whoever shakes hands meanwhile would crash it with its work done.
pub(super) struct PoolThreads(Arc<ScheduledThreadPool>);

impl PoolThreads {
    pub(super) fn new() -> Self {
        let threads = ScheduledThreadPool::builder()
            .num_threads(THREADS)
            .thread_name_pattern("database-{}")
            .on_drop_behavior(OnPoolDropBehavior::DiscardPendingScheduled)
            .build();
        Self(Arc::new(threads))
    }

    pub(super) fn shared(&self) -> Arc<ScheduledThreadPool> {
        Arc::clone(&self.0)
    }
}

impl Drop for PoolThreads {
    fn drop(&mut self) {
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let (arrived, arrivals) = channel();
        for _ in 0..THREADS {
            let (arrived, gate) = (arrived.clone(), Arc::clone(&gate));
            self.0.execute(move || {
                // Nobody waits any more where the patience was at its end.
                let _late = arrived.send(());
                drop(gate.lock());
            });
        }
        let until = Instant::now() + PATIENCE;
        for _ in 0..THREADS {
            if arrivals.recv_timeout(until.saturating_duration_since(Instant::now())).is_err() {
                log::warn!("the end did not wait for a connection that was being made to the database");
                break;
            }
        }
        drop(closed);
    }
}
