//! What goes wrong with the database, and whether it may go better later.

use crate::sealing::SealError;

/// A fault of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had.
    #[error("the database cannot be reached ({0}): check DATABASE_URL, and that it is running")]
    Unreachable(String),
    /// The file of a SQLite database cannot be used.
    #[error("the database file {path} cannot be used ({cause}): check DATABASE_URL")]
    File {
        /// Which.
        path: String,
        /// What SQLite or the system says.
        cause: String,
    },
    /// A copy of a SQLite file could not be made.
    #[error("no copy was made at {path}: {cause}")]
    NotCopied {
        /// Where it was to be.
        path: String,
        /// Why not.
        cause: String,
    },
    /// A pooler gives each transaction another connection of the server's.
    #[error(
        "the database is behind a pooler that shares its connections by transaction (such as pgbouncer with \
         pool_mode=transaction), where locks and prepared statements are lost: let it share them by session, or leave \
         it out"
    )]
    SharedByTransaction,
    /// Only a part of another database is here.
    #[error(
        "a copy into this database is not finished: run `mukta-ftps copy` again, which goes on, or leave this database \
         for another"
    )]
    HalfACopy,
    /// A key cannot be forgotten yet.
    #[error(
        "a program is at work that still seals with the earlier key: start it anew with the new DATA_KEY and the \
         earlier one in DATA_KEY_PREVIOUS, then run `mukta-ftps reseal` again"
    )]
    EarlierKeyAtWork,
    /// The schema could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(String),
    /// The schema is another than this program's.
    #[error(
        "the database has the schema of another version of this program: use that version, or start `serve` \
         of this one, which brings it up to date"
    )]
    OtherSchema,
    /// The schema is of a program that is newer.
    #[error(
        "the database has the schema of a newer version of this program, which this one would spoil: use that version"
    )]
    NewerSchema,
    /// The schema must be brought up to date by another role.
    #[error(
        "the schema of the database must be brought up to date, and the role in DATABASE_URL may not do it ({0}): run \
         `mukta-ftps migrate` as the owner of the database"
    )]
    MayNotMigrate(String),
    /// A query failed.
    #[error("the database refused: {0}{hint}", hint = if_locked(.0))]
    Query(#[from] diesel::result::Error),
    /// A sealed value could not be made or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// `DATA_KEY` is not the one the database was written with.
    #[error(
        "DATA_KEY does not fit this database: set the key it was written with, \
         or add that key to DATA_KEY_PREVIOUS"
    )]
    WrongDataKey,
    /// The thread that ran a query died.
    #[error("a query broke off: {0}")]
    BrokeOff(String),
}

/// What to do where SQLite's one writer was waited for in vain.
fn if_locked(fault: &diesel::result::Error) -> &'static str {
    use diesel::result::Error;
    match fault {
        Error::DatabaseError(_, told) if told.message() == "database is locked" => {
            " (another program keeps it for itself, such as `mukta-ftps copy`: let that end, or stop it, and try again)"
        }
        _ => "",
    }
}

/// What is said of a database that is busy or away where neither SQLSTATE nor diesel has a kind for it:
/// SQLite's own texts, and what PostgreSQL says in English.
const PASSING: [&str; 18] = [
    "locked",
    "busy",
    "deadlock",
    "lock timeout",
    "statement timeout",
    "terminating",
    "shutting down",
    "starting up",
    "recovery",
    "read-only",
    "readonly database",
    "disk is full",
    "disk I/O error",
    "unable to open database file",
    "No space",
    "could not extend",
    "out of memory",
    "connection",
];

/// A sealed value that no key at hand opens: a fault of one payment instruction, which stops no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The PI number.
    pub number: String,
    /// The payment ID, or the call of the call log, that it belongs to.
    pub of: String,
    /// What is sealed.
    pub field: &'static str,
    /// Why it does not open.
    pub cause: SealError,
}

impl Unreadable {
    pub(super) fn new(number: &str, of: &str, field: &'static str, cause: SealError) -> Self {
        Self { number: number.to_owned(), of: of.to_owned(), field, cause }
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, of, field, cause } = self;
        write!(f, "{number}: the {field} of {of} cannot be read: {cause}")
    }
}

impl StoreError {
    /// Whether the database is busy or away, so that the same attempt may succeed later.
    pub fn is_transient(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match self {
            Self::Unreachable(_) => true,
            Self::Query(Error::DatabaseError(
                Kind::SerializationFailure | Kind::ClosedConnection | Kind::ReadOnlyTransaction,
                _,
            )) => true,
            Self::Query(Error::BrokenTransactionManager) => true,
            Self::Query(Error::DatabaseError(Kind::Unknown | Kind::UnableToSendCommand, told)) => {
                PASSING.iter().any(|word| told.message().contains(word))
            }
            _ => false,
        }
    }

    /// Whether the same attempt would be refused for ever: the schema refuses it, or it cannot even be
    /// put to the database. What is neither this nor [transient](Self::is_transient) may be either.
    pub fn is_final(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match self {
            Self::Query(Error::DatabaseError(kind, _)) => matches!(
                kind,
                Kind::UniqueViolation
                    | Kind::ForeignKeyViolation
                    | Kind::NotNullViolation
                    | Kind::CheckViolation
                    | Kind::RestrictViolation
                    | Kind::ExclusionViolation
            ),
            Self::Query(
                Error::NotFound
                | Error::InvalidCString(_)
                | Error::QueryBuilderError(_)
                | Error::SerializationError(_)
                | Error::DeserializationError(_),
            )
            | Self::Seal(_)
            | Self::WrongDataKey
            | Self::EarlierKeyAtWork => true,
            _ => false,
        }
    }
}
