//! The chart of outcomes per night, drawn here: bars of an SVG, and the same as rows of a table.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{CHART_DAYS, RunRow};
use crate::domain::date::IST;
use crate::language::{Phrase, phrase};
use crate::store::sync_runs::Counts;

/// The drawing's size, in its own units.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
/// Room for the bars within it.
const LEFT: i64 = 40;
const TOP: i64 = 10;
const PLOT_HEIGHT: i64 = 140;
const SLOT: i64 = (WIDTH - LEFT) / CHART_DAYS;
const BAR: i64 = SLOT - 6;

/// The nights of the last 30 days.
pub(super) struct Chart {
    pub(super) nights: Vec<Night>,
    /// Top of the scale.
    pub(super) most: i64,
}

/// One night that had a run.
pub(super) struct Night {
    pub(super) day: String,
    pub(super) counts: Counts,
    pub(super) parts: Vec<Part>,
    /// Left edge of its bar.
    pub(super) x: i64,
}

/// One outcome's part of a bar.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) y: String,
    pub(super) height: String,
}

/// A day's name below the bars.
pub(super) struct DayLabel {
    pub(super) x: i64,
    pub(super) words: String,
}

impl Chart {
    /// Of these runs; several on one day are added up.
    pub(super) fn of(rows: &[RunRow], now: DateTime<Utc>) -> Self {
        let mut days: BTreeMap<NaiveDate, Counts> = BTreeMap::new();
        for row in rows {
            let at = row.run.scheduled_for.unwrap_or(row.run.started_at).and_utc();
            let sum = days.entry(at.with_timezone(&IST).date_naive()).or_default();
            sum.successful += row.counts.successful;
            sum.errors += row.counts.errors;
            sum.glitches += row.counts.glitches;
            sum.no_response += row.counts.no_response;
        }
        let first = first_day(now);
        let most = days.values().map(Counts::asked).max().unwrap_or_default().max(1);
        let nights = days
            .into_iter()
            .filter(|(day, _)| *day >= first)
            .map(|(day, counts)| Night::of(day, counts, (day - first).num_days(), most))
            .collect();
        Self { nights, most }
    }

    pub(super) fn view_box(&self) -> String {
        format!("0 0 {WIDTH} {HEIGHT}")
    }

    pub(super) fn labels(&self, now: &DateTime<Utc>) -> Vec<DayLabel> {
        let first = first_day(*now);
        (0..CHART_DAYS)
            .rev()
            .step_by(5)
            .map(|place| DayLabel {
                x: LEFT + place * SLOT + BAR / 2,
                words: (first + TimeDelta::days(place)).format("%d/%m").to_string(),
            })
            .collect()
    }

    pub(super) fn bar_width(&self) -> i64 {
        BAR
    }

    pub(super) fn base(&self) -> i64 {
        TOP + PLOT_HEIGHT
    }
}

fn first_day(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&IST).date_naive() - TimeDelta::days(CHART_DAYS - 1)
}

impl Night {
    fn of(day: NaiveDate, counts: Counts, place: i64, most: i64) -> Self {
        let mut stacked = 0;
        let parts = [
            ("good", counts.successful),
            ("bad", counts.errors),
            ("odd", counts.glitches),
            ("none", counts.no_response),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| {
            stacked += count;
            Part {
                class,
                y: tenths(TOP * most + PLOT_HEIGHT * (most - stacked), most),
                height: tenths(PLOT_HEIGHT * count, most),
            }
        })
        .collect();
        Self { day: day.format("%d/%m/%Y").to_string(), counts, parts, x: LEFT + place * SLOT }
    }

    pub(super) fn words(&self) -> Phrase {
        let Counts { successful, errors, glitches, no_response, .. } = self.counts;
        phrase("%{day}: %{paid} paid, %{errors} errors, %{glitches} glitches, %{none} without response")
            .with("day", self.day.as_str())
            .with("paid", successful.to_string())
            .with("errors", errors.to_string())
            .with("glitches", glitches.to_string())
            .with("none", no_response.to_string())
    }
}

/// `part / whole` with one decimal.
fn tenths(part: i64, whole: i64) -> String {
    let tenths = part * 10 / whole;
    format!("{}.{}", tenths / 10, tenths % 10)
}
