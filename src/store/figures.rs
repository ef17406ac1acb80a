//! The figures of the day, and exactly the rows that each counts (CONTRACT.md, `GET /`): a figure is one
//! condition, asked once for its count and once for its rows.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::instants::{begin_of, literal};
use super::instructions::InstructionId;
use super::people::{self, Person};
use super::schema::sync_runs as runs;
use super::scope::Scope;
use super::search::{self, Listed};
use super::sync_runs::SyncRun;
use super::{Db, StoreError};
use crate::domain::Paise;
use crate::domain::date::IST;

/// Rows on one page of a figure.
pub const PAGE: usize = 100;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Instructions that a person must act on.
    NeedsYou,
    /// Instructions that the next night asks about.
    AskedTonight,
    /// Of the last night, as of now: those that FTPS has completed.
    NightSuccessful,
    /// Of the last night, as of now: those whose latest answer is an error.
    NightErrors,
    /// Those whose latest attempt was a glitch.
    NightGlitches,
    /// Those whose latest attempt had no response.
    NightNoResponse,
    /// Those that have not been asked about since.
    NightUnasked,
    /// Payments that FTPS reported yesterday (IST).
    PaidYesterday,
    /// Payments that FTPS reported this month (IST).
    PaidMonth,
    /// Payments of which it became known this month that they came back.
    Returned,
    /// Messages that failed.
    SmsFailed,
    /// Messages that are held.
    SmsHeld,
    /// Messages that have waited for more than a day.
    SmsLate,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Payment instructions.
    Instructions,
    /// Payments of beneficiaries.
    Payments,
    /// Messages.
    Messages,
}

impl Figure {
    /// All, in the order of the page.
    pub const ALL: &'static [Self] = &[
        Self::NeedsYou,
        Self::AskedTonight,
        Self::NightSuccessful,
        Self::NightErrors,
        Self::NightGlitches,
        Self::NightNoResponse,
        Self::NightUnasked,
        Self::PaidYesterday,
        Self::PaidMonth,
        Self::Returned,
        Self::SmsFailed,
        Self::SmsHeld,
        Self::SmsLate,
    ];

    /// `data-figure`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs-you",
            Self::AskedTonight => "asked-tonight",
            Self::NightSuccessful => "night-successful",
            Self::NightErrors => "night-errors",
            Self::NightGlitches => "night-glitches",
            Self::NightNoResponse => "night-no-response",
            Self::NightUnasked => "night-unasked",
            Self::PaidYesterday => "paid-yesterday",
            Self::PaidMonth => "paid-month",
            Self::Returned => "returned",
            Self::SmsFailed => "sms-failed",
            Self::SmsHeld => "sms-held",
            Self::SmsLate => "sms-late",
        }
    }

    /// What it counts.
    pub const fn unit(self) -> Unit {
        match self {
            Self::PaidYesterday | Self::PaidMonth | Self::Returned => Unit::Payments,
            Self::SmsFailed | Self::SmsHeld | Self::SmsLate => Unit::Messages,
            _ => Unit::Instructions,
        }
    }

    /// The rows `p` among which it counts, and what each comes to.
    fn rows(self, day: &Day) -> (Cow<'static, str>, &'static str) {
        let (rows, paise) = self.unit().rows();
        match self {
            Self::NeedsYou => (format!("({}) p", search::needing(day.now)).into(), paise),
            _ => (rows.into(), paise),
        }
    }

    /// The condition; `None` if it counts nothing at all.
    fn condition(self, day: &Day) -> Option<String> {
        let paid = |[from, below]: [NaiveDateTime; 2]| {
            let (from, below) = (literal(from), literal(below));
            format!("p.completed_by = 'ftps' AND p.completed_at >= {from} AND p.completed_at < {below}")
        };
        let latest = |outcome: &str| {
            let asked = "(i.outcome IS NOT NULL OR p.ftps_called_at >= r.started_at)";
            day.waiting_of_night(&format!("p.ftps_outcome = '{outcome}' AND {asked}"))
        };
        Some(match self {
            // Its rows are just those.
            Self::NeedsYou => "1 = 1".to_owned(),
            Self::AskedTonight if day.is_paused => return None,
            Self::AskedTonight => "p.action_rank IS NOT NULL AND NOT p.cannot_ask".to_owned(),
            Self::NightSuccessful => {
                let night = day.night.as_ref()?.id;
                format!(
                    "p.id IN (SELECT i.instruction_id FROM sync_run_items i WHERE i.run_id = {night}) \
                     AND p.completed_by = 'ftps'"
                )
            }
            Self::NightErrors => latest("error")?,
            Self::NightGlitches => latest("glitch")?,
            Self::NightNoResponse => latest("no-response")?,
            Self::NightUnasked => day.waiting_of_night(
                "i.outcome IS NULL AND r.state <> 'running' \
                 AND (p.ftps_called_at IS NULL OR p.ftps_called_at < r.started_at)",
            )?,
            Self::PaidYesterday => paid(day.yesterday),
            Self::PaidMonth => paid(day.month),
            Self::Returned => {
                let [from, below] = day.month.map(literal);
                format!("b.returned_at >= {from} AND b.returned_at < {below}")
            }
            Self::SmsFailed => "p.state = 'failed'".to_owned(),
            Self::SmsHeld => "p.state = 'held'".to_owned(),
            Self::SmsLate => {
                let late = literal(day.now - super::outbox::LATE);
                format!("p.waiting_since < {late}")
            }
        })
    }
}

