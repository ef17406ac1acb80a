//! The band: what FTPS said last, what that means, and what happens next (DOMAIN.md §2).

use crate::domain::decide::MESSAGE_PREFIX;
use crate::domain::{Outcome, PiStatus};
use crate::language::{Language, Phrase, phrase};
use crate::store::instructions::PaymentInstruction;
use crate::web::display;

/// The message band of a revised PI.
pub(super) struct Band {
    outcome: Option<Outcome>,
    message: Option<String>,
    called_at: Option<String>,
    called_at_machine: Option<String>,
    status: PiStatus,
    is_waiting: bool,
    may_refresh: bool,
    next_attempt: Option<String>,
    unanswered_attempts: i32,
}

impl Band {
    /// Only a revised PI has one: FTPS is never asked about others.
    pub(super) fn of(pi: &PaymentInstruction, may_refresh: bool) -> Option<Self> {
        pi.is_revised().then(|| Self {
            outcome: pi.latest_outcome(),
            message: pi.ftps_message.clone(),
            called_at: pi.ftps_called_at.map(display::minute),
            called_at_machine: pi.ftps_called_at.map(display::machine_time),
            status: pi.status,
            is_waiting: pi.is_waiting(),
            may_refresh,
            next_attempt: pi.next_attempt_at.map(display::minute),
            unanswered_attempts: pi.unanswered_attempts,
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

    /// What it means.
    pub(super) fn meaning(&self) -> Phrase {
        match self.outcome {
            Some(Outcome::Success) => {
                phrase("FTPS reports every beneficiary as paid, so the payment instruction is completed.")
            }
            _ if !self.is_waiting => match self.status {
                PiStatus::Completed => {
                    phrase("The payment instruction is completed, so FTPS is not asked about it any more.")
                }
                PiStatus::InProcess => {
                    phrase("The payment instruction is inactive, so FTPS is not asked about it.")
                }
                _ => phrase(
                    "FTPS is asked about a payment instruction only while it is In Process, and this one is not.",
                ),
            },
            Some(Outcome::NoResponse) => phrase(
                "Nothing came back from JIT. Whether the payments were made is not known, so nothing has changed here.",
            ),
            Some(Outcome::Error) => {
                phrase("JIT answered with an error in place of payment details, so nothing has changed here.")
            }
            Some(Outcome::Glitch) => phrase(
                "JIT could not be asked, or its answer could not be used. None of it was applied, so nothing has \
                 changed here.",
            ),
            None => phrase("Whether the payments were made is not known yet."),
        }
    }

    /// When JIT is asked again by itself, and how often it has been in vain.
    pub(super) fn next_attempt(&self) -> Option<Phrase> {
        let at = self.next_attempt.as_deref().filter(|_| self.is_waiting)?;
        let words = match self.unanswered_attempts {
            1 => phrase("JIT is asked again by itself on %{at}: 1 attempt has brought no usable answer so far."),
            attempts => phrase(
                "JIT is asked again by itself on %{at}: %{count} attempts have brought no usable answer so far.",
            )
            .with("count", attempts.to_string()),
        };
        Some(words.with("at", at))
    }

    /// What happens next, if anything does.
    pub(super) fn next(&self) -> Option<Phrase> {
        if !self.is_waiting {
            return None;
        }
        Some(match (self.may_refresh, self.outcome) {
            (true, None) => phrase("Refresh asks JIT now."),
            (true, Some(_)) => phrase("Refresh asks JIT again."),
            (false, _) => phrase("An accountant or administrator can have JIT asked."),
        })
    }
}
