//! One word more in each list of words (CHECK … IN …): the recipe of migrations/README.md, rehearsed
//! over rows as the program's migrations run, for every list there is.

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel_migrations::MigrationHarness;
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::search::{self, Filters, SearchText};
use mukta_ftps::store::{Db, Store};

use super::past::{Past, bare, lines, repository};
use super::{NAMES, every_name_is_found, every_page_shows_its_rows};
use crate::support::{Kind, World, on_both};

/// No list has it.
const NEW: &str = "a new word";

/// A column that takes the words of a list only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct WordList {
    table: String,
    column: String,
    words: Vec<String>,
}

/// The quoted words of `'a', 'b'`.
fn quoted(list: &str) -> Vec<String> {
    let mut words: Vec<String> = list.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
    words.sort();
    words
}

/// Each `CHECK (column IN (…))` of a CREATE TABLE: the column, its words, and where another may follow.
fn checks(create: &str) -> Vec<(&str, Vec<String>, usize)> {
    let mut found = Vec::new();
    for (at, check) in create.match_indices("CHECK (") {
        let rest = &create[at + check.len()..];
        let column = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
        let Some((before, list)) = rest[column.len()..].split_once('(') else { continue };
        let (list, after) = list.split_once(')').unwrap();
        if before.trim() == "IN" && after.trim_start().starts_with(')') {
            found.push((column, quoted(list), create.len() - after.len() - 1));
        }
    }
    found
}

impl Past {
    /// Applies a migration that is only rehearsed.
    fn rehearse(&mut self, serial: u32, sql: &str) {
        let directory = tempfile::tempdir().unwrap();
        let one = directory.path().join(format!("2099-01-01-{serial:06}_rehearsed"));
        std::fs::create_dir(&one).unwrap();
        std::fs::write(one.join("up.sql"), sql).unwrap();
        std::fs::write(one.join("down.sql"), "-- Never taken back.\nSELECT 1;").unwrap();
        self.migrate(directory.path(), |db, source| match db {
            Db::Sqlite(db) => db.run_pending_migrations(source).map(drop),
            Db::Postgres(db) => db.run_pending_migrations(source).map(drop),
        });
        // A schema that is newer than the program's is refused.
        self.db.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '2099%'").unwrap();
    }

    /// As if the newest rows of every table had been deleted: their ids are not to be given again.
    fn forget_newest(&mut self) {
        if matches!(self.kind, Kind::Sqlite) {
            self.db.batch_execute("UPDATE sqlite_sequence SET seq = seq + 5").unwrap();
        }
    }

    /// Every row of every table, generated columns and SQLite's last given ids with them.
    fn rows(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for table in self.tables() {
            let shown = match self.kind {
                Kind::Sqlite => {
                    let quoted = format!(
                        "SELECT 'quote(' || name || ')' AS line FROM pragma_table_xinfo('{table}') ORDER BY name"
                    );
                    format!("concat_ws('|', {})", self.lines(&quoted).join(", "))
                }
                Kind::Postgres => "x::TEXT".to_owned(),
            };
            all.extend(
                self.lines(&format!("SELECT '{table}: ' || {shown} AS line FROM {table} x ORDER BY 1")),
            );
        }
        if matches!(self.kind, Kind::Sqlite) {
            all.extend(
                self.lines("SELECT name || ' given: ' || seq AS line FROM sqlite_sequence ORDER BY 1"),
            );
        }
        all
    }

    /// Every list of words.
    fn word_lists(&mut self) -> Vec<WordList> {
        let mut lists: Vec<WordList> = match self.kind {
            Kind::Sqlite => {
                let mut lists = Vec::new();
                for table in self.tables() {
                    let create = self.create(&table);
                    lists.extend(checks(&create).into_iter().map(|(column, words, _)| WordList {
                        table: table.clone(),
                        column: column.to_owned(),
                        words,
                    }));
                }
                lists
            }
            Kind::Postgres => self
                .lines(&format!(
                    "SELECT concat_ws('|', conrelid::REGCLASS, attname, definition) AS line FROM {LISTS}"
                ))
                .iter()
                .map(|line| {
                    let mut parts = line.split('|').map(str::to_owned);
                    let mut part = || parts.next().unwrap();
                    WordList { table: part(), column: part(), words: quoted(&part()) }
                })
                .collect(),
        };
        lists.sort();
        lists
    }

    /// The statement that SQLite keeps of a table.
    fn create(&mut self, table: &str) -> String {
        self.lines(&format!(
            "SELECT sql AS line FROM sqlite_master WHERE type = 'table' AND name = '{table}'"
        ))
        .concat()
    }

