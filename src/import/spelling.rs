//! How MUKTASoft's treasury adapter spells statuses and dates (DOMAIN.md §8), both ways.

use chrono::{DateTime, NaiveDate};

use crate::domain::date::treasury_day;
use crate::domain::{PaymentStatus, PiStatus};

/// The longest text of an ordinary field, in characters.
pub(super) const TEXT_MAX_CHARS: usize = 512;

/// Epoch milliseconds taken for a day: 1980-01-01 to 2100-01-01. Smaller and larger numbers are
/// texts of another kind.
const DAYS_IN_MILLIS: std::ops::Range<i64> = 315_532_800_000..4_102_444_800_000;

const DAY_IN_MILLIS: i64 = 86_400_000;

/// A PI status in the adapter's spelling, any case. `INITIATED` depends on whether it is a revised
/// PI; `None` if it is no status.
pub(super) fn read_pi_status(text: &str, revised: bool) -> Option<PiStatus> {
    Some(match letters(text).as_str() {
        "INPROCESS" => PiStatus::InProcess,
        "INITIATED" if revised => PiStatus::InProcess,
        "INITIATED" => PiStatus::Initiated,
        "APPROVED" => PiStatus::Approved,
        "PENDING" => PiStatus::Pending,
        "DECLINED" | "FAILED" => PiStatus::Declined,
        "REJECTED" => PiStatus::Rejected,
        "SUCCESSFUL" | "PARTIAL" | "COMPLETED" => PiStatus::Completed,
        _ => return None,
    })
}

/// A PI status in the adapter's spelling.
pub(super) const fn write_pi_status(status: PiStatus, revised: bool, any_failed: bool) -> &'static str {
    match status {
        PiStatus::InProcess if revised => "INITIATED",
        PiStatus::InProcess => "IN PROCESS",
        PiStatus::Completed if any_failed => "PARTIAL",
        PiStatus::Completed => "SUCCESSFUL",
        PiStatus::Declined => "FAILED",
        PiStatus::Pending => "PENDING",
        PiStatus::Initiated => "INITIATED",
        PiStatus::Rejected => "REJECTED",
        PiStatus::Approved => "APPROVED",
    }
}

/// A payment status, any case, with or without the word Payment; `None` if it is none.
pub(super) fn read_payment_status(text: &str) -> Option<PaymentStatus> {
    let letters = letters(text);
    Some(match letters.strip_prefix("PAYMENT").unwrap_or(&letters) {
        // Of a rejected instruction.
        "PENDING" | "NA" => PaymentStatus::Pending,
        "INITIATED" => PaymentStatus::Initiated,
        "INPROCESS" => PaymentStatus::InProcess,
        "SUCCESSFUL" => PaymentStatus::Successful,
        "FAILED" => PaymentStatus::Failed,
        _ => return None,
    })
}

/// Upper case, without blanks and underscores: `In Process`, `INPROCESS` and `in_process` are one.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '_').flat_map(char::to_uppercase).collect()
}

/// A date: epoch milliseconds become `yyyy-MM-dd`, the day they fall in at UTC; any other text
/// stays as received.
pub(super) fn read_date(text: &str) -> String {
    day_of_millis(text).map_or_else(|| text.to_owned(), written)
}

/// The date of a voucher, which the export writes as a day: whatever can be read as one becomes
/// `yyyy-MM-dd`.
pub(super) fn read_day(text: &str) -> String {
    let day = day_of_millis(text).or_else(|| treasury_day(text).filter(|day| millis_of_day(*day).is_some()));
    day.map_or_else(|| text.to_owned(), written)
}

/// Epoch milliseconds of the UTC midnight of a day that can be read; `None` if it cannot.
pub(super) fn day_in_millis(text: &str) -> Option<i64> {
    treasury_day(&read_day(text)).and_then(millis_of_day)
}

fn written(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

fn day_of_millis(text: &str) -> Option<NaiveDate> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let millis = digits.then(|| text.parse::<i64>().ok()).flatten().filter(|m| DAYS_IN_MILLIS.contains(m))?;
    Some(DateTime::from_timestamp_millis(millis)?.date_naive())
}