impl std::str::FromStr for Figure {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|figure| figure.word() == word).copied().ok_or(())
    }
}

impl Unit {
    /// The rows, and what each comes to.
    const fn rows(self) -> (&'static str, &'static str) {
        match self {
            Self::Instructions => ("payment_instructions p", "p.net_paise"),
            Self::Payments => {
                ("beneficiaries b JOIN payment_instructions p ON p.id = b.instruction_id", "b.amount_paise")
            }
            Self::Messages => ("outbox_messages p", "p.amount_paise"),
        }
    }
}

/// What *last night*, *yesterday* and *this month* mean now. Days are those of IST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    now: NaiveDateTime,
    /// The latest run for an instant of the schedule.
    pub night: Option<SyncRun>,
    /// Whether nights are paused, so that none is asked about tonight.
    is_paused: bool,
    yesterday: [NaiveDateTime; 2],
    month: [NaiveDateTime; 2],
}

impl Day {
    /// As of `now`.
    pub fn of(db: &mut Db, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let nights: Vec<SyncRun> = runs::table
            .filter(runs::scheduled_for.is_not_null())
            .filter(runs::started_at.le(now.naive_utc()))
            .order(runs::id.desc())
            .limit(1)
            .select(SyncRun::as_select())
            .load(db)?;
        let today = now.with_timezone(&IST).date_naive();
        let yesterday = today - Days::new(1);
        Ok(Self {
            now: now.naive_utc(),
            is_paused: false,
            night: nights.into_iter().next(),
            yesterday: [begin_of(yesterday), begin_of(today)],
            month: month_of(today),
        })
    }

    /// The same, where nights may be paused.
    pub fn pausing(self, is_paused: bool) -> Self {
        Self { is_paused, ..self }
    }

    /// What still waits of the night.
    fn waiting_of_night(&self, condition: &str) -> Option<String> {
        let night = self.night.as_ref()?.id;
        Some(format!(
            "p.action_rank IS NOT NULL AND EXISTS (SELECT 1 FROM sync_run_items i JOIN sync_runs r ON r.id = i.run_id \
             WHERE i.run_id = {night} AND i.instruction_id = p.id AND {condition})"
        ))
    }
}

/// The instants between which a day's month lies (UTC).
pub(super) fn month_of(day: NaiveDate) -> [NaiveDateTime; 2] {
    let first = day - Days::new(u64::from(day.day0()));
    [begin_of(first), begin_of(first + Months::new(1))]
}

/// What a figure comes to in one ULB.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Counted {
    /// The ULB.
    #[diesel(sql_type = Text)]
    pub tenant_id: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// What they come to.
    #[diesel(sql_type = BigInt)]
    pub paise: Paise,
}

/// What the payments of a completed PI come to: its net amount, unless it is flagged that they differ, or were changed
/// (16 and 32, [`search`]).
const PAID_PAISE: &str = "CASE WHEN (p.flags & 48) = 0 THEN p.net_paise ELSE \
     (SELECT sum(b.amount_paise) FROM beneficiaries b WHERE b.instruction_id = p.id) END";

