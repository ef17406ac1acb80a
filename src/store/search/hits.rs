//! Which instructions are on a page: rows and places only, read from indexes.
//!
//! Without a text, every order of the list has an index that holds the filters' columns too. With
//! one, the work is bounded: if the other filters leave at most [`Bounds::read`] instructions, their texts
//! are read, newest first. Of more than that,
//!
//! - SQLite's index gives what may match newest first, and at most [`Bounds::narrowed`] of those are looked
//!   at;
//! - PostgreSQL's gives it of a range of eras (migrations 000007), in no order. Ranges are gone through
//!   from the newest on, each so long that at most [`Bounds::few`] may match, until [`Bounds::narrowed`]
//!   were looked at. What few hold is found within some 70 ms, however old it is. An era that alone holds
//!   more is read itself, newest first, and no more than [`Bounds::read`] of it. One case has no bound but
//!   the table: of a word that is rare though all its trigrams often stand together, all that hold those
//!   are read, some 150 ms of a million;
//! - a text too short for the index is looked for in the newest [`Bounds::read`].
//!
//! Where a bound ends a search, [`Hits::stopped_at`] says how far it came.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::typed::has_trigrams;
use super::{Cursor, Filters, SearchText, first_place, flagged, place_after};
use crate::domain::PiStatus;
use crate::store::connection::on_either;
use crate::store::instants::{begin_of, literal};
use crate::store::instructions::LONG_IN_PROCESS;
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};

/// How much work one page may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Instructions whose texts are read.
    pub(super) read: usize,
    /// Instructions that an index gave and that are looked at.
    pub(super) narrowed: usize,
    /// Instructions that PostgreSQL's index gives at a time; of an era that holds more, texts are read.
    pub(super) few: usize,
}

/// What takes some 100 ms.
pub(super) const BOUNDS: Bounds = Bounds { read: 50_000, narrowed: 20_000, few: 5_000 };

/// The places of an era (migrations 000007): 2^20 seconds, some 12 days.
const PLACES_PER_ERA: i64 = 1 << 50;

/// The longest range of eras: what asking about one costs grows with the square of its length, if many
/// hold the text.
const ERAS_AT_ONCE: i64 = 16;

/// An instruction on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) id: i64,
    /// What it is ordered by; `None` if it has no such value.
    pub(super) key: Option<String>,
    pub(super) place: i64,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Hits {
    /// In the order of the list.
    pub(super) hits: Vec<Hit>,
    /// If not all was looked at: the place of the last that was.
    pub(super) stopped_at: Option<i64>,
}

impl Hits {
    /// As many as were asked for, or all there are.
    const fn complete(hits: Vec<Hit>) -> Self {
        Self { hits, stopped_at: None }
    }

    /// Those not below `floor`: if they do not reach the limit, older ones were not looked at.
    fn down_to(floor: Option<i64>, hits: Vec<Hit>, limit: usize) -> Self {
        let stopped_at = floor.filter(|_| hits.len() < limit);
        Self { hits, stopped_at }
    }
}

#[derive(QueryableByName)]
struct IdAndPlace {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    place: i64,
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Integer)]
    action_rank: i32,
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = BigInt)]
    one: i64,
}

