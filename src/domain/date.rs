//! Days and instants as people in Odisha read them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// Indian Standard Time, UTC+05:30; it has no daylight saving.
pub const IST: FixedOffset = match FixedOffset::east_opt(5 * 3600 + 30 * 60) {
    Some(offset) => offset,
    None => panic!("19800 seconds are less than a day"),
};

/// An instant as `dd/mm/yyyy HH:MM` in IST.
pub fn ist_minute(at: DateTime<Utc>) -> String {
    at.with_timezone(&IST).format("%d/%m/%Y %H:%M").to_string()
}

/// An instant as `dd/mm/yyyy` in IST.
pub fn ist_day(at: DateTime<Utc>) -> String {
    at.with_timezone(&IST).format("%d/%m/%Y").to_string()
}

/// The day of an instant in IST.
pub fn ist_date(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&IST).date_naive()
}

/// The instant (UTC) at which a day begins in IST.
pub fn ist_midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN) - TimeDelta::seconds(i64::from(IST.local_minus_utc()))
}

/// A day as somebody types it: `31/03/2024`, or `2024-03-31`.
pub fn typed_day(text: &str) -> Option<NaiveDate> {
    // chrono also takes `+2024-3-1`.
    let looks_like = |mark: u8| text.len() == 10 && text.bytes().all(|c| c.is_ascii_digit() || c == mark);
    let read = |mark, format| NaiveDate::parse_from_str(text, format).ok().filter(|_| looks_like(mark));
    read(b'/', "%d/%m/%Y").or_else(|| read(b'-', "%Y-%m-%d"))
}

/// The day in a treasury's date text: `yyyy-MM-dd`, alone or followed by a time. `None` if the
/// text cannot be read so.
pub fn treasury_day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day);
    }
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| time.date())
}

/// A treasury's date text as `dd/mm/yyyy`; as received if it cannot be read (DOMAIN.md §2.4).
pub fn shown_day(text: &str) -> String {
    treasury_day(text).map_or_else(|| text.to_owned(), |day| day.format("%d/%m/%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_cannot_be_read_shows_as_received() {
        assert_eq!(shown_day("2023-11-05"), "05/11/2023");
        assert_eq!(shown_day("2023-11-05 10:20:30.0"), "05/11/2023");
        assert_eq!(shown_day("5 Nov 23"), "5 Nov 23");
        assert_eq!(shown_day(""), "");
    }

    #[test]
    fn a_day_is_typed_the_way_of_the_country_or_of_machines() {
        let day = NaiveDate::from_ymd_opt(2024, 3, 31);
        assert_eq!(typed_day("31/03/2024"), day);
        assert_eq!(typed_day("2024-03-31"), day);
        for none in ["", "03/31/2024", "31-03-2024", "1/3/2024", "+024-03-01", "31/03/24", "31/03/2024 "] {
            assert_eq!(typed_day(none), None, "{none:?}");
        }
    }

    #[test]
    fn instants_show_in_ist_across_midnight() {
        let at = DateTime::parse_from_rfc3339("2024-03-31T18:30:00Z").unwrap().to_utc();
        assert_eq!(ist_minute(at), "01/04/2024 00:00");
        assert_eq!(ist_day(at), "01/04/2024");
    }
}