/// A figure of each ULB in scope; those in which it is zero are left out.
pub fn count(db: &mut Db, scope: &Scope, figure: Figure, day: &Day) -> Result<Vec<Counted>, StoreError> {
    let Some(condition) = figure.condition(day) else { return Ok(Vec::new()) };
    let (rows, paise) = figure.rows(day);
    let (rows, count, paise) = match figure {
        Figure::PaidYesterday | Figure::PaidMonth => {
            ("payment_instructions p".into(), "sum(p.payments)", PAID_PAISE)
        }
        _ => (rows, "count(*)", paise),
    };
    // Not grouped by what an index is in order of: the condition says which is read.
    let sql = format!(
        "SELECT p.tenant_id || '' AS tenant_id, CAST({count} AS BIGINT) AS count, \
         CAST(sum({paise}) AS BIGINT) AS paise FROM {rows} WHERE {condition} AND {} GROUP BY 1 ORDER BY 1",
        scope.condition_beside("$1")
    );
    Ok(diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load(db)?)
}

/// Where a page of rows begins: after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// The place of its instruction.
    pub place: i64,
    /// Its row.
    pub id: i64,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    place: i64,
}

/// The rows that a figure counts.
#[derive(Debug)]
pub enum Rows {
    /// Payment instructions.
    Instructions(Vec<Listed>),
    /// Payments.
    Payments(Vec<Person>),
}

/// The next rows that a figure of instructions or payments counts, newest instruction first, and where those
/// after them begin. Messages have a page of their own.
pub fn rows(
    db: &mut Db,
    scope: &Scope,
    figure: Figure,
    day: &Day,
    after: Option<After>,
) -> Result<(Rows, Option<After>), StoreError> {
    let condition = figure.condition(day).unwrap_or_else(|| "1 = 0".to_owned());
    let (rows, _) = figure.rows(day);
    let id = if figure.unit() == Unit::Payments { "b.id" } else { "p.id" };
    let begins = after.map_or_else(String::new, |After { place, id: last }| {
        format!(" AND (p.place < {place} OR (p.place = {place} AND {id} > {last}))")
    });
    let sql = format!(
        "SELECT {id} AS id, p.place AS place FROM {rows} WHERE {condition} AND {}{begins} \
         ORDER BY p.place DESC, {id} LIMIT {}",
        scope.condition_beside("$1"),
        PAGE + 1
    );
    let mut found: Vec<Place> = diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load(db)?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| has_more).map(|last| After { place: last.place, id: last.id });
    let ids: Vec<i64> = found.iter().map(|row| row.id).collect();
    let rows = if figure.unit() == Unit::Payments {
        Rows::Payments(people::of_rows(db, &ids)?)
    } else {
        let ids: Vec<InstructionId> = ids.into_iter().map(InstructionId::of_row).collect();
        Rows::Instructions(search::listed(db, &ids)?)
    };
    Ok((rows, next))
}

/// The instructions that have been In Process for longest, oldest first.
pub fn oldest_waiting(db: &mut Db, scope: &Scope, limit: usize) -> Result<Vec<Listed>, StoreError> {
    let sql = format!(
        "SELECT p.id AS id, p.place AS place FROM payment_instructions p WHERE p.action_rank IS NOT NULL AND {} \
         ORDER BY COALESCE(p.in_process_since, p.created_at), p.id LIMIT {limit}",
        scope.condition_beside("$1")
    );
    let found: Vec<Place> = diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load(db)?;
    let ids: Vec<InstructionId> = found.iter().map(|row| InstructionId::of_row(row.id)).collect();
    search::listed(db, &ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_begin_at_midnight_in_odisha() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        assert_eq!(begin_of(day).to_string(), "2024-02-28 18:30:00");
        let [from, below] = month_of(day);
        assert_eq!(
            (from.to_string(), below.to_string()),
            ("2024-01-31 18:30:00".into(), "2024-02-29 18:30:00".into())
        );
        let [_, below] = month_of(NaiveDate::from_ymd_opt(2024, 12, 5).unwrap());
        assert_eq!(below.to_string(), "2024-12-31 18:30:00");
    }

    #[test]
    fn every_figure_is_found_by_its_word() {
        for figure in Figure::ALL {
            assert_eq!(figure.word().parse(), Ok(*figure));
        }
        assert!("paid".parse::<Figure>().is_err());
    }
}