/// The first `limit` of what waits for action, after a cursor.
pub(super) fn waiting(
    db: &mut Db,
    scope: &Scope,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Hits, StoreError> {
    let mut asked = Conditions::none();
    asked.place = "+p.place";
    let rank_of = |cursor: &Cursor| cursor.key.as_deref()?.parse::<i32>().ok();
    asked.add("p.action_rank IS NOT NULL".to_owned());
    if let Some((rank, place)) = after.and_then(|cursor| Some((rank_of(cursor)?, cursor.place))) {
        asked.add(format!("(p.action_rank, p.place) > ({rank}, {place})"));
    }
    asked.in_scope(scope);
    let sql = format!(
        "SELECT p.id, p.place, p.action_rank FROM payment_instructions p WHERE {} \
         ORDER BY p.action_rank, p.place LIMIT {limit}",
        asked.all()
    );
    let found: Vec<Waiting> = asked.statement(sql).load(db)?;
    let hit = |row: Waiting| Hit { id: row.id, key: Some(row.action_rank.to_string()), place: row.place };
    Ok(Hits::complete(found.into_iter().map(hit).collect()))
}

/// The first `limit` that the filters let through, after a place.
pub(super) fn search(
    db: &mut Db,
    bounds: Bounds,
    scope: &Scope,
    filters: &Filters,
    after: Option<i64>,
    limit: usize,
) -> Result<Hits, StoreError> {
    if filters.needs_you.is_some() {
        return oldest_that_need_you(db, scope, filters, after, limit);
    }
    let asked = Conditions::of(bounds, scope, filters, after);
    let Some(text) = &filters.text else {
        return Ok(Hits::complete(hits_of(asked.newest(limit).load(db)?)));
    };
    if text.matches_nothing() {
        return Ok(Hits::complete(Vec::new()));
    }
    let narrowing = text.fts_expression().filter(|_| matches!(db, Db::Sqlite(_)));
    let narrowing = match narrowing {
        Some(expression) => Some((asked.nth_candidate(db, &expression, asked.bounds.narrowed)?, expression)),
        None => None,
    };
    // What few hold is looked at, whatever else is asked.
    if let Some((None, expression)) = &narrowing {
        return narrowed_by_fts(db, asked, text, expression, None, limit);
    }
    let Some(floor) = asked.nth_place(db, asked.bounds.read)? else {
        return read_texts(db, asked, text, None, limit);
    };
    match db {
        Db::Sqlite(_) => match narrowing {
            Some((candidate, expression)) => narrowed_by_fts(db, asked, text, &expression, candidate, limit),
            None => read_texts(db, asked, text, Some(floor), limit),
        },
        Db::Postgres(_) if text.is_narrowed_by_trgm() => {
            by_text_index(db, |db| narrowed_by_trgm(db, asked, text, limit))
        }
        Db::Postgres(_) => read_texts(db, asked, text, Some(floor), limit),
    }
}

/// The first `limit` of what a person must act on, oldest first, after a place. Each of its kinds is few, and
/// read from an index of its own, but for what waits: of that there is never more than the treasury has in
/// hand.
fn oldest_that_need_you(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<i64>,
    limit: usize,
) -> Result<Hits, StoreError> {
    let mut asked = Conditions::of(BOUNDS, scope, filters, None);
    if let Some(after) = after {
        asked.from = asked.from.max(after.saturating_add(1));
    }
    if let Some(text) = &filters.text {
        if text.matches_nothing() {
            return Ok(Hits::complete(Vec::new()));
        }
        asked.holds(text, db);
    }
    Ok(Hits::complete(hits_of(asked.oldest(limit).load(db)?)))
}

/// The instructions that a person must act on, each once, with what is counted of them (`id`, `place`, `tenant_id`,
/// `net_paise`), in no order: payments that wait for a person, an error, or JIT cannot be asked; those that are stuck;
/// and those of which payments went elsewhere. Indexes tell it all (migrations, 000034), but of the last, which are few:
/// each condition names what its index has.
pub(in crate::store) fn needing(now: NaiveDateTime) -> String {
    let counted = "SELECT id, place, tenant_id, net_paise FROM payment_instructions WHERE";
    let waits = "action_rank IS NOT NULL";
    let has_error = "ftps_outcome = 'error' OR cannot_ask";
    let stuck = format!("in_process_since < {}", literal(now - LONG_IN_PROCESS));
    format!(
        "{counted} unsettled_payments > 0 OR ({waits} AND ({has_error})) \
         UNION ALL {counted} {waits} AND {stuck} AND unsettled_payments = 0 AND ({has_error}) IS NOT TRUE \
         UNION ALL {counted} id IN (SELECT instruction_id FROM beneficiaries WHERE other_account_sealed IS NOT NULL) \
         AND unsettled_payments = 0 AND ({waits} AND ({has_error} OR {stuck})) IS NOT TRUE"
    )
}

/// How many those are in scope, counted up to `most`.
pub(super) fn count_needing(
    db: &mut Db,
    scope: &Scope,
    now: NaiveDateTime,
    most: usize,
) -> Result<usize, StoreError> {
    let mut asked = Conditions::none();
    let tenant = asked.bind(scope.tenant());
    let sql = format!(
        "SELECT count(*) AS one FROM (SELECT 1 AS x FROM ({}) p WHERE {} LIMIT {most}) s",
        needing(now),
        scope.condition_beside(&tenant)
    );
    let counted = asked.statement(sql).first(db)?.unwrap_or_default();
    Ok(usize::try_from(counted).unwrap_or(most))
}

/// Reads the texts themselves, newest first, of what was created after `floor`.
fn read_texts(
    db: &mut Db,
    mut asked: Conditions,
    text: &SearchText,
    floor: Option<i64>,
    limit: usize,
) -> Result<Hits, StoreError> {
    if let Some(floor) = floor {
        asked.from = asked.from.max(floor);
    }
    asked.holds(text, db);
    Ok(Hits::down_to(floor, hits_of(asked.newest(limit).load(db)?), limit))
}

/// SQLite's index gives what may match newest first.
fn narrowed_by_fts(
    db: &mut Db,
    mut asked: Conditions,
    text: &SearchText,
    expression: &str,
    floor: Option<i64>,
    limit: usize,
) -> Result<Hits, StoreError> {
    if let Some(floor) = floor {
        asked.from = asked.from.max(floor);
    }
    asked.holds(text, db);
    let statement = asked.newest_of_candidates(expression, limit);
    Ok(Hits::down_to(floor, hits_of(statement.load(db)?), limit))
}

/// PostgreSQL's index gives what may match of a range of eras, in no order.
fn narrowed_by_trgm(
    db: &mut Db,
    mut asked: Conditions,
    text: &SearchText,
    limit: usize,
) -> Result<Hits, StoreError> {
    let Some((oldest, newest)) = ends(db)? else { return Ok(Hits::complete(Vec::new())) };
    let from = asked.from.max(oldest);
    asked.below = asked.below.min(newest + 1);
    let mut hits = Vec::new();
    let mut looked_at = 0;
    let mut eras = 1;
    while asked.below > from {
        if looked_at >= asked.bounds.narrowed {
            return Ok(Hits::down_to(Some(asked.below), hits, limit));
        }
        let first_era = era_of(asked.below - 1) + 1 - eras;
        asked.from = from.max(first_era * PLACES_PER_ERA);
        let few = asked.bounds.few;
        let held = asked.count_with(db, text, few + 1)?;
        if held > few && eras > 1 {
            eras /= 2;
            continue;
        }
        let wanted = limit - hits.len();
        if held > few {
            // A single era is crowded with it: it is soon met, newest first, or looked for no further.
            let floor = asked.nth_place(db, asked.bounds.read)?;
            let read = read_texts(db, asked.clone(), text, floor, wanted)?;
            hits.extend(read.hits);
            if read.stopped_at.is_some() {
                return Ok(Hits { hits, stopped_at: read.stopped_at });
            }
        } else if held > 0 {
            hits.extend(hits_of(asked.newest_with(text, db, wanted).load(db)?));
        }
        if hits.len() == limit {
            break;
        }
        looked_at += held;
        asked.below = asked.from;
        if held <= few / 2 {
            eras = ERAS_AT_ONCE.min(eras * 2);
        }
    }
    Ok(Hits::complete(hits))
}

const fn era_of(place: i64) -> i64 {
    place.div_euclid(PLACES_PER_ERA)
}

/// The places of the oldest instruction and of the newest.
fn ends(db: &mut Db) -> Result<Option<(i64, i64)>, StoreError> {
    let mut end = |order: &str| -> Result<Option<i64>, StoreError> {
        let sql = format!("SELECT place AS one FROM payment_instructions ORDER BY place {order} LIMIT 1");
        Ok(Statement { sql, binds: Vec::new() }.load::<One>(db)?.first().map(|row| row.one))
    };
    Ok(end("ASC")?.zip(end("DESC")?))
}

/// Left to itself, PostgreSQL's planner reads all texts when it takes one for common: its index is
/// the better way at any number.
fn by_text_index<T>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if let Db::Postgres(db) = db {
        db.batch_execute("SET LOCAL enable_seqscan = off")?;
    }
    let done = work(db)?;
    if let Db::Postgres(db) = db {
        db.batch_execute("SET LOCAL enable_seqscan = on")?;
    }
    Ok(done)
}

