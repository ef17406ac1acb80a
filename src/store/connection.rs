//! Connections to either database, and the pool of them.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::R2D2Connection;
use diesel::{Connection, PgConnection, SqliteConnection};

/// A connection to whichever database `DATABASE_URL` names. The queries are written once, against
/// this type; the few that differ match on it.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// The embedded database.
    Sqlite(SqliteConnection),
    /// The server.
    Postgres(PgConnection),
}

/// Runs the same statement on either connection: lists of binds are beyond `MultiConnection`.
macro_rules! on_either {
    ($db:expr, $conn:ident => $query:expr) => {
        match $db {
            $crate::store::Db::Sqlite($conn) => $query,
            $crate::store::Db::Postgres($conn) => $query,
        }
    };
}
pub(in crate::store) use on_either;

#[diesel::declare_sql_function]
extern "SQL" {
    /// ASCII letters in lower case: of SQLite always, of PostgreSQL in a column of collation "C".
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;

    /// The same of a column that may be empty.
    #[sql_name = "lower"]
    fn lower_or_null(
        text: diesel::sql_types::Nullable<diesel::sql_types::Text>,
    ) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}

/// Which database, read from `DATABASE_URL`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite://PATH`.
    Sqlite(String),
    /// `postgres://…`, as libpq reads it. May hold a password.
    Postgres(String),
}

impl DatabaseUrl {
    /// Whether what is stored goes over a network to a server whose certificate is not checked.
    pub fn trusts_the_network(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        let Ok(url) = url.parse::<reqwest::Url>() else { return false };
        let is_verified = url.query_pairs().any(|(name, value)| name == "sslmode" && value == "verify-full");
        // A socket of this machine has no host, or a path in its place.
        let is_elsewhere = url.host_str().is_some_and(|host| !host.is_empty() && !host.starts_with("%2F"));
        is_elsewhere && !is_verified && !crate::outgoing::is_loopback(&url)
    }

    /// Makes the file of a new SQLite database, which nobody but its owner may read whatever the umask says: SQLite
    /// gives the files beside it the same permissions.
    pub(super) fn make_file(&self) -> std::io::Result<()> {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let Self::Sqlite(path) = self else { return Ok(()) };
        match std::fs::metadata(path) {
            Ok(file) if file.permissions().mode() & 0o077 != 0 => {
                log::warn!("{path} can be read by others on this machine: chmod 600 {path}");
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                log::warn!("new database at {path}: it was not there before");
                Ok(())
            }
            Err(cause) => Err(cause),
        }
    }
}

/// Never shows a password.
impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{path}"),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() || path.contains(':') && path.starts_with(':') {
                return Err("names no file: write sqlite://PATH".to_owned());
            }
            if path.contains('?') {
                return Err("has a “?”, and a file takes no parameters: write sqlite://PATH".to_owned());
            }
            return Ok(Self::Sqlite(path.to_owned()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return match postgres_fault(url) {
                Some(problem) => Err(problem.to_owned()),
                None => Ok(Self::Postgres(url.to_owned())),
            };
        }
        Err("is neither sqlite://PATH nor postgres://…".to_owned())
    }
}

/// What libpq would misread, and tell of with a part of the password.
fn postgres_fault(url: &str) -> Option<&'static str> {
    let (_, rest) = url.split_once("://")?;
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let is_percent_encoded = |text: &str| {
        text.split('%').skip(1).all(|after| {
            after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        })
    };
    if place.matches('@').count() > 1
        || place.contains('@') && !authority.contains('@')
        || parameters.contains('@')
    {
        return Some(
            "cannot be read: in a name or password @ must be written %40, / as %2F, ? as %3F, # as %23, % as %25",
        );
    }
    (!is_percent_encoded(rest)).then_some("cannot be read: a % in a name or password must be written %25")
}

/// A server that does not answer is waited for so long, unless `DATABASE_URL` says otherwise.
const IN_TIME: [(&str, &str); 1] = [("connect_timeout", "10")];

/// For whoever finds out whether the database is there: a server that vanished is given up in seconds.
const SOON_GIVEN_UP: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "15000"),
];

/// The same address with those parameters of libpq, but for what it says of them itself.
fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = url.to_owned();
    for (name, value) in parameters {
        if !url.contains(&format!("{name}=")) {
            let joint = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{joint}{name}={value}"));
        }
    }
    url
}

/// How long SQLite waits for its one writer before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Copies the log into the file and begins it anew, unless somebody uses it: it is not waited for.
pub(super) fn shorten_log(db: &mut SqliteConnection) -> diesel::QueryResult<()> {
    db.batch_execute("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")?;
    db.batch_execute(&format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis()))
}

/// Which file it is, whatever lies at its path later. As long as anybody has it open, no other is taken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// Of the file that lies there now.
    pub(super) fn of(path: &str) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path)?;
        Ok(Self { device: file.dev(), inode: file.ino() })
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To look.
    Read,
    /// What it writes is on the disk when it ends.
    Write,
    /// To claim what is to be asked: the disk is not waited for. A claim that a power failure takes away harms nobody,
    /// and the next [`Write`](Self::Write) brings it to the disk with its own.
    Claim,
}

/// Opens [`Db`] connections for the pool.
#[derive(Debug, Clone)]
pub(super) struct Connections(pub(super) DatabaseUrl);

