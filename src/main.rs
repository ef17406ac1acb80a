//! The commands of `mukta-ftps`.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use log::Level;

mod commands;

use commands::{CommandError, Unread};
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
    /// Check that the data does not contradict itself, and that what is written once, the audit trail and the call log, is as
    /// it was; changes nothing
    Verify(commands::verify::VerifyArgs),
    /// The JIT and SMS simulators alone, for integration work
    Simulate(commands::simulate::SimulateArgs),
}

fn main() -> ExitCode {
    let command = commands::effects::told_by(without(Cli::command(), &is_empty)).after_help(settings());
    let (parsed, mut unread) = read(command);
    if let Some(name) = parsed.iter().find_map(|matches| secret_by_argument(&Cli::command(), matches)) {
        say(&format!(
            "{name} is a secret, and arguments can be seen by everybody on this machine: set it in the environment, or name \
             its file in {name}_FILE"
        ));
        return ExitCode::from(2);
    }
    unread.extend(parsed.iter().flat_map(|matches| miswritten(&Cli::command(), matches)));
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(fault) => return refused(&fault),
    };
    unread.extend(log_fault(std::env::var("RUST_LOG").ok().as_deref()));
    unread.extend(commands::log::format_fault());
    match run(cli.command, &unread) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            fault.lines().iter().for_each(|line| say(line));
            match fault {
                CommandError::Setting(_) | CommandError::Unread(_) => ExitCode::from(2),
                CommandError::Unanswered => ExitCode::from(3),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// What the arguments and the environment say. A setting of the environment that cannot be read is told apart, and counts
/// as unset.
fn read(mut command: clap::Command) -> (Result<ArgMatches, clap::Error>, Vec<Unread>) {
    let mut unread: Vec<Unread> = Vec::new();
    loop {
        let parsed = command.clone().try_get_matches();
        let found = parsed.as_ref().err().and_then(unreadable);
        // One that is met again stands among the arguments.
        match found.filter(|found| unread.iter().all(|known| known.name != found.name)) {
            None => return (parsed, unread),
            Some(found) => {
                command = without(command, &|name| name == found.name);
                unread.push(found);
            }
        }
    }
}

fn run(command: Command, unread: &[Unread]) -> Result<(), CommandError> {
    if let Command::Check(args) = &command {
        return commands::check::run(args, unread);
    }
    if let Some(first) = unread.first() {
        return Err(CommandError::Unread(first.clone()));
    }
    // What is wrong with the demo stands on its terminal.
    if !matches!(command, Command::Demo(_)) {
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
        Command::Check(args) => commands::check::run(&args, unread),
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
fn log_fault(asked: Option<&str>) -> Option<Unread> {
    let levels = asked?.split('/').next().unwrap_or_default().split(',').map(str::trim);
    let is_understood = |level: &str| {
        level.is_empty()
            || level.contains("::")
            || level.rsplit('=').next().is_some_and(|word| word.parse::<log::LevelFilter>().is_ok())
    };
    let wrong = levels.filter(|level| !is_understood(level)).map(str::to_owned).next()?;
    let told = format!("says “{wrong}”, which is no level: write error, warn, info, debug or trace");
    Some(Unread::new("RUST_LOG", &told))
}

/// A setting that is empty counts as one that is not set; of DATABASE_URL, which has a default that nobody who
/// sets it means, that is left to be refused.
fn is_empty(name: &str) -> bool {
    name != "DATABASE_URL" && std::env::var_os(name).is_some_and(|value| value.is_empty())
}

/// The same commands, which do not read those settings from the environment.
fn without(command: clap::Command, is_left: &dyn Fn(&str) -> bool) -> clap::Command {
    let is_left_out = |arg: &clap::Arg| arg.get_env().and_then(|name| name.to_str()).is_some_and(is_left);
    command
        .mut_args(|arg| if is_left_out(&arg) { arg.env(clap::builder::Resettable::Reset) } else { arg })
        .mut_subcommands(|below| without(below, is_left))
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

/// The settings in whose values in the environment something stands that does not belong to them.
fn miswritten(command: &clap::Command, matches: &ArgMatches) -> Vec<Unread> {
    if let Some((name, below)) = matches.subcommand() {
        return command.find_subcommand(name).map_or_else(Vec::new, |command| miswritten(command, below));
    }
    command
        .get_arguments()
        .filter(|arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable))
        .filter_map(|arg| {
            let name = arg.get_env()?.to_str()?;
            Some(Unread::new(name, not_part_of_a_value(name, &std::env::var(name).ok()?)?))
        })
        .collect()
}

/// The setting or flag whose value clap refused, if it was that. A secret's value is never told.
fn unreadable(fault: &clap::Error) -> Option<Unread> {
    let Some(ContextValue::String(named)) = fault.get(ContextKind::InvalidArg) else { return None };
    if !matches!(fault.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    // `--jit-timeout-seconds <JIT_TIMEOUT_SECONDS>`: the setting's name stands in the brackets.
    let (_, setting) = named.split_once('<')?;
    let value = match fault.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => "",
    };
    let cause = std::error::Error::source(fault).map(|cause| format!(": {cause}")).unwrap_or_default();
    let told = format!("is “{value}”, which cannot be used{cause}");
    Some(Unread::new(setting.trim_end_matches('>'), &told))
}

/// What clap refused: a setting or flag in one line that names it.
fn refused(fault: &clap::Error) -> ExitCode {
    if let Some(unread) = unreadable(fault) {
        say(&unread.to_string());
        return ExitCode::from(2);
    }
    match fault.print() {
        Ok(()) => ExitCode::from(u8::try_from(fault.exit_code()).unwrap_or(2)),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why the program ends, on standard error, whose being closed cannot be told there.
fn say(line: &str) {
    let _closed = commands::tell_at(Level::Error, line);
}
