//! `mukta-ftps sync`: one sync of all that waits, now, in the foreground.

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use mukta_ftps::app::App;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::{PullTrigger, RunTrigger};
use mukta_ftps::settings::{
    DataKeySettings, DatabaseSettings, JitSettings, MuktasoftSettings, SyncSettings, checked_proxies,
};
use mukta_ftps::store::Store;
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::sync_runs::{Begun, Counts, SyncRun};
use mukta_ftps::sync::Worked;

use super::beating::Beating;
use super::operator::event;
use super::serve::told_to_stop;
use super::{CommandError, LAST_QUERIES, OrSay, pull, runtime, say, tell};

/// How often the bar moves.
const BAR_EVERY: Duration = Duration::from_millis(200);
/// How often a plain line tells how far it is.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Settings of `sync`.
#[derive(Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
    #[command(flatten)]
    jit: JitSettings,
    #[command(flatten)]
    sync: SyncSettings,
    #[command(flatten)]
    muktasoft: MuktasoftSettings,
}

pub(crate) fn run(args: SyncArgs) -> Result<(), CommandError> {
    let (sealer, jit, times) =
        (args.data_key.validated()?, args.jit.validated()?, args.sync.validated_for_command()?);
    let (database, stop_within) = (args.database.validated()?, args.sync.stop_within());
    let muktasoft = args.muktasoft.validated()?;
    checked_proxies()?;
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let store = Store::open(&database)?;
        let app = App::new(store, sealer, jit, None, times, Clock::system()).await?;
        let app = app.pulling(muktasoft)?;
        if app.sync.is_paused() {
            tell("note: SYNC_PAUSED stops what begins by itself; this sync was begun by a person, and asks")?;
        }
        if app.muktasoft.is_set() {
            pull_first(&app).await?;
        }
        let noted = event(Action::Synced, None, String::new());
        let (run, is_ours) = match app.sync.begin_noted(RunTrigger::Command, None, noted).await? {
            Begun::Started(run) => (run, true),
            Begun::InProgress(run) => (run, false),
            Begun::AlreadyMade => {
                let problem = "another sync began and ended at this moment: start this one again";
                return Err(CommandError::Unfinished(problem.to_owned()));
            }
        };
        if !is_ours {
            let (sealer, noted) =
                (app.sealer.clone(), event(Action::Synced, None, format!("joined sync run {}", run.id)));
            app.store.write(move |db| audit::append(db, Some(&sealer), &noted)).await?;
            tell(&format!("sync run {} is under way already: this process joins it", run.id))?;
        }
        let progress = tokio::spawn(show_progress(app.clone(), run.clone()));
        let beating = Beating::begin(&app).await?;
        let stopped = tokio::select! {
            stopped = until_over_or_told(&app, &run, is_ours, stop_within) => stopped,
            retired = beating.until_the_key_is_retired() => Err(retired),
        };
        // A database that is gone does not keep the program.
        if tokio::time::timeout(LAST_QUERIES, beating.end()).await.is_err() {
            tell("it could not be noted that this program ends: the database does not answer")?;
        }
        progress.abort();
        closing(&app, &run, is_ours, stopped?).await
    });
    runtime.shutdown_timeout(LAST_QUERIES);
    ended
}

/// What can be pulled from MUKTASoft is asked about too; what cannot keeps nobody from being asked about.
async fn pull_first(app: &App) -> Result<(), CommandError> {
    let (pulled, is_stopped) = pull::until_over_or_told(&app.muktasoft, PullTrigger::Sync).await?;
    if is_stopped {
        let problem = "stopped before the sync began: JIT was not asked about anything";
        return Err(CommandError::Unfinished(problem.to_owned()));
    }
    match pulled {
        Ok(pulled) => {
            pull::tell_of(&pulled)?;
            tell(&format!("pulled from MUKTASoft: {}", pulled.summary))?;
            if let Some(why) = pulled.failure_told() {
                tell(&format!("the pull did not bring all: {why}; the sync goes on with what is here"))?;
            }
            Ok(())
        }
        Err(why) => tell(&format!("nothing was pulled: {why}; the sync goes on with what is here")),
    }
}

