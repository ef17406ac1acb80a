//! `mukta-ftps copy`.

use clap::Args;
use mukta_ftps::settings::CopySettings;
use mukta_ftps::store::Store;
use mukta_ftps::store::audit::Action;
use mukta_ftps::store::copying::{Copied, copy};

use super::operator::event;
use super::{CommandError, say};

/// Settings of `copy`.
#[derive(Args)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    databases: CopySettings,
}

pub(crate) fn run(args: &CopyArgs) -> Result<(), CommandError> {
    let (from, to) = args.databases.validated()?;
    let Some(source) = Store::open_as_it_is(&from)? else {
        return Err(CommandError::Refused(
            "the SQLite database is empty: there is nothing to copy".to_owned(),
        ));
    };
    let event = event(Action::Exported, None, "everything, into a PostgreSQL database".to_owned());
    let Copied { tables, rows } = copy(&source, &to, &event)?;
    say(&format!("copied {rows} rows of {tables} tables, and compared each"))
}
