//! The scheduler's thread: wakes the nightly run at its instant, and at every beat looks after runs
//! and retries. The work itself is done on the runtime, so that a long night holds up nothing.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use job_scheduler_ng::{Job, JobScheduler, Schedule};
use tokio::sync::oneshot;

use super::FtpsSync;
use crate::domain::nights::NightsError;
use crate::store::StoreError;

/// How often the thread looks at its clock.
const TICK: Duration = Duration::from_millis(500);

/// When runs are looked after beside the night's own instant: those of other processes, those left
/// behind, and nights that had to wait.
const RUNS_BEAT: &str = "*/2 * * * * *";

/// When attempts that are due are made.
const RETRIES_BEAT: &str = "* * * * * *";

/// When a write is tried, for whoever asks whether the database takes any.
const WRITES_BEAT: &str = "*/15 * * * * *";

/// The scheduler at work.
pub struct Scheduler {
    alive: oneshot::Receiver<()>,
}

impl Scheduler {
    /// Starts the thread. What was missed while nothing was running is begun at once.
    pub fn start(sync: FtpsSync) -> std::io::Result<Self> {
        Self::watching(move || {
            sync.look_after_soon();
            sync.vitals().try_a_write_soon();
            if let Err(fault) = tick_for_ever(&sync) {
                log::error!("the scheduler cannot go on: {fault}");
            }
        })
    }

    fn watching(body: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        let (held, alive) = oneshot::channel();
        std::thread::Builder::new().name("scheduler".to_owned()).spawn(move || {
            // Dropped when the thread ends, however it ends.
            let _held: oneshot::Sender<()> = held;
            body();
        })?;
        Ok(Self { alive })
    }

    /// Returns if the thread has ended, which it never should.
    pub async fn ended(&mut self) {
        // The sender never sends: it is dropped.
        let _dropped = (&mut self.alive).await;
    }
}

fn tick_for_ever(sync: &FtpsSync) -> Result<(), NightsError> {
    let beat = |cron: &str| -> Result<Schedule, NightsError> {
        cron.parse().map_err(|fault| NightsError::Unreadable(format!("{fault}")))
    };
    let mut jobs = JobScheduler::new();
    // A job keeps the offset that is set when it is added.
    jobs.set_timezone(sync.nights().offset());
    jobs.add(Job::new(sync.nights().schedule().clone(), || sync.look_after_soon()));
    jobs.add(Job::new(beat(RUNS_BEAT)?, || sync.look_after_soon()));
    jobs.add(Job::new(beat(RETRIES_BEAT)?, || make_due_soon(sync)));
    jobs.add(Job::new(beat(WRITES_BEAT)?, || drop(sync.vitals().try_a_write_soon())));
    loop {
        sync.beat.note();
        // A panic in a job unwinds out of the tick.
        if std::panic::catch_unwind(AssertUnwindSafe(|| jobs.tick())).is_err() {
            log::error!("a job of the scheduler panicked");
        }
        std::thread::sleep(TICK);
    }
}

fn make_due_soon(sync: &FtpsSync) {
    let for_task = sync.clone();
    sync.runtime.spawn(logged("making attempts that are due", async move { for_task.make_due().await }));
    sync.make_wanted_soon();
}

/// Runs a job; its failure, or its panic, goes to the log, and the next beat tries again.
pub(super) async fn logged(what: &'static str, job: impl Future<Output = Result<(), StoreError>>) {
    match AssertUnwindSafe(job).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => log::error!("{what} failed: {fault}"),
        Err(_) => log::error!("{what} panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_the_thread_is_noticed_even_if_it_panics() {
        for body in [|| (), || panic!("a test's")] as [fn(); 2] {
            Scheduler::watching(body).unwrap().ended().await;
        }
    }

    #[tokio::test]
    async fn a_job_that_panics_or_fails_ends_nothing_but_itself() {
        logged("a test's job", async { panic!("a test's") }).await;
        logged("a test's job", async { Err(StoreError::BrokeOff("a test's".to_owned())) }).await;
    }
}