/// Works on the run; `true` if somebody stopped it. Then the calls in flight are waited for, and a
/// run of our own is marked interrupted. A run of our own whose JIT is away for too long is given up.
async fn until_over_or_told(
    app: &App,
    run: &SyncRun,
    is_ours: bool,
    stop_within: Duration,
) -> Result<bool, CommandError> {
    let told_to_stop = told_to_stop()?;
    let working = app.sync.work_since(run, app.clock.now().naive_utc());
    tokio::pin!(working);
    tokio::select! {
        over = &mut working => {
            if over? == Worked::JitAway && is_ours {
                app.sync.give_up(run).await?;
            }
            return Ok(false);
        }
        () = told_to_stop => {}
    }
    tell("stopping: the calls in flight are finished first")?;
    let finished = async { tokio::join!(app.sync.finish(stop_within), working) };
    match tokio::time::timeout(stop_within, finished).await {
        Ok((_, worked)) => drop(worked?),
        Err(_) => tell("stopped with calls under way: their claims end by themselves")?,
    }
    if let answers @ 1.. = app.sync.unrecorded() {
        return Err(CommandError::AnswersGivenUp(answers));
    }
    if is_ours {
        app.sync.interrupt(run).await?;
    }
    Ok(true)
}

/// The closing line, and what the exit code is to say.
async fn closing(app: &App, run: &SyncRun, is_ours: bool, stopped: bool) -> Result<(), CommandError> {
    let counts = app.sync.progress(run).await?;
    let unasked = match counts.left() {
        0 => String::new(),
        left => format!(", {left} not asked"),
    };
    say(&format!(
        "synced {}: {} successful, {} errors, {} glitches, {} no response{unasked}",
        counts.asked(),
        counts.successful,
        counts.errors,
        counts.glitches,
        counts.no_response
    ))?;
    match counts {
        _ if stopped && !is_ours => Err(CommandError::Unfinished(format!(
            "stopped: sync run {} goes on in the process that began it",
            run.id
        ))),
        _ if stopped => Err(CommandError::Unfinished(format!(
            "stopped: {} of {} payment instructions have no answer; `mukta-ftps sync` begins anew",
            counts.left(),
            counts.expected
        ))),
        Counts { glitches: 0, no_response: 0, .. } if counts.left() == 0 => Ok(()),
        _ => Err(CommandError::Unanswered),
    }
}

/// A bar on a terminal, a line now and then elsewhere.
async fn show_progress(app: App, run: SyncRun) {
    let shown = if io::stderr().is_terminal() { bar(&app, &run).await } else { lines(&app, &run).await };
    if let Err(fault) = shown {
        log::warn!("the progress cannot be shown: {fault}");
    }
}

async fn bar(app: &App, run: &SyncRun) -> Result<(), CommandError> {
    let style =
        ProgressStyle::with_template("{bar:40} {pos} of {len} asked, {elapsed_precise} passed, {msg}")
            .map_err(io::Error::other)
            .or_say("the progress bar")?;
    let bar = ProgressBar::new(0).with_style(style);
    loop {
        let counts = app.sync.progress(run).await?;
        bar.set_length(unsigned(counts.expected));
        bar.set_position(unsigned(counts.done()));
        bar.set_message(format!("{} successful", counts.successful));
        tokio::time::sleep(BAR_EVERY).await;
    }
}

async fn lines(app: &App, run: &SyncRun) -> Result<(), CommandError> {
    loop {
        let counts = app.sync.progress(run).await?;
        tell(&format!("{} of {} asked, {} successful", counts.done(), counts.expected, counts.successful))?;
        tokio::time::sleep(LINE_EVERY).await;
    }
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
