//! How the state of an SMS reads on every page.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::display;
use crate::domain::MessageState;
use crate::language::{Phrase, phrase};
use crate::store::outbox::LATE;
use crate::store::outbox::listing::OutboxMessage;

/// `data-sms-status` of a beneficiary for whom there is no message.
pub const NO_MESSAGE: &str = "none";

/// The state in words.
pub const fn words(state: MessageState) -> Phrase {
    match state {
        MessageState::Waiting | MessageState::Sending => phrase("Waiting"),
        MessageState::Sent => phrase("Sent"),
        MessageState::Failed => phrase("Failed"),
        MessageState::Unknown => phrase("Not known"),
        MessageState::Held => phrase("Held"),
        MessageState::Settled => phrase("Settled"),
    }
}

/// The colour that goes with the words.
pub const fn tone(state: MessageState) -> &'static str {
    match state {
        MessageState::Waiting | MessageState::Sending => "busy",
        MessageState::Sent => "good",
        MessageState::Failed | MessageState::Unknown | MessageState::Held => "bad",
        MessageState::Settled => "plain",
    }
}

/// Whether a message has waited for so long that somebody should look.
pub fn is_late(message: &OutboxMessage, now: DateTime<Utc>) -> bool {
    message.state.shown() == MessageState::Waiting && now.naive_utc() - message.created_at > LATE
}

/// When it was sent, or will be tried.
pub struct Moment {
    /// `Sent on`, `Next attempt`.
    pub label: Phrase,
    at: NaiveDateTime,
}

impl Moment {
    /// Of a message that was sent or settled, or waits for its turn; what waits for a gateway to be set up, or for
    /// the end of a pause, has none.
    pub fn of(message: &OutboxMessage, sends: bool) -> Option<Self> {
        if message.state == MessageState::Settled {
            return Some(Self { label: phrase("Settled on"), at: message.changed_at });
        }
        match (message.sent_at, message.next_attempt_at.filter(|_| sends)) {
            (Some(at), _) => Some(Self { label: phrase("Accepted by the gateway on"), at }),
            (None, Some(at)) => Some(Self { label: phrase("Next attempt"), at }),
            (None, None) => None,
        }
    }

    /// `dd/mm/yyyy HH:MM IST`.
    pub fn shown(&self) -> String {
        display::minute(self.at)
    }

    /// For a `datetime` attribute.
    pub fn machine(&self) -> String {
        display::machine_time(self.at)
    }
}
