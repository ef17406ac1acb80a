//! Sync runs: begun once, worked on by every process there is until nothing is left to be asked.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::circuit::{Away, May, Way};
use super::in_flight::InFlight;
use super::scheduler::logged;
use super::waiting::{BUSY_PAUSE, unless_away};
use super::{FtpsSync, Order};
use crate::domain::date::ist_minute;
use crate::domain::nights::NightsSoFar;
use crate::domain::{RunState, RunTrigger};
use crate::store::StoreError;
use crate::store::audit::NewEvent;
use crate::store::claims::{self, Batch, ClaimTerms};
use crate::store::sync_runs::{self, Begun, Counts, NewRun, SyncRun, counts};

/// How working on a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// The run is over.
    Over,
    /// The program is stopping; the calls in flight are recorded.
    Stopped,
    /// JIT has been away for as long as the run may wait.
    JitAway,
}

/// What one pause of a run that waits for JIT came to.
enum Waiting {
    GoesOn,
    RunIsOver,
    TooLong,
}

impl FtpsSync {
    /// Begins a run of all that waits now, unless one is under way.
    pub async fn begin(&self, trigger: RunTrigger, by: Option<String>) -> Result<Begun, StoreError> {
        let new = NewRun { scheduled_for: None, trigger, started_by: by, event: None };
        self.begin_at(new, self.clock.now()).await
    }

    /// The same for somebody whom the audit trail names: the event, with the run as its subject, is written with it.
    pub async fn begin_noted(
        &self,
        trigger: RunTrigger,
        by: Option<String>,
        event: NewEvent,
    ) -> Result<Begun, StoreError> {
        let new = NewRun { scheduled_for: None, trigger, started_by: by, event: Some(event) };
        self.begin_at(new, self.clock.now()).await
    }

    async fn begin_at(&self, new: NewRun, now: DateTime<Utc>) -> Result<Begun, StoreError> {
        let now = now.naive_utc();
        // Nobody has worked on it for as long as a claim holds: whoever did is gone.
        let left_behind = now - self.claim_term();
        let sealer = Arc::clone(&self.sealer);
        let begun = self.store.write(move |db| sync_runs::begin(db, &sealer, &new, now, left_behind)).await?;
        if let Begun::Started(run) = &begun {
            log::info!("sync run {} begins ({})", run.id, run.trigger_word);
        }
        Ok(begun)
    }

    /// Works on a run until it is over: claims what is free, asks, and waits for what others are asking
    /// about, or held when they died. While JIT is away nothing is claimed and nothing recorded: the run
    /// waits, and probes, for as long as a run may wait from its beginning.
    pub async fn work(&self, run: &SyncRun) -> Result<Worked, StoreError> {
        self.work_since(run, run.started_at).await
    }