fn hits_of(rows: Vec<IdAndPlace>) -> Vec<Hit> {
    let hit = |row: IdAndPlace| Hit { id: row.id, key: Some(row.place.to_string()), place: row.place };
    rows.into_iter().map(hit).collect()
}

/// What an instruction `p` must fulfil. Numbers and the domain's words stand in the SQL, as both
/// planners need them; whatever a person typed is bound.
#[derive(Clone)]
pub(super) struct Conditions {
    sql: Vec<String>,
    binds: Vec<String>,
    pub(super) bounds: Bounds,
    /// The lowest place.
    from: i64,
    /// The place above the highest.
    below: i64,
    /// How the place is named: with a sign in front where no planner is to read by it.
    place: &'static str,
}

impl Conditions {
    const fn none() -> Self {
        Self {
            sql: Vec::new(),
            binds: Vec::new(),
            bounds: BOUNDS,
            from: 0,
            below: i64::MAX,
            place: "p.place",
        }
    }

    /// These instructions, whatever else.
    pub(super) fn these(hits: &[Hit]) -> Self {
        let ids: Vec<String> = hits.iter().map(|hit| hit.id.to_string()).collect();
        let mut asked = Self::none();
        asked.add(format!("p.id IN ({})", ids.join(", ")));
        asked
    }

