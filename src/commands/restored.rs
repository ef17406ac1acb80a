//! `mukta-ftps restored`.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use mukta_ftps::clock::Clock;
use mukta_ftps::settings::{DatabaseSettings, SettingFault};
use mukta_ftps::store::{Store, StoreError, programs, restorations};

use super::{CommandError, say};

/// Settings of `restored`.
#[derive(Args)]
pub(crate) struct RestoredArgs {
    /// The instant of which the backup is, such as 2026-11-30T16:30:00Z; if in doubt an earlier one
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    backed_up_at: DateTime<Utc>,
    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &RestoredArgs) -> Result<(), CommandError> {
    let (url, at) = (args.database.validated()?, args.backed_up_at);
    if at > Clock::system().now() {
        return Err(SettingFault::new("--backed-up-at", "lies in the future").into());
    }
    let store = match Store::open_as_it_is(&url) {
        Ok(Some(store)) => store,
        Ok(None) => {
            let problem = "there is no database of this program's there: restore it first";
            return Err(CommandError::Refused(problem.to_owned()));
        }
        Err(StoreError::OtherSchema) => Store::open(&url)?,
        Err(fault) => return Err(fault.into()),
    };
    let Some(killed) = programs::killed(|| store.read_blocking(programs::said_to_be_at_work))? else {
        let problem =
            "a program is at work on this database: stop it, then run this again before any is started";
        return Err(CommandError::Refused(problem.to_owned()));
    };
    store.write_blocking(|db| {
        programs::forget(db, &killed)?;
        restorations::mark(db, at.naive_utc())
    })?;
    say(&format!(
        "marked as restored from a backup of {}: the first program that opens the database holds what may have been sent \
         since",
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    ))
}

/// An instant as RFC 3339 writes it.
fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| "it is no instant such as 2026-11-30T16:30:00Z".to_owned())
}