    /// Whether some row may have that word; nothing is changed.
    fn accepts(&mut self, list: &WordList, word: &str) -> bool {
        let WordList { table, column, .. } = list;
        let mut accepted = false;
        let kind = self.kind;
        let rolled_back = self.db.transaction(|db| {
            match kind {
                Kind::Sqlite => {
                    let triggers = format!("SELECT name AS line FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'");
                    for trigger in lines(db, &triggers) {
                        db.batch_execute(&format!("DROP TRIGGER {trigger}"))?;
                    }
                    // OR IGNORE passes over the rows that a CHECK refuses.
                    let set = format!("UPDATE OR IGNORE {table} SET {column} = '{word}'");
                    db.batch_execute(&set)?;
                    let has = format!("SELECT '' AS line FROM {table} WHERE {column} = '{word}'");
                    accepted = !lines(db, &has).is_empty();
                }
                Kind::Postgres => {
                    db.batch_execute(&format!("ALTER TABLE {table} DISABLE TRIGGER USER"))?;
                    for row in lines(db, &format!("SELECT ctid::TEXT AS line FROM {table}")) {
                        let set = format!("UPDATE {table} SET {column} = '{word}' WHERE ctid = '{row}'");
                        accepted |= db.transaction(|db| db.batch_execute(&set)).is_ok();
                    }
                }
            }
            Err::<(), _>(diesel::result::Error::RollbackTransaction)
        });
        assert!(matches!(rolled_back, Err(diesel::result::Error::RollbackTransaction)), "{rolled_back:?}");
        accepted
    }

    /// What SQLite and its indexes say of themselves: nothing is wrong.
    fn is_sound(&mut self) {
        if matches!(self.kind, Kind::Sqlite) {
            assert_eq!(self.lines("SELECT integrity_check AS line FROM pragma_integrity_check"), ["ok"]);
            assert_eq!(self.lines("SELECT \"table\" AS line FROM pragma_foreign_key_check"), [""; 0]);
            self.db
                .batch_execute("INSERT INTO search_index (search_index) VALUES ('integrity-check')")
                .unwrap();
        }
    }

    /// Every name is found by the index.
    fn searches(&self) {
        let store = Store::open(&self.database.url).unwrap();
        for (typed, number) in NAMES {
            let filters = Filters { text: SearchText::typed(typed), ..Filters::default() };
            let found =
                store.read_blocking(|db| search::search(db, &Scope::of("od"), &filters, None)).unwrap();
            let numbers: Vec<_> = found.rows.iter().map(|row| row.instruction.number.as_str()).collect();
            assert_eq!(numbers, [*number], "{typed}");
        }
    }
}

/// The CHECKs of one column on PostgreSQL that name words, not what is no word.
const LISTS: &str = "(SELECT conrelid, conname, attname, pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint c JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
    WHERE contype = 'c' AND cardinality(conkey) = 1 AND connamespace = 'public'::REGNAMESPACE
        AND pg_get_constraintdef(c.oid) SIMILAR TO '%(= ANY \\(ARRAY\\[|= '')%') x";

/// The recipe's statements for one word more, made of what the database says of itself.
fn recipe(past: &mut Past, list: &WordList, word: &str) -> String {
    let WordList { table, column, .. } = list;
    match past.kind {
        Kind::Postgres => {
            let of_list = format!("WHERE conrelid = '{table}'::REGCLASS AND attname = '{column}'");
            let name = past.lines(&format!("SELECT conname::TEXT AS line FROM {LISTS} {of_list}")).concat();
            let words: Vec<String> =
                list.words.iter().map(String::as_str).chain([word]).map(|word| format!("'{word}'")).collect();
            format!(
                "ALTER TABLE {table} DROP CONSTRAINT {name},
                     ADD CONSTRAINT {name} CHECK ({column} IN ({}));",
                words.join(", ")
            )
        }
        Kind::Sqlite => {
            let mut create = past.create(table);
            let end = checks(&create).into_iter().find(|(of, ..)| of == column).unwrap().2;
            create.insert_str(end, &format!(", '{word}'"));
            let kept = past
                .lines(&format!(
                    "SELECT name AS line FROM pragma_table_xinfo('{table}') WHERE hidden = 0 ORDER BY cid"
                ))
                .join(", ");
            let after = past.lines(&format!(
                "SELECT sql || ';' AS line FROM sqlite_master
                     WHERE tbl_name = '{table}' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
            ));
            let (sequence_aside, sequence_back) = if create.contains("AUTOINCREMENT") {
                (
                    format!(
                        "CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = '{table}';"
                    ),
                    format!(
                        "DELETE FROM sqlite_sequence WHERE name = '{table}';
                         INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
                         DROP TABLE ids_given;"
                    ),
                )
            } else {
                Default::default()
            };
            let (mut indexed, mut unindexed) = (String::new(), String::new());
            let pointing = format!(
                "SELECT m.name || ' (' || f.\"from\" || ')' AS line FROM sqlite_master m, pragma_foreign_key_list(m.name) f
                     WHERE m.type = 'table' AND f.\"table\" = '{table}'"
            );
            for (at, child) in past.lines(&pointing).iter().enumerate() {
                indexed.push_str(&format!("CREATE INDEX for_rebuilding_{at} ON {child};"));
                unindexed.push_str(&format!("DROP INDEX for_rebuilding_{at};"));
            }
            format!(
                "PRAGMA defer_foreign_keys = ON;
                 {indexed}
                 CREATE TEMPORARY TABLE set_aside AS SELECT {kept} FROM {table};
                 {sequence_aside}
                 DROP TABLE {table};
                 {create};
                 INSERT INTO {table} ({kept}) SELECT {kept} FROM set_aside;
                 DROP TABLE set_aside;
                 {sequence_back}
                 {unindexed}
                 {}",
                after.join("\n")
            )
        }
    }
}

