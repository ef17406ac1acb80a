//! The list of payment instructions: what waits for action, and what a search finds.
//!
//! One page is read at a time, from a [`Cursor`] on. Whatever is asked, a page costs a bounded amount
//! of work: see [`hits`], and for other orders than newest first [`sorted`].

mod exported;
mod flagged;
mod hits;
mod order;
mod sorted;
mod text;
mod typed;

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::beneficiaries::{self, Tally};
use super::connection::on_either;
use super::instructions::{InstructionId, PaymentInstruction};
use super::schema::payment_instructions;
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::date::IST;
use crate::domain::{Flag, Paise, PiStatus};
pub use exported::Exported;
use flagged::Kept;
pub(super) use flagged::kept;
pub(super) use hits::needing;
use hits::{BOUNDS, Conditions, Hit, Hits, Statement};
pub use order::{Order, Sort};
pub(super) use text::{FOLDING, search_text, searchable};
pub use typed::SearchText;
pub(super) use typed::references;

/// Payment instructions on one page of the list.
pub const PAGE: usize = 50;
/// Results are counted so far.
pub const COUNTED: usize = 1000;
/// Payment instructions read at a time for an export.
const EXPORTED_AT_ONCE: usize = 500;
/// The two's power by which [`Hit::place`] is the second of its creation (migrations, 000005).
const PLACES_PER_SECOND: i64 = 1 << 30;

/// What a search asks for; nothing asked is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Parts of PI numbers and bill numbers, and words of a beneficiary's name.
    pub text: Option<SearchText>,
    /// Its status.
    pub status: Option<PiStatus>,
    /// Whether it is a revised one, or an original.
    pub is_revised: Option<bool>,
    /// Created on this day (IST) or later.
    pub from: Option<NaiveDate>,
    /// Created on this day (IST) or earlier.
    pub to: Option<NaiveDate>,
    /// Only what waits for action.
    pub only_waiting: bool,
    /// Only what a person must act on at that instant (UTC), and then the oldest first.
    pub needs_you: Option<NaiveDateTime>,
    /// Only those on which that flag is raised.
    pub flag: Option<Flag>,
    /// Completed on this day (IST) or later.
    pub completed_from: Option<NaiveDate>,
    /// Completed on this day (IST) or earlier.
    pub completed_to: Option<NaiveDate>,
    /// What only time raises is reckoned at that instant (UTC).
    pub as_of: NaiveDateTime,
    /// In another order than that of what is asked for.
    pub order: Option<Order>,
}

impl Filters {
    /// The order in which they are listed.
    pub fn order(&self) -> Order {
        let usual = match (self.only_waiting, self.needs_you) {
            (true, _) => Order::URGENT,
            (_, Some(_)) => Order::OLDEST,
            _ => Order::NEWEST,
        };
        self.order.unwrap_or(usual)
    }

    /// Whether nothing but what waits is asked for, in its own order.
    fn are_of_the_waiting_list(&self) -> bool {
        *self == Self { only_waiting: true, order: self.order, as_of: self.as_of, ..Self::default() }
            && self.order() == Order::URGENT
    }

    /// Whether [`hits::search`] finds what is asked for in its order.
    fn are_found_in_order(&self) -> bool {
        let its_order = if self.needs_you.is_some() { Order::OLDEST } else { Order::NEWEST };
        self.order() == its_order
    }
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// All were counted.
    Exactly(usize),
    /// More than [`COUNTED`].
    MoreThanCounted,
    /// So many among those that were looked at.
    SoFar(usize),
}

