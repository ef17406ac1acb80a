//! Databases that are thrown away, and copies of them.

use std::cell::Cell;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use mukta_ftps::store::Store;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A database that is thrown away when this is dropped.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    at: At,
}

#[derive(Debug)]
enum At {
    File(PathBuf),
    Server { url: String, name: String },
}

thread_local! {
    static MADE: Cell<u32> = const { Cell::new(0) };
}

impl Database {
    /// An empty one; of SQLite, a file in `place`.
    pub(crate) fn new(kind: Kind, place: &Path) -> Result<Self> {
        let database = Self::named(kind, place)?;
        if let At::Server { url, name } = &database.at {
            on_server(url, &format!("CREATE DATABASE {name}"))?;
        }
        Ok(database)
    }

    /// The same once more, as it is; no program may be using it.
    pub(crate) fn copied(&self) -> Result<Self> {
        match &self.at {
            At::File(from) => {
                let place = from.parent().context("a file lies in a directory")?;
                let copy = Self::named(self.kind, place)?;
                if let At::File(to) = &copy.at {
                    std::fs::copy(from, to)?;
                    // So that nobody's measured sync to disk has to write it.
                    std::fs::File::open(to)?.sync_all()?;
                }
                Ok(copy)
            }
            At::Server { url, name: from } => {
                let copy = Self::named(self.kind, Path::new(""))?;
                if let At::Server { name, .. } = &copy.at {
                    // It ends with a checkpoint, which nobody has to wait for while something is measured.
                    on_server(url, &format!("CREATE DATABASE {name} TEMPLATE {from} STRATEGY FILE_COPY"))?;
                }
                Ok(copy)
            }
        }
    }

    fn named(kind: Kind, place: &Path) -> Result<Self> {
        let number = MADE.replace(MADE.get() + 1);
        Ok(match kind {
            Kind::Sqlite => {
                let file = place.join(format!("{number}.db"));
                Self { kind, url: format!("sqlite://{}", file.display()), at: At::File(file) }
            }
            Kind::Postgres => {
                let url = std::env::var("TEST_POSTGRES_URL").context("./scripts/bench starts PostgreSQL")?;
                let name = format!("field_{}_{number}", std::process::id());
                Self { kind, url: format!("{url}/{name}"), at: At::Server { url, name } }
            }
        })
    }

    /// The program's own way into it. Its connections end with what is returned.
    pub(crate) fn store(&self) -> Result<Store> {
        Ok(Store::open(&self.url.parse().map_err(anyhow::Error::msg)?)?)
    }

    /// What PostgreSQL does by itself within minutes of a large change: looks at what there is.
    pub(crate) fn settle(&self) -> Result<()> {
        if self.kind == Kind::Postgres {
            PgConnection::establish(&self.url)?.batch_execute("VACUUM ANALYZE")?;
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.at {
            At::File(file) => {
                for ending in ["", "-wal", "-shm"] {
                    // What is left goes with the directory.
                    let _gone = std::fs::remove_file(format!("{}{ending}", file.display()));
                }
            }
            At::Server { url, name } => {
                // What is left goes with the server.
                let _gone = on_server(url, &format!("DROP DATABASE {name} WITH (FORCE)"));
            }
        }
    }
}

fn on_server(url: &str, sql: &str) -> Result<()> {
    let mut server =
        PgConnection::establish(&format!("{url}/postgres")).context("PostgreSQL is not there")?;
    server.batch_execute(sql).with_context(|| sql.to_owned())
}
