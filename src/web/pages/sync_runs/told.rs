//! What MUKTASoft has been told, what waits, and what it refused, on `/sync-runs`.

use chrono::NaiveDateTime;

use crate::language::{Phrase, phrase};
use crate::store::scope::Scope;
use crate::store::status_push::{self, Open, Progress, Refused};
use crate::store::{Db, StoreError};
use crate::web::display;
use crate::web::path::{self, Sub};

/// So many refused ones are shown, the newest.
const SHOWN: usize = 50;

/// The section of the page.
pub(super) struct ToldToMuktasoft {
    progress: Progress,
    open: Open,
    pub(super) refused: Vec<Refused>,
    /// There are more of them.
    pub(super) has_more: bool,
    /// Whether what was told last is any of the viewer's.
    pub(super) is_of_all: bool,
}

impl ToldToMuktasoft {
    pub(super) fn load(db: &mut Db, scope: &Scope) -> Result<Self, StoreError> {
        let progress = status_push::progress(db)?;
        let mut refused = status_push::refused(db, scope, SHOWN as i64 + 1)?;
        let has_more = refused.len() > SHOWN;
        refused.truncate(SHOWN);
        let open = status_push::open(db, scope, &progress)?;
        Ok(Self { open, progress, refused, has_more, is_of_all: scope.is_state() })
    }

    pub(super) fn count(&self) -> i64 {
        self.open.count
    }

    /// When MUKTASoft last took or refused something.
    pub(super) fn last(&self) -> Phrase {
        self.progress.told_at.map_or(phrase("nothing yet"), |at| display::minute(at).into())
    }

    /// How much waits, and since when.
    pub(super) fn waiting(&self) -> Phrase {
        let count = display::count(self.open.count);
        match (self.open.since, self.open.may_be_more) {
            (None, false) => phrase("nothing: MUKTASoft has been told all that changed"),
            (None, true) => phrase("none of those whose turn is next"),
            (Some(since), false) => phrase("%{count}, the first changed on %{at}")
                .with("count", count)
                .with("at", display::minute(since)),
            (Some(since), true) => phrase("at least %{count}, the first changed on %{at}")
                .with("count", count)
                .with("at", display::minute(since)),
        }
    }

    /// That MUKTASoft does not take what is told, since when, why, and when it is told again.
    pub(super) fn trouble(&self) -> Option<Phrase> {
        if self.open.count == 0 && !self.is_of_all {
            return None;
        }
        let (since, next) = (self.progress.waiting_since?, self.progress.next_attempt_at?);
        let words = match self.progress.http_status {
            Some(status) => phrase(
                "Since %{since} MUKTASoft has not taken what changed: it answers with HTTP status %{status}. The \
                 next try is on %{at}; nothing is left out, and nothing overtakes it.",
            )
            .with("status", status.to_string()),
            None => phrase(
                "Since %{since} MUKTASoft has not answered when it was told what changed. The next try is on \
                 %{at}; nothing is left out, and nothing overtakes it.",
            ),
        };
        Some(words.with("since", display::minute(since)).with("at", format!("{} IST", display::second(next))))
    }

    pub(super) fn link(&self, one: &Refused) -> String {
        path::link(&one.number, Sub::View)
    }

    pub(super) fn moment(&self, at: &NaiveDateTime) -> String {
        display::minute(*at)
    }
}
