//! Databases that are thrown away, and SQL on the side.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryResult, SqliteConnection};
use mukta_ftps::sealing::random_hex;
use mukta_ftps::store::DatabaseUrl;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A database that is thrown away.
pub(crate) struct ScratchDatabase {
    pub(crate) kind: Kind,
    pub(crate) url: DatabaseUrl,
    pub(crate) url_text: String,
    /// A place for files of the test's own.
    pub(crate) directory: tempfile::TempDir,
    /// Whether the test has written into it past the program.
    is_spoilt: AtomicBool,
}

impl ScratchDatabase {
    pub(crate) fn new(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url_text = match kind {
            Kind::Sqlite => format!("sqlite://{}", directory.path().join("test.db").display()),
            Kind::Postgres => {
                let server = std::env::var("TEST_POSTGRES_URL")
                    .expect("PostgreSQL is started by `cargo nextest run` (.config/nextest.toml)");
                let name = format!("test_{}", random_hex(8).unwrap());
                PgConnection::establish(&format!("{server}/postgres"))
                    .unwrap()
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .unwrap();
                format!("{server}/{name}")
            }
        };
        let is_spoilt = AtomicBool::new(false);
        Self { kind, url: url_text.parse().unwrap(), url_text, directory, is_spoilt }
    }

    /// The file of a SQLite database.
    pub(crate) fn file(&self) -> &str {
        self.url_text.strip_prefix("sqlite://").expect("a SQLite database")
    }

    /// The test writes into it past the program: whether the rules of the data hold is its own affair.
    pub(crate) fn spoil(&self) {
        self.is_spoilt.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_spoilt(&self) -> bool {
        self.is_spoilt.load(Ordering::Relaxed)
    }

    /// Runs SQL, for what takes time or luck otherwise.
    pub(crate) fn execute(&self, sql: &str) {
        self.try_to_execute(sql).unwrap();
    }

    /// Runs SQL that the database may refuse.
    pub(crate) fn try_to_execute(&self, sql: &str) -> QueryResult<()> {
        self.spoil();
        match self.kind {
            Kind::Sqlite => {
                let mut db = SqliteConnection::establish(self.file()).unwrap();
                db.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}"))
            }
            Kind::Postgres => PgConnection::establish(&self.url_text).unwrap().batch_execute(sql),
        }
    }

    /// Makes the database refuse to mark this instruction's beneficiaries as paid.
    pub(crate) fn poison_payments_of(&self, number: &str) {
        let of =
            format!("NEW.instruction_id = (SELECT id FROM payment_instructions WHERE number = '{number}')");
        self.execute(&match self.kind {
            Kind::Sqlite => format!(
                "CREATE TRIGGER poison BEFORE UPDATE OF utr ON beneficiaries WHEN {of} \
                 BEGIN SELECT RAISE(ABORT, 'poison'); END;"
            ),
            Kind::Postgres => format!(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF {of} THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER poison BEFORE UPDATE OF utr ON beneficiaries \
                 FOR EACH ROW EXECUTE FUNCTION poison();"
            ),
        });
    }
}
