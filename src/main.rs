//! The commands of `mukta-ftps`.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use mukta_ftps::domain::text::printable;

mod commands;

use commands::CommandError;
use mukta_ftps::settings::not_part_of_a_value;

/// What `RUST_LOG`, which env_logger reads, means.
pub(crate) const LOG_HELP: &str = "How much is logged: error, warn, info, debug or trace [default: info]";

/// Asks the treasury's FTPS service whether revised payment instructions have been paid.
#[derive(Parser)]
#[command(name = "mukta-ftps", version = env!("VERSION"), about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole product on this machine, with simulated JIT and SMS gateway: nothing to configure
    Demo(commands::demo::DemoArgs),
    /// Production: the web pages, the nightly sync and its retries, and delivery of the SMS
    Serve(Box<commands::serve::ServeArgs>),
    /// Ask JIT now about all that is In Process, in the foreground
    Sync(Box<commands::sync::SyncArgs>),
    /// Import payment instructions from a file, or from standard input for `-`
    Import(commands::import::ImportArgs),
    /// Fetch payment instructions from MUKTASoft now
    Pull(Box<commands::pull::PullArgs>),
    /// Write the payment instructions to standard output, in the import's format or as a register
    Export(commands::import::ExportArgs),
    /// Say what differs between a file of MUKTASoft's and what is here; changes nothing
    Compare(commands::import::CompareArgs),
    /// The employees who may sign in
    User(commands::user::UserArgs),
    /// Copy everything from SQLite into an empty PostgreSQL database; the SQLite one stays as it is, but for an event
    Copy(commands::copy::CopyArgs),
    /// Seal everything anew with DATA_KEY; run it after a change of key, with serve running or not
    Reseal(commands::reseal::ResealArgs),
    /// Bring the schema of the database up to date, as its owner; the other commands do it too where they may
    Migrate(commands::migrate::MigrateArgs),
    /// Say of each setting, the database and this machine whether it is right; with --online, of the services too
    Check(Box<commands::check::CheckArgs>),
    /// Copy the SQLite database to a new file while programs work on it; the copy is marked as a backup
    Backup(commands::backup::BackupArgs),
    /// Mark a database as restored from a backup, so that messages that may have been sent are held
    Restored(commands::restored::RestoredArgs),
    /// Erase what RETENTION_PAYLOAD_DAYS and RETENTION_AUDIT_DAYS say is due; `serve` does it each night
    Prune(commands::prune::PruneArgs),
    /// Check that what is written once is as it was: the audit trail and the call log; changes nothing
    Verify(commands::verify::VerifyArgs),
    /// The JIT and SMS simulators alone, for integration work
    Simulate(commands::simulate::SimulateArgs),
}

fn main() -> ExitCode {
    let parsed =
        commands::effects::told_by(with_empty_unset(Cli::command())).after_help(settings()).try_get_matches();
    if let Some(name) = parsed.iter().find_map(|matches| secret_by_argument(&Cli::command(), matches)) {
        say(&format!(
            "mukta-ftps: {name} is a secret, and arguments can be seen by everybody on this machine: set it in the \
             environment, or name its file in {name}_FILE"
        ));
        return ExitCode::from(2);
    }
    let written = parsed.iter().find_map(|matches| miswritten(&Cli::command(), matches));
    if let Some((name, problem)) = written {
        say(&format!("mukta-ftps: {name} {problem}"));
        return ExitCode::from(2);
    }
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(fault) => return refused(&fault),
    };
    let asked = std::env::var("RUST_LOG").ok();
    if let Some(fault) = asked.and_then(|asked| log_fault(&asked)).or_else(commands::log::format_fault) {
        say(&format!("mukta-ftps: {fault}"));
        return ExitCode::from(2);
    }
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            say(&format!("mukta-ftps: {fault}"));
            match fault {
                CommandError::Setting(_) => ExitCode::from(2),
                CommandError::Unanswered => ExitCode::from(3),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: Command) -> Result<(), CommandError> {
    // What `check` finds stands in its lines.
    if !matches!(command, Command::Demo(_) | Command::Check(_)) {
        commands::log::start(logger())?;
    }
    match command {
        Command::Demo(args) => commands::demo::run(args),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Sync(args) => commands::sync::run(*args),
        Command::Import(args) => commands::import::run_import(args),
        Command::Pull(args) => commands::pull::run(&args),
        Command::Export(args) => commands::import::run_export(args),
        Command::Compare(args) => commands::import::run_compare(args),
        Command::User(args) => commands::user::run(args),
        Command::Copy(args) => commands::copy::run(&args),
        Command::Reseal(args) => commands::reseal::run(args),
        Command::Migrate(args) => commands::migrate::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Backup(args) => commands::backup::run(&args),
        Command::Restored(args) => commands::restored::run(&args),
        Command::Prune(args) => commands::prune::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Simulate(args) => commands::simulate::run(args),
    }
}

