//! What the page says about where an instruction stands, as one pure function of what is known: what stands
//! under the heading, what the band's message means, what follows by itself, and what a person can do. None
//! of it contradicts another (DOMAIN.md §7).

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::domain::date::ist_date;
use crate::domain::{Missing, Outcome, PiStatus};
use crate::language::{Phrase, phrase};
use crate::web::display;

/// What is known, and who looks.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) status: PiStatus,
    pub(super) is_active: bool,
    /// FTPS may be asked: an active revised PI In Process.
    pub(super) is_waiting: bool,
    /// In Process for longer than it should.
    pub(super) is_stuck: bool,
    /// A call is under way.
    pub(super) is_being_asked: bool,
    /// The sync under way will ask about it.
    pub(super) is_in_a_run: bool,
    /// Of the latest call.
    pub(super) outcome: Option<Outcome>,
    /// What JIT cannot be asked for want of.
    pub(super) missing: Option<Missing>,
    /// When JIT is asked again after a call that brought no answer (UTC), and how many did in a row.
    pub(super) next_attempt: Option<(NaiveDateTime, i32)>,
    /// Whether nobody is asked by itself.
    pub(super) is_paused: bool,
    /// Until when signing in pauses, after a refusal.
    pub(super) sign_in_paused_until: Option<DateTime<Utc>>,
    /// The next nightly sync.
    pub(super) next_night: Option<DateTime<Utc>>,
    pub(super) payments: Payments,
    /// The last day on which payments that failed can be corrected, or could be.
    pub(super) last_day_to_correct: Option<NaiveDate>,
    /// Whether the employee may press Refresh.
    pub(super) may_refresh: bool,
    pub(super) now: DateTime<Utc>,
}

/// What became of the payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Payments {
    /// Every one is Payment Successful.
    pub(super) are_all_made: bool,
    /// Some failed, or came back.
    pub(super) have_failed: bool,
    /// Some that FTPS reported came back.
    pub(super) have_returned: bool,
    /// Some of those are in no later instruction.
    pub(super) are_unsettled: bool,
    /// MUKTASoft has completed the instruction, and some are neither made nor failed.
    pub(super) are_open: bool,
    /// Some went to another account than the registered one.
    pub(super) went_elsewhere: bool,
    /// RBI's message does not say that they were made, or MUKTASoft says that some failed.
    pub(super) are_doubtful: bool,
}

/// What the page says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// In one word or two: of the page's title.
    pub(super) title: Phrase,
    /// Under the heading: what the status means, and where that leaves the payments.
    pub(super) heading: Vec<Phrase>,
    /// In the band: what the latest call means.
    pub(super) meaning: Phrase,
    /// In the band: what follows by itself.
    pub(super) follows: Option<Phrase>,
    /// In the band: what Refresh would do.
    pub(super) refresh: Option<Phrase>,
    /// What only a person can do.
    pub(super) to_do: Vec<Phrase>,
}

impl Standing {
    pub(super) fn of(facts: &Facts) -> Self {
        Self {
            title: facts.title(),
            heading: facts.heading(),
            meaning: facts.meaning(),
            follows: facts.follows(),
            refresh: facts.refresh(),
            to_do: facts.to_do(),
        }
    }
}

impl Facts {
    fn title(&self) -> Phrase {
        let is_paid = self.status == PiStatus::Completed && self.payments.are_made_beyond_doubt();
        if is_paid { phrase("Paid") } else { Phrase::recorded(self.status.as_str()) }
    }

    fn heading(&self) -> Vec<Phrase> {
        let mut told = vec![match self.status {
            PiStatus::Pending => phrase("MUKTASoft says that it has not sent it to the treasury yet."),
            PiStatus::Declined => {
                phrase("MUKTASoft says that it was declined, or has failed before it was paid.")
            }
            PiStatus::Initiated => phrase("It was sent to the treasury, which has not taken it up yet."),
            PiStatus::Rejected => phrase("MUKTASoft says that it was rejected."),
            PiStatus::Approved => phrase("The treasury has approved it; paying has not begun."),
            PiStatus::InProcess => {
                phrase("It was sent to the treasury. Whether it has been paid is not known.")
            }
            PiStatus::Completed => phrase("The treasury has finished with it."),
        }];
        if self.status == PiStatus::Completed {
            told.extend(self.payments.told());
        }
        told
    }

    fn meaning(&self) -> Phrase {
        match self.outcome {
            Some(Outcome::Success) if self.payments.have_returned => phrase(
                "FTPS reported every beneficiary as paid, so the payment instruction was completed. Payments \
                 have come back since.",
            ),
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
            Some(Outcome::NoResponse) => phrase("Nothing came back from JIT, so nothing has changed here."),
            Some(Outcome::Error) => {
                phrase("JIT answered with an error in place of payment details, so nothing has changed here.")
            }
            Some(Outcome::Glitch) if self.missing.is_some() => {
                phrase("Nobody was asked, so nothing has changed here.")
            }
            Some(Outcome::Glitch) if matches!(self.next_attempt, Some((_, 0))) => {
                phrase("What was missing then has been brought since; nothing has changed here so far.")
            }
            Some(Outcome::Glitch) => phrase(
                "No answer that can be used came of it. Nothing was applied, so nothing has changed here.",
            ),
            None => phrase("What JIT says about it is not known yet."),
        }
    }

