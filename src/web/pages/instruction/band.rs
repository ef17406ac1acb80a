//! The band: what FTPS said last (DOMAIN.md §2).

use crate::domain::Outcome;
use crate::domain::decide::MESSAGE_PREFIX;
use crate::language::Language;
use crate::store::instructions::PaymentInstruction;
use crate::web::display;

/// The message band of a revised PI.
pub(super) struct Band {
    outcome: Option<Outcome>,
    message: Option<String>,
    called_at: Option<String>,
    called_at_machine: Option<String>,
}

impl Band {
    /// Only a revised PI has one: FTPS is never asked about others.
    pub(super) fn of(pi: &PaymentInstruction) -> Option<Self> {
        pi.is_revised().then(|| Self {
            outcome: pi.latest_outcome(),
            message: pi.ftps_message.clone(),
            called_at: pi.ftps_called_at.map(display::minute),
            called_at_machine: pi.ftps_called_at.map(display::machine_time),
        })
    }

    /// `data-outcome`.
    pub(super) fn word(&self) -> &'static str {
        self.outcome.map_or("none", Outcome::as_str)
    }

    /// An error is announced at once.
    pub(super) fn role(&self) -> &'static str {
        if self.is_error() { "alert" } else { "status" }
    }

    pub(super) fn is_error(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome != Outcome::Success)
    }

    pub(super) fn is_success(&self) -> bool {
        self.outcome == Some(Outcome::Success)
    }

    /// To the letter of DOMAIN.md §2; `None` before the first call.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The message in another language than English: what JIT said stays as it said it.
    pub(super) fn message_in(&self, language: &Language) -> Option<String> {
        let message = self.message().filter(|_| *language != Language::English)?;
        let own_words = || Some(language.of_message(message.strip_prefix(MESSAGE_PREFIX)?));
        language.of_recorded(message).or_else(own_words)
    }

    pub(super) fn called_at(&self) -> Option<&str> {
        self.called_at.as_deref()
    }

    pub(super) fn called_at_machine(&self) -> &str {
        self.called_at_machine.as_deref().unwrap_or_default()
    }
}
