//! The only room that speaks SQL: one pool over SQLite or PostgreSQL, and a file of rows and
//! queries for each family of tables.
//!
//! Diesel blocks, so every query runs on a blocking thread, with no more threads at work than the
//! pool has connections. Faults are [`StoreError`]: a page shows them as "try again", a command
//! prints them.

mod connection;
pub mod schema;

pub mod alerts;
pub mod attempts;
pub mod audit;
pub mod backup;
pub mod beneficiaries;
pub(crate) mod bills;
pub mod calls;
pub mod changes;
pub mod claims;
pub mod copying;
pub mod deadline;
pub mod dormancy;
pub mod employees;
mod error;
pub mod exporting;
pub mod figures;
mod fixed;
pub mod importing;
mod instants;
pub mod instructions;
pub mod invariants;
pub mod keeping;
pub mod keys;
pub mod notes;
pub mod outbox;
pub mod people;
pub mod programs;
pub mod pruning;
pub mod pulls;
pub mod readings;
pub mod recorder;
pub mod recording;
pub mod refolding;
pub mod reports;
pub mod resealing;
pub mod restorations;
pub mod scope;
pub mod search;
pub mod second_factors;
pub mod sentences;
pub mod sessions;
pub mod status_push;
pub mod sync_runs;
mod threads;
pub mod trail;
pub(crate) mod unsettled;
pub mod vitals;
pub mod wanted;

use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::r2d2::Pool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::request_id;
use connection::{Connections, FileIdentity, Purpose};
pub use connection::{DatabaseUrl, Db};
pub use error::{StoreError, Unreadable};
use threads::PoolThreads;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Connections in the pool where nothing else is said; more do not help on two cores (measured).
pub const CONNECTIONS: u32 = 4;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    connections: Connections,
    /// The file that was opened.
    file: Option<FileIdentity>,
    pool: Pool<Connections>,
    // Dropped after the pool, whose connections they make.
    _threads: Arc<PoolThreads>,
    slots: Arc<tokio::sync::Semaphore>,
    /// SQLite has one writer. Whoever waits for it within this process waits here, in turn: not on a
    /// connection that a page could use, and not in SQLite's own sleep.
    writer: Option<Arc<tokio::sync::Semaphore>>,
}

