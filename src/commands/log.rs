//! The log: nobody else's words steer a terminal from it, write a line of their own or raise an alarm.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use log::{Level, Log, Metadata, Record};
use mukta_ftps::domain::text::{folded, printable};
use mukta_ftps::request_id;
use serde_json::{Map, Value};

use super::{CommandError, OrSay, Unread};

/// What actix says at ERROR of every connection on which something came that is no HTTP, or broke off.
const OF_A_STRANGER: (&str, &str) = ("actix_http::", "stream error: ");

/// What `LOG_FORMAT` means.
pub(crate) const FORMAT_HELP: &str =
    "How the log is written: text, or json, one object a line [default: text]";

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl Format {
    /// What `LOG_FORMAT` asks for; `None` if that is neither.
    fn asked() -> Option<Self> {
        match std::env::var("LOG_FORMAT").as_deref() {
            Ok("" | "text") | Err(std::env::VarError::NotPresent) => Some(Self::Text),
            Ok("json") => Some(Self::Json),
            Ok(_) | Err(std::env::VarError::NotUnicode(_)) => None,
        }
    }
}

/// What is wrong with `LOG_FORMAT`.
pub(crate) fn format_fault() -> Option<Unread> {
    Format::asked().is_none().then(|| Unread::new("LOG_FORMAT", "must be text or json"))
}

/// A line beside the log, which goes to standard error too and no RUST_LOG keeps back: why the program ends, what a
/// command has to say beside what was asked of it. Where the log is JSON, so is this.
pub(crate) fn line(level: Level, told: &str) -> String {
    let told = folded(told);
    let told = printable(&told);
    if Format::asked() == Some(Format::Json) {
        let target = env!("CARGO_CRATE_NAME");
        return object(&Record::builder().level(level).target(target).args(format_args!("{told}")).build())
            .to_string();
    }
    let begins = if level == Level::Error { "mukta-ftps: " } else { "" };
    format!("{begins}{told}")
}

/// What `RUST_LOG` lets through, each on one line.
struct Careful {
    logger: env_logger::Logger,
    format: Format,
    repeated: Mutex<Repeated>,
}

/// The same trouble is told no more often than this.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

/// So many different troubles are remembered.
const REMEMBERED: usize = 100;

/// What the log was told of trouble, so that what goes on for hours, such as a database that is away, is a line a
/// minute and not one each second.
#[derive(Default)]
struct Repeated(HashMap<String, Told>);

/// When something was told last, and how often it came since.
struct Told {
    at: Instant,
    more: u64,
}

impl Repeated {
    /// How often it came since it was told last, if it is to be told now.
    fn due(&mut self, trouble: &str, now: Instant) -> Option<u64> {
        match self.0.get_mut(trouble) {
            Some(told) if now < told.at + TOLD_AGAIN => {
                told.more += 1;
                None
            }
            Some(told) => Some(std::mem::replace(told, Told { at: now, more: 0 }).more),
            None => {
                if self.0.len() >= REMEMBERED {
                    self.0.retain(|_, told| now < told.at + TOLD_AGAIN);
                }
                // Of more than anybody reads, each is told.
                if self.0.len() < REMEMBERED {
                    self.0.insert(trouble.to_owned(), Told { at: now, more: 0 });
                }
                Some(0)
            }
        }
    }
}

/// Starts the log.
pub(crate) fn start(mut builder: env_logger::Builder) -> Result<(), CommandError> {
    let format = Format::asked().unwrap_or(Format::Text);
    if format == Format::Json {
        builder.format(|line, record| writeln!(line, "{}", object(record)));
        // What is said of a panic is a line like any other.
        std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    }
    let logger = builder.build();
    let level = logger.filter();
    log::set_boxed_logger(Box::new(Careful { logger, format, repeated: Mutex::default() }))
        .map_err(std::io::Error::other)
        .or_say("the log could not be started")?;
    log::set_max_level(level);
    Ok(())
}

/// `{"ts":"2026-11-22T16:30:00.123Z","level":"WARN","target":"mukta_ftps::sync::run","message":"…","request_id":"…"}`.
fn object(record: &Record<'_>) -> Value {
    let mut object = Map::from_iter([
        ("ts".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into()),
        ("level".to_owned(), record.level().as_str().into()),
        ("target".to_owned(), record.target().into()),
        ("message".to_owned(), record.args().to_string().into()),
    ]);
    if let Some(id) = request_id::current() {
        object.insert("request_id".to_owned(), id.into());
    }
    Value::Object(object)
}

impl Log for Careful {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.logger.enabled(record.metadata()) {
            return;
        }
        let told = record.args().to_string();
        let told = folded(&told);
        let metadata = Metadata::builder().level(level(record, &told)).target(record.target()).build();
        let request = request_id::current();
        let is_trouble = metadata.level() <= Level::Warn && request.is_none();
        let mut more = String::new();
        if is_trouble {
            let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
            match repeated.due(&told, Instant::now()) {
                None => return,
                Some(0) => {}
                Some(times) => more = format!(" (and {times} times more since that was told last)"),
            }
        }
        if let (Format::Text, Some(id)) = (self.format, request) {
            more = format!(" (request {id})");
        }
        self.logger.log(
            &Record::builder()
                .metadata(metadata)
                .args(format_args!("{}{more}", printable(&told)))
                .module_path(record.module_path())
                .file(record.file())
                .line(record.line())
                .build(),
        );
    }

    fn flush(&self) {
        self.logger.flush();
    }
}

/// What a stranger sends is no fault of the program's.
fn level(record: &Record<'_>, told: &str) -> Level {
    let (target, begins) = OF_A_STRANGER;
    if record.target().starts_with(target) && told.starts_with(begins) {
        Level::Debug
    } else {
        record.level()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_goes_on_is_a_line_a_minute() {
        let (mut repeated, begun) = (Repeated::default(), Instant::now());
        let told: Vec<(u64, u64)> = (0..180)
            .filter_map(|second| {
                repeated.due("the database is away", begun + Duration::from_secs(second)).map(|n| (second, n))
            })
            .collect();
        assert_eq!(told, [(0, 0), (60, 59), (120, 59)]);
        assert_eq!(repeated.due("something else", begun), Some(0));
        for n in 0..2 * REMEMBERED {
            assert_eq!(repeated.due(&n.to_string(), begun), Some(0), "each is told");
        }
        assert!(repeated.0.len() <= REMEMBERED);
    }
}
