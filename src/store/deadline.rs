//! Which instructions are past the last day for corrections, asked of the database.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::domain::correction::PastDeadline;
use crate::domain::date::{IST, ist_date};

/// Of an instruction `p`, as SQL: payments of it are to be corrected, and the last day for that is over now
/// (UTC; [`domain::correction`](crate::domain::correction)). What is to be corrected has an index of its own, in
/// the order of the list.
pub fn past_deadline(now: NaiveDateTime) -> String {
    let past = PastDeadline::on(ist_date(now.and_utc()));
    let from =
        past.from.map_or_else(String::new, |day| format!(" AND p.correction_due_from >= {}", begin(day)));
    format!("p.correction_due_from IS NOT NULL AND p.correction_due_from < {}{from}", begin(past.before))
}

/// When a day of IST begins, as both databases compare it with what they hold.
fn begin(day: NaiveDate) -> String {
    let begins = day.and_time(NaiveTime::MIN) - TimeDelta::seconds(i64::from(IST.local_minus_utc()));
    format!("'{}'", begins.format("%Y-%m-%d %H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_in_odisha() {
        let at = |instant: &str| past_deadline(instant.parse().unwrap());
        // The last minute of 30 April 2024 in Odisha, and the first of May.
        let in_april = at("2024-04-30T18:29:59");
        assert!(
            in_april.ends_with("< '2024-01-30 18:30:00' AND p.correction_due_from >= '2024-03-31 18:30:00'")
        );
        assert!(at("2024-04-30T18:30:00").ends_with("p.correction_due_from < '2024-03-31 18:30:00'"));
    }
}
