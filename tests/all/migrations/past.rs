//! A database with a past: migrated step by step, each step over rows as of those before it
//! (`tests/data/migrations`, a file for each migration).

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use mukta_ftps::access::password;
use mukta_ftps::domain::text::last_four;
use mukta_ftps::sealing::{BeneficiaryKey, SealedField, Sealer, hex};
use mukta_ftps::store::Db;

use crate::support::{DATA_KEY, Kind, PASSWORD, ScratchDatabase};

/// A database that is migrated step by step, seen through a connection such as the program's own.
pub(super) struct Past {
    pub(super) database: ScratchDatabase,
    pub(super) db: Db,
    pub(super) kind: Kind,
}

pub(super) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn migrations_of(kind: Kind) -> PathBuf {
    repository().join("migrations").join(match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgres",
    })
}

/// The serial numbers of the migrations, oldest first: `000001` and so on.
pub(super) fn steps(kind: Kind) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(migrations_of(kind))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names.iter().map(|name| name["2026-11-22-".len()..].split('_').next().unwrap().to_owned()).collect()
}

impl Past {
    /// An empty database.
    pub(super) fn new(kind: Kind) -> Self {
        let database = ScratchDatabase::new(kind);
        // Its rows are written by hand, one of each word.
        database.spoil();
        let db = connection(&database, kind);
        Self { database, db, kind }
    }

    /// Migrated up to `last`, with the rows of each step.
    pub(super) fn filled_up_to(kind: Kind, last: &str) -> Self {
        let mut past = Self::new(kind);
        for step in steps(kind).iter().take_while(|step| step.as_str() <= last) {
            past.step_up();
            past.fill(step);
        }
        past
    }

    /// With all migrations, and the rows of each.
    pub(super) fn filled(kind: Kind) -> Self {
        Self::filled_up_to(kind, "999999")
    }

    /// Applies the next migration.
    pub(super) fn step_up(&mut self) {
        self.migrate(&migrations_of(self.kind), |db, source| match db {
            Db::Sqlite(db) => db.run_next_migration(source).map(drop),
            Db::Postgres(db) => db.run_next_migration(source).map(drop),
        });
    }

    /// Takes the newest migration back.
    pub(super) fn step_down(&mut self) {
        self.migrate(&migrations_of(self.kind), |db, source| match db {
            Db::Sqlite(db) => db.revert_last_migration(source).map(drop),
            Db::Postgres(db) => db.revert_last_migration(source).map(drop),
        });
    }

    /// As the program migrates: in one transaction, which on SQLite has the writer's lock.
    pub(super) fn migrate(
        &mut self,
        from: &Path,
        work: impl FnOnce(&mut Db, FileBasedMigrations) -> diesel::migration::Result<()>,
    ) {
        let source = FileBasedMigrations::from_path(from).unwrap();
        match &mut self.db {
            Db::Sqlite(db) => AnsiTransactionManager::begin_transaction_sql(db, "BEGIN IMMEDIATE").unwrap(),
            Db::Postgres(db) => AnsiTransactionManager::begin_transaction(db).unwrap(),
        }
        work(&mut self.db, source).unwrap();
        <Db as Connection>::TransactionManager::commit_transaction(&mut self.db).unwrap();
    }

    /// Loads the rows of a step.
    pub(super) fn fill(&mut self, step: &str) {
        let path = repository().join(format!("tests/data/migrations/{step}.sql"));
        let sql = std::fs::read_to_string(&path)
            .unwrap_or_else(|fault| panic!("{}: {fault}; see migrations/README.md", path.display()));
        let sql = made(self.kind, &sql);
        self.db.transaction(|db| db.batch_execute(&sql)).unwrap_or_else(|fault| panic!("{step}: {fault}"));
    }

    /// What a query answers in its one column, called `line`.
    pub(super) fn lines(&mut self, sql: &str) -> Vec<String> {
        lines(&mut self.db, sql)
    }

    /// Names of the tables that hold our rows.
    pub(super) fn tables(&mut self) -> Vec<String> {
        self.lines(match self.kind {
            Kind::Sqlite => {
                "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                     AND name NOT LIKE 'search_index%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name"
            }
            Kind::Postgres => {
                "SELECT tablename::TEXT AS line FROM pg_tables
                     WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%' ORDER BY tablename"
            }
        })
    }