/// The log that `RUST_LOG` asks for.
fn logger() -> env_logger::Builder {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"))
}

/// The names of all settings.
pub(crate) fn setting_names() -> Vec<String> {
    let root = Cli::command();
    let mut names: Vec<String> = root
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()))
        .collect();
    names.extend(["RUST_LOG", "LOG_FORMAT"].map(str::to_owned));
    names
}

/// What is wrong with RUST_LOG: a word that is no level would be taken for the name of a module, and nothing be
/// logged at all.
fn log_fault(asked: &str) -> Option<String> {
    let levels = asked.split('/').next().unwrap_or_default().split(',').map(str::trim);
    let is_understood = |level: &str| {
        level.is_empty()
            || level.contains("::")
            || level.rsplit('=').next().is_some_and(|word| word.parse::<log::LevelFilter>().is_ok())
    };
    let wrong = levels.filter(|level| !is_understood(level)).map(str::to_owned).next()?;
    Some(format!("RUST_LOG says “{wrong}”, which is no level: write error, warn, info, debug or trace"))
}

/// A setting that is empty counts as one that is not set; of DATABASE_URL, which has a default that nobody who
/// sets it means, that is left to be refused.
fn with_empty_unset(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| {
        arg.get_env().is_some_and(|name| {
            name != "DATABASE_URL" && std::env::var_os(name).is_some_and(|value| value.is_empty())
        })
    };
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(clap::builder::Resettable::Reset) } else { arg })
        .mut_subcommands(with_empty_unset)
}

/// Every setting with its meaning and default, read off `serve`, which knows them all.
fn settings() -> String {
    let mut text = "Settings (environment, or flags of the commands that use them):\n".to_owned();
    let root = Cli::command();
    for arg in root.find_subcommand("serve").into_iter().flat_map(clap::Command::get_arguments) {
        let Some(name) = arg.get_env() else { continue };
        let meaning = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default =
            if default.is_empty() { String::new() } else { format!(" [default: {}]", default.join(",")) };
        text.push_str(&format!("  {:<28} {meaning}{default}\n", name.to_string_lossy()));
    }
    for (name, meaning) in [("RUST_LOG", LOG_HELP), ("LOG_FORMAT", commands::log::FORMAT_HELP)] {
        text.push_str(&format!("  {name:<28} {meaning}\n"));
    }
    text
}

/// The secret that was given as an argument, if one was.
fn secret_by_argument(command: &clap::Command, matches: &ArgMatches) -> Option<String> {
    if let Some((name, below)) = matches.subcommand() {
        return secret_by_argument(command.find_subcommand(name)?, below);
    }
    let is_given = |arg: &&clap::Arg| {
        arg.is_hide_env_values_set()
            && matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    let given = command.get_arguments().find(is_given)?;
    Some(given.get_env()?.to_string_lossy().into_owned())
}

/// The setting in whose value in the environment something stands that does not belong to it, and what.
fn miswritten(command: &clap::Command, matches: &ArgMatches) -> Option<(String, &'static str)> {
    if let Some((name, below)) = matches.subcommand() {
        return miswritten(command.find_subcommand(name)?, below);
    }
    command
        .get_arguments()
        .filter(|arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable))
        .find_map(|arg| {
            let name = arg.get_env()?.to_str()?;
            Some((name.to_owned(), not_part_of_a_value(name, &std::env::var(name).ok()?)?))
        })
}

/// A setting or flag that clap refused: one line that names it and never shows a secret's value.
fn refused(fault: &clap::Error) -> ExitCode {
    let named = match fault.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.clone(),
        _ => String::new(),
    };
    if matches!(fault.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) && named.contains('<') {
        // `--jit-timeout-seconds <JIT_TIMEOUT_SECONDS>`: the setting's name stands in the brackets.
        let setting = named.split_once('<').map_or(named.as_str(), |(_, rest)| rest.trim_end_matches('>'));
        let value = match fault.get(ContextKind::InvalidValue) {
            Some(ContextValue::String(value)) => value.as_str(),
            _ => "",
        };
        let cause = std::error::Error::source(fault).map(|cause| format!(": {cause}")).unwrap_or_default();
        say(&format!("mukta-ftps: {setting} is “{value}”, which cannot be used{cause}"));
        return ExitCode::from(2);
    }
    match fault.print() {
        Ok(()) => ExitCode::from(u8::try_from(fault.exit_code()).unwrap_or(2)),
        Err(_) => ExitCode::FAILURE,
    }
}

/// On standard error, whose being closed cannot be told there. A fault of many lines has each of its own.
fn say(lines: &str) {
    for line in lines.lines() {
        let _closed = writeln!(std::io::stderr(), "{}", printable(line));
    }
}