impl Default for Total {
    fn default() -> Self {
        Self::Exactly(0)
    }
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The instruction.
    pub instruction: PaymentInstruction,
    /// How its payments stand.
    pub tally: Tally,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// At most [`PAGE`] rows.
    pub rows: Vec<Listed>,
    /// Of the whole list, not of this page.
    pub total: Total,
    /// What those that were counted come to.
    pub sum: Paise,
    /// Where the next page begins, if there may be more.
    pub next: Option<Cursor>,
    /// If it was too much to look at all at once: how far back this page got (UTC).
    pub searched_back_to: Option<NaiveDateTime>,
    /// If a text is in too many to sort them all: so many of them are sorted.
    pub sorted_among: Option<usize>,
}

/// Where a page begins: after a row of the list, which need not be there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What that row is ordered by; `None` if it has no such value.
    key: Option<String>,
    /// Its place among all.
    place: i64,
}

impl Cursor {
    /// After a place of a search.
    pub(super) fn at(place: i64) -> Self {
        Self { key: Some(place.to_string()), place }
    }

    /// The place after which the page begins.
    pub(super) const fn place(&self) -> i64 {
        self.place
    }

    fn after(hit: &Hit) -> Self {
        Self { key: hit.key.clone(), place: hit.place }
    }

    /// Reads a cursor of a list in that order.
    pub fn read(text: &str, order: Order) -> Result<Self, NoCursor> {
        let (key, place) = text.rsplit_once('-').ok_or(NoCursor)?;
        if place.is_empty() || !place.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoCursor);
        }
        let key = Some(key).filter(|key| !key.is_empty());
        if key.is_some_and(|key| !order.by.may_be(key)) {
            return Err(NoCursor);
        }
        Ok(Self { key: key.map(str::to_owned), place: place.parse().map_err(|_| NoCursor)? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.key.as_deref().unwrap_or_default(), self.place)
    }
}

/// A text that is no cursor of ours.
#[derive(Debug, thiserror::Error)]
#[error("not a cursor of the list")]
pub struct NoCursor;

/// What the filters let through, in their order: what waits for action with errors first, then glitches, then
/// what had no response, then what was not asked about yet, oldest first in each; of what needs a person the
/// oldest first; all else newest first; or as [`Filters::order`] says.
pub fn search(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<&Cursor>,
) -> Result<Found, StoreError> {
    if filters.text.is_none() {
        let (total, sum) = Conditions::of(BOUNDS, scope, filters, None).counted(db)?;
        let page = look(db, scope, filters, after, PAGE + 1)?;
        return found(db, page, total, sum);
    }
    let mut all = look(db, scope, filters, None, COUNTED + 1)?;
    let total = all.total();
    all.hits.truncate(COUNTED);
    let sum = sum(db, &all.hits)?;
    let page = match after {
        None => all,
        after => look(db, scope, filters, after, PAGE + 1)?,
    };
    found(db, page, total, sum)
}

/// Hits in the order asked for.
struct Looked {
    hits: Vec<Hit>,
    /// Where to go on, if not all was looked at.
    goes_on: Option<Cursor>,
    /// Then, if the newest were looked at: the place of the last of them.
    back_to: Option<i64>,
    sorted_among: Option<usize>,
}

impl From<Hits> for Looked {
    fn from(Hits { hits, stopped_at }: Hits) -> Self {
        Self { hits, goes_on: stopped_at.map(Cursor::at), back_to: stopped_at, sorted_among: None }
    }
}

impl Looked {
    fn total(&self) -> Total {
        match self.hits.len() {
            more if more > COUNTED => Total::MoreThanCounted,
            counted if self.goes_on.is_some() || self.sorted_among.is_some() => Total::SoFar(counted),
            counted => Total::Exactly(counted),
        }
    }
}