impl Store {
    /// Connects, applies the migrations that are pending (a SQLite file is copied beside it before), and folds the
    /// search texts anew if the program folds in another way than they were. Blocks.
    pub fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::open_with(url, CONNECTIONS)
    }

    /// The same with so many connections.
    pub fn open_with(url: &DatabaseUrl, connections: u32) -> Result<Self, StoreError> {
        let store = Self::migrated(url, connections, None)?;
        store.refuse_half_a_copy()?;
        refolding::refold(&store)?;
        Ok(store)
    }

    /// The same as it is left by the migrations, for what is copied into it; one that had no schema bears the mark of
    /// that copy from its first table on. Blocks.
    fn open_to_copy_into(url: &DatabaseUrl, mark: &str) -> Result<Self, StoreError> {
        Self::migrated(url, CONNECTIONS, Some(mark))
    }

    fn migrated(url: &DatabaseUrl, connections: u32, mark: Option<&str>) -> Result<Self, StoreError> {
        url.make_file().map_err(|cause| file_fault(url, &cause))?;
        let store = Self::connect(url, connections)?;
        store.migrate(url, mark)?;
        Ok(store)
    }

    fn refuse_half_a_copy(&self) -> Result<(), StoreError> {
        match self.read_blocking(programs::copy_under_way)? {
            None => Ok(()),
            Some(_) => Err(StoreError::HalfACopy),
        }
    }

    /// Connects to look, and changes nothing: another schema than this program's is refused. `None`: the
    /// database has no schema yet, or there is no such file. Blocks.
    pub fn open_as_it_is(url: &DatabaseUrl) -> Result<Option<Self>, StoreError> {
        if let DatabaseUrl::Sqlite(path) = url
            && !std::path::Path::new(path).exists()
        {
            return Ok(None);
        }
        let store = Self::connect(url, CONNECTIONS)?;
        Ok(match store.schema(url)? {
            Schema::None => None,
            Schema::Ours => {
                store.refuse_half_a_copy()?;
                Some(store)
            }
            Schema::Older => return Err(StoreError::OtherSchema),
        })
    }

    fn connect(url: &DatabaseUrl, connections: u32) -> Result<Self, StoreError> {
        let server = matches!(url, DatabaseUrl::Postgres(_));
        let connecting = Connections(url.clone());
        if server {
            connection::refuse_sharing_by_transaction(&connecting)?;
        } else {
            // What is wrong with a file is so at once, and stays so.
            drop(
                diesel::r2d2::ManageConnection::connect(&connecting)
                    .map_err(|cause| file_fault(url, &cause))?,
            );
        }
        let threads = PoolThreads::new();
        let pool = Pool::builder()
            .max_size(connections)
            // None is made before it is needed, so that a command that ends is not making one.
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(10))
            // A file does not go away; whether a server's connection has is found by the transaction that begins.
            .test_on_check_out(false)
            .error_handler(Box::new(diesel::r2d2::LoggingErrorHandler))
            .thread_pool(threads.shared())
            .build(connecting.clone())
            .map_err(|fault| StoreError::Unreachable(fault.to_string()))?;
        let file = match url {
            DatabaseUrl::Sqlite(path) => {
                Some(FileIdentity::of(path).map_err(|cause| file_fault(url, &cause))?)
            }
            DatabaseUrl::Postgres(_) => None,
        };
        Ok(Self {
            connections: connecting,
            file,
            pool,
            _threads: Arc::new(threads),
            slots: Arc::new(tokio::sync::Semaphore::new(connections as usize)),
            writer: (!server).then(|| Arc::new(tokio::sync::Semaphore::new(1))),
        })
    }

    /// What schema the database has; one that is newer than the program is a fault.
    fn schema(&self, url: &DatabaseUrl) -> Result<Schema, StoreError> {
        let (applied, known) = (self.read_blocking(migrations_applied)?, migrations_known(url)?);
        if applied.iter().any(|version| !known.contains(version)) {
            return Err(StoreError::NewerSchema);
        }
        Ok(match applied.len() {
            0 => Schema::None,
            all if all == known.len() => Schema::Ours,
            _ => Schema::Older,
        })
    }

    /// One process at a time: the writer's lock (an advisory one on PostgreSQL) is taken before what
    /// is pending is looked up again. Where nothing is, nothing is asked that takes the owner's rights. A SQLite file is
    /// copied before. What had no schema gets the mark of the copy into it with the schema.
    fn migrate(&self, url: &DatabaseUrl, mark: Option<&str>) -> Result<(), StoreError> {
        if self.schema(url)? == Schema::Ours {
            return Ok(());
        }
        self.connection()?.writing(|db| {
            if let DatabaseUrl::Sqlite(path) = url {
                backup::keep_as_before(db, &self.connections, path, &migrations_known(url)?)?;
            }
            if let Db::Postgres(db) = db {
                db.batch_execute("SELECT pg_advisory_xact_lock(5121964)")?;
            }
            let is_new = migrations_applied(db)?.is_empty();
            match db {
                Db::Sqlite(db) => db.run_pending_migrations(SQLITE_MIGRATIONS).map(|_| ()),
                Db::Postgres(db) => db.run_pending_migrations(POSTGRES_MIGRATIONS).map(|_| ()),
            }
            .map_err(|fault| may_not_migrate(fault.to_string()))?;
            mark.filter(|_| is_new).map_or(Ok(()), |mark| programs::mark_copy(db, mark))
        })
    }

    fn connection(&self) -> Result<diesel::r2d2::PooledConnection<Connections>, StoreError> {
        self.pool.get().map_err(|fault| StoreError::Unreachable(fault.to_string()))
    }

    /// Runs `work` in one transaction. A connection whose server has let go of it is found by its beginning, when
    /// nothing is done yet: another one takes its place.
    fn transaction<T>(
        &self,
        what_for: Purpose,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut others = self.pool.max_size();
        loop {
            let mut connection = self.connection()?;
            match connection.begin(what_for) {
                Ok(()) => return connection.finish(work),
                Err(_) if others > 0 && connection.is_gone() => others -= 1,
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Runs `work` in one transaction that sees one state of the database. Blocks.
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(Purpose::Read, work)
    }

    /// Runs `work` in one transaction that may write. Its changes get their number. Blocks.
    pub fn write_blocking<T>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write_for(Purpose::Write, work)
    }

    fn write_for<T>(
        &self,
        what_for: Purpose,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(what_for, |db| {
            let done = work(db)?;
            changes::number(db)?;
            Ok(done)
        })
    }

    /// [`read_blocking`](Self::read_blocking) on a blocking thread.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_blocking_thread(|store| store.read_blocking(work)).await
    }

    /// [`write_blocking`](Self::write_blocking) on a blocking thread.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_in_turn(Purpose::Write, work).await
    }

    /// The same for claims, which may be lost with the power: the disk is not waited for.
    pub async fn claim<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_in_turn(Purpose::Claim, work).await
    }

    async fn write_in_turn<T: Send + 'static>(
        &self,
        what_for: Purpose,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let broke_off = |closed: tokio::sync::AcquireError| StoreError::BrokeOff(closed.to_string());
        let turn = match &self.writer {
            Some(writer) => Some(Arc::clone(writer).acquire_owned().await.map_err(broke_off)?),
            None => None,
        };
        self.on_blocking_thread(move |store| {
            let done = store.write_for(what_for, work);
            drop(turn);
            done
        })
        .await
    }

    /// Gives back what was deleted or written over, so that no page of the file holds it any more. Blocks; on
    /// PostgreSQL, whose owner does that, nothing is done.
    pub fn compact(&self) -> Result<(), StoreError> {
        match &mut *self.connection()? {
            Db::Sqlite(db) => {
                Ok(db.batch_execute("PRAGMA synchronous = FULL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?)
            }
            Db::Postgres(_) => Ok(()),
        }
    }

    /// Has SQLite's log, where what was written over stands for a while yet, begin anew; not if somebody is at work
    /// just then. Nobody waits for it.
    pub async fn shorten_log(&self) -> Result<(), StoreError> {
        self.on_blocking_thread(|store| match &mut *store.connection()? {
            Db::Sqlite(db) => Ok(connection::shorten_log(db)?),
            Db::Postgres(_) => Ok(()),
        })
        .await
    }

    /// Whether the database takes a write at this moment.
    pub async fn is_writable(&self) -> bool {
        self.write(try_a_write).await.is_ok()
    }

    /// Tries a write. Blocks.
    pub fn try_a_write(&self) -> Result<(), StoreError> {
        self.write_blocking(try_a_write)
    }

    /// Whether the database would take a write: one is made and taken back. Blocks.
    pub fn would_take_a_write(&self) -> Result<(), StoreError> {
        let mut was_taken = false;
        let tried: Result<(), StoreError> = self.connection()?.writing(|db| {
            try_a_write(db)?;
            was_taken = true;
            Err(diesel::result::Error::RollbackTransaction.into())
        });
        if was_taken { Ok(()) } else { tried }
    }

    async fn on_blocking_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|closed| StoreError::BrokeOff(closed.to_string()))?;
        tokio::task::spawn_blocking(request_id::carried_onto_a_thread(move || {
            let done = work(store);
            drop(slot);
            done
        }))
        .await
        .map_err(|broken| StoreError::BrokeOff(broken.to_string()))?
    }
}

