//! A copy of a SQLite database while programs work on it.

use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::r2d2::ManageConnection;
use diesel::sql_types::Text;

use super::connection::Connections;
use super::{DatabaseUrl, Db, Store, StoreError, migrations_applied, restorations};
use crate::clock::Clock;

/// Digits of a migration's serial number, at the end of its version.
const SERIAL_DIGITS: usize = 6;

/// Copies the database as it stands at this instant into a new file, which its owner alone may read. The copy is whole or
/// not there; it is opened and checked before it gets its name, and bears the mark of a backup of `at` (UTC), if its
/// schema knows one. Nobody who reads or writes waits for it. What is at `to` already is left as it is, and refused.
/// Blocks.
pub fn copy(store: &Store, to: &Path, at: NaiveDateTime) -> Result<(), StoreError> {
    if let DatabaseUrl::Sqlite(database) = &store.connections.0
        && is_log_of(to, database)
    {
        let cause = "SQLite would take it for a log of the database itself: choose another name".to_owned();
        return Err(StoreError::NotCopied { path: to.display().to_string(), cause });
    }
    copy_of(&mut *store.connection()?, to, at)
}

/// The endings of the files that SQLite keeps beside a database.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Whether that is the place of one of the files that SQLite keeps beside this database, under the name that it was
/// opened by or its own.
fn is_log_of(path: &Path, database: &str) -> bool {
    let place = |path: &Path| {
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(directory.canonicalize().ok()?.join(path.file_name()?))
    };
    let Some(path) = place(path) else { return false };
    let names = [Some(PathBuf::from(database)), Path::new(database).canonicalize().ok()];
    names.into_iter().flatten().any(|name| {
        LOGS.iter().any(|log| {
            let mut name = name.clone().into_os_string();
            name.push(log);
            place(Path::new(&name)).is_some_and(|log| log == path)
        })
    })
}

/// Removes what SQLite left beside a copy that is not finished.
struct LogsOf<'a>(&'a str);

impl Drop for LogsOf<'_> {
    fn drop(&mut self) {
        for log in LOGS.map(|log| format!("{}{log}", self.0)) {
            match std::fs::remove_file(&log) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    log::warn!("{log} is left over, and could not be removed: {cause}");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
}

/// The same by that connection, outside of a transaction.
fn copy_of(db: &mut Db, to: &Path, at: NaiveDateTime) -> Result<(), StoreError> {
    let refused = |cause: String| StoreError::NotCopied { path: to.display().to_string(), cause };
    let failed = |cause: std::io::Error| refused(cause.to_string());
    if to.symlink_metadata().is_ok() {
        return Err(refused("there is something of that name already".to_owned()));
    }
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = to.file_name().ok_or_else(|| refused("it names no file".to_owned()))?;
    // Made for its owner alone, and removed if anything below fails.
    let unfinished = tempfile::Builder::new()
        .prefix(&format!("{}.", name.to_string_lossy()))
        .suffix(".unfinished")
        .tempfile_in(directory)
        .map_err(failed)?;
    let path =
        unfinished.path().to_str().ok_or_else(|| refused("its name is not UTF-8".to_owned()))?.to_owned();
    let _logs = LogsOf(&path);
    let schema = migrations_applied(db)?;
    diesel::sql_query("VACUUM INTO $1")
        .bind::<Text, _>(&path)
        .execute(db)
        .map_err(|cause| refused(cause.to_string()))?;
    mark_and_check(&path, &schema, at).map_err(refused)?;
    unfinished.as_file().sync_all().map_err(failed)?;
    unfinished.persist_noclobber(to).map_err(|fault| failed(fault.error))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

/// Copies the file of a schema that is older than this program's beside it, before it is brought up to date: what is
/// committed of it, by another connection, while `db` keeps every other writer away. No copy is written over.
pub(super) fn keep_as_before(
    db: &mut Db,
    connections: &Connections,
    path: &str,
    known: &[String],
) -> Result<(), StoreError> {
    let applied = migrations_applied(db)?;
    let pending = known.iter().find(|version| !applied.contains(version));
    let Some(pending) = pending.filter(|_| !applied.is_empty()) else { return Ok(()) };
    let serial = pending.get(pending.len().saturating_sub(SERIAL_DIGITS)..).unwrap_or(pending);
    let name = format!("{path}.before-{serial}");
    let mut names = std::iter::once(name.clone()).chain((2..).map(|which| format!("{name}-{which}")));
    let free = names.find(|name| Path::new(name).symlink_metadata().is_err()).unwrap_or(name);
    let mut reader = connections.connect().map_err(|cause| StoreError::Unreachable(cause.to_string()))?;
    copy_of(&mut reader, Path::new(&free), Clock::system().now().naive_utc())
        .map_err(|fault| StoreError::Migration(fault.to_string()))?;
    log::info!("the schema is brought up to date; the database as it was before is kept at {free}");
    Ok(())
}

/// Marks a copy, and opens it anew to look at every page of it; why it is not whole.
fn mark_and_check(path: &str, schema: &[String], at: NaiveDateTime) -> Result<(), String> {
    let open = || {
        let db = SqliteConnection::establish(path).map_err(|cause| cause.to_string())?;
        Ok::<_, String>(Db::Sqlite(db))
    };
    let told = |cause: StoreError| cause.to_string();
    let mut copy = open()?;
    if has_table(&mut copy, "restorations").map_err(told)? {
        copy.writing(|db| restorations::mark(db, at)).map_err(told)?;
    }
    drop(copy);
    let mut copy = open()?;
    let found: Vec<Line> = diesel::sql_query("SELECT integrity_check AS line FROM pragma_integrity_check")
        .load(&mut copy)
        .map_err(|cause| cause.to_string())?;
    match found.as_slice() {
        [Line { line }] if line == "ok" => {}
        faults => {
            let first = faults.first().map_or("it says nothing", |fault| &fault.line);
            return Err(format!("the copy is not whole: {first}"));
        }
    }
    let is_same = migrations_applied(&mut copy).map_err(told)? == schema;
    is_same.then_some(()).ok_or_else(|| "the copy has another schema than the database".to_owned())
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn has_table(db: &mut Db, name: &str) -> Result<bool, StoreError> {
    let found =
        diesel::sql_query("SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name = $1")
            .bind::<Text, _>(name)
            .load::<Line>(db)?;
    Ok(!found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_left_beside_an_unfinished_copy_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let copy = place.path().join("copy.db.unfinished").display().to_string();
        for name in [copy.clone(), format!("{copy}-journal"), format!("{copy}-wal")] {
            File::create(name).unwrap();
        }
        drop(LogsOf(&copy));
        let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|one| one.unwrap().path()).collect();
        assert_eq!(left, [Path::new(&copy)]);
    }
}
