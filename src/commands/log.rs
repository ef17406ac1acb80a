//! The log: nobody else's words steer a terminal from it, write a line of their own or raise an alarm.

use std::io::Write;

use chrono::{SecondsFormat, Utc};
use log::{Level, Log, Metadata, Record};
use mukta_ftps::domain::text::printable;
use mukta_ftps::request_id;
use serde_json::{Map, Value};

use super::{CommandError, OrSay};

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
pub(crate) fn format_fault() -> Option<String> {
    Format::asked().is_none().then(|| "LOG_FORMAT must be text or json".to_owned())
}

/// What `RUST_LOG` lets through, each on one line.
struct Careful {
    logger: env_logger::Logger,
    format: Format,
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
    log::set_boxed_logger(Box::new(Careful { logger, format }))
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
        let metadata = Metadata::builder().level(level(record, &told)).target(record.target()).build();
        let of_a_request = match (self.format, request_id::current()) {
            (Format::Text, Some(id)) => format!(" (request {id})"),
            _ => String::new(),
        };
        self.logger.log(
            &Record::builder()
                .metadata(metadata)
                .args(format_args!("{}{of_a_request}", printable(&told)))
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