fn try_a_write(db: &mut Db) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO program_state (name, noted_at) VALUES ('a write was tried', CURRENT_TIMESTAMP) \
         ON CONFLICT (name) DO UPDATE SET noted_at = excluded.noted_at",
    )
    .execute(db)?;
    Ok(())
}

/// What is wrong with the file of a SQLite database; one that is only busy may be had later.
fn file_fault(url: &DatabaseUrl, cause: &impl std::fmt::Display) -> StoreError {
    let cause = cause.to_string();
    match url {
        DatabaseUrl::Sqlite(path) if !["locked", "busy"].iter().any(|word| cause.contains(word)) => {
            StoreError::File { path: path.clone(), cause }
        }
        _ => StoreError::Unreachable(cause),
    }
}

/// The schema of a database, as this program sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schema {
    None,
    Older,
    Ours,
}

/// What PostgreSQL says where a role lacks the owner's rights.
fn may_not_migrate(fault: String) -> StoreError {
    let lacks_rights = ["permission denied", "must be owner"].iter().any(|words| fault.contains(words));
    if lacks_rights { StoreError::MayNotMigrate(fault) } else { StoreError::Migration(fault) }
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

/// The versions of the migrations that a database has, in order; none of one without a schema.
fn migrations_applied(db: &mut Db) -> Result<Vec<String>, StoreError> {
    let table = match db {
        Db::Sqlite(_) => {
            "SELECT name AS version FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
        }
        Db::Postgres(_) => {
            "SELECT table_name::TEXT AS version FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = '__diesel_schema_migrations'"
        }
    };
    if diesel::sql_query(table).load::<Version>(db)?.is_empty() {
        return Ok(Vec::new());
    }
    versions_applied(db)
}

/// The same of a database that has a schema.
fn versions_applied(db: &mut Db) -> Result<Vec<String>, StoreError> {
    let applied = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    Ok(diesel::sql_query(applied).load::<Version>(db)?.into_iter().map(|row| row.version).collect())
}

/// The versions of the migrations that this program has, in order.
fn migrations_known(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    let known = match url {
        DatabaseUrl::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE_MIGRATIONS),
        DatabaseUrl::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES_MIGRATIONS),
    };
    known.map_err(|fault| StoreError::Migration(fault.to_string()))
}

fn versions<DB: diesel::backend::Backend>(
    migrations: &EmbeddedMigrations,
) -> diesel::migration::Result<Vec<String>> {
    let all = MigrationSource::<DB>::migrations(migrations)?;
    let mut versions: Vec<String> = all.iter().map(|one| one.name().version().to_string()).collect();
    versions.sort_unstable();
    Ok(versions)
}
