//! `mukta-ftps verify`.

use std::io::Write;

use clap::Args;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::trail::check::{self, Checked};
use mukta_ftps::store::{Store, keys};

use super::{CommandError, OrSay};

/// Settings of `verify`.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<(), CommandError> {
    let (url, sealer) = (args.database.validated()?, args.data_key.validated()?);
    let checked = match Store::open_as_it_is(&url)? {
        None => Checked::default(),
        Some(store) => {
            store.read_blocking(|db| keys::fitting(db, &sealer))?;
            check::faults(&store, &sealer)?
        }
    };
    let mut faults = std::io::stderr().lock();
    for note in &checked.notes {
        writeln!(faults, "note: {note}").or_say("standard error is closed")?;
    }
    for fault in &checked.faults {
        writeln!(faults, "{fault}").or_say("standard error is closed")?;
    }
    if checked.is_cut() {
        writeln!(faults, "… and more, which is not told").or_say("standard error is closed")?;
    }
    match checked.faults.len() {
        0 => writeln!(
            std::io::stdout(),
            "verified {} events of the audit trail and {} calls of the call log: nothing is broken",
            checked.events,
            checked.calls
        )
        .or_say("standard output is closed"),
        _ => Err(CommandError::Refused(
            "what was written once is not as it was: see docs/OPERATIONS.md, “A broken trail”".to_owned(),
        )),
    }
}
