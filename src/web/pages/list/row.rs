//! A payment instruction in the list.

use super::Around;
use crate::domain::decide::MESSAGE_PREFIX;
use crate::domain::{Outcome, PiStatus};
use crate::language::{Language, Phrase, phrase};
use crate::store::beneficiaries::Tally;
use crate::store::instructions::PaymentInstruction;
use crate::store::search::Listed;
use crate::web::display;
use crate::web::flags::{self, ShownFlag};
use crate::web::path::{self, Sub};

/// What JIT said is shortened to so many characters.
const SAID_CHARS: usize = 90;

pub(super) struct Row {
    pub instruction: PaymentInstruction,
    pub tally: Tally,
    pub flags: Vec<ShownFlag>,
    /// Whether the viewer can have JIT asked about it now.
    pub can_be_asked: bool,
    around: Around,
}

impl Row {
    pub(super) fn new(listed: Listed, may_ask: bool, around: Around) -> Self {
        let Listed { instruction, tally } = listed;
        let is_free = !instruction.is_wanted() && !instruction.is_claimed(around.now);
        Self {
            flags: flags::of(&instruction, &tally, around.now),
            can_be_asked: may_ask && instruction.is_waiting() && is_free,
            instruction,
            tally,
            around,
        }
    }

    pub(super) fn link(&self) -> String {
        path::link(&self.instruction.number, Sub::View)
    }

    pub(super) fn date(&self) -> String {
        display::day(self.instruction.created_at)
    }

    pub(super) fn kind(&self) -> Phrase {
        display::pi_kind(self.instruction.is_revised())
    }

    pub(super) fn tone(&self) -> &'static str {
        display::pi_tone(self.instruction.status)
    }

    /// Its bill numbers; `None` if none is told.
    pub(super) fn bill(&self) -> Option<String> {
        Some(self.instruction.bills().join(", ")).filter(|bills| !bills.is_empty())
    }

    pub(super) fn amount(&self) -> String {
        display::rupees(self.instruction.net_paise)
    }

    /// How many payments it has.
    pub(super) fn payments(&self) -> String {
        display::count(self.tally.all)
    }

    /// How many of them are made, of one in which not all are.
    pub(super) fn paid(&self) -> Option<Phrase> {
        let is_split = self.tally.paid > 0 && self.tally.paid < self.tally.all;
        is_split.then(|| phrase("%{count} paid").with("count", display::count(self.tally.paid)))
    }

    pub(super) fn said(&self) -> Option<String> {
        Some(display::shortened(self.told()?, SAID_CHARS))
    }

    pub(super) fn said_in(&self, language: &Language) -> Option<String> {
        Some(display::shortened(&language.of_recorded(self.told()?)?, SAID_CHARS))
    }

    fn told(&self) -> Option<&str> {
        let message = self.instruction.ftps_message.as_deref()?;
        Some(message.strip_prefix(MESSAGE_PREFIX).unwrap_or(message))
    }

    /// Whether what is told is our own description of a technical glitch.
    pub(super) fn is_glitch(&self) -> bool {
        self.instruction.is_waiting() && self.instruction.latest_outcome() == Some(Outcome::Glitch)
    }

    /// What stands where JIT said nothing.
    pub(super) fn not_said(&self) -> Phrase {
        display::no_message(&self.instruction)
    }

    pub(super) fn asked(&self) -> Option<String> {
        self.instruction.ftps_called_at.map(display::minute)
    }

    /// When JIT is asked next.
    pub(super) fn next(&self) -> Phrase {
        let pi = &self.instruction;
        let own = pi.next_attempt_at.filter(|_| !self.around.is_paused);
        let at = own.or(self.around.next_night.map(|at| at.naive_utc()));
        if !pi.is_waiting() {
            "—".into()
        } else if pi.is_claimed(self.around.now) {
            phrase("being asked")
        } else if pi.is_wanted() {
            phrase("as soon as possible")
        } else if pi.cannot_ask {
            phrase("cannot be asked")
        } else {
            at.map_or_else(|| "—".into(), |at| display::minute(at).into())
        }
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.instruction.is_stuck(self.around.now)
    }

    pub(super) fn age(&self) -> Option<Phrase> {
        display::time_in_process(&self.instruction, self.around.now)
    }

    pub(super) fn status(&self) -> PiStatus {
        self.instruction.status
    }
}
