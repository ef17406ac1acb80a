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

use ::log::Level;
use mukta_ftps::app::AppError;
use mukta_ftps::domain::text::printable;
use mukta_ftps::import::{CompareError, ExportError, ImportError};
use mukta_ftps::muktasoft::{PullError, SetupError};
use mukta_ftps::settings::{SettingFault, SettingFaults};
use mukta_ftps::store::StoreError;
use mukta_ftps::store::copying::CopyError;

/// Why a command failed. Its text says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// A setting is missing or malformed: exit code 2.
    #[error(transparent)]
    Setting(#[from] SettingFaults),
    /// A setting of the environment that cannot be read: exit code 2.
    #[error("{0}")]
    Unread(Unread),
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

/// A setting whose value could not be read from the environment, and what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    pub(crate) name: String,
    problem: String,
}

impl Unread {
    pub(crate) fn new(name: &str, problem: &str) -> Self {
        Self { name: name.to_owned(), problem: problem.to_owned() }
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.problem)
    }
}

impl CommandError {
    /// What is told of it: one line, but for the faults of an input, which have one each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let told = self.to_string();
        match self {
            Self::Import(ImportError::Faults(_))
            | Self::Compare(CompareError::Input(ImportError::Faults(_))) => {
                told.lines().map(str::to_owned).collect()
            }
            _ => vec![told],
        }
    }
}

impl From<SettingFault> for CommandError {
    fn from(fault: SettingFault) -> Self {
        Self::Setting(fault.into())
    }
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

/// The same on standard error, where the log is.
pub(crate) fn tell(line: &str) -> Result<(), CommandError> {
    tell_at(Level::Info, line).or_say("standard error is closed")
}

/// The same of that weight.
pub(crate) fn tell_at(level: Level, line: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "{}", log::line(level, line))
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