/// The first `limit` after a cursor.
fn look(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Looked, StoreError> {
    let filters = &decided(db, scope, filters)?;
    let order = filters.order();
    if filters.are_of_the_waiting_list() {
        return Ok(hits::waiting(db, scope, after, limit)?.into());
    }
    let has_text = filters.text.is_some();
    let is_of_days = filters.completed_from.is_some() || filters.completed_to.is_some();
    if filters.are_found_in_order() && (has_text || !is_of_days) {
        return Ok(hits::search(db, BOUNDS, scope, filters, after.map(Cursor::place), limit)?.into());
    }
    let (asked, sorted_among) = if has_text {
        let found = hits::search(db, BOUNDS, scope, filters, None, sorted::FOUND)?;
        if found.hits.is_empty() {
            return Ok(found.into());
        }
        let are_all = found.hits.len() < sorted::FOUND && found.stopped_at.is_none();
        (Conditions::these(&found.hits), (!are_all).then_some(found.hits.len()))
    } else {
        (Conditions::of(BOUNDS, scope, filters, None), None)
    };
    let (hits, goes_on) = sorted::sorted(db, asked, order, after, limit)?;
    Ok(Looked { hits, goes_on, back_to: None, sorted_among })
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = Nullable<BigInt>)]
    paise: Option<i64>,
}

/// What these come to.
fn sum(db: &mut Db, hits: &[Hit]) -> Result<Paise, StoreError> {
    if hits.is_empty() {
        return Ok(Paise(0));
    }
    let sql = format!(
        "SELECT CAST(sum(p.net_paise) AS BIGINT) AS paise FROM payment_instructions p WHERE {}",
        Conditions::these(hits).all()
    );
    let sums: Vec<Sum> = Statement { sql, binds: Vec::new() }.load(db)?;
    Ok(Paise(sums.first().and_then(|sum| sum.paise).unwrap_or_default()))
}

/// How many each tab of the list holds, counted up to [`COUNTED`] and one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TabCounts {
    /// What a person must act on.
    pub needs_you: usize,
    /// What waits for action.
    pub waiting: usize,
    /// Everything.
    pub all: usize,
}

/// How many each tab of the list holds at `now` (UTC).
pub fn tab_counts(db: &mut Db, scope: &Scope, now: NaiveDateTime) -> Result<TabCounts, StoreError> {
    let needs_you = hits::count_needing(db, scope, now, COUNTED + 1)?;
    let mut count = |filters: &Filters| Conditions::of(BOUNDS, scope, filters, None).count(db, COUNTED + 1);
    Ok(TabCounts {
        needs_you,
        waiting: count(&Filters { only_waiting: true, ..Filters::default() })?,
        all: count(&Filters::default())?,
    })
}

/// The next rows of an export, and where those after them begin.
pub fn export(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<&Cursor>,
) -> Result<(Vec<Exported>, Option<Cursor>), StoreError> {
    let (ids, next) = ids(db, scope, filters, after, EXPORTED_AT_ONCE)?;
    let rows = listed(db, &ids)?;
    Ok((exported::exported(db, rows)?, next))
}

