//! The log: nobody else's words steer a terminal from it, write a line of their own or raise an alarm.

use log::{Level, Log, Metadata, Record};
use mukta_ftps::domain::text::printable;

use super::{CommandError, OrSay};

/// What actix says at ERROR of every connection on which something came that is no HTTP, or broke off.
const OF_A_STRANGER: (&str, &str) = ("actix_http::", "stream error: ");

/// What `RUST_LOG` lets through, each on one line.
struct Careful(env_logger::Logger);

/// Starts the log.
pub(crate) fn start(mut builder: env_logger::Builder) -> Result<(), CommandError> {
    let logger = builder.build();
    let level = logger.filter();
    log::set_boxed_logger(Box::new(Careful(logger)))
        .map_err(std::io::Error::other)
        .or_say("the log could not be started")?;
    log::set_max_level(level);
    Ok(())
}

impl Log for Careful {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.0.enabled(record.metadata()) {
            return;
        }
        let told = record.args().to_string();
        let metadata = Metadata::builder().level(level(record, &told)).target(record.target()).build();
        self.0.log(
            &Record::builder()
                .metadata(metadata)
                .args(format_args!("{}", printable(&told)))
                .module_path(record.module_path())
                .file(record.file())
                .line(record.line())
                .build(),
        );
    }

    fn flush(&self) {
        self.0.flush();
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
