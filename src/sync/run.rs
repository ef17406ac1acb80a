//! Sync runs: begun once, worked on by every process there is until nothing is left to be asked.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::crew::Crew;
use super::engine::{Order, claim_term};
use crate::app::App;
use crate::ftps::{RunState, RunTrigger};
use crate::store::claims::{self, Page};
use crate::store::sync_runs::{self, Begun, NewRun, SyncRun};
use crate::store::{Db, StoreError};

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

/// Begins a run of all that waits now, unless one is under way.
pub async fn begin(app: &App, trigger: RunTrigger, by: Option<String>) -> Result<Begun, StoreError> {
    let new = NewRun { scheduled_for: None, trigger, started_by: by };
    begin_at(app, new, app.clock.now()).await
}

async fn begin_at(app: &App, new: NewRun, now: DateTime<Utc>) -> Result<Begun, StoreError> {
    let now = now.naive_utc();
    // Nobody has worked on it for as long as a claim holds: whoever did is gone.
    let left_behind = now - claim_term(app);
    let begun = app.store.write(move |db| sync_runs::begin(db, &new, now, left_behind)).await?;
    if let Begun::Started(run) = &begun {
        log::info!("sync run {} begins ({})", run.id, run.trigger_word);
    }
    Ok(begun)
}

/// Works on a run until it is over: claims what is free, asks, and waits for what others are asking
/// about, or held when they died.
pub async fn work(app: &App, run: &SyncRun) -> Result<Worked, StoreError> {
    app.circuit.try_again();
    let order =
        Order { trigger: run.trigger_word.of_calls(), by: run.started_by.clone(), run_id: Some(run.id) };
    let mut crew = Crew::new(app, order);
    loop {
        let Some(slots) = crew.slots(app.concurrency as usize).await else {
            crew.all_home().await;
            return Ok(Worked::Stopped);
        };
        let page = Crew::survived(claim_page(app, run, slots.len()).await)?.unwrap_or_default();
        let seen = page.seen;
        crew.send(page.claimed, slots);
        if seen > 0 || crew.one_home().await {
            continue;
        }
        if is_over(app, run).await? {
            return Ok(Worked::Over);
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

async fn claim_page(app: &App, run: &SyncRun, slots: usize) -> Result<Page, StoreError> {
    let (sealer, run, now) = (Arc::clone(&app.sealer), run.clone(), app.clock.now().naive_utc());
    let until = now + claim_term(app);
    let limit = i64::try_from(slots).unwrap_or(i64::MAX);
    app.store.write(move |db| claims::claim_of_run(db, &sealer, &run, limit, now, until)).await
}

async fn is_over(app: &App, run: &SyncRun) -> Result<bool, StoreError> {
    let (id, now) = (run.id, app.clock.now().naive_utc());
    let over = app.store.write(move |db| sync_runs::finish(db, id, now)).await;
    Ok(Crew::survived(over)?.unwrap_or(false))
}

/// What `serve` does about runs, at every beat: begins the night that is due, and works on whatever
/// run is under way, be it its own, another process's or one left behind. One at a time in a
/// process: while one look is at work, another does nothing.
pub async fn look_after(app: &App) -> Result<(), StoreError> {
    let Ok(_at_work) = app.run_at_work.try_lock() else { return Ok(()) };
    loop {
        begin_due_night(app).await?;
        let Some(run) = app.store.read(sync_runs::running).await? else { return Ok(()) };
        if work(app, &run).await? == Worked::Stopped {
            return Ok(());
        }
        log_end(app, run.id).await?;
    }
}

/// A night that comes while another run is under way waits for its end.
async fn begin_due_night(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let Some(so_far) = app.store.read(sync_runs::nights_so_far).await? else {
        return app.store.write(move |db| sync_runs::watch_nights(db, now)).await;
    };
    let Some(due) = app.nights.due(so_far, now) else { return Ok(()) };
    let was_here = due >= app.started_at;
    let trigger = if was_here { RunTrigger::Nightly } else { RunTrigger::MadeUp };
    let night = NewRun { scheduled_for: Some(due.naive_utc()), trigger, started_by: None };
    begin_at(app, night, now).await.map(|_| ())
}

async fn log_end(app: &App, run_id: i64) -> Result<(), StoreError> {
    let ended = app.store.read(move |db: &mut Db| sync_runs::get(db, run_id)).await?;
    if let Some(run) = ended.filter(|run| run.state != RunState::Running) {
        log::info!("sync run {run_id} is {}", run.state);
    }
    Ok(())
}
