//! `mukta-ftps import` and `mukta-ftps export`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use mukta_ftps::app;
use mukta_ftps::clock::Clock;
use mukta_ftps::import::{export, import};
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::Store;

use super::{CommandError, OrSay};

/// Settings of `import`.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// The file, as MUKTASoft's treasury adapter answers `_search`; `-` for standard input
    file: String,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

/// Settings of `export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Only those changed since this instant, such as 2026-11-22T16:30:00Z
    #[arg(long, value_name = "RFC3339")]
    since: Option<DateTime<Utc>>,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

pub(crate) fn run_import(args: ImportArgs) -> Result<(), CommandError> {
    let (store, sealer) = open(&args.database, &args.data_key)?;
    let input: Box<dyn Read> = if args.file == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).or_say(format!("{} cannot be read", args.file))?)
    };
    let summary = import(&store, &sealer, input, Clock::system().now())?;
    writeln!(io::stdout(), "{summary}").or_say("standard output is closed")
}

pub(crate) fn run_export(args: ExportArgs) -> Result<(), CommandError> {
    let (store, sealer) = open(&args.database, &args.data_key)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let exported = export(&store, &sealer, args.since, &mut out)?;
    out.flush().or_say("standard output is closed")?;
    for unreadable in &exported.unreadable {
        writeln!(io::stderr(), "{unreadable}").or_say("standard error is closed")?;
    }
    unreadable_is_a_failure(exported.unreadable.len())
}

/// What could not be read is named already; the exit code says that something was left out.
pub(super) fn unreadable_is_a_failure(count: usize) -> Result<(), CommandError> {
    if count == 0 {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "{count} sealed values cannot be read with the data keys at hand and were left out: add the key that \
         sealed them to DATA_KEY_PREVIOUS, or import their payment instructions again"
    )))
}

/// The database with its key, for commands that work in the foreground.
pub(super) fn open(
    database: &DatabaseSettings,
    data_key: &DataKeySettings,
) -> Result<(Store, Arc<Sealer>), CommandError> {
    let (url, sealer) = (database.validated()?, Arc::new(data_key.validated()?));
    Ok((app::open(&url, &sealer, &Clock::system())?, sealer))
}
