//! When a password is looked at, and when there were too many failures before (CONTRACT.md, Pages).

use chrono::{NaiveDateTime, TimeDelta};

/// Failures are counted over this time.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// So many for a name from one address; of a browser in which the name has signed in before, the same.
const OF_NAME_HERE: i64 = 10;
/// So many for a name from everywhere, before they are slowed down.
const OF_NAME: i64 = 20;
/// Then one try in so long is looked at.
const STEP: TimeDelta = TimeDelta::seconds(30);
/// So many wrong codes of a name's second factor, from everywhere: of a million codes three count at a time.
pub const CODES: i64 = 10;
/// So many from one address.
const OF_ADDRESS: i64 = 300;

/// Whether the count of what is alike is told when it has come to this number: the first, the tenth, the hundredth and
/// so on.
pub const fn is_told_at(times: i64) -> bool {
    times > 0 && times == 10_i64.pow(times.ilog10())
}

/// The failures of the last [`WINDOW`] that count against an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    /// Of a browser in which the name has signed in before: its own for that name.
    OfBrowser(i64),
    /// Of any other browser.
    OfStranger {
        /// Of strangers for that name from that address.
        of_name_here: i64,
        /// Of strangers for that name.
        of_name: i64,
        /// When the last of those was.
        last_of_name: Option<NaiveDateTime>,
        /// From that address, whatever the name.
        of_address: i64,
    },
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is looked at.
    Look,
    /// Not now: how long to wait.
    Wait(TimeDelta),
}

impl Failures {
    /// Whether the password is looked at.
    pub fn judge(self, now: NaiveDateTime) -> Verdict {
        match self {
            Self::OfBrowser(own) if own >= OF_NAME_HERE => Verdict::Wait(WINDOW),
            Self::OfBrowser(_) => Verdict::Look,
            Self::OfStranger { of_name_here, of_address, .. }
                if of_name_here >= OF_NAME_HERE || of_address >= OF_ADDRESS =>
            {
                Verdict::Wait(WINDOW)
            }
            Self::OfStranger { of_name, last_of_name: Some(last), .. }
                if of_name >= OF_NAME && now < last + STEP =>
            {
                Verdict::Wait(STEP)
            }
            Self::OfStranger { .. } => Verdict::Look,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        let now = chrono::DateTime::UNIX_EPOCH.naive_utc();
        let stranger = |of_name_here, of_name, ago, of_address| Failures::OfStranger {
            of_name_here,
            of_name,
            last_of_name: Some(now - TimeDelta::seconds(ago)),
            of_address,
        };
        for (failures, verdict) in [
            (Failures::OfBrowser(9), Verdict::Look),
            (Failures::OfBrowser(10), Verdict::Wait(WINDOW)),
            (stranger(9, 9, 0, 9), Verdict::Look),
            (stranger(10, 10, 0, 10), Verdict::Wait(WINDOW)),
            (stranger(0, 19, 0, 0), Verdict::Look),
            (stranger(0, 20, 29, 0), Verdict::Wait(STEP)),
            (stranger(0, 20, 30, 0), Verdict::Look),
            (stranger(0, 0, 0, 299), Verdict::Look),
            (stranger(0, 0, 0, 300), Verdict::Wait(WINDOW)),
        ] {
            assert_eq!(failures.judge(now), verdict, "{failures:?}");
        }
    }
}
