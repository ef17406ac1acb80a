//! `mukta-ftps reseal`.

use clap::Args;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings};
use mukta_ftps::store::audit::Action;
use mukta_ftps::store::resealing::{Resealed, reseal};
use mukta_ftps::store::{Store, keys};

use super::import::unreadable_is_a_failure;
use super::operator::event;
use super::{CommandError, say, tell};

/// Settings of `reseal`.
#[derive(Args)]
pub(crate) struct ResealArgs {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

pub(crate) fn run(args: ResealArgs) -> Result<(), CommandError> {
    let (url, sealer) = (args.database.validated()?, args.data_key.validated()?);
    let store = Store::open(&url)?;
    // The new key is noted by the resealing itself, if it may begin at all.
    store.read_blocking(|db| keys::fitting(db, &sealer))?;
    let done = reseal(&store, &sealer, &event(Action::Resealed, None, String::new()))?;
    for unreadable in &done.unreadable {
        tell(&unreadable.to_string())?;
    }
    store.compact()?;
    let Resealed { beneficiaries, calls, second_factors, unreadable } = &done;
    let needed = if unreadable.is_empty() { "not needed any more" } else { "still needed" };
    let factors = match second_factors {
        0 => String::new(),
        count => format!(", {count} of second factors"),
    };
    say(&format!(
        "resealed {beneficiaries} values of beneficiaries and {calls} of the call log{factors}; DATA_KEY_PREVIOUS is \
         {needed}"
    ))?;
    unreadable_is_a_failure(unreadable.len())
}
