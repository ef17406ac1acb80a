//! `mukta-ftps reseal`.

use std::io::Write;

use clap::Args;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::resealing::reseal;

use super::import::open;
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
    writeln!(
        std::io::stdout(),
        "resealed {} values of beneficiaries and {} of the call log; DATA_KEY_PREVIOUS is not needed any more",
        done.beneficiaries,
        done.calls
    )
    .or_say("standard output is closed")
}
