//! Every row of a SQLite database into a PostgreSQL one that is empty.
//!
//! Rows travel as JSON: SQLite writes them, and PostgreSQL reads them into the types of its own columns. Which tables and
//! columns there are, what refers to what and what counts its rows is asked of the databases. A copy that broke off
//! is begun again and passes by what is there; at its end every row is compared with the one that PostgreSQL holds.
//! The target bears a mark from its first table on until then, and no program opens it. Nobody writes into the source
//! meanwhile: the copy holds its writer's lock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::audit::{self, NewEvent};
use super::programs::{self, COPY_UNDER_WAY};
use super::schema::{data_keys, program_state};
use super::{DatabaseUrl, Db, Store, StoreError};

/// How much of JSON goes over at a time, in bytes; a row may be more.
const AT_ONCE: usize = 1 << 20;

/// What of `program_state` is of one database alone: which programs are at work on it, and what is copied into it.
const PASSING: &str = "name LIKE 'program %' OR name LIKE 'copy under way %'";

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Tables that hold something.
    pub tables: usize,
    /// Their rows.
    pub rows: u64,
}

/// Why nothing, or not everything, was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Either database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is the other way round.
    #[error("only a SQLite database is copied, and only into PostgreSQL")]
    NotSqlite,
    /// What is written meanwhile would be lost.
    #[error(
        "a program is at work on the SQLite database, and what it writes meanwhile would be lost: stop it, and copy then"
    )]
    SourceAtWork,
    /// It holds something else.
    #[error(
        "the PostgreSQL database is in use: its table {0} holds rows that this copy did not bring. Copy into a new \
         database"
    )]
    TargetInUse(String),
    /// Part of another database is there.
    #[error(
        "the copy of another SQLite database was begun there, and is not finished: finish that one, or copy into a new \
         database"
    )]
    AnotherCopy,
    /// The source was written to since the copy was begun.
    #[error(
        "of {table}, {differing} rows are not as they are in the SQLite database, which was written to since the copy was \
         begun: copy into a new database"
    )]
    Differs {
        /// Where.
        table: String,
        /// How many rows.
        differing: u64,
    },
    /// A column has nowhere to go: the migrations of the two databases do not fit.
    #[error(
        "the table {0} has not the same columns in both databases: report this as a fault of the program"
    )]
    Unlike(String),
}

impl From<diesel::result::Error> for CopyError {
    fn from(fault: diesel::result::Error) -> Self {
        Self::Store(fault.into())
    }
}

/// A table, as both databases have it.
struct Table {
    name: String,
    /// What is copied of it.
    columns: Vec<Column>,
    /// Whether PostgreSQL has a column more, which a trigger fills.
    is_filled: bool,
    /// What its rows are told apart by.
    key: Vec<String>,
    /// The column whose numbers PostgreSQL draws.
    numbered: Option<String>,
}

struct Column {
    name: String,
    is_binary: bool,
}

impl Table {
    /// Whether a new database has its row already.
    fn has_one_row(&self) -> bool {
        self.key == ["one"] || self.name == "search_folding"
    }

    /// What of it is copied, as a condition.
    fn condition(&self) -> String {
        if self.name == "program_state" { format!("NOT ({PASSING})") } else { "1 = 1".to_owned() }
    }

    /// SQLite's statement that writes each row as JSON.
    fn told(&self) -> String {
        let value = |column: &Column| {
            let name = &column.name;
            if column.is_binary {
                format!("'{name}', CASE WHEN \"{name}\" IS NOT NULL THEN '\\x' || hex(\"{name}\") END")
            } else {
                format!("'{name}', \"{name}\"")
            }
        };
        let values = list(&self.columns, value);
        format!("SELECT json_object({values}) AS told FROM \"{}\" WHERE {}", self.name, self.condition())
    }

    /// PostgreSQL's statement that takes rows in, but those that are there.
    fn take_in(&self) -> String {
        let (name, columns) = (&self.name, list(&self.columns, |column| format!("\"{}\"", column.name)));
        format!(
            "INSERT INTO \"{name}\" ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::\"{name}\", $1::json) \
             ON CONFLICT DO NOTHING"
        )
    }

    /// PostgreSQL's statement that counts those rows of its own that are as told.
    fn alike(&self) -> String {
        let name = &self.name;
        let of = |side: &'static str| move |column: &Column| format!("{side}.\"{}\"", column.name);
        let same = self.key.iter().map(|key| format!("kept.\"{key}\" = told.\"{key}\""));
        format!(
            "SELECT count(*) AS number FROM json_populate_recordset(NULL::\"{name}\", $1::json) AS told \
             JOIN \"{name}\" AS kept ON {} WHERE ROW({}) IS NOT DISTINCT FROM ROW({})",
            same.collect::<Vec<_>>().join(" AND "),
            list(&self.columns, of("told")),
            list(&self.columns, of("kept")),
        )
    }
}

