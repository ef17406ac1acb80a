//! The schedule: when the nightly run is due. Pure; what is told about the past comes out of the
//! database.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
pub use job_scheduler_ng::Schedule;

/// `SYNC_SCHEDULE`, read in `SYNC_TIMEZONE_OFFSET`.
#[derive(Debug, Clone)]
pub struct Nights {
    schedule: Schedule,
    offset: FixedOffset,
}

/// Why a schedule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NightsError {
    /// It is not a cron expression with seconds.
    #[error("is not a cron expression of six fields, seconds first, such as 0 0 22 * * *: {0}")]
    Unreadable(String),
    /// No instant fits it.
    #[error("describes an instant that never comes")]
    Never,
}

/// What the database knows of the nights so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NightsSoFar {
    /// Since when the nights are watched: none counts as missed before.
    pub watched_since: DateTime<Utc>,
    /// The latest instant of the schedule that has its run.
    pub latest: Option<DateTime<Utc>>,
}

impl Nights {
    /// Reads a cron expression with seconds, as of `now`.
    pub fn new(cron: &str, offset: FixedOffset, now: DateTime<Utc>) -> Result<Self, NightsError> {
        let schedule =
            Schedule::from_str(cron.trim()).map_err(|fault| NightsError::Unreadable(fault.to_string()))?;
        let nights = Self { schedule, offset };
        nights.next_after(now).map(|_| nights.clone()).ok_or(NightsError::Never)
    }

    /// The cron expression.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The offset it is read in.
    pub fn offset(&self) -> FixedOffset {
        self.offset
    }

    /// The first instant after `now`.
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.after(&now.with_timezone(&self.offset)).next().map(|at| at.to_utc())
    }

    /// The last instant up to and with `now`.
    pub fn latest_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Instants of a schedule are whole seconds; the iterator leaves its own starting point out.
        let after = now + TimeDelta::seconds(1);
        let from = DateTime::from_timestamp(after.timestamp(), 0)?.with_timezone(&self.offset);
        self.schedule.after(&from).next_back().map(|at| at.to_utc())
    }

    /// The instant that needs a run now: the latest one, if it came while the nights were watched
    /// and has none. However many were missed, it stands for all of them.
    pub fn due(&self, so_far: NightsSoFar, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let latest = self.latest_until(now)?;
        let has_its_run = so_far.latest.is_some_and(|made| made >= latest);
        (latest > so_far.watched_since && !has_its_run).then_some(latest)
    }
}

/// An instant of the schedule that came so long ago and has no run is missing.
const GRACE: TimeDelta = TimeDelta::hours(1);

impl Nights {
    /// The night that is missing: its instant came an hour ago or longer, while the nights were watched,
    /// and neither it nor a later one has its run.
    pub fn missing(&self, so_far: NightsSoFar, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.due(so_far, now - GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::IST;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn ten_pm() -> Nights {
        Nights::new("0 0 22 * * *", IST, at("2024-03-31T00:00:00Z")).unwrap()
    }

    fn so_far(since: &str, latest: Option<&str>) -> NightsSoFar {
        NightsSoFar { watched_since: at(since), latest: latest.map(at) }
    }

    #[test]
    fn ten_in_the_evening_in_odisha_is_half_past_four_in_the_afternoon_utc() {
        let (nights, afternoon) = (ten_pm(), at("2024-03-31T16:29:59.999Z"));
        assert_eq!(nights.next_after(afternoon), Some(at("2024-03-31T16:30:00Z")));
        assert_eq!(nights.latest_until(afternoon), Some(at("2024-03-30T16:30:00Z")));
        assert_eq!(nights.latest_until(at("2024-03-31T16:30:00Z")), Some(at("2024-03-31T16:30:00Z")));
        assert_eq!(nights.latest_until(at("2024-03-31T16:30:00.001Z")), Some(at("2024-03-31T16:30:00Z")));
        assert_eq!(nights.next_after(at("2024-03-31T16:30:00Z")), Some(at("2024-04-01T16:30:00Z")));
    }

    #[test]
    fn a_night_is_due_once() {
        let nights = ten_pm();
        let before = so_far("2024-03-31T10:00:00Z", None);
        assert_eq!(nights.due(before, at("2024-03-31T16:29:59Z")), None);
        let due = Some(at("2024-03-31T16:30:00Z"));
        assert_eq!(nights.due(before, at("2024-03-31T16:30:00Z")), due);
        let made = so_far("2024-03-31T10:00:00Z", Some("2024-03-31T16:30:00Z"));
        assert_eq!(nights.due(made, at("2024-03-31T16:30:00Z")), None);
        assert_eq!(nights.due(made, at("2024-04-01T16:29:59Z")), None);
        assert_eq!(nights.due(made, at("2024-04-01T16:30:00Z")), Some(at("2024-04-01T16:30:00Z")));
    }

    #[test]
    fn of_many_missed_nights_the_last_stands_for_all() {
        let made = so_far("2024-03-01T00:00:00Z", Some("2024-03-03T16:30:00Z"));
        assert_eq!(ten_pm().due(made, at("2024-03-31T12:00:00Z")), Some(at("2024-03-30T16:30:00Z")));
    }

    #[test]
    fn a_night_before_the_program_first_ran_was_not_missed() {
        let nights = ten_pm();
        assert_eq!(nights.due(so_far("2024-03-31T18:00:00Z", None), at("2024-03-31T18:00:00Z")), None);
        assert_eq!(nights.due(so_far("2024-03-31T16:30:00Z", None), at("2024-03-31T18:00:00Z")), None);
    }

    #[test]
    fn a_night_without_a_run_is_missing_after_an_hour() {
        let before = so_far("2024-03-31T10:00:00Z", None);
        assert_eq!(ten_pm().missing(before, at("2024-03-31T17:29:59Z")), None);
        let missing = Some(at("2024-03-31T16:30:00Z"));
        assert_eq!(ten_pm().missing(before, at("2024-03-31T17:30:00Z")), missing);
        let made = so_far("2024-03-31T10:00:00Z", Some("2024-03-31T16:30:00Z"));
        assert_eq!(ten_pm().missing(made, at("2024-03-31T23:00:00Z")), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for cron in ["", "at ten", "0 22 * * *", "0 0 25 * * *", "0 0 22 30 2 *", "0 0 22 1 1 * 2020"] {
            assert!(Nights::new(cron, IST, at("2024-03-31T00:00:00Z")).is_err(), "{cron}");
        }
    }

    proptest! {
        #[test]
        fn no_instant_lies_between_the_latest_and_the_next(seconds in 1_700_000_000_i64..1_800_000_000, millis in 0..1000_i64) {
            let now = DateTime::from_timestamp_millis(seconds * 1000 + millis).unwrap();
            let nights = ten_pm();
            let (latest, next) = (nights.latest_until(now).unwrap(), nights.next_after(now).unwrap());
            prop_assert!(latest <= now && now < next);
            prop_assert_eq!(next - latest, TimeDelta::days(1));
        }
    }
}