/// The schema with the word in that list, as the database tells it.
fn grown(
    schema: Vec<String>,
    kind: Kind,
    (table, column): (&str, &str),
    last: &str,
    word: &str,
) -> Vec<String> {
    let mut grown: Vec<String> = schema
        .into_iter()
        .map(|line| match kind {
            Kind::Sqlite if line.starts_with(&format!("table{table}of")) => {
                let check = format!("CHECK({column}IN(");
                let Some((before, rest)) = line.split_once(&check) else { return line };
                let list = rest.replacen(&format!("'{last}')"), &format!("'{last}','{word}')"), 1);
                format!("{before}{check}{list}")
            }
            Kind::Postgres if line.starts_with(&format!("constraint{table}{table}_{column}_check")) => {
                line.replace(&format!("'{last}'::text]"), &format!("'{last}'::text,'{word}'::text]"))
            }
            _ => line,
        })
        .collect();
    grown.sort();
    grown
}

/// All but what the recipe is to change.
async fn each_list_of_words_can_grow_over_rows(kind: Kind) {
    let mut past = Past::filled(kind);
    drop(Store::open(&past.database.url).unwrap());
    past.forget_newest();
    let lists = past.word_lists();
    assert!(lists.len() >= 15, "{lists:?}");
    for (serial, list) in (1..).zip(&lists) {
        let what = format!("{}.{}", list.table, list.column);
        for word in &list.words {
            let has = format!("SELECT '' AS line FROM {} WHERE {} = '{word}'", list.table, list.column);
            assert!(!past.lines(&has).is_empty(), "{what}: no row of tests/data/migrations has {word}");
        }
        assert!(!past.accepts(list, NEW), "{what}");
        let (rows, schema) = (past.rows(), past.schema());
        let sql = recipe(&mut past, list, NEW);
        past.rehearse(serial, &sql);
        assert!(past.accepts(list, NEW), "{what}");
        assert_eq!(past.rows(), rows, "{what}");
        let now = past.schema();
        let changed: Vec<_> = now.iter().filter(|line| !schema.contains(line)).collect();
        assert_eq!((changed.len(), now.len()), (1, schema.len()), "{what}: {changed:?}");
        assert!(changed[0].contains(&bare(NEW)), "{what}: {changed:?}");
        past.is_sound();
        past.searches();
    }
    let mut all = past.word_lists();
    all.iter_mut().for_each(|list| list.words.retain(|word| word != NEW));
    assert_eq!(all, lists);
    let world = World::over(past.database).await;
    every_page_shows_its_rows(&world, kind).await;
    every_name_is_found(&world).await;
}

/// The example of migrations/README.md under that heading.
fn example(heading: &str) -> String {
    let path = repository().join("migrations/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, below) = readme.split_once(&format!("### {heading}\n")).unwrap();
    let (_, code) = below.split_once("```sql\n").unwrap();
    code.split_once("```").unwrap().0.to_owned()
}

/// The example is of the schema of 000008, whatever came after.
async fn the_readme_s_example_does_what_it_says(kind: Kind) {
    let mut past = Past::filled_up_to(kind, "000008");
    past.forget_newest();
    let list = past.word_lists().into_iter().find(|list| list.table == "payment_instructions").unwrap();
    let list = WordList { column: "status".to_owned(), ..list };
    assert!(!past.accepts(&list, "Cancelled"));
    let (rows, schema) = (past.rows(), past.schema());
    past.rehearse(1, &example(if matches!(kind, Kind::Sqlite) { "SQLite" } else { "PostgreSQL" }));
    assert_eq!(past.rows(), rows);
    let expected = grown(schema, kind, ("payment_instructions", "status"), "Completed", "Cancelled");
    assert_eq!(past.schema(), expected);
    assert!(past.accepts(&list, "Cancelled"));
    past.is_sound();
    let world = World::over(past.database).await;
    every_page_shows_its_rows(&world, kind).await;
    every_name_is_found(&world).await;
    world.database.execute(
        "UPDATE payment_instructions SET created_at = '2024-01-15 05:00:00' WHERE number LIKE '%/000112'",
    );
    every_name_is_found(&world).await;
}

on_both!(each_list_of_words_can_grow_over_rows, the_readme_s_example_does_what_it_says);

#[test]
fn both_databases_know_the_same_words() {
    let [here, there] = [Kind::Sqlite, Kind::Postgres].map(|kind| {
        let mut past = Past::new(kind);
        super::past::steps(kind).iter().for_each(|_| past.step_up());
        past.word_lists()
    });
    assert_eq!(here, there);
}
