//! `mukta-ftps backup`.

use std::path::PathBuf;

use chrono::SecondsFormat;
use clap::Args;
use mukta_ftps::clock::Clock;
use mukta_ftps::settings::DatabaseSettings;
use mukta_ftps::store::{DatabaseUrl, Store, backup};

use super::{CommandError, OrSay, say};

/// How it is done there.
const ON_POSTGRESQL: &str = "\
PostgreSQL makes its own backups: note the instant (date -u +%Y-%m-%dT%H:%M:%SZ), then pg_dump -Fc -f FILE DATABASE; after \
pg_restore, and before anything else, run `mukta-ftps restored --backed-up-at INSTANT`";

/// Settings of `backup`.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// The file to be made; it must not be there yet
    path: PathBuf,
    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &BackupArgs) -> Result<(), CommandError> {
    let url = args.database.validated()?;
    let DatabaseUrl::Sqlite(file) = &url else {
        return Err(CommandError::Refused(ON_POSTGRESQL.to_owned()));
    };
    let Some(store) = Store::open_as_it_is(&url)? else {
        return Err(CommandError::Refused(format!("{file} is no database yet: there is nothing to back up")));
    };
    // What the copy holds is of this instant or later.
    let at = Clock::system().now();
    backup::copy(&store, &args.path, at.naive_utc())?;
    let path = args.path.display();
    let size = std::fs::metadata(&args.path).or_say(format!("{path} cannot be looked at"))?.len();
    say(&format!("backed up to {path} as of {}: {size} bytes", at.to_rfc3339_opts(SecondsFormat::Secs, true)))
}