    pub(super) fn of(bounds: Bounds, scope: &Scope, filters: &Filters, after: Option<i64>) -> Self {
        let mut asked = Self { bounds, ..Self::none() };
        // An index of its own tells all that waits, as long as no text is asked for newest first.
        let reads_waiting = filters.only_waiting && filters.status.is_none() && filters.text.is_none();
        if scope.is_state() || filters.needs_you.is_some() || reads_waiting {
            asked.in_scope(scope);
        } else {
            let tenant = asked.bind(scope.tenant());
            asked.add(format!("p.tenant_id = {tenant}"));
        }
        // Read by tenant, by status or by place, in this order: `|| ''` keeps a planner without
        // statistics from another.
        let of_town = if scope.is_state() { "" } else { " || ''" };
        let is_in_process = filters.only_waiting && !reads_waiting;
        let status = filters.status.or(is_in_process.then_some(PiStatus::InProcess));
        if reads_waiting {
            asked.place = "+p.place";
        }
        if let Some(status) = status {
            asked.add(format!("p.status{of_town} = '{}'", status.as_str()));
        }
        if let Some(now) = filters.needs_you {
            // That is few, and what is read: nothing is read by place.
            asked.add(format!("p.id IN (SELECT n.id FROM ({}) n)", needing(now)));
            asked.place = "+p.place";
        }
        if filters.only_waiting {
            asked.add("p.action_rank IS NOT NULL".to_owned());
        }
        if let Some(is_revised) = filters.is_revised {
            asked.add(if is_revised { "p.is_revised" } else { "NOT p.is_revised" }.to_owned());
        }
        if let Some(flag) = filters.flag {
            asked.add(flagged::condition(flag, filters.as_of));
        }
        if let Some(day) = filters.completed_from {
            asked.add(format!("p.completed_at >= {}", literal(begin_of(day))));
        }
        if let Some(day) = filters.completed_to.and_then(|day| day.succ_opt()) {
            asked.add(format!("p.completed_at < {}", literal(begin_of(day))));
        }
        asked.from = filters.from.map_or(0, first_place);
        asked.below = after.unwrap_or(i64::MAX).min(filters.to.map_or(i64::MAX, place_after));
        asked
    }