/// The next rows that the filters let through, and where those after them begin.
pub(super) fn ids(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<(Vec<InstructionId>, Option<Cursor>), StoreError> {
    let looked = look(db, scope, filters, after, limit)?;
    let is_full = looked.hits.len() == limit;
    let next = match looked.hits.last() {
        Some(last) if is_full => Some(Cursor::after(last)),
        _ => looked.goes_on,
    };
    Ok((ids_of(&looked.hits), next))
}

/// The same, each number looked for as a whole where it is there as a whole: PI-1013/2026-27/25 is then not
/// buried under 250 to 259, and where it is not, they are what it is a part of.
fn decided(db: &mut Db, scope: &Scope, filters: &Filters) -> Result<Filters, StoreError> {
    let mut decided = filters.clone();
    if let Some(text) = &mut decided.text {
        text.decide(|whole| {
            let whole = Filters { text: Some(whole), ..Filters::default() };
            Ok::<_, StoreError>(!hits::search(db, BOUNDS, scope, &whole, None, 1)?.hits.is_empty())
        })?;
    }
    Ok(decided)
}

/// The page that begins with these hits.
fn found(db: &mut Db, page: Looked, total: Total, sum: Paise) -> Result<Found, StoreError> {
    let Looked { mut hits, goes_on, back_to, sorted_among } = page;
    let has_more = hits.len() > PAGE;
    hits.truncate(PAGE);
    let next = match hits.last() {
        Some(last) if has_more => Some(Cursor::after(last)),
        _ => goes_on,
    };
    Ok(Found {
        rows: listed(db, &ids_of(&hits))?,
        total,
        sum,
        next,
        searched_back_to: back_to.filter(|_| !has_more).and_then(instant_of),
        sorted_among,
    })
}

fn ids_of(hits: &[Hit]) -> Vec<InstructionId> {
    hits.iter().map(|hit| InstructionId::of_row(hit.id)).collect()
}

/// The instructions of these rows with their tallies, in their order.
pub(super) fn listed(db: &mut Db, ids: &[InstructionId]) -> Result<Vec<Listed>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(PaymentInstruction, Kept)> = on_either!(db, db => payment_instructions::table
        .filter(payment_instructions::id.eq_any(ids))
        .select((PaymentInstruction::as_select(), Kept::as_select()))
        .load(db)?);
    let untold: Vec<InstructionId> =
        rows.iter().filter(|(_, kept)| !kept.tells_all()).map(|(instruction, _)| instruction.id).collect();
    let tallies = if untold.is_empty() { HashMap::new() } else { beneficiaries::tallies(db, &untold)? };
    let listed = |(instruction, kept): (PaymentInstruction, Kept)| {
        let told = || kept.tally(instruction.net_paise);
        let tally = tallies.get(&instruction.id).copied().unwrap_or_else(told);
        (instruction.id, Listed { instruction, tally })
    };
    let mut by_id: HashMap<InstructionId, Listed> = rows.into_iter().map(listed).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// The first place of what was created on that day (IST) or later.
fn first_place(day: NaiveDate) -> i64 {
    let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp() - i64::from(IST.local_minus_utc());
    midnight.saturating_mul(PLACES_PER_SECOND)
}

/// The first place of what was created after that day (IST).
fn place_after(day: NaiveDate) -> i64 {
    day.checked_add_days(Days::new(1)).map_or(i64::MAX, first_place)
}

/// When what stands at that place was created (UTC).
fn instant_of(place: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(place / PLACES_PER_SECOND, 0).map(|at| at.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_begins_at_half_past_six_of_the_evening_before_in_utc() {
        let day = NaiveDate::from_ymd_opt(2024, 4, 1).unwrap();
        let begins = instant_of(first_place(day)).unwrap();
        assert_eq!(begins.to_string(), "2024-03-31 18:30:00");
        assert_eq!(instant_of(place_after(day)).unwrap().to_string(), "2024-04-01 18:30:00");
    }

    #[test]
    fn days_beyond_all_time_have_places_too() {
        assert_eq!(place_after(NaiveDate::MAX), i64::MAX);
        assert!(first_place(NaiveDate::MIN) < 0);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in
            ["", "-", "1", "4-1", "-1-1", "0--1", "0-", "+0-1", "0-99999999999999999999", "0-1 ", "a-1"]
        {
            assert!(Cursor::read(text, Order::URGENT).is_err(), "{text:?}");
        }
        let by = |by| Order { by, descending: true };
        assert!(Cursor::read("2024-03-01 10:00:00.5-7", by(Sort::Asked)).is_ok());
        assert!(Cursor::read("yesterday-7", by(Sort::Asked)).is_err());
        assert!(Cursor::read("PI-1/A-7", by(Sort::Amount)).is_err());
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back(key in proptest::option::of("\\PC{1,30}"), place in 0..i64::MAX) {
            let cursor = Cursor { key, place };
            let order = Order { by: Sort::Said, descending: false };
            prop_assert_eq!(Cursor::read(&cursor.to_string(), order).unwrap(), cursor);
        }
    }
}
