//! Until when MUKTASoft makes a correction (DOMAIN.md §3): within 90 days of the original in the same financial
//! year, else until 30 April of the correction's year. A correction made today is meant: days are those of IST, a
//! financial year begins on 1 April, and the correction's year is the calendar's.

use chrono::{Datelike, Days, NaiveDate};

/// How long after the original, in its financial year.
const DAYS: Days = Days::new(90);

/// The last day on which payments of an original of that day can be corrected, or could be, as of today.
pub fn last_day(original: NaiveDate, today: NaiveDate) -> NaiveDate {
    let today = today.max(original);
    if financial_year(original) != financial_year(today) {
        return end_of_april(today.year());
    }
    let ninetieth = original.checked_add_days(DAYS).unwrap_or(NaiveDate::MAX);
    // Where the 90 days reach the end of the year, April follows on them.
    let next = first_of_april(financial_year(original) + 1);
    if ninetieth.succ_opt().is_none_or(|after| after >= next) { end_of_april(next.year()) } else { ninetieth }
}

/// The originals that are past their [`last_day`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastDeadline {
    /// Of that day or later, if that matters.
    pub from: Option<NaiveDate>,
    /// And before that day.
    pub before: NaiveDate,
}

impl PastDeadline {
    /// As of today.
    pub fn on(today: NaiveDate) -> Self {
        let year = first_of_april(financial_year(today));
        let before = today.checked_sub_days(DAYS).unwrap_or(NaiveDate::MIN);
        if today > end_of_april(today.year()) {
            // Earlier years are over; of this one, what is older than its 90 days.
            Self { from: None, before: before.max(year) }
        } else {
            Self { from: Some(year), before }
        }
    }

    /// Whether an original of that day is.
    pub fn holds(&self, original: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= original) && original < self.before
    }
}

/// The year in which the financial year of that day begins.
fn financial_year(day: NaiveDate) -> i32 {
    if day.month() >= 4 { day.year() } else { day.year() - 1 }
}

fn first_of_april(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 4, 1).unwrap_or(NaiveDate::MAX)
}

fn end_of_april(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 4, 30).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn within_the_financial_year_the_ninetieth_day_is_the_last() {
        for (original, last) in [
            ("2023-04-01", "2023-06-30"),
            ("2023-05-01", "2023-07-30"),
            // Over the end of a calendar year, and over a leap day.
            ("2023-11-05", "2024-02-03"),
            ("2023-12-31", "2024-03-30"),
            ("2022-12-30", "2023-03-30"),
        ] {
            assert_eq!(last_day(day(original), day(original)), day(last), "{original}");
            assert_eq!(last_day(day(original), day(last)), day(last), "{original}");
            let next = day(last).succ_opt().unwrap();
            assert_eq!(last_day(day(original), next), day(last), "{original}");
            assert!(!PastDeadline::on(day(last)).holds(day(original)), "{original}");
            assert!(PastDeadline::on(next).holds(day(original)), "{original}");
        }
    }

    #[test]
    fn where_the_ninety_days_reach_the_new_year_april_follows_on_them() {
        for original in ["2024-01-01", "2024-02-29", "2024-03-31"] {
            for today in [original, "2024-03-31", "2024-04-01", "2024-04-30", "2024-05-01", "2024-12-31"] {
                assert_eq!(last_day(day(original), day(today)), day("2024-04-30"), "{original}, {today}");
                let is_past = day(today) > day("2024-04-30");
                assert_eq!(PastDeadline::on(day(today)).holds(day(original)), is_past, "{original}, {today}");
            }
        }
    }

    #[test]
    fn in_another_year_the_end_of_april_of_the_correction_s_year_is_the_last() {
        let original = day("2023-05-01");
        let told =
            |today: &str| (last_day(original, day(today)), PastDeadline::on(day(today)).holds(original));
        assert_eq!(told("2024-03-31"), (day("2023-07-30"), true));
        assert_eq!(told("2024-04-01"), (day("2024-04-30"), false));
        assert_eq!(told("2024-04-30"), (day("2024-04-30"), false));
        assert_eq!(told("2024-05-01"), (day("2024-04-30"), true));
        assert_eq!(told("2026-11-28"), (day("2026-04-30"), true));
    }

    #[test]
    fn days_beyond_all_time_have_a_last_day_too() {
        for (original, today) in [
            (NaiveDate::MAX, NaiveDate::MAX),
            (NaiveDate::MAX, NaiveDate::MIN),
            (NaiveDate::MIN, NaiveDate::MAX),
            (NaiveDate::MIN, NaiveDate::MIN),
        ] {
            last_day(original, today);
            PastDeadline::on(today);
        }
    }

    proptest! {
        #[test]
        fn what_is_past_its_last_day_is_so_by_both(original in 0..4000u64, later in 0..1500u64) {
            let original = day("2019-01-01") + Days::new(original);
            let today = original + Days::new(later);
            let is_past = last_day(original, today) < today;
            prop_assert_eq!(PastDeadline::on(today).holds(original), is_past, "{} on {}", original, today);
        }
    }
}