    pub(super) fn add(&mut self, sql: String) {
        self.sql.push(sql);
    }

    /// A value's name in the SQL. Names are used in the order in which they are given: SQLite
    /// numbers them so.
    fn bind(&mut self, value: &str) -> String {
        self.binds.push(value.to_owned());
        format!("${}", self.binds.len())
    }

    /// In the viewer's scope, without reading by it.
    fn in_scope(&mut self, scope: &Scope) {
        let tenant = self.bind(scope.tenant());
        self.add(scope.condition_beside(&tenant));
    }

    fn holds(&mut self, text: &SearchText, db: &Db) {
        let held = self.held(text, db);
        // A sub-select that no planner turns into a join: texts are read one by one, in order.
        self.add(format!("(SELECT {held} FROM search_texts t WHERE t.instruction_id = p.id)"));
    }

    /// That the text `t` holds what is looked for.
    fn held(&mut self, text: &SearchText, db: &Db) -> String {
        let position = match db {
            Db::Sqlite(_) => "instr",
            Db::Postgres(_) => "strpos",
        };
        let mut held: Vec<String> = text
            .demands()
            .into_iter()
            .map(|any| self.any(any, |one| format!("{position}(t.text, {one}) > 0")))
            .collect();
        held.extend(self.in_one_line(text, db));
        held.join(" AND ")
    }

    /// One of these.
    fn any(&mut self, any: Vec<&str>, held: impl Fn(&str) -> String) -> String {
        let each: Vec<String> = any.into_iter().map(|one| held(&self.bind(one))).collect();
        format!("({})", each.join(" OR "))
    }