fn millis_of_day(day: NaiveDate) -> Option<i64> {
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    days.checked_mul(DAY_IN_MILLIS).filter(|millis| DAYS_IN_MILLIS.contains(millis))
}

/// A text of JIT's as an import would take it: FTPS may bring what a file of MUKTASoft must not
/// hold, and an export must be importable.
pub(super) fn importable(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cut: String = plain.trim().chars().take(TEXT_MAX_CHARS).collect();
    let cut = cut.trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pi_statuses_are_read_in_any_case_and_spelling() {
        for (text, revised, status) in [
            ("IN PROCESS", false, PiStatus::InProcess),
            ("inprocess", true, PiStatus::InProcess),
            ("In Process", true, PiStatus::InProcess),
            ("INITIATED", true, PiStatus::InProcess),
            ("Initiated", false, PiStatus::Initiated),
            ("approved", true, PiStatus::Approved),
            ("PENDING", true, PiStatus::Pending),
            ("DECLINED", true, PiStatus::Declined),
            ("FAILED", false, PiStatus::Declined),
            ("Rejected", false, PiStatus::Rejected),
            ("SUCCESSFUL", true, PiStatus::Completed),
            ("Partial", true, PiStatus::Completed),
            ("COMPLETED", true, PiStatus::Completed),
        ] {
            assert_eq!(read_pi_status(text, revised), Some(status), "{text} {revised}");
        }
        for text in ["", "PAID", "IN-PROCESS", "Payment Successful"] {
            assert_eq!(read_pi_status(text, true), None, "{text}");
        }
    }

    #[test]
    fn every_status_is_read_back_as_it_was_written() {
        for status in PiStatus::ALL {
            for (revised, failed) in [(true, true), (true, false), (false, true), (false, false)] {
                // A revised PI is never Initiated here: that word means In Process.
                if *status == PiStatus::Initiated && revised {
                    continue;
                }
                let written = write_pi_status(*status, revised, failed);
                assert_eq!(read_pi_status(written, revised), Some(*status), "{written}");
            }
        }
        for status in PaymentStatus::ALL {
            assert_eq!(read_payment_status(status.as_str()), Some(*status));
            assert_eq!(read_payment_status(&status.as_str().to_uppercase()), Some(*status));
        }
    }

    #[test]
    fn payment_statuses_of_another_kind_are_none() {
        for text in ["", "Payment", "PARTIAL", "Paid", "Payment Declined"] {
            assert_eq!(read_payment_status(text), None, "{text}");
        }
        assert_eq!(read_payment_status("FAILED"), Some(PaymentStatus::Failed));
    }

    #[test]
    fn dates_are_days_where_they_can_be_read() {
        assert_eq!(read_date("1699142400000"), "2023-11-05");
        assert_eq!(read_date("2023-11-05 10:20:30.0"), "2023-11-05 10:20:30.0");
        assert_eq!(read_day("2023-11-05 10:20:30.0"), "2023-11-05");
        assert_eq!(read_day("5 Nov 23"), "5 Nov 23");
        assert_eq!(read_day("20231105"), "20231105");
        assert_eq!(day_in_millis("2023-11-05"), Some(1_699_142_400_000));
        assert_eq!(day_in_millis("1899-12-31"), None);
        assert_eq!(day_in_millis("5 Nov 23"), None);
    }

    proptest::proptest! {
        #[test]
        fn reading_a_date_again_changes_nothing(text in "[0-9]{8,14}|[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}|.{0,12}") {
            let (date, day) = (read_date(&text), read_day(&text));
            proptest::prop_assert_eq!(&read_date(&date), &date);
            proptest::prop_assert_eq!(&read_day(&day), &day);
            if let Some(millis) = day_in_millis(&day) {
                proptest::prop_assert_eq!(read_day(&millis.to_string()), day);
            }
        }
    }
}
