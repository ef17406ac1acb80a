//! `mukta-ftps pull`.

use std::sync::Arc;

use clap::Args;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::PullTrigger;
use mukta_ftps::muktasoft::{Muktasoft, PullError, Pulled};
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings, MuktasoftSettings, checked_proxies};
use mukta_ftps::store::audit::{self, Action};

use super::import::open;
use super::operator::event;
use super::serve::told_to_stop;
use super::{CommandError, LAST_QUERIES, runtime, say, tell};

/// Settings of `pull`.
#[derive(Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
    #[command(flatten)]
    muktasoft: MuktasoftSettings,
}

pub(crate) fn run(args: &PullArgs) -> Result<(), CommandError> {
    let config = args.muktasoft.required()?;
    checked_proxies()?;
    let (store, sealer) = open(&args.database, &args.data_key)?;
    let event = event(Action::Imported, None, "from MUKTASoft".to_owned());
    store.write_blocking(|db| audit::append(db, Some(&sealer), &event))?;
    let runtime = runtime()?;
    let pulled = runtime.block_on(async {
        let nothing_waits = Arc::new(|| {});
        let muktasoft = Muktasoft::new(store, sealer, Some(config), Clock::system(), nothing_waits)?;
        let (pulled, _) = until_over_or_told(&muktasoft, PullTrigger::Command).await?;
        Ok::<_, CommandError>(pulled?)
    });
    runtime.shutdown_timeout(LAST_QUERIES);
    let pulled = pulled?;
    tell_of(&pulled)?;
    say(&pulled.summary.to_string())?;
    match pulled.failure_told() {
        None => Ok(()),
        Some(why) => Err(CommandError::Unfinished(format!("the pull did not bring all: {why}"))),
    }
}

/// Pulls; if somebody stops it, which is told beside what came of it, what was read is kept.
pub(super) async fn until_over_or_told(
    muktasoft: &Muktasoft,
    trigger: PullTrigger,
) -> Result<(Result<Pulled, PullError>, bool), CommandError> {
    let told_to_stop = told_to_stop()?;
    let pulling = muktasoft.pull(trigger);
    tokio::pin!(pulling);
    tokio::select! {
        pulled = &mut pulling => return Ok((pulled, false)),
        () = told_to_stop => {}
    }
    muktasoft.end();
    Ok((pulling.await, true))
}

/// Tells what was left out, and what deserves a look.
pub(super) fn tell_of(pulled: &Pulled) -> Result<(), CommandError> {
    if !pulled.summary.faults.is_empty() {
        let listed = pulled.summary.faults.listed();
        tell("left out:")?;
        for fault in listed {
            let number = fault.number.as_deref().map(|number| format!("{number}: ")).unwrap_or_default();
            tell(&format!("{number}{fault}"))?;
        }
        if let more @ 1.. = pulled.summary.faults.more() {
            tell(&format!("… and {more} more"))?;
        }
    }
    for note in &pulled.notes {
        tell(&format!("note: {}", Pulled::told(note)))?;
    }
    for note in &pulled.summary.notes {
        tell(&format!("note: {note}"))?;
    }
    Ok(())
}
