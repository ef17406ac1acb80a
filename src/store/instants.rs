//! Instants and days as both databases compare them with what they hold.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::domain::date::IST;

/// An instant as both databases compare it with what they hold.
pub(super) fn literal(at: NaiveDateTime) -> String {
    format!("'{}'", at.format("%Y-%m-%d %H:%M:%S%.f"))
}

/// The instant (UTC) at which a day of IST begins.
pub(super) fn begin_of(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN) - chrono::TimeDelta::seconds(i64::from(IST.local_minus_utc()))
}