    /// JIT is asked again only by the next of these.
    fn follows(&self) -> Option<Phrase> {
        if !self.is_waiting || self.is_being_asked {
            return None;
        }
        if self.is_paused && !self.is_in_a_run {
            return Some(phrase("JIT is not asked about it by itself while the nightly sync is paused."));
        }
        if self.missing.is_some() {
            return Some(phrase("JIT is asked by itself once what is missing has been brought."));
        }
        if let Some(until) = self.sign_in_paused_until {
            let words = phrase(
                "JIT does not let this program sign in at present: nobody is asked before %{at}, when that is \
                 tried again.",
            );
            return Some(words.with("at", display::minute(until.naive_utc())));
        }
        if self.is_in_a_run {
            return Some(phrase("JIT is asked about it by the sync that is under way, once it can be."));
        }
        let Some((at, attempts)) = self.next_attempt else {
            let words = phrase("JIT is asked by itself on %{at}, with the nightly sync.");
            return self.next_night.map(|night| words.with("at", display::minute(night.naive_utc())));
        };
        if at <= self.now.naive_utc() {
            return Some(phrase("JIT is asked again by itself as soon as it can be."));
        }
        let words = phrase(
            "JIT is asked again by itself on %{at}. Attempts in vain since its last usable answer, or since the last \
             Refresh: %{count}.",
        );
        Some(words.with("at", display::minute(at)).with("count", attempts.to_string()))
    }

    fn refresh(&self) -> Option<Phrase> {
        if !self.is_waiting || self.is_being_asked || self.sign_in_paused_until.is_some() {
            return None;
        }
        match (self.may_refresh, &self.missing, self.outcome) {
            (true, Some(_), _) => Some(phrase("Refresh looks again for what is missing.")),
            (true, None, None) => Some(phrase("Refresh asks JIT now.")),
            (true, None, Some(_)) => Some(phrase("Refresh asks JIT again.")),
            (false, None, _) => Some(phrase("An accountant or administrator can have JIT asked.")),
            (false, Some(_), _) => None,
        }
    }

    fn to_do(&self) -> Vec<Phrase> {
        if self.is_waiting {
            return match &self.missing {
                Some(missing) => vec![remedy(missing)],
                None if self.is_stuck => vec![phrase("Ask the treasury what holds it up.")],
                None => vec![],
            };
        }
        if self.status != PiStatus::Completed || !self.is_active {
            return vec![];
        }
        let Payments { have_failed, are_unsettled, are_open, went_elsewhere, are_doubtful, .. } =
            self.payments;
        [
            (have_failed && are_unsettled, self.correction()),
            (are_open, phrase("Find out in MUKTASoft what became of the payments that are open.")),
            (went_elsewhere, phrase("Find out whether the money reached the right person.")),
            (are_doubtful, phrase("Check with the treasury whether it was paid.")),
        ]
        .into_iter()
        .filter_map(|(is_due, words)| is_due.then_some(words))
        .collect()
    }

    /// How payments that failed are made after all, and until when.
    fn correction(&self) -> Phrase {
        match self.last_day_to_correct {
            Some(last) if last < ist_date(self.now) => phrase(
                "The payments that failed and are in no later payment instruction can no longer be corrected in \
                 MUKTASoft: ask the treasury how they can still be made.",
            ),
            Some(last) => phrase(
                "Correct the payments that failed in MUKTASoft, and send them again as a revised payment instruction. \
                 The last day for corrections is %{date}.",
            )
            .with("date", display::date(last)),
            None => phrase(
                "Correct the payments that failed in MUKTASoft, and send them again as a revised payment instruction.",
            ),
        }
    }
}

impl Payments {
    fn are_made_beyond_doubt(self) -> bool {
        self.are_all_made && !self.went_elsewhere && !self.are_doubtful && !self.have_returned
    }

    /// Where a completed instruction leaves them.
    fn told(self) -> Option<Phrase> {
        match self {
            _ if self.are_made_beyond_doubt() => Some(phrase("Every payment has been made.")),
            Self { have_failed: true, are_unsettled: false, .. } => {
                Some(phrase("The payments that failed are in a later payment instruction."))
            }
            _ => None,
        }
    }
}

/// What brings what is missing.
fn remedy(missing: &Missing) -> Phrase {
    match missing {
        Missing::Original(number) => phrase(
            "Import the payment instruction %{number} from MUKTASoft, or ask whoever keeps MUKTASoft's data for it.",
        )
        .with("number", number.clone()),
        Missing::OfAnotherTown(number) => phrase(
            "The payment instruction %{number}, which it replaces, is another Urban Local Body's: ask whoever keeps \
             MUKTASoft's data which the original is.",
        )
        .with("number", number.clone()),
        Missing::EndOfCircle => phrase(
            "Its parents lead back to itself: ask whoever keeps MUKTASoft's data which the original is.",
        ),
        Missing::Reference(number) => phrase(
            "Import the payment instruction %{number} again once its payment advice has an online bill number, \
             or ask whoever keeps MUKTASoft's data for it.",
        )
        .with("number", number.clone()),
        Missing::DataKey(id) => {
            phrase("Tell the people who run this program: the data key of the account of %{id} is missing.")
                .with("id", id.clone())
        }
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
