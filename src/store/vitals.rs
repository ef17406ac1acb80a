//! Whether the database can be reached and written, and is the one that was opened with a schema of ours: asked on
//! connections of its own, which wait behind nobody's work, and answered in time whatever the database does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::ManageConnection;
use diesel::sql_types::Text;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connection::{Connections, FileIdentity};
use super::{DatabaseUrl, Db, Store, StoreError, migrations_known, try_a_write, versions_applied};

/// What a look found holds for so long: however many ask, the database is asked no more often.
const FRESH: Duration = Duration::from_millis(500);

/// A look is waited for so long: who asks has an answer within a second.
const PATIENCE: Duration = Duration::from_millis(800);

/// What a look and a tried write bring with them beyond what every connection has: neither waits for anybody.
const IMPATIENT_SQLITE: &str = "PRAGMA busy_timeout = 1000";
const IMPATIENT_POSTGRES: &str = "SET lock_timeout = '1s'; SET statement_timeout = '5s'";

/// What ails the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ailment {
    /// No connection can be had, or nothing be read.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// It says nothing.
    #[error("the database does not answer")]
    Silent,
    /// The file is not where it was opened.
    #[error(
        "the database file {0} was deleted under the program: stop it, and put the file back from a backup"
    )]
    Deleted(String),
    /// Another file is where it was opened.
    #[error("the database file {0} was replaced under the program: start it anew")]
    Replaced(String),
    /// The schema is not this program's.
    #[error("{0}")]
    Schema(String),
    /// It can be read, but not written.
    #[error("the database cannot be written: {0}")]
    NotWritable(String),
}

/// What was found, and when.
#[derive(Debug, Clone)]
pub struct Found {
    /// Since when that is known.
    pub at: Instant,
    /// What it was.
    pub state: Result<(), Ailment>,
}

/// The vitals of a database. Clones share what is known.
#[derive(Clone)]
pub struct Vitals(Arc<Inner>);

struct Inner {
    connections: Connections,
    /// The migrations of this program.
    known: Vec<String>,
    file: Option<FileIdentity>,
    runtime: Handle,
    /// For looks, kept from one to the next.
    connection: Mutex<Option<Db>>,
    is_looking: AtomicBool,
    looked: watch::Sender<Option<Found>>,
    is_writing: AtomicBool,
    wrote: watch::Sender<Option<Found>>,
}

/// Says that somebody is at something, until it is dropped.
struct AtWork<'a>(&'a AtomicBool);

impl<'a> AtWork<'a> {
    fn begin(flag: &'a AtomicBool) -> Option<Self> {
        (!flag.swap(true, Ordering::AcqRel)).then_some(Self(flag))
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Vitals {
    /// Of that database; what blocks runs on the current tokio runtime.
    pub fn of(store: &Store) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Inner {
            known: migrations_known(&store.connections.0)?,
            connections: store.connections.soon_given_up(),
            file: store.file.clone(),
            runtime: Handle::current(),
            connection: Mutex::default(),
            is_looking: AtomicBool::new(false),
            looked: watch::Sender::new(None),
            is_writing: AtomicBool::new(false),
            wrote: watch::Sender::new(None),
        })))
    }

    /// Whether the database can be reached, and is ours: within a second, whatever it does.
    pub async fn look(&self) -> Result<(), Ailment> {
        let asked = Instant::now();
        let mut looked = self.0.looked.subscribe();
        let is_fresh = |found: &Option<Found>| found.as_ref().is_some_and(|found| found.at + FRESH >= asked);
        if !is_fresh(&looked.borrow()) {
            self.look_soon();
        }
        let found = tokio::time::timeout(PATIENCE, looked.wait_for(is_fresh)).await;
        let Ok(Ok(found)) = found else { return Err(Ailment::Silent) };
        found.as_ref().map_or(Err(Ailment::Silent), |found| found.state.clone())
    }

    fn look_soon(&self) {
        let inner = Arc::clone(&self.0);
        self.0.runtime.spawn_blocking(move || {
            let Some(_at_work) = AtWork::begin(&inner.is_looking) else { return };
            let state = inner.look();
            inner.looked.send_replace(Some(Found { at: Instant::now(), state }));
        });
    }

    /// Tries a write, unless one is being tried; [`wrote`](Self::wrote) tells what came of it. A database that is busy
    /// can be written.
    pub fn try_a_write_soon(&self) -> tokio::task::JoinHandle<()> {
        let inner = Arc::clone(&self.0);
        self.0.runtime.spawn_blocking(move || {
            let Some(_at_work) = AtWork::begin(&inner.is_writing) else { return };
            let state = inner.try_a_write();
            let before = inner.wrote.send_replace(Some(Found { at: Instant::now(), state: state.clone() }));
            match (before.map(|before| before.state), state) {
                (Some(Err(before)), Err(ailment)) if before == ailment => {}
                (_, Err(ailment)) => log::error!("{ailment}"),
                (Some(Err(_)), Ok(())) => log::info!("the database can be written again"),
                (_, Ok(())) => {}
            }
        })
    }

    /// What came of the latest write that was tried, if any was.
    pub fn wrote(&self) -> Option<Found> {
        self.0.wrote.borrow().clone()
    }
}

