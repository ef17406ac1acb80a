//! What each command does: read its settings, wire the program up, run, say how it ended.

pub(crate) mod backup;
mod beating;
pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod demo;
pub(crate) mod effects;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod migrate;
mod operator;
pub(crate) mod prune;
pub(crate) mod pull;
pub(crate) mod reseal;
pub(crate) mod restored;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod sync;
pub(crate) mod user;
pub(crate) mod verify;

use std::io::Write;

use mukta_ftps::app::AppError;
use mukta_ftps::domain::text::printable;
use mukta_ftps::import::{CompareError, ExportError, ImportError};
use mukta_ftps::muktasoft::{PullError, SetupError};
use mukta_ftps::settings::SettingFault;
use mukta_ftps::store::StoreError;
use mukta_ftps::store::copying::CopyError;

/// Why a command failed. Its text says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// A setting is missing or malformed: exit code 2.
    #[error(transparent)]
    Setting(#[from] SettingFault),
    /// The database, or a data key that does not fit it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program could not be wired up.
    #[error(transparent)]
    App(#[from] AppError),
    /// The import found faults, which are listed already.
    #[error("{0}")]
    Import(#[from] ImportError),
    /// The export broke off.
    #[error("{0}")]
    Export(#[from] ExportError),
    /// The comparison broke off, or the file has faults, which are listed already.
    #[error("{0}")]
    Compare(#[from] CompareError),
    /// Nothing, or not everything, was copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// No pull was made.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// The way to MUKTASoft could not be made.
    #[error(transparent)]
    Muktasoft(#[from] SetupError),
    /// What was asked for cannot be: why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// A sync ended before everything was asked about.
    #[error("{0}")]
    Unfinished(String),
    /// A sync that is done, but not everything was answered: exit code 3.
    #[error("some payment instructions got no usable answer from JIT: `serve` tries them again by itself")]
    Unanswered,
    /// The database was gone until the end.
    #[error(
        "{0} answers of JIT could not be recorded, since the database was not there: they are given up, and JIT is \
         asked again"
    )]
    AnswersGivenUp(usize),
    /// The thread that begins the nightly runs is gone.
    #[error("the scheduler ended, so no nightly sync would be made: start the program again")]
    SchedulerEnded,
    /// A file, a port or another thing of the machine's.
    #[error("{what}: {cause}")]
    Machine { what: String, cause: std::io::Error },
}

/// Names what was being done when the machine refused.
pub(crate) trait OrSay<T> {
    fn or_say(self, what: impl Into<String>) -> Result<T, CommandError>;
}

impl<T> OrSay<T> for std::io::Result<T> {
    fn or_say(self, what: impl Into<String>) -> Result<T, CommandError> {
        self.map_err(|cause| CommandError::Machine { what: what.into(), cause })
    }
}

/// One line on standard output. Names, sentences and paths in it may be anybody's: none steers the terminal.
pub(crate) fn say(line: &str) -> Result<(), CommandError> {
    writeln!(std::io::stdout(), "{}", printable(line)).or_say("standard output is closed")
}

/// The same on standard error.
pub(crate) fn tell(line: &str) -> Result<(), CommandError> {
    writeln!(std::io::stderr(), "{}", printable(line)).or_say("standard error is closed")
}

/// How long the last queries are waited for at the end: one that hangs does not keep the program.
pub(crate) const LAST_QUERIES: std::time::Duration = std::time::Duration::from_millis(500);

/// The long-lived runtime that all traffic with JIT runs on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .or_say("the program could not start its threads")
}
