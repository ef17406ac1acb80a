//! What an operator is told of at once (CONTRACT.md, `ALERT_WEBHOOK_URL`): each kind, in words, and when an episode of it
//! begins and ends.

use chrono::{DateTime, TimeDelta, Utc};

use super::date::ist_minute;
use super::words::words;

words! {
    /// What may be amiss.
    AlertKind {
        /// An instant of the schedule passed an hour ago without a run.
        NightMissing = "night-missing",
        /// The last night ended without having asked about everything.
        NightUnasked = "night-unasked",
        /// JIT does not let us sign in.
        SignInRefused = "sign-in-refused",
        /// JIT is away, or does not answer in time.
        JitAway = "jit-away",
        /// The SMS gateway has taken no message for an hour.
        GatewayAway = "gateway-away",
        /// A message has waited for a day.
        MessageLate = "message-late",
        /// What is written once is not as it was written.
        TrailBroken = "trail-broken",
    }
}

/// A gateway that is away is told of after so long.
pub const GATEWAY_PATIENCE: TimeDelta = TimeDelta::hours(1);

/// A message that waits is told of after so long.
pub const MESSAGE_PATIENCE: TimeDelta = TimeDelta::days(1);

impl AlertKind {
    /// What is amiss, in one sentence; it names nobody.
    fn sentence(self, since: DateTime<Utc>) -> String {
        match self {
            Self::NightMissing => {
                format!("The sync of {} IST has not begun, and an hour has passed.", ist_minute(since))
            }
            Self::NightUnasked => {
                "The last night ended without having asked JIT about every payment instruction.".to_owned()
            }
            Self::SignInRefused => "JIT does not let this program sign in.".to_owned(),
            Self::JitAway => "JIT cannot be reached, or does not answer in time.".to_owned(),
            Self::GatewayAway => "The SMS gateway has taken no message for an hour.".to_owned(),
            Self::MessageLate => "A message to a beneficiary has waited for more than a day.".to_owned(),
            Self::TrailBroken => {
                "The audit trail or the log of calls is not as it was written: run mukta-ftps verify."
                    .to_owned()
            }
        }
    }

    /// What the receiver is told of an episode: of its end, the same sentence after `Over: `.
    pub fn text(self, since: DateTime<Utc>, is_over: bool) -> String {
        format!("{}{}", if is_over { "Over: " } else { "" }, self.sentence(since))
    }

    /// The page that tells more.
    pub const fn page(self) -> &'static str {
        match self {
            Self::NightMissing | Self::NightUnasked | Self::SignInRefused | Self::JitAway => "/sync-runs",
            Self::GatewayAway => "/messages",
            Self::MessageLate => "/messages?state=late",
            Self::TrailBroken => "/audit",
        }
    }
}

/// What was seen of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is amiss, since then.
    Amiss(DateTime<Utc>),
    /// It is not.
    Well,
    /// That cannot be said at present: what was said last holds.
    Unknown,
}

impl Seen {
    /// Amiss only where it has been so for as long as that.
    pub fn after(self, patience: TimeDelta, now: DateTime<Utc>) -> Self {
        match self {
            // Not yet: an episode that was begun by another's clock goes on.
            Self::Amiss(since) if since + patience > now => Self::Unknown,
            seen => seen,
        }
    }
}

/// What follows for the episode of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// One begins.
    Begins(DateTime<Utc>),
    /// The one that is open ends.
    Ends,
}

/// Whether an episode begins or ends, where one is open or none is.
pub fn turn(is_open: bool, seen: Seen) -> Option<Turn> {
    match seen {
        Seen::Amiss(since) if !is_open => Some(Turn::Begins(since)),
        Seen::Well if is_open => Some(Turn::Ends),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn an_episode_begins_once_and_ends_only_where_it_is_seen_to() {
        for (is_open, seen, follows) in [
            (false, Seen::Amiss(NOW), Some(Turn::Begins(NOW))),
            (true, Seen::Amiss(NOW), None),
            (false, Seen::Well, None),
            (true, Seen::Well, Some(Turn::Ends)),
            (false, Seen::Unknown, None),
            (true, Seen::Unknown, None),
        ] {
            assert_eq!(turn(is_open, seen), follows, "{is_open} {seen:?}");
        }
    }

    #[test]
    fn what_needs_patience_is_told_of_when_that_has_passed() {
        let since = NOW - GATEWAY_PATIENCE;
        assert_eq!(Seen::Amiss(since).after(GATEWAY_PATIENCE, NOW), Seen::Amiss(since));
        let young = since + TimeDelta::milliseconds(1);
        assert_eq!(Seen::Amiss(young).after(GATEWAY_PATIENCE, NOW), Seen::Unknown);
        assert_eq!(Seen::Well.after(GATEWAY_PATIENCE, NOW), Seen::Well);
    }

    #[test]
    fn the_end_is_told_in_the_words_of_the_beginning() {
        for kind in AlertKind::ALL {
            let told = kind.text(NOW, false);
            assert!(told.ends_with('.') && !told.starts_with("Over"), "{told}");
            assert_eq!(kind.text(NOW, true), format!("Over: {told}"));
        }
    }
}