impl Inner {
    /// A panic of another thread leaves a connection that the next look finds out about.
    fn kept(&self) -> MutexGuard<'_, Option<Db>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Result<(), Ailment> {
        self.same_file()?;
        let mut kept = self.kept();
        // One that was kept may have been ended at the other side for good reasons.
        if let Some(mut db) = kept.take()
            && let Ok(applied) = versions_applied(&mut db)
        {
            *kept = Some(db);
            return self.ours(&applied);
        }
        let mut db = match self.connect() {
            Ok(db) => db,
            Err(fault) if is_busy(&fault) => return Ok(()),
            Err(fault) => return Err(Ailment::Unreachable(fault)),
        };
        match versions_applied(&mut db) {
            Ok(applied) => {
                *kept = Some(db);
                self.ours(&applied)
            }
            Err(fault) => match fault.to_string() {
                fault if is_busy(&fault) => Ok(()),
                fault if says_no_schema(&fault) => Err(Ailment::Schema(StoreError::OtherSchema.to_string())),
                fault => Err(Ailment::Unreachable(fault)),
            },
        }
    }

    fn ours(&self, applied: &[String]) -> Result<(), Ailment> {
        if applied == self.known {
            return Ok(());
        }
        let is_newer = applied.iter().any(|version| !self.known.contains(version));
        let fault = if is_newer { StoreError::NewerSchema } else { StoreError::OtherSchema };
        Err(Ailment::Schema(fault.to_string()))
    }

    /// On a new connection: what has become read-only, or spoilt, may still be open to an old one.
    fn try_a_write(&self) -> Result<(), Ailment> {
        self.same_file()?;
        let tried = self.connect().and_then(|mut db| {
            db.writing(try_a_write).map_err(|fault| match fault {
                StoreError::Query(fault) => fault.to_string(),
                fault => fault.to_string(),
            })?;
            read_each_table(&mut db).map_err(|fault| fault.to_string())
        });
        match tried {
            Err(fault) if is_busy(&fault) => Ok(()),
            tried => tried.map_err(Ailment::NotWritable),
        }
    }

    fn connect(&self) -> Result<Db, String> {
        let mut db = self.connections.connect().map_err(|fault| fault.to_string())?;
        let impatient = match &db {
            Db::Sqlite(_) => IMPATIENT_SQLITE,
            Db::Postgres(_) => IMPATIENT_POSTGRES,
        };
        db.batch_execute(impatient).map_err(|fault| fault.to_string())?;
        Ok(db)
    }

    fn same_file(&self) -> Result<(), Ailment> {
        let (DatabaseUrl::Sqlite(path), Some(opened)) = (&self.connections.0, &self.file) else {
            return Ok(());
        };
        match FileIdentity::of(path) {
            Ok(there) if there == *opened => Ok(()),
            Ok(_) => Err(Ailment::Replaced(path.clone())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Err(Ailment::Deleted(path.clone())),
            Err(cause) => Err(Ailment::Unreachable(format!("{path}: {cause}"))),
        }
    }
}

/// The name of a table.
#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Reads a row of each table of a file: what overwrote a part of it may have spared all that a tried write needs.
fn read_each_table(db: &mut Db) -> QueryResult<()> {
    let Db::Sqlite(db) = db else { return Ok(()) };
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'";
    for Table { name } in diesel::sql_query(tables).load(db)? {
        diesel::sql_query(format!("SELECT * FROM \"{name}\" LIMIT 1")).execute(db)?;
    }
    Ok(())
}

/// Whether a database says that others are at work in it, and no more than that.
fn is_busy(fault: &str) -> bool {
    ["locked", "busy", "lock timeout", "deadlock detected", "too many clients", "connection slots"]
        .iter()
        .any(|words| fault.contains(words))
}

/// Whether a database says that it has no table of migrations.
fn says_no_schema(fault: &str) -> bool {
    fault.contains("__diesel_schema_migrations")
}
