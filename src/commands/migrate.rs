//! `mukta-ftps migrate`.

use std::io::Write;

use clap::Args;
use mukta_ftps::settings::DatabaseSettings;
use mukta_ftps::store::Store;

use super::{CommandError, OrSay};

/// Settings of `migrate`.
#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &MigrateArgs) -> Result<(), CommandError> {
    Store::open(&args.database.validated()?)?;
    writeln!(std::io::stdout(), "the schema of the database is this program's")
        .or_say("standard output is closed")
}
