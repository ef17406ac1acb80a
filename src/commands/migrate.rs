//! `mukta-ftps migrate`.

use clap::Args;
use mukta_ftps::settings::DatabaseSettings;
use mukta_ftps::store::Store;

use super::{CommandError, say};

/// Settings of `migrate`.
#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &MigrateArgs) -> Result<(), CommandError> {
    Store::open(&args.database.validated()?)?;
    say("the schema of the database is this program's")
}
