//! Hits in any order of the list, in bounded work.
//!
//! If the filters let at most [`Bounds::read`](super::hits::Bounds) through, those are sorted. If they let
//! more through, the index of the order is read from the cursor on, [`Bounds::narrowed`] rows of it, and the
//! filters are looked at in each: where too few of those fit, the page says that there may be more, and leads
//! on. Without filters every row fits. What a text finds is sorted if it is at most [`FOUND`]; of more, the
//! first that were found.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::hits::{Conditions, Hit, Statement};
use super::order::{Key, Order};
use super::{COUNTED, Cursor, Total};
use crate::domain::Paise;
use crate::store::{Db, StoreError};

/// What a text finds is sorted up to so many.
pub(super) const FOUND: usize = 5000;

/// The next hits, and where to go on if too few rows fit within the bounds.
pub(super) type Walked = (Vec<Hit>, Option<Cursor>);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Nullable<Text>)]
    sort_key: Option<String>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    paise: i64,
    #[diesel(sql_type = BigInt)]
    largest: i64,
}

impl From<Row> for Hit {
    fn from(row: Row) -> Self {
        Self { id: row.id, key: row.sort_key, place: row.place }
    }
}

/// The first `limit` after a cursor that fulfil the conditions.
pub(super) fn sorted(
    db: &mut Db,
    asked: Conditions,
    order: Order,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Walked, StoreError> {
    let key = Key::of(order, db);
    if asked.are_more_than(db, asked.bounds.read)? {
        walked(db, &asked, &key, after, limit)
    } else {
        Ok((few(db, asked, &key, after, limit)?, None))
    }
}

/// Sorts what fulfils the conditions.
fn few(
    db: &mut Db,
    asked: Conditions,
    key: &Key,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    // OFFSET keeps planners from reading the order's index, row after row, for what is few.
    let fence = match db {
        Db::Sqlite(_) => "LIMIT -1 OFFSET 0",
        Db::Postgres(_) => "OFFSET 0",
    };
    let found = format!(
        "SELECT p.id, p.place, {} AS sort_key FROM payment_instructions p WHERE {} {fence}",
        key.or_null(),
        asked.all()
    );
    let (beyond, direction) = (key.beyond(), key.direction());
    let rest = match after {
        None => "1 = 1".to_owned(),
        Some(Cursor { key: None, place }) => format!("s.sort_key IS NULL AND s.place {beyond} {place}"),
        Some(Cursor { key: Some(told), place }) => {
            let value = key.value(told, db);
            format!("((s.sort_key, s.place) {beyond} ({value}, {place}) OR s.sort_key IS NULL)")
        }
    };
    let rows: Vec<Row> = asked
        .statement(format!(
            "SELECT s.id, s.place, CAST(s.sort_key AS TEXT) AS sort_key FROM ({found}) s WHERE {rest} \
             ORDER BY (s.sort_key IS NULL), s.sort_key {direction}, s.place {direction} LIMIT {limit}"
        ))
        .load(db)?;
    Ok(rows.into_iter().map(Hit::from).collect())
}

/// Reads the order's index, then, newest or oldest first, the rows that have nothing in that column.
fn walked(
    db: &mut Db,
    asked: &Conditions,
    key: &Key,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Walked, StoreError> {
    let mut hits = Vec::new();
    let mut after = after;
    if after.is_none_or(|after| after.key.is_some()) {
        let (found, goes_on) = read(db, asked.clone(), key, true, after, limit)?;
        hits.extend(found);
        if hits.len() == limit || goes_on.is_some() || key.is_there.is_none() {
            return Ok((hits, goes_on));
        }
        after = None;
    }
    let wanted = limit - hits.len();
    let (found, goes_on) = read(db, asked.clone(), key, false, after, wanted)?;
    hits.extend(found);
    Ok((hits, goes_on))
}

/// A stretch of the index: of those with a value in the column, or of those without.
fn read(
    db: &mut Db,
    asked: Conditions,
    key: &Key,
    with_value: bool,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Walked, StoreError> {
    let (beyond, direction) = (key.beyond(), key.direction());
    let conditions = asked.all();
    let (mut within, mut fits) = (Vec::new(), vec![conditions]);
    match (key.is_there, with_value) {
        (Some(is_there), true) => within.push(is_there.to_owned()),
        (Some(is_there), false) => fits.push(format!("({is_there}) IS NOT TRUE")),
        (None, _) => {}
    }
    match after {
        Some(Cursor { key: Some(told), place }) if with_value => {
            let value = key.value(told, db);
            within.push(format!("({}, p.place) {beyond} ({value}, {place})", key.sql));
        }
        Some(Cursor { place, .. }) => within.push(format!("p.place {beyond} {place}")),
        None => within.push("1 = 1".to_owned()),
    }
    let (sql, order) = if with_value {
        (key.sql, format!("{} {direction}, p.place {direction}", key.sql))
    } else {
        ("NULL", format!("p.place {direction}"))
    };
    let (within, fits, stretch) = (within.join(" AND "), fits.join(" AND "), asked.bounds.narrowed);
    let of_stretch = |columns: &str, end: String| {
        format!("SELECT {columns} FROM payment_instructions p WHERE {within} ORDER BY {order} {end}")
    };
    let ordered = if with_value { "p.sort_key" } else { "p.place" };
    let inner = of_stretch(&format!("p.*, {sql} AS sort_key"), format!("LIMIT {stretch}"));
    let rows: Vec<Row> = asked
        .statement(format!(
            "SELECT p.id, p.place, CAST(p.sort_key AS TEXT) AS sort_key FROM ({inner}) p WHERE {fits} \
             ORDER BY {ordered} {direction}, p.place {direction} LIMIT {limit}"
        ))
        .load(db)?;
    let hits: Vec<Hit> = rows.into_iter().map(Hit::from).collect();
    if hits.len() == limit {
        return Ok((hits, None));
    }
    let columns = format!("p.id, p.place, CAST({sql} AS TEXT) AS sort_key");
    let last = of_stretch(&columns, format!("LIMIT 1 OFFSET {}", stretch - 1));
    let last: Vec<Row> = Statement { sql: last, binds: Vec::new() }.load(db)?;
    let goes_on = last.into_iter().next().map(|row| Cursor { key: row.sort_key, place: row.place });
    Ok((hits, goes_on))
}

impl Conditions {
    /// Whether more than `most` fulfil them: no order is asked for, so that the narrowest index is read.
    fn are_more_than(&self, db: &mut Db, most: usize) -> Result<bool, StoreError> {
        Ok(self.count(db, most + 1)? > most)
    }

    /// How many fulfil them, counted up to `most`.
    pub(super) fn count(&self, db: &mut Db, most: usize) -> Result<usize, StoreError> {
        let sql = format!(
            "SELECT count(*) AS one FROM (SELECT 1 AS x FROM payment_instructions p WHERE {} LIMIT {most}) s",
            self.all()
        );
        let counted = self.statement(sql).first(db)?.unwrap_or_default();
        Ok(usize::try_from(counted).unwrap_or(most))
    }

    /// How many fulfil them, counted up to [`COUNTED`], and what those come to.
    pub(super) fn counted(&self, db: &mut Db) -> Result<(Total, Paise), StoreError> {
        let most = COUNTED + 1;
        let sql = format!(
            "SELECT count(*) AS count, CAST(COALESCE(sum(s.net_paise), 0) AS BIGINT) AS paise, \
             CAST(COALESCE(max(s.net_paise), 0) AS BIGINT) AS largest \
             FROM (SELECT p.net_paise FROM payment_instructions p WHERE {} LIMIT {most}) s",
            self.all()
        );
        let rows: Vec<Counted> = self.statement(sql).load(db)?;
        let Some(Counted { count, paise, largest }) = rows.into_iter().next() else {
            return Ok((Total::default(), Paise(0)));
        };
        // One more was counted than is told of: whichever it is, all come to more than what is told.
        Ok(match usize::try_from(count) {
            Ok(count) if count <= COUNTED => (Total::Exactly(count), Paise(paise)),
            _ => (Total::MoreThanCounted, Paise(paise - largest)),
        })
    }
}