    /// Everything that is declared: tables, columns, constraints, indexes, triggers and functions of
    /// ours, without blanks and comments.
    pub(super) fn schema(&mut self) -> Vec<String> {
        let mut lines = self.lines(match self.kind {
            Kind::Sqlite => {
                "SELECT concat_ws(' ', type, name, 'of', tbl_name, 'as', sql) AS line FROM sqlite_master
                     WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
            Kind::Postgres => {
                "SELECT concat_ws(' ', 'column', table_name, column_name, data_type, collation_name, column_default,
                         is_nullable, is_identity, generation_expression) AS line
                     FROM information_schema.columns WHERE table_schema = 'public'
                 UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::REGCLASS, conname, pg_get_constraintdef(oid))
                     FROM pg_constraint WHERE connamespace = 'public'::REGNAMESPACE
                 UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
                 UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
                 UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::REGNAMESPACE
                     AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
            }
        });
        lines.retain(|line| !line.contains("__diesel_schema_migrations"));
        for line in &mut lines {
            *line = bare(line);
        }
        lines.sort();
        lines
    }
}

/// A statement without comments and blanks.
pub(super) fn bare(sql: &str) -> String {
    let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    code.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
}

/// As the program connects (src/store/connection.rs).
pub(super) fn connection(database: &ScratchDatabase, kind: Kind) -> Db {
    match kind {
        Kind::Sqlite => {
            let path = database.url_text.trim_start_matches("sqlite://");
            let mut db = SqliteConnection::establish(path).unwrap();
            db.batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;",
            )
            .unwrap();
            Db::Sqlite(db)
        }
        Kind::Postgres => {
            let mut db = PgConnection::establish(&database.url_text).unwrap();
            db.batch_execute("SET TIME ZONE 'UTC'; SET lock_timeout = '10s'").unwrap();
            Db::Postgres(db)
        }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

pub(super) fn lines(db: &mut Db, sql: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(sql).load(db).unwrap_or_else(|fault| panic!("{fault}: {sql}"));
    rows.into_iter().map(|row| row.line).collect()
}

/// A data file with what its guillemets ask for: what is sealed, hashed, or not the same on both
/// databases.
fn made(kind: Kind, sql: &str) -> String {
    let mut parts = sql.split('«');
    let mut done = parts.next().unwrap().to_owned();
    for part in parts {
        let (wanted, rest) = part.split_once('»').unwrap();
        done.push_str(&one_made(kind, wanted));
        done.push_str(rest);
    }
    done
}

fn one_made(kind: Kind, wanted: &str) -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| password::hash_new("nobody", PASSWORD).unwrap());
    let sealer = Sealer::new(&DATA_KEY, &[]).unwrap();
    let sealed = |field: SealedField<'_>, plain: &str| {
        let bytes = hex(&sealer.seal(field, plain.as_bytes()).unwrap());
        match kind {
            Kind::Sqlite => format!("x'{bytes}'"),
            Kind::Postgres => format!("'\\x{bytes}'::BYTEA"),
        }
    };
    let words: Vec<&str> = wanted.splitn(4, ' ').collect();
    let with_hash = |sealed: String, plain: &str| {
        format!("{sealed}, '{}', '{}'", last_four(plain).unwrap(), sealer.hash(plain))
    };
    match words[..] {
        ["key", "id"] => sealer.current_key_id(),
        ["key", "check"] => sealed(SealedField::KeyCheck, "mukta-ftps"),
        ["password", "hash"] => HASH.clone(),
        ["account", number, payment_key, plain] => {
            with_hash(sealed(SealedField::Account(BeneficiaryKey { number, payment_key }), plain), plain)
        }
        ["mobile", number, payment_key, plain] => {
            with_hash(sealed(SealedField::Mobile(BeneficiaryKey { number, payment_key }), plain), plain)
        }
        ["other", number, payment_key, plain] => {
            sealed(SealedField::OtherAccount(BeneficiaryKey { number, payment_key }), plain)
        }
        ["factor", name, secret] => sealed(SealedField::SecondFactor(name), secret),
        [which @ ("request" | "response"), call_ref, ..] => {
            let plain = &wanted[which.len() + call_ref.len() + 2..];
            let field = if which == "request" { SealedField::Request } else { SealedField::Response };
            sealed(field(call_ref), plain)
        }
        _ => panic!("«{wanted}» is none of what can be made"),
    }
}
