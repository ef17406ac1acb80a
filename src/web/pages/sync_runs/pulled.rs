//! What the latest pull from MUKTASoft brought, and which records are left out.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::domain::{PullFailure, PullNoteKind, PullTrigger};
use crate::language::{Phrase, phrase};
use crate::store::pulls::{self, Counts, Note, Pull, PullFault};
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};
use crate::web::display;
use crate::web::shell::Shell;

/// Notes and faults that are shown.
const SHOWN: usize = 100;

/// The latest pull by an instant, as its viewer may see it.
pub(super) struct Pulled {
    pull: Pull,
    pub(super) counts: Counts,
    notes: Vec<Note>,
    pub(super) faults: Vec<FaultRow>,
    /// Whether there are more faults than are shown.
    pub(super) has_more: bool,
    /// What MUKTASoft says may be about any town: only who sees all of them reads it.
    tells_what_was_heard: bool,
}

/// A fault of a record that is left out.
pub(super) struct FaultRow(PullFault);

impl Pulled {
    /// What there is to say of the pulls up to `by`; `None` if there has been none.
    pub(super) fn load(
        db: &mut Db,
        scope: &Scope,
        by: NaiveDateTime,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(mut pull) = pulls::latest(db, by.min(now.naive_utc()))? else { return Ok(None) };
        if !scope.is_state() && pulls::brought_all(db, scope, pull.id)? {
            pull.failure = None;
        }
        // One more than is shown tells whether there are more. A pull that was under way then may have met
        // some after that instant.
        let seen_by = pull.ended_at.map_or(by, |ended| ended.max(by));
        let mut faults = pulls::faults(db, scope, seen_by, SHOWN as i64 + 1)?;
        let has_more = faults.len() > SHOWN;
        faults.truncate(SHOWN);
        Ok(Some(Self {
            counts: pulls::counts(db, scope, pull.id)?,
            notes: pulls::notes(db, scope, pull.id, SHOWN as i64)?,
            faults: faults.into_iter().map(FaultRow).collect(),
            has_more,
            tells_what_was_heard: scope.is_state(),
            pull,
        }))
    }

    pub(super) fn began(&self) -> String {
        display::minute(self.pull.began_at)
    }

    pub(super) fn began_machine(&self) -> String {
        display::machine_time(self.pull.began_at)
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.pull.ended_at.is_none()
    }

    pub(super) fn trigger(&self) -> Phrase {
        match self.pull.trigger_word {
            PullTrigger::Timer => phrase("by itself"),
            PullTrigger::Night => phrase("with the nightly sync"),
            PullTrigger::Command => phrase("pull command"),
            PullTrigger::Sync => phrase("before the sync command"),
        }
    }

    /// The word of the failure, for the markup; blank for none.
    pub(super) fn failure_word(&self) -> &'static str {
        self.pull.failure.map_or("", PullFailure::as_str)
    }

    /// Why it did not bring all.
    pub(super) fn failure(&self) -> Option<Phrase> {
        Some(match self.pull.failure? {
            PullFailure::TokenRefused => phrase(
                "MUKTASoft refused the token. Nothing comes in until the people who run this program set a new one.",
            ),
            PullFailure::NotAnswered => phrase("MUKTASoft did not answer."),
            PullFailure::Refused => phrase("MUKTASoft refused what it was asked."),
            PullFailure::NotRead => phrase("What MUKTASoft answered cannot be read."),
            PullFailure::TimeOver => phrase("It took longer than a pull may."),
            PullFailure::NoTenants => phrase("No ULB is known here that could be asked about."),
            PullFailure::Database => phrase("The database here failed."),
            PullFailure::CutOff => phrase("It was cut off, since the program was ended meanwhile."),
        })
    }

    /// What was heard then, in English.
    pub(super) fn heard(&self) -> Option<&str> {
        self.pull.failure_detail.as_deref().filter(|_| self.tells_what_was_heard)
    }

    /// What else is to be said, with what was heard.
    pub(super) fn notes(&self, shell: &Shell) -> Vec<(Phrase, Option<&str>)> {
        let heard = |note: &'_ Note| note.detail.is_some() && self.tells_what_was_heard;
        let words = |note| words(note, shell);
        self.notes.iter().map(|note| (words(note), note.detail.as_deref().filter(|_| heard(note)))).collect()
    }
}

fn words(note: &Note, shell: &Shell) -> Phrase {
    let subject = note.subject.clone().unwrap_or_default();
    let of = note.tenant_id.as_deref().map(|id| shell.tenant(id)).unwrap_or_default();
    match note.kind {
        PullNoteKind::ChangedWhileRead => phrase(
            "The payment instructions of %{tenant} changed each time while they were read: one may be missing \
             until the next pull.",
        )
        .with("tenant", of),
        PullNoteKind::ServiceAway => match subject.as_str() {
            "bank accounts" => phrase(
                "MUKTASoft’s bank accounts could not be asked: accounts are not known until the next pull.",
            ),
            "organisations" => phrase(
                "MUKTASoft’s organisations could not be asked: their names and mobile numbers are not known \
                 until the next pull.",
            ),
            _ => phrase(
                "MUKTASoft’s individuals could not be asked: their names and mobile numbers are not known \
                 until the next pull.",
            ),
        },
        PullNoteKind::NotGiven => {
            phrase("MUKTASoft does not give %{number}, which another payment instruction needs.")
                .with("number", subject)
        }
        PullNoteKind::OtherGiven => {
            phrase("MUKTASoft gave something else when it was asked for %{number}: that was dropped.")
                .with("number", subject)
        }
        PullNoteKind::NotFetched => {
            phrase("%{number} could not be fetched from MUKTASoft.").with("number", subject)
        }
    }
}

impl FaultRow {
    pub(super) fn number(&self) -> &str {
        self.0.number.as_deref().unwrap_or_default()
    }

    pub(super) fn tenant(&self) -> &str {
        &self.0.tenant_id
    }

    pub(super) fn path(&self) -> &str {
        &self.0.path
    }

    pub(super) fn problem(&self) -> &str {
        &self.0.problem
    }

    pub(super) fn since(&self) -> String {
        display::minute(self.0.since)
    }

    pub(super) fn seen(&self) -> String {
        display::minute(self.0.seen_at)
    }
}