impl Connections {
    /// The same, which give a server up soon.
    pub(super) fn soon_given_up(&self) -> Self {
        let DatabaseUrl::Postgres(url) = &self.0 else { return self.clone() };
        Self(DatabaseUrl::Postgres(with_parameters(url, &SOON_GIVEN_UP)))
    }
}

impl diesel::r2d2::ManageConnection for Connections {
    type Connection = Db;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Db, Self::Error> {
        let db = match &self.0 {
            DatabaseUrl::Sqlite(path) => {
                // SQLite would make a new database where the file was deleted.
                if let Err(cause) = std::fs::metadata(path) {
                    let gone = diesel::ConnectionError::BadConnection(format!("{path}: {cause}"));
                    return Err(diesel::r2d2::Error::ConnectionError(gone));
                }
                let mut db =
                    SqliteConnection::establish(path).map_err(diesel::r2d2::Error::ConnectionError)?;
                // `busy_timeout` first: turning WAL on can itself meet a busy database.
                db.batch_execute(&format!(
                    "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON;",
                    BUSY_TIMEOUT.as_millis()
                ))
                .map_err(diesel::r2d2::Error::QueryError)?;
                Db::Sqlite(db)
            }
            DatabaseUrl::Postgres(url) => {
                let mut db = PgConnection::establish(&with_parameters(url, &IN_TIME))
                    .map_err(diesel::r2d2::Error::ConnectionError)?;
                // Every query is short: compiling one, or sharing it among processes, takes longer than it.
                db.batch_execute(
                    "SET TIME ZONE 'UTC'; SET lock_timeout = '10s'; \
                     SET jit = off; SET max_parallel_workers_per_gather = 0",
                )
                .map_err(diesel::r2d2::Error::QueryError)?;
                Db::Postgres(db)
            }
        };
        Ok(db)
    }

    fn is_valid(&self, db: &mut Db) -> Result<(), Self::Error> {
        match db {
            Db::Sqlite(db) => db.ping(),
            Db::Postgres(db) => db.ping(),
        }
        .map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, db: &mut Db) -> bool {
        // A panic leaves its transaction open: that connection is not used again.
        std::thread::panicking()
            || match db {
                Db::Sqlite(db) => db.is_broken(),
                Db::Postgres(db) => db.is_broken(),
            }
    }
}

/// Refuses a pooler that gives each transaction another connection. Two of ours tell: one lets go of the server's
/// while the other is idle, and the next transaction of the other would get it.
pub(super) fn refuse_sharing_by_transaction(connections: &Connections) -> Result<(), super::StoreError> {
    use diesel::r2d2::ManageConnection;
    let unreachable = |fault: diesel::r2d2::Error| super::StoreError::Unreachable(fault.to_string());
    let mut one = connections.connect().map_err(unreachable)?;
    let mut other = connections.connect().map_err(unreachable)?;
    one.batch_execute("BEGIN")?;
    let before = backend(&mut other)?;
    one.batch_execute("COMMIT")?;
    if backend(&mut other)? == before { Ok(()) } else { Err(super::StoreError::SharedByTransaction) }
}

/// Which process of the server's serves a connection.
fn backend(db: &mut Db) -> Result<i32, diesel::result::Error> {
    #[derive(diesel::QueryableByName)]
    struct Backend {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        pid: i32,
    }
    use diesel::RunQueryDsl;
    Ok(diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<Backend>(db)?.pid)
}

impl Db {
    /// Begins a transaction. SQLite takes its writer's lock at once for one that may write, so that what was read
    /// inside cannot be overtaken.
    pub(super) fn begin(&mut self, what_for: Purpose) -> diesel::QueryResult<()> {
        match self {
            Self::Sqlite(db) => AnsiTransactionManager::begin_transaction_sql(
                db,
                match what_for {
                    Purpose::Read => "BEGIN",
                    Purpose::Write => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
                    Purpose::Claim => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
                },
            ),
            Self::Postgres(db) => match what_for {
                Purpose::Read => AnsiTransactionManager::begin_transaction_sql(
                    db,
                    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                ),
                Purpose::Write => AnsiTransactionManager::begin_transaction(db),
                Purpose::Claim => AnsiTransactionManager::begin_transaction_sql(
                    db,
                    "BEGIN; SET LOCAL synchronous_commit TO off",
                ),
            },
        }
    }

    /// Whether its server has gone, or let go of it.
    pub(super) fn is_gone(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(db) => db.is_broken(),
        }
    }

    /// Runs `work` in one transaction that may write.
    pub(super) fn writing<T, E: From<diesel::result::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin(Purpose::Write)?;
        self.finish(work)
    }

    /// Runs `work` in one transaction that sees one state of the database.
    pub(super) fn reading<T, E: From<diesel::result::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin(Purpose::Read)?;
        self.finish(work)
    }

    /// Ends a transaction that was begun with what `work` comes to.
    pub(super) fn finish<T, E: From<diesel::result::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match work(self) {
            Ok(done) => {
                <Self as Connection>::TransactionManager::commit_transaction(self)?;
                Ok(done)
            }
            Err(fault) => {
                // The first fault is the one to report; a connection that cannot roll back is
                // noticed as broken by the pool.
                if let Err(rollback) = <Self as Connection>::TransactionManager::rollback_transaction(self) {
                    log::warn!("a transaction could not be rolled back: {rollback}");
                }
                Err(fault)
            }
        }
    }
}
