//! The list of payment instructions: what waits for action, and what a search finds.
//!
//! One page is read at a time, from a [`Cursor`] on. Whatever is asked, a page costs a bounded amount
//! of work: see [`hits`].

mod hits;
mod text;
mod typed;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;

use super::beneficiaries::{self, Tally};
use super::connection::on_either;
use super::instructions::{InstructionId, PaymentInstruction};
use super::schema::payment_instructions;
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::PiStatus;
use crate::domain::date::IST;
pub(super) use hits::needs_you;
use hits::{BOUNDS, Hit, Hits};
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

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The instruction.
    pub instruction: PaymentInstruction,
    /// How its payments stand.
    pub tally: Tally,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// At most [`PAGE`] rows.
    pub rows: Vec<Listed>,
    /// Of the whole list, not of this page.
    pub total: Total,
    /// Where the next page begins, if there may be more.
    pub next: Option<Cursor>,
    /// If it was too much to look at all at once: how far back this page got (UTC).
    pub searched_back_to: Option<NaiveDateTime>,
}

/// Where a page begins: after a row of the list, which need not be there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its rank in the list of what waits; 0 in a search.
    rank: i32,
    /// Its place among all.
    place: i64,
}

impl Cursor {
    /// After a place of a search.
    pub(super) const fn at(place: i64) -> Self {
        Self { rank: 0, place }
    }

    /// The place after which the page begins.
    pub(super) const fn place(self) -> i64 {
        self.place
    }

    const fn after(hit: &Hit) -> Self {
        Self { rank: hit.rank, place: hit.place }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.rank, self.place)
    }
}

/// A text that is no cursor of ours.
#[derive(Debug, thiserror::Error)]
#[error("not a cursor of the list")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (rank, place) = text.split_once('-').ok_or(NoCursor)?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !(digits(rank) && digits(place)) {
            return Err(NoCursor);
        }
        let rank = rank.parse().ok().filter(|rank| hits::RANKS.contains(rank)).ok_or(NoCursor)?;
        Ok(Self { rank, place: place.parse().map_err(|_| NoCursor)? })
    }
}

/// What waits for action: what JIT answered with an error first, then glitches, then what had no
/// response, then what was not asked about yet; oldest first in each.
pub fn waiting(db: &mut Db, scope: &Scope, after: Option<Cursor>) -> Result<Found, StoreError> {
    let all = hits::waiting(db, scope, None, COUNTED + 1)?;
    let total = total(&all);
    let page = if after.is_none() { all } else { hits::waiting(db, scope, after, PAGE + 1)? };
    found(db, page, total)
}

/// What the filters let through, newest first; of what needs a person, oldest first.
pub fn search(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<Cursor>,
) -> Result<Found, StoreError> {
    let filters = decided(db, scope, filters)?;
    let all = hits::search(db, BOUNDS, scope, &filters, None, COUNTED + 1)?;
    let total = total(&all);
    let page = match after {
        None => all,
        Some(after) => hits::search(db, BOUNDS, scope, &filters, Some(after.place), PAGE + 1)?,
    };
    found(db, page, total)
}

/// The next rows of an export, and where those after them begin.
pub fn export(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<Cursor>,
) -> Result<(Vec<Listed>, Option<Cursor>), StoreError> {
    let (ids, next) = ids(db, scope, filters, after, EXPORTED_AT_ONCE)?;
    Ok((listed(db, &ids)?, next))
}

/// The next rows that the filters let through, newest first, and where those after them begin.
pub(super) fn ids(
    db: &mut Db,
    scope: &Scope,
    filters: &Filters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<InstructionId>, Option<Cursor>), StoreError> {
    let filters = decided(db, scope, filters)?;
    let hits = hits::search(db, BOUNDS, scope, &filters, after.map(|cursor| cursor.place), limit)?;
    let is_full = hits.hits.len() == limit;
    let next = match hits.hits.last() {
        Some(last) if is_full => Some(Cursor::after(last)),
        _ => hits.stopped_at.map(Cursor::at),
    };
    Ok((ids_of(&hits.hits), next))
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
fn found(db: &mut Db, page: Hits, total: Total) -> Result<Found, StoreError> {
    let Hits { mut hits, stopped_at, .. } = page;
    let has_more = hits.len() > PAGE;
    hits.truncate(PAGE);
    let stopped_at = stopped_at.filter(|_| !has_more);
    let next = match hits.last() {
        Some(last) if has_more => Some(Cursor::after(last)),
        _ => stopped_at.map(Cursor::at),
    };
    Ok(Found {
        rows: listed(db, &ids_of(&hits))?,
        total,
        next,
        searched_back_to: stopped_at.and_then(instant_of),
    })
}

fn total(all: &Hits) -> Total {
    match all.hits.len() {
        more if more > COUNTED => Total::MoreThanCounted,
        counted if all.stopped_at.is_some() => Total::SoFar(counted),
        counted => Total::Exactly(counted),
    }
}

fn ids_of(hits: &[Hit]) -> Vec<InstructionId> {
    hits.iter().map(|hit| InstructionId::of_row(hit.id)).collect()
}

/// The instructions of these rows with their tallies, in their order.
pub(super) fn listed(db: &mut Db, ids: &[InstructionId]) -> Result<Vec<Listed>, StoreError> {
    let rows: Vec<PaymentInstruction> = on_either!(db, db => payment_instructions::table
        .filter(payment_instructions::id.eq_any(ids))
        .select(PaymentInstruction::as_select())
        .load(db)?);
    let tallies = beneficiaries::tallies(db, ids)?;
    let listed = |instruction: PaymentInstruction| {
        let tally = tallies.get(&instruction.id).copied().unwrap_or_default();
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
            assert!(text.parse::<Cursor>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back(rank in 0..4i32, place in 0..i64::MAX) {
            let cursor = Cursor { rank, place };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
    }
}
