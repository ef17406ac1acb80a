//! `mukta-ftps verify`.

use clap::Args;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::trail::check::{self, Checked};
use mukta_ftps::store::{Store, invariants, keys};

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
    let (checked, broken) = match Store::open_as_it_is(&url)? {
        None => (Checked::default(), Vec::new()),
        Some(store) => {
            store.read_blocking(|db| keys::fitting(db, &sealer))?;
            (check::faults(&store, &sealer)?, invariants::broken(&store)?)
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
    for broken in &broken {
        for told in &broken.told {
            tell(&format!("{told}: {}", broken.what))?;
        }
        if broken.has_more {
            tell(&format!("… and more: {}", broken.what))?;
        }
    }
    match (checked.faults.is_empty(), broken.is_empty()) {
        (true, true) => say(&format!(
            "verified {} rules of the data, {} events of the audit trail and {} calls of the call log: nothing is broken",
            invariants::count(),
            checked.events,
            checked.calls
        )),
        (false, _) => Err(CommandError::Refused(
            "what was written once is not as it was: see docs/OPERATIONS.md, “A broken trail”".to_owned(),
        )),
        (true, false) => Err(CommandError::Refused(
            "the data contradicts itself: see docs/OPERATIONS.md, “Data that contradicts itself”".to_owned(),
        )),
    }
}