fn list(columns: &[Column], told: impl Fn(&Column) -> String) -> String {
    columns.iter().map(told).collect::<Vec<_>>().join(", ")
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    told: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Copies everything from SQLite, whose schema is this program's, to PostgreSQL, and leaves an event in the audit trail
/// of both. Blocks.
pub fn copy(from: &Store, to: &DatabaseUrl, event: &NewEvent) -> Result<Copied, CopyError> {
    let look = || from.read_blocking(programs::said_to_be_at_work);
    let killed = programs::killed(look)?.ok_or(CopyError::SourceAtWork)?;
    let mut source = from.connection()?;
    let mark = source.reading(mark)?;
    let to = Store::open_to_copy_into(to, &mark)?;
    let mut target = to.connection()?;
    let tables = source.reading(|source| target.reading(|target| tables(source, target)))?;
    if target.writing(|db| begin(db, &mark, &tables))? {
        from.write_blocking(|db| audit::append(db, None, event))?;
    }
    // Nobody writes into the source from here on, and whoever began to work with it has said so before.
    source.writing(|source| {
        if programs::said_to_be_at_work(source)?.iter().any(|program| !killed.contains(program)) {
            return Err(CopyError::SourceAtWork);
        }
        for table in &tables {
            let rows = each_part(source, table, |part, _| target.writing(|db| take_in(db, table, part)))?;
            if rows > 0 {
                log::info!("{}: {rows} rows are there", table.name);
            }
        }
        target.writing(|db| tables.iter().try_for_each(|table| count_on(source, db, table)))?;
        let copied = target.reading(|db| compare(source, db, &tables))?;
        target.writing(|db| diesel::delete(program_state::table.find(&mark)).execute(db))?;
        Ok(copied)
    })
}

/// Compares every row of the source with the target's, and counts the target's.
fn compare(source: &mut Db, target: &mut Db, tables: &[Table]) -> Result<Copied, CopyError> {
    let mut copied = Copied::default();
    for table in tables {
        let (mut differing, name) = (0, || table.name.clone());
        let rows = each_part(source, table, |part, rows| {
            let alike: Number = diesel::sql_query(table.alike()).bind::<Text, _>(part).get_result(target)?;
            differing += rows.saturating_sub(alike.number.unsigned_abs());
            Ok(())
        })?;
        if differing > 0 {
            return Err(CopyError::Differs { table: name(), differing });
        }
        let counted =
            format!("SELECT count(*) AS number FROM \"{}\" WHERE {}", table.name, table.condition());
        if diesel::sql_query(counted).get_result::<Number>(target)?.number.unsigned_abs() != rows {
            return Err(CopyError::TargetInUse(name()));
        }
        copied.rows += rows;
        copied.tables += usize::from(rows > 0);
    }
    Ok(copied)
}

/// Has `work` take the rows of a table of the source as arrays of JSON, with the number of each; how many there were.
fn each_part(
    source: &mut Db,
    table: &Table,
    mut work: impl FnMut(&str, u64) -> Result<(), CopyError>,
) -> Result<u64, CopyError> {
    let Db::Sqlite(source) = source else { return Err(CopyError::NotSqlite) };
    let (mut part, mut rows, mut all) = (String::new(), 0, 0);
    for row in diesel::sql_query(table.told()).load_iter::<Told, DefaultLoadingMode>(source)? {
        part.push(if part.is_empty() { '[' } else { ',' });
        part.push_str(&row?.told);
        rows += 1;
        if part.len() >= AT_ONCE {
            part.push(']');
            work(&part, rows)?;
            all += rows;
            (part, rows) = (String::new(), 0);
        }
    }
    if rows > 0 {
        part.push(']');
        work(&part, rows)?;
    }
    Ok(all + rows)
}

/// What guards rows that are written once would refuse them here; a column that a trigger fills needs it.
fn take_in(db: &mut Db, table: &Table, part: &str) -> Result<(), CopyError> {
    let guards = |db: &mut Db, word: &str| {
        if table.is_filled {
            Ok(())
        } else {
            db.batch_execute(&format!("ALTER TABLE \"{}\" {word} TRIGGER USER", table.name))
        }
    };
    guards(db, "DISABLE")?;
    diesel::sql_query(table.take_in()).bind::<Text, _>(part).execute(db)?;
    guards(db, "ENABLE")?;
    Ok(())
}

/// Has PostgreSQL draw numbers from where SQLite was.
fn count_on(source: &mut Db, db: &mut Db, table: &Table) -> Result<(), CopyError> {
    let (Some(column), name) = (&table.numbered, &table.name) else { return Ok(()) };
    let drawn: Number =
        diesel::sql_query("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = $1), 0) AS number")
            .bind::<Text, _>(name)
            .get_result(source)?;
    if drawn.number > 0 {
        diesel::sql_query(format!("SELECT setval(pg_get_serial_sequence('\"{name}\"', '{column}'), $1)"))
            .bind::<BigInt, _>(drawn.number)
            .execute(db)?;
    }
    Ok(())
}

/// What the target is marked with: which database is copied into it.
fn mark(source: &mut Db) -> Result<String, CopyError> {
    let first: Option<(String, NaiveDateTime)> = data_keys::table
        .order(data_keys::first_used_at)
        .select((data_keys::key_id, data_keys::first_used_at))
        .first(source)
        .optional()?;
    let which =
        first.map_or_else(|| "a database without a key".to_owned(), |(key, at)| format!("{key} of {at}"));
    Ok(format!("{COPY_UNDER_WAY}{which}"))
}

/// Marks the target, if it is not, and takes away the rows that a new database has; whether nothing has come over yet.
/// A target of another copy, and one that holds anything and bears no mark, are refused.
fn begin(db: &mut Db, mark: &str, tables: &[Table]) -> Result<bool, CopyError> {
    let marked = programs::copy_under_way(db)?;
    if marked.as_ref().is_some_and(|found| found != mark) {
        return Err(CopyError::AnotherCopy);
    }
    let (own, brought): (Vec<&Table>, Vec<&Table>) = tables.iter().partition(|table| table.has_one_row());
    for table in brought {
        let (name, condition) = (&table.name, table.condition());
        let looked = format!(
            "SELECT count(*) AS number FROM (SELECT FROM \"{name}\" WHERE {condition} LIMIT 1) AS one"
        );
        if diesel::sql_query(looked).get_result::<Number>(db)?.number > 0 {
            return if marked.is_some() { Ok(false) } else { Err(CopyError::TargetInUse(name.clone())) };
        }
    }
    for Table { name, .. } in own {
        db.batch_execute(&format!(
            "ALTER TABLE \"{name}\" DISABLE TRIGGER USER; DELETE FROM \"{name}\"; ALTER TABLE \"{name}\" ENABLE TRIGGER USER"
        ))?;
    }
    if marked.is_none() {
        programs::mark_copy(db, mark)?;
    }
    Ok(true)
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    is: String,
}

#[derive(QueryableByName)]
struct TargetColumn {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_binary: bool,
    #[diesel(sql_type = Bool)]
    is_numbered: bool,
}

/// The tables, so ordered that what others refer to comes before them.
fn tables(source: &mut Db, target: &mut Db) -> Result<Vec<Table>, CopyError> {
    let pairs = |db: &mut Db, query: &str| diesel::sql_query(query).load::<Pair>(db);
    let mut stored: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Pair { of, is } in pairs(
        source,
        "SELECT m.name AS \"of\", c.name AS \"is\" FROM sqlite_schema m, pragma_table_info(m.name) c \
         WHERE m.type = 'table'",
    )? {
        stored.entry(of).or_default().insert(is);
    }
    // Whatever has a name beginning so is diesel's own.
    let columns: Vec<TargetColumn> = diesel::sql_query(
        "SELECT table_name::text AS of, column_name::text AS name, data_type = 'bytea' AS is_binary, \
             is_identity = 'YES' AS is_numbered \
         FROM information_schema.columns \
         WHERE table_schema = current_schema() AND is_generated = 'NEVER' AND table_name NOT LIKE '\\_\\_diesel%' \
         ORDER BY table_name, ordinal_position",
    )
    .load(target)?;
    let keys = pairs(
        target,
        "SELECT c.relname::text AS of, a.attname::text AS is FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) \
         WHERE k.contype = 'p' AND c.relnamespace = current_schema()::regnamespace",
    )?;
    let references = pairs(
        target,
        "SELECT c.relname::text AS of, r.relname::text AS is FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid \
         WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace AND r.oid <> c.oid",
    )?;
    let mut unordered: BTreeMap<String, Table> = BTreeMap::new();
    for column in columns {
        let table = unordered.entry(column.of.clone()).or_insert_with(|| Table {
            key: keys.iter().filter(|key| key.of == column.of).map(|key| key.is.clone()).collect(),
            name: column.of.clone(),
            columns: Vec::new(),
            is_filled: false,
            numbered: None,
        });
        if column.is_numbered {
            table.numbered = Some(column.name.clone());
        }
        if stored.get_mut(&column.of).is_some_and(|names| names.remove(&column.name)) {
            table.columns.push(Column { name: column.name, is_binary: column.is_binary });
        } else {
            table.is_filled = true;
        }
    }
    if let Some(unlike) = unordered.values().find(|table| {
        table.columns.is_empty() || stored.get(&table.name).is_some_and(|left| !left.is_empty())
    }) {
        return Err(CopyError::Unlike(unlike.name.clone()));
    }
    let mut ordered: Vec<Table> = Vec::new();
    while !unordered.is_empty() {
        let waits =
            |name: &String| references.iter().any(|one| one.of == *name && unordered.contains_key(&one.is));
        let next = unordered.keys().find(|name| !waits(name)).or_else(|| unordered.keys().next()).cloned();
        ordered.extend(next.and_then(|name| unordered.remove(&name)));
    }
    Ok(ordered)
}
