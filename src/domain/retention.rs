//! How long what is kept is kept, and when what is due is erased.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::date::IST;

/// The audit trail is kept for so many days at least.
pub const SHORTEST_AUDIT_DAYS: u32 = 365;

/// The hour of IST from which on a day's erasing is done: the night's run is over then, and nobody is at work.
const HOUR: u32 = 3;

/// If nobody has looked for longer than this, a clock may have leapt: only a second look at it is believed.
const LEAP: TimeDelta = TimeDelta::days(2);

/// After how many days what is kept is erased; `None` is never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The contents of calls' payloads and of the SMS gateway's answers.
    pub payload_days: Option<u32>,
    /// Events of the audit trail.
    pub audit_days: Option<u32>,
}

impl Limits {
    /// Payloads of before this instant (UTC) are due.
    pub fn payloads_before(self, now: NaiveDateTime) -> Option<NaiveDateTime> {
        before(self.payload_days, now)
    }

    /// Events of before this instant (UTC) are due.
    pub fn events_before(self, now: NaiveDateTime) -> Option<NaiveDateTime> {
        before(self.audit_days, now)
    }
}

fn before(days: Option<u32>, now: NaiveDateTime) -> Option<NaiveDateTime> {
    now.checked_sub_days(Days::new(days?.into()))
}

/// What a program that looks after the erasing does at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it has been done since the hour came.
    Wait,
    /// It notes that it has looked, and erases from the next hour on: nobody has looked before, or the clock has
    /// leapt. What a clock that is wrong has erased does not come back.
    Note {
        /// Whether somebody had looked, by this clock or one before it.
        has_leapt: bool,
    },
    /// It erases what is due.
    Erase,
}

/// Whose turn it is at `now`, if somebody looked last at `looked_at` (UTC).
pub fn turn(looked_at: Option<NaiveDateTime>, now: DateTime<Utc>) -> Turn {
    let Some(looked_at) = looked_at else { return Turn::Note { has_leapt: false } };
    let since = now.naive_utc() - looked_at;
    if since < TimeDelta::zero() || since > LEAP {
        return Turn::Note { has_leapt: true };
    }
    if looked_at < latest_hour(now) { Turn::Erase } else { Turn::Wait }
}

/// The latest instant (UTC), now or before, at which the hour of erasing came.
fn latest_hour(now: DateTime<Utc>) -> NaiveDateTime {
    let here = now.with_timezone(&IST).naive_local();
    let hour = NaiveTime::MIN + TimeDelta::hours(HOUR.into());
    let today = here.date().and_time(hour);
    let latest = if today <= here { today } else { today - TimeDelta::days(1) };
    latest - TimeDelta::seconds(i64::from(IST.local_minus_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instant: &str) -> DateTime<Utc> {
        instant.parse().unwrap()
    }

    #[test]
    fn what_is_older_than_the_days_is_due_and_nothing_without_them() {
        let now = at("2024-03-31T10:00:00Z").naive_utc();
        let limits = Limits { payload_days: Some(90), audit_days: None };
        assert_eq!(limits.payloads_before(now), Some(at("2024-01-01T10:00:00Z").naive_utc()));
        assert_eq!(limits.events_before(now), None);
    }

    #[test]
    fn it_is_done_once_after_three_in_the_morning_of_odisha() {
        let looked = |instant: &str| Some(at(instant).naive_utc());
        let yesterday = looked("2024-03-30T21:30:00Z");
        assert_eq!(turn(yesterday, at("2024-03-31T21:29:59Z")), Turn::Wait);
        assert_eq!(turn(yesterday, at("2024-03-31T21:30:00Z")), Turn::Erase, "3 AM of 1 April");
        assert_eq!(turn(looked("2024-03-31T21:30:00Z"), at("2024-03-31T21:30:00Z")), Turn::Wait);
        assert_eq!(turn(yesterday, at("2024-04-01T08:00:00Z")), Turn::Erase, "nobody was there at 3 AM");
    }

    #[test]
    fn a_clock_that_leaps_erases_nothing_at_first() {
        let looked = Some(at("2024-03-30T21:30:00Z").naive_utc());
        assert_eq!(turn(None, at("2024-03-31T21:30:00Z")), Turn::Note { has_leapt: false });
        assert_eq!(turn(looked, at("2031-03-31T21:30:00Z")), Turn::Note { has_leapt: true });
        assert_eq!(turn(looked, at("2024-03-30T21:29:59Z")), Turn::Note { has_leapt: true });
        let a_day_later = Some(at("2031-03-31T21:30:00Z").naive_utc());
        assert_eq!(turn(a_day_later, at("2031-04-01T21:30:00Z")), Turn::Erase);
    }
}
