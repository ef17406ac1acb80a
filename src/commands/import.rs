//! `mukta-ftps import`, `mukta-ftps export` and `mukta-ftps compare`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use mukta_ftps::app;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::text::printable;
use mukta_ftps::import::{OnFaulty, Since, can_begin_at, compare, export, export_csv, import_noted};
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::{DatabaseUrl, Store};

use super::operator::event;
use super::{CommandError, OrSay, say, tell};

/// Settings of `import`.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// The file, as MUKTASoft's treasury adapter answers `_search`; `-` for standard input
    file: String,
    /// Leave out payment instructions that have faults, and import the rest
    #[arg(long)]
    skip_faulty: bool,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

/// Settings of `export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Only those changed since this point: the `nextSince` of an earlier export, which misses nothing, or
    /// an instant such as 2026-11-22T16:30:00Z
    #[arg(long, value_name = "POINT", value_parser = point)]
    since: Option<Since>,
    /// json: as `import` reads it; csv: a register for spreadsheets, one line a beneficiary, days as in Odisha
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

impl ExportArgs {
    /// As the audit trail says it.
    fn told(&self) -> String {
        let format = match self.format {
            Format::Json => "json",
            Format::Csv => "csv",
        };
        match self.since {
            None => format!("{format}: everything"),
            Some(Since::Change(number)) => format!("{format}: since change {number}"),
            Some(Since::Instant(at)) => format!("{format}: since {}", at.and_utc().to_rfc3339()),
        }
    }
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The import's format.
    Json,
    /// A register.
    Csv,
}

/// Settings of `compare`.
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The file, as MUKTASoft's treasury adapter answers `_search`; `-` for standard input
    file: String,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

pub(crate) fn run_import(args: ImportArgs) -> Result<(), CommandError> {
    let (store, sealer) = open(&args.database, &args.data_key)?;
    let input = input(&args.file)?;
    let on_faulty = if args.skip_faulty { OnFaulty::LeaveOut } else { OnFaulty::Refuse };
    let from = if args.file == "-" { "standard input" } else { "a file" };
    let event = event(Action::Imported, None, from.to_owned());
    let summary = import_noted(&store, &sealer, input, on_faulty, &Clock::system(), Some(&event))?;
    if !summary.faults.is_empty() {
        tell("left out:")?;
        summary.faults.to_string().lines().try_for_each(tell)?;
    }
    for note in &summary.notes {
        tell(&format!("note: {note}"))?;
    }
    say(&summary.to_string())
}

pub(crate) fn run_export(args: ExportArgs) -> Result<(), CommandError> {
    let (url, sealer) = (args.database.validated()?, args.data_key.validated()?);
    // A database that has no schema yet is told like an empty one, and left without.
    let scratch = tempfile::tempdir().or_say("no temporary directory could be made")?;
    let empty = scratch.path().join("empty.db").to_string_lossy().into_owned();
    let stored = app::open_as_it_is(&url, &sealer)?;
    if let Some(store) = &stored {
        // Nothing leaves that is not recorded.
        can_begin_at(store, args.since)?;
        let event = event(Action::Exported, None, args.told());
        store.write_blocking(|db| audit::append(db, Some(&sealer), &event))?;
    }
    let store = stored.map_or_else(|| Store::open(&DatabaseUrl::Sqlite(empty)), Ok)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let exported = match args.format {
        Format::Json => export(&store, &sealer, args.since, &mut out)?,
        Format::Csv => export_csv(&store, &sealer, args.since, &mut out)?,
    };
    out.flush().or_say("standard output is closed")?;
    if args.format == Format::Csv {
        tell(&format!("next since: {}", exported.next_since))?;
    }
    for unreadable in &exported.unreadable {
        tell(&unreadable.to_string())?;
    }
    unreadable_is_a_failure(exported.unreadable.len())
}

/// Says what differs between a file and what is here, and changes nothing.
pub(crate) fn run_compare(args: CompareArgs) -> Result<(), CommandError> {
    let (url, sealer) = (args.database.validated()?, args.data_key.validated()?);
    let store = app::open_as_it_is(&url, &sealer)?;
    let out = BufWriter::new(io::stdout().lock());
    let compared = compare(store.as_ref(), &sealer, input(&args.file)?, out)?;
    for unreadable in &compared.unreadable {
        tell(&format!("not compared: {unreadable}"))?;
    }
    match compared.differences {
        0 => unreadable_is_a_failure(compared.unreadable.len()),
        1 => Err(CommandError::Refused("1 difference between the file and what is here".to_owned())),
        count => Err(CommandError::Refused(format!("{count} differences between the file and what is here"))),
    }
}

/// A file, or standard input for `-`.
fn input(file: &str) -> Result<Box<dyn Read>, CommandError> {
    if file == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(file).or_say(format!("{} cannot be read", printable(file)))?))
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

/// A point to go on from.
fn point(text: &str) -> Result<Since, String> {
    if let Ok(number) = text.parse() {
        return Ok(Since::Change(number));
    }
    let instant: Result<DateTime<Utc>, _> = text.parse();
    instant.map(|at| Since::Instant(at.naive_utc())).map_err(|_| {
        "it is neither the nextSince of an export nor an instant such as 2026-11-22T16:30:00Z".to_owned()
    })
}

/// The database with its key, for commands that work in the foreground.
pub(super) fn open(
    database: &DatabaseSettings,
    data_key: &DataKeySettings,
) -> Result<(Store, Arc<Sealer>), CommandError> {
    let (url, sealer) = (database.validated()?, Arc::new(data_key.validated()?));
    Ok((app::open(&url, &sealer, &Clock::system())?, sealer))
}