    /// The same with the patience of somebody who has waited since then (UTC).
    pub async fn work_since(&self, run: &SyncRun, since: NaiveDateTime) -> Result<Worked, StoreError> {
        self.circuit.probe_soon(self.clock.now());
        let order =
            Order { trigger: run.trigger_word.of_calls(), by: run.started_by.clone(), run_id: Some(run.id) };
        let mut calls = InFlight::new(self, order);
        let mut is_waiting = false;
        loop {
            if self.is_stopping() {
                calls.all_over().await;
                return Ok(Worked::Stopped);
            }
            let Some(may) = self.way().await else {
                calls.all_over().await;
                is_waiting = true;
                match self.wait_for_jit(run, since).await? {
                    Waiting::GoesOn => continue,
                    Waiting::RunIsOver => return Ok(Worked::Over),
                    Waiting::TooLong => return Ok(Worked::JitAway),
                }
            };
            if std::mem::take(&mut is_waiting) {
                self.note_waiting(run, None).await?;
            }
            calls.room().await;
            let Some(slots) = self.slots.for_machine(self.at_once(may)).await else { continue };
            let batch = self.claim_of_run(run, slots.len(), calls.claim_terms()).await;
            let batch = unless_away(batch)?.unwrap_or_default();
            let seen = batch.seen;
            calls.begin(batch.claimed, slots, may);
            if may == May::Probe {
                calls.all_over().await;
            }
            if seen > 0 || calls.one_over().await {
                continue;
            }
            if self.is_over(run).await? {
                return Ok(Worked::Over);
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    /// Whether calls may be begun about what nobody waits for; `None` while JIT is away, or signing in
    /// pauses. Probes where it is time for that.
    pub(super) async fn way(&self) -> Option<May> {
        if self.sign_in_paused_until().is_some() {
            return None;
        }
        match self.circuit.way(self.clock.now()) {
            Way::Open => Some(May::Call),
            Way::Probe(Away::Hanging) => Some(May::Probe),
            Way::Probe(Away::Unreachable) => {
                if self.jit.connects().await {
                    self.circuit.note_connection(self.clock.now());
                    return Some(May::Call);
                }
                None
            }
            Way::Closed(_) => None,
        }
    }

    /// How many calls may be begun at once.
    pub(super) fn at_once(&self, may: May) -> usize {
        match may {
            May::Call => self.slots.count(),
            May::Probe => 1,
        }
    }

    /// One pause of a run whose JIT is away.
    async fn wait_for_jit(&self, run: &SyncRun, since: NaiveDateTime) -> Result<Waiting, StoreError> {
        let now = self.clock.now();
        if now.naive_utc() >= since + self.times.run_longest {
            return Ok(Waiting::TooLong);
        }
        let away_since = self.no_calls_since().unwrap_or(now);
        let noted = unless_away(self.note_waiting(run, Some(away_since)).await)?;
        if noted == Some(false) {
            return Ok(Waiting::RunIsOver);
        }
        tokio::time::sleep(BUSY_PAUSE).await;
        Ok(Waiting::GoesOn)
    }

    /// Notes that a run waits for JIT, or does not any more; `false` if it is not under way.
    async fn note_waiting(&self, run: &SyncRun, since: Option<DateTime<Utc>>) -> Result<bool, StoreError> {
        let (id, since, now) = (run.id, since.map(|at| at.naive_utc()), self.clock.now().naive_utc());
        self.store.write(move |db| sync_runs::note_waiting(db, id, since, now)).await
    }

    /// Ends a run for which JIT was away for too long, or a night that a pause has come over: what it did not ask
    /// about is due at once, as a retry.
    pub async fn give_up(&self, run: &SyncRun) -> Result<(), StoreError> {
        let (id, now) = (run.id, self.clock.now().naive_utc());
        let unasked = self.store.write(move |db| sync_runs::give_up(db, id, now)).await?;
        log::error!(
            "sync run {id} is given up, {}: {unasked} payment instructions were not asked about",
            if self.is_paused() { "since nights are paused" } else { "JIT cannot be asked" }
        );
        Ok(())
    }

    async fn claim_of_run(
        &self,
        run: &SyncRun,
        slots: usize,
        terms: ClaimTerms,
    ) -> Result<Batch, StoreError> {
        let (sealer, run) = (Arc::clone(&self.sealer), run.clone());
        let limit = i64::try_from(slots).unwrap_or(i64::MAX);
        self.store.claim(move |db| claims::claim_of_run(db, &sealer, &run, limit, &terms)).await
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
    /// process: while one look is at work, another does nothing. In a pause no night is begun, and none worked on: one
    /// that was under way is given up, once nobody else has worked on it for as long as a claim holds.
    pub async fn look_after(&self) -> Result<(), StoreError> {
        let Ok(_at_work) = self.run_at_work.try_lock() else { return Ok(()) };
        loop {
            if !self.is_paused() {
                self.begin_due_night().await?;
            }
            let Some(run) = self.store.read(sync_runs::running).await? else { return Ok(()) };
            if self.is_paused() && run.scheduled_for.is_some() {
                if run.worked_at + self.claim_term() <= self.clock.now().naive_utc() {
                    self.give_up(&run).await?;
                }
                return Ok(());
            }
            match self.work(&run).await? {
                Worked::Stopped => return Ok(()),
                Worked::JitAway => {
                    self.give_up(&run).await?;
                    self.log_end(run.id).await?;
                }
                Worked::Over => self.log_end(run.id).await?,
            }
        }
    }

    /// A night that comes while another run is under way waits for its end.
    async fn begin_due_night(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(so_far) = self.store.read(move |db| sync_runs::nights_so_far(db, now)).await? else {
            return self.store.write(move |db| sync_runs::watch_nights(db, now)).await;
        };
        self.tell_of_missing_night(so_far, now);
        let Some(due) = self.times.nights.due(so_far, now) else { return Ok(()) };
        let was_here = due >= self.started_at;
        let trigger = if was_here { RunTrigger::Nightly } else { RunTrigger::MadeUp };
        let night = NewRun { scheduled_for: Some(due.naive_utc()), trigger, started_by: None, event: None };
        self.begin_at(night, now).await.map(|_| ())
    }

    /// Says once of each night that passed without a run that it did.
    fn tell_of_missing_night(&self, so_far: NightsSoFar, now: DateTime<Utc>) {
        let Some(missing) = self.missing_night(Some(so_far), now) else { return };
        let mut told = self.missing_told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.replace(missing) != Some(missing) {
            log::error!("the sync of {} has not begun, and an hour has passed", ist_minute(missing));
        }
    }

    async fn log_end(&self, run_id: i64) -> Result<(), StoreError> {
        let ended = self.store.read(move |db| {
            let run = sync_runs::get(db, run_id)?.filter(|run| run.state != RunState::Running);
            run.map(|run| Ok((counts::kept_total(db, run.id)?, run))).transpose()
        });
        if let Some((counts, run)) = ended.await? {
            let level = if counts.went_badly() { log::Level::Warn } else { log::Level::Info };
            log::log!(level, "{}", told_at_its_end(&run, &counts));
        }
        Ok(())
    }
}

/// `sync run 7 (nightly) is finished after 192 s: of 120 payment instructions 100 successful, …`.
fn told_at_its_end(run: &SyncRun, counts: &Counts) -> String {
    let took = run.finished_at.unwrap_or(run.worked_at) - run.started_at;
    let Counts { expected, successful, errors, glitches, no_response, skipped, paid: _ } = counts;
    format!(
        "sync run {} ({}) is {} after {} s: of {expected} payment instructions {successful} successful, {errors} errors, \
         {glitches} glitches, {no_response} no response, {} not asked, {skipped} waited no longer",
        run.id,
        run.trigger_word,
        run.state,
        took.num_seconds(),
        counts.left()
    )
}
