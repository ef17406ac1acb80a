//! `mukta-ftps prune`.

use std::sync::Arc;

use clap::Args;
use mukta_ftps::app;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::retention::Limits;
use mukta_ftps::retention::{Done, Retention};
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings, RetentionSettings, SessionTimesSettings};

use super::operator::operator;
use super::{CommandError, runtime, say, tell};

/// Settings of `prune`.
#[derive(Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
    #[command(flatten)]
    retention: RetentionSettings,
    #[command(flatten)]
    sessions: SessionTimesSettings,
}

pub(crate) fn run(args: &PruneArgs) -> Result<(), CommandError> {
    let (url, sealer) = (args.database.validated()?, Arc::new(args.data_key.validated()?));
    let limits = args.retention.validated()?;
    if limits == Limits::default() {
        tell(
            "note: neither RETENTION_PAYLOAD_DAYS nor RETENTION_AUDIT_DAYS is set: payloads and the audit trail are kept \
             for ever",
        )?;
    }
    let done = match app::open_as_it_is(&url, &sealer)? {
        None => Done::default(),
        Some(store) => {
            let sessions = args.sessions.times();
            let retention =
                Retention { store: store.clone(), sealer, limits, sessions, clock: Clock::system() };
            let done = runtime()?.block_on(retention.erase(&operator()))?;
            store.compact()?;
            done
        }
    };
    say(&done.to_string())
}
