//! How the domain's values read on every page.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::domain::date::{ist_day, ist_minute, shown_day};
use crate::domain::money::grouped;
pub use crate::domain::text::{filled, last_digits, shortened};
use crate::domain::{CallOutcome, Outcome, Paise, PaymentStatus, PiStatus};
use crate::language::{Phrase, phrase};
use crate::store::instructions::PaymentInstruction;

/// Stands where a value is not known here.
pub const NOT_KNOWN: Phrase = phrase("not known");

/// The colour that goes with a status's words; a class of the style sheet.
pub const fn pi_tone(status: PiStatus) -> &'static str {
    match status {
        PiStatus::Completed => "good",
        PiStatus::InProcess => "busy",
        PiStatus::Declined | PiStatus::Rejected => "bad",
        PiStatus::Pending | PiStatus::Initiated | PiStatus::Approved => "plain",
    }
}

/// The colour that goes with a payment status's words.
pub const fn payment_tone(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Successful => "good",
        PaymentStatus::InProcess => "busy",
        PaymentStatus::Failed => "bad",
        PaymentStatus::Pending | PaymentStatus::Initiated => "plain",
    }
}

/// The type of an instruction.
pub const fn pi_kind(is_revised: bool) -> Phrase {
    if is_revised { phrase("Revised") } else { phrase("Original") }
}

/// The colour that goes with an outcome's words.
pub const fn outcome_tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "good",
        Outcome::NoResponse | Outcome::Error | Outcome::Glitch => "bad",
    }
}

/// What a call came to, in words.
pub const fn outcome_words(outcome: Outcome) -> Phrase {
    match outcome {
        Outcome::Success => phrase("Paid"),
        Outcome::NoResponse => phrase("No response"),
        Outcome::Error => phrase("Error from JIT"),
        Outcome::Glitch => phrase("Technical glitch"),
    }
}

/// The colour that goes with a call's words.
pub const fn call_tone(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Success => "good",
        CallOutcome::Unknown => "plain",
        CallOutcome::NoResponse | CallOutcome::Error | CallOutcome::Glitch | CallOutcome::NotSent => "bad",
    }
}

/// What the log says of a call, in words.
pub const fn call_words(outcome: CallOutcome) -> Phrase {
    match outcome {
        CallOutcome::Success => outcome_words(Outcome::Success),
        CallOutcome::NoResponse => outcome_words(Outcome::NoResponse),
        CallOutcome::Error => outcome_words(Outcome::Error),
        CallOutcome::Glitch => outcome_words(Outcome::Glitch),
        CallOutcome::Unknown => phrase("Outcome not known"),
        CallOutcome::NotSent => phrase("Not sent"),
    }
}

/// What somebody did: `Refresh, by asha`.
pub fn by(what: Phrase, name: &str) -> Phrase {
    phrase("%{what}, by %{name}").with("what", what).with("name", name)
}

/// `₹ 6,37,638.00`.
pub fn rupees(amount: Paise) -> String {
    format!("₹ {amount}")
}

/// A number of things in Indian grouping: `2,000`.
pub fn count(number: i64) -> String {
    grouped(&number.to_string())
}

/// A UTC instant as `dd/mm/yyyy` in IST.
pub fn day(at: NaiveDateTime) -> String {
    ist_day(at.and_utc())
}

/// A day as `dd/mm/yyyy`.
pub fn date(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// A UTC instant as `dd/mm/yyyy HH:MM IST`.
pub fn minute(at: NaiveDateTime) -> String {
    format!("{} IST", ist_minute(at.and_utc()))
}

/// An instant as `dd/mm/yyyy HH:MM:SS` in IST.
pub fn second(at: NaiveDateTime) -> String {
    at.and_utc().with_timezone(&crate::domain::date::IST).format("%d/%m/%Y %H:%M:%S").to_string()
}

/// A UTC instant for a `datetime` attribute.
pub fn machine_time(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The text, or that it is not known.
pub fn or_not_known(text: Option<&str>) -> Phrase {
    filled(text).map_or(NOT_KNOWN, Phrase::from)
}

/// A treasury's date text as `dd/mm/yyyy`, or that it is not known.
pub fn treasury_date(text: Option<&str>) -> Phrase {
    filled(text).map_or(NOT_KNOWN, |text| shown_day(text).into())
}

/// How long ago: in days from two days on, else in hours. Never in the future.
pub fn age(since: NaiveDateTime, now: DateTime<Utc>) -> Phrase {
    let passed = now.naive_utc() - since;
    match (passed.num_days(), passed.num_hours()) {
        (days, _) if days >= 2 => phrase("%{count} days").with("count", days.to_string()),
        (_, hours) if hours >= 2 => phrase("%{count} hours").with("count", hours.to_string()),
        (_, 1) => phrase("1 hour"),
        _ => phrase("less than an hour"),
    }
}

/// What stands where FTPS has said nothing about an instruction.
pub fn no_message(instruction: &PaymentInstruction) -> Phrase {
    if instruction.is_waiting() { phrase("FTPS not asked yet") } else { "—".into() }
}

/// For how long an instruction has been In Process, if it is.
pub fn time_in_process(instruction: &PaymentInstruction, now: DateTime<Utc>) -> Option<Phrase> {
    let since = instruction.in_process_since.filter(|_| instruction.status == PiStatus::InProcess)?;
    Some(age(since, now))
}

/// `45 s`, `2 min 5 s` or `1 h 3 min`. Never negative.
pub fn duration(passed: TimeDelta) -> Phrase {
    match passed.num_seconds().max(0) {
        seconds if seconds < 60 => phrase("%{seconds} s").with("seconds", seconds.to_string()),
        seconds if seconds < 3600 => phrase("%{minutes} min %{seconds} s")
            .with("minutes", (seconds / 60).to_string())
            .with("seconds", (seconds % 60).to_string()),
        seconds => phrase("%{hours} h %{minutes} min")
            .with("hours", (seconds / 3600).to_string())
            .with("minutes", (seconds % 3600 / 60).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_hours_then_in_days() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let ago = |minutes| age((now - TimeDelta::minutes(minutes)).naive_utc(), now).english();
        assert_eq!(ago(-5), "less than an hour");
        assert_eq!(ago(59), "less than an hour");
        assert_eq!(ago(60), "1 hour");
        assert_eq!(ago(47 * 60 + 59), "47 hours");
        assert_eq!(ago(48 * 60), "2 days");
    }

    #[test]
    fn a_duration_is_told_in_its_two_largest_units() {
        let told =
            [-1, 59, 60, 125, 3599, 3780].map(|seconds| duration(TimeDelta::seconds(seconds)).english());
        assert_eq!(told, ["0 s", "59 s", "1 min 0 s", "2 min 5 s", "59 min 59 s", "1 h 3 min"]);
    }
}