    /// A line of the text `t` holds all the words; nothing to ask of a single one.
    fn in_one_line(&mut self, text: &SearchText, db: &Db) -> Option<String> {
        if text.words().count() < 2 {
            return None;
        }
        // What is folded holds nothing that JSON would write otherwise.
        let (lines, position) = match db {
            Db::Sqlite(_) => {
                (r#"json_each('["' || replace(t.text, char(10), '","') || '"]') AS line"#, "instr")
            }
            Db::Postgres(_) => (r"unnest(string_to_array(t.text, E'\n')) AS line (value)", "strpos"),
        };
        let words: Vec<String> =
            text.words().map(|word| format!("{position}(line.value, {}) > 0", self.bind(word))).collect();
        Some(format!("EXISTS (SELECT 1 FROM {lines} WHERE {})", words.join(" AND ")))
    }

    pub(super) fn all(&self) -> String {
        let mut all = self.sql.clone();
        all.push(format!("{0} >= {1} AND {0} < {2}", self.place, self.from, self.below));
        all.join(" AND ")
    }

    pub(super) fn statement(&self, sql: String) -> Statement {
        Statement { sql, binds: self.binds.clone() }
    }

    /// The first `limit`, newest first.
    fn newest(&self, limit: usize) -> Statement {
        self.statement(format!(
            "SELECT p.id, p.place FROM payment_instructions p WHERE {} ORDER BY p.place DESC LIMIT {limit}",
            self.all()
        ))
    }

    /// The first `limit`, oldest first.
    fn oldest(&self, limit: usize) -> Statement {
        self.statement(format!(
            "SELECT p.id, p.place FROM payment_instructions p WHERE {} ORDER BY {} LIMIT {limit}",
            self.all(),
            self.place
        ))
    }

    /// The place after `n` of them; `None` if there are no more than those.
    fn nth_place(&self, db: &mut Db, n: usize) -> Result<Option<i64>, StoreError> {
        let statement = self.statement(format!(
            "SELECT p.place AS one FROM payment_instructions p WHERE {} \
             ORDER BY p.place DESC LIMIT 1 OFFSET {n}",
            self.all()
        ));
        Ok(statement.load::<One>(db)?.first().map(|row| row.one))
    }

    /// The place after `n` of what SQLite's index gives.
    fn nth_candidate(&self, db: &mut Db, expression: &str, n: usize) -> Result<Option<i64>, StoreError> {
        let statement = Statement {
            sql: format!(
                "SELECT rowid AS one FROM search_index WHERE search_index MATCH $1 \
                 AND rowid >= {} AND rowid < {} ORDER BY rowid DESC LIMIT 1 OFFSET {n}",
                self.from, self.below
            ),
            binds: vec![expression.to_owned()],
        };
        Ok(statement.load::<One>(db)?.first().map(|row| row.one))
    }

    /// The first `limit` of what SQLite's index gives, newest first.
    fn newest_of_candidates(mut self, expression: &str, limit: usize) -> Statement {
        let expression = self.bind(expression);
        self.statement(format!(
            "SELECT p.id, p.place FROM search_index f CROSS JOIN payment_instructions p ON p.place = f.rowid \
             WHERE {} AND f.search_index MATCH {expression} AND f.rowid >= {} AND f.rowid < {} \
             ORDER BY f.rowid DESC LIMIT {limit}",
            self.all(),
            self.from,
            self.below
        ))
    }

    /// What PostgreSQL's index gives of these eras: what holds all that is long enough for it.
    fn texts_with(&mut self, text: &SearchText) -> String {
        let indexed = text.demands().into_iter().filter(|any| any.iter().all(|one| has_trigrams(one)));
        // What is folded has no wildcards in it.
        let held: Vec<String> =
            indexed.map(|any| self.any(any, |one| format!("t.text LIKE '%' || {one} || '%'"))).collect();
        format!(
            "FROM search_texts t WHERE {} \
             AND ARRAY[t.place >> 50] && ARRAY(SELECT generate_series({}::BIGINT, {})) \
             AND t.place >= {} AND t.place < {}",
            held.join(" AND "),
            era_of(self.from),
            era_of(self.below - 1),
            self.from,
            self.below
        )
    }

    /// How many texts its index gives, whatever else is asked, but no more than `limit` (PostgreSQL).
    fn count_with(&self, db: &mut Db, text: &SearchText, limit: usize) -> Result<usize, StoreError> {
        let mut asked = Self { from: self.from, below: self.below, ..Self::none() };
        let texts = asked.texts_with(text);
        let statement =
            asked.statement(format!("SELECT count(*) AS one FROM (SELECT {texts} LIMIT {limit}) t"));
        let count = statement.load::<One>(db)?.first().map_or(0, |row| row.one);
        Ok(usize::try_from(count).unwrap_or(limit))
    }

    /// The first `limit` of those that hold it, newest first (PostgreSQL).
    fn newest_with(&self, text: &SearchText, db: &Db, limit: usize) -> Statement {
        let mut asked = self.clone();
        let texts = asked.texts_with(text);
        let held = asked.held(text, db);
        // Once the texts are sorted, instructions are read one by one: OFFSET 0 keeps the planner from
        // another way.
        asked.statement(format!(
            "SELECT p.id, p.place \
             FROM (SELECT t.instruction_id, t.place {texts} AND {held} ORDER BY t.place DESC OFFSET 0) t, \
             LATERAL (SELECT p.id, p.place FROM payment_instructions p \
                 WHERE p.id = t.instruction_id AND {} OFFSET 0) p \
             ORDER BY t.place DESC LIMIT {limit}",
            asked.all()
        ))
    }
}

/// A query with its texts.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) binds: Vec<String>,
}

impl Statement {
    /// The one number that it tells.
    pub(super) fn first(self, db: &mut Db) -> Result<Option<i64>, StoreError> {
        Ok(self.load::<One>(db)?.first().map(|row| row.one))
    }

    pub(super) fn load<R>(self, db: &mut Db) -> Result<Vec<R>, StoreError>
    where
        R: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        Ok(on_either!(db, db => {
            let mut query = diesel::sql_query(self.sql).into_boxed();
            for bind in self.binds {
                query = query.bind::<Text, _>(bind);
            }
            query.load(db)?
        }))
    }
}

#[cfg(test)]
#[path = "hits_tests.rs"]
mod tests;
