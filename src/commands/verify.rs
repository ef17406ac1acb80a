//! `mukta-ftps verify`.

use clap::Args;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::trail::check::{self, Checked};
use mukta_ftps::store::{Store, keys};

use super::{CommandError, say, tell};

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
    for note in &checked.notes {
        tell(&format!("note: {note}"))?;
    }
    for fault in &checked.faults {
        tell(fault)?;
    }
    if checked.is_cut() {
        tell("… and more, which is not told")?;
    }
    match checked.faults.len() {
        0 => say(&format!(
            "verified {} events of the audit trail and {} calls of the call log: nothing is broken",
            checked.events, checked.calls
        )),
        _ => Err(CommandError::Refused(
            "what was written once is not as it was: see docs/OPERATIONS.md, “A broken trail”".to_owned(),
        )),
    }
}
