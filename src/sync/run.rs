//! Sync runs: begun once, worked on by every process there is until nothing is left to be asked.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::in_flight::{InFlight, unless_away};
use super::scheduler::logged;
use super::{FtpsSync, Order};
use crate::domain::{RunState, RunTrigger};
use crate::store::StoreError;
use crate::store::claims::{self, Batch};
use crate::store::sync_runs::{self, Begun, Counts, NewRun, SyncRun};

/// How long to wait when all that is left is being asked about elsewhere.
const BUSY_PAUSE: Duration = Duration::from_millis(250);

/// How working on a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// The run is over.
    Over,
    /// The program is stopping; the calls in flight are recorded.
    Stopped,
}

impl FtpsSync {
    /// Begins a run of all that waits now, unless one is under way.
    pub async fn begin(&self, trigger: RunTrigger, by: Option<String>) -> Result<Begun, StoreError> {
        let new = NewRun { scheduled_for: None, trigger, started_by: by };
        self.begin_at(new, self.clock.now()).await
    }

    async fn begin_at(&self, new: NewRun, now: DateTime<Utc>) -> Result<Begun, StoreError> {
        let now = now.naive_utc();
        // Nobody has worked on it for as long as a claim holds: whoever did is gone.
        let left_behind = now - self.claim_term();
        let begun = self.store.write(move |db| sync_runs::begin(db, &new, now, left_behind)).await?;
        if let Begun::Started(run) = &begun {
            log::info!("sync run {} begins ({})", run.id, run.trigger_word);
        }
        Ok(begun)
    }

    /// Works on a run until it is over: claims what is free, asks, and waits for what others are asking
    /// about, or held when they died.
    pub async fn work(&self, run: &SyncRun) -> Result<Worked, StoreError> {
        self.circuit.try_again();
        let order =
            Order { trigger: run.trigger_word.of_calls(), by: run.started_by.clone(), run_id: Some(run.id) };
        let mut calls = InFlight::new(self, order);
        loop {
            let Some(slots) = calls.slots(self.concurrency as usize).await else {
                calls.all_over().await;
                return Ok(Worked::Stopped);
            };
            let batch = unless_away(self.claim_of_run(run, slots.len()).await)?.unwrap_or_default();
            let seen = batch.seen;
            calls.begin(batch.claimed, slots);
            if seen > 0 || calls.one_over().await {
                continue;
            }
            if self.is_over(run).await? {
                return Ok(Worked::Over);
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    async fn claim_of_run(&self, run: &SyncRun, slots: usize) -> Result<Batch, StoreError> {
        let (sealer, run, now) = (Arc::clone(&self.sealer), run.clone(), self.clock.now().naive_utc());
        let until = now + self.claim_term();
        let limit = i64::try_from(slots).unwrap_or(i64::MAX);
        self.store.write(move |db| claims::claim_of_run(db, &sealer, &run, limit, now, until)).await
    }

    async fn is_over(&self, run: &SyncRun) -> Result<bool, StoreError> {
        let (id, now) = (run.id, self.clock.now().naive_utc());
        let over = self.store.write(move |db| sync_runs::finish(db, id, now)).await;
        Ok(unless_away(over)?.unwrap_or(false))
    }

    /// Marks a run that is stopped on purpose.
    pub async fn interrupt(&self, run: &SyncRun) -> Result<(), StoreError> {
        let (id, now) = (run.id, self.clock.now().naive_utc());
        self.store.write(move |db| sync_runs::interrupt(db, id, now)).await
    }

    /// How far a run is, all tenants together.
    pub async fn progress(&self, run: &SyncRun) -> Result<Counts, StoreError> {
        let id = run.id;
        self.store.read(move |db| sync_runs::total(db, id)).await
    }

    /// [`look_after`](Self::look_after), in a task of its own.
    pub fn look_after_soon(&self) {
        let sync = self.clone();
        self.runtime.spawn(logged("looking after sync runs", async move { sync.look_after().await }));
    }

    /// What `serve` does about runs, at every beat: begins the night that is due, and works on whatever
    /// run is under way, be it its own, another process's or one left behind. One at a time in a
    /// process: while one look is at work, another does nothing.
    pub async fn look_after(&self) -> Result<(), StoreError> {
        let Ok(_at_work) = self.run_at_work.try_lock() else { return Ok(()) };
        loop {
            self.begin_due_night().await?;
            let Some(run) = self.store.read(sync_runs::running).await? else { return Ok(()) };
            if self.work(&run).await? == Worked::Stopped {
                return Ok(());
            }
            self.log_end(run.id).await?;
        }
    }

    /// A night that comes while another run is under way waits for its end.
    async fn begin_due_night(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(so_far) = self.store.read(sync_runs::nights_so_far).await? else {
            return self.store.write(move |db| sync_runs::watch_nights(db, now)).await;
        };
        let Some(due) = self.times.nights.due(so_far, now) else { return Ok(()) };
        let was_here = due >= self.started_at;
        let trigger = if was_here { RunTrigger::Nightly } else { RunTrigger::MadeUp };
        let night = NewRun { scheduled_for: Some(due.naive_utc()), trigger, started_by: None };
        self.begin_at(night, now).await.map(|_| ())
    }

    async fn log_end(&self, run_id: i64) -> Result<(), StoreError> {
        let ended = self.store.read(move |db| sync_runs::get(db, run_id)).await?;
        if let Some(run) = ended.filter(|run| run.state != RunState::Running) {
            log::info!("sync run {run_id} is {}", run.state);
        }
        Ok(())
    }
}
