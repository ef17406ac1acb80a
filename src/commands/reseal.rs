//! `mukta-ftps reseal`.

use std::io::Write;

use clap::Args;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::resealing::{Resealed, reseal};

use super::import::{open, unreadable_is_a_failure};
use super::{CommandError, OrSay};

/// Settings of `reseal`.
#[derive(Args)]
pub(crate) struct ResealArgs {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

pub(crate) fn run(args: ResealArgs) -> Result<(), CommandError> {
    let (store, sealer) = open(&args.database, &args.data_key)?;
    let done = reseal(&store, &sealer)?;
    for unreadable in &done.unreadable {
        writeln!(std::io::stderr(), "{unreadable}").or_say("standard error is closed")?;
    }
    store.compact()?;
    let Resealed { beneficiaries, calls, unreadable } = &done;
    let needed = if unreadable.is_empty() { "not needed any more" } else { "still needed" };
    writeln!(
        std::io::stdout(),
        "resealed {beneficiaries} values of beneficiaries and {calls} of the call log; DATA_KEY_PREVIOUS is {needed}"
    )
    .or_say("standard output is closed")?;
    unreadable_is_a_failure(unreadable.len())
}
