//! `GET /sync-runs/{id}`: one run, what it brought then, and how its payment instructions stand now.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RunRow;
use super::pulled::Pulled;
use crate::access::Right;
use crate::domain::{ItemOutcome, Outcome, PiStatus};
use crate::language::{Language, Phrase, phrase};
use crate::store::scope::Scope;
use crate::store::sync_runs::listing::{self, Item, Now, Part};
use crate::store::sync_runs::{self, counts};
use crate::store::{Db, StoreError};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::path::{self, Sub};
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// Payment instructions of each part on one page.
const PAGE: usize = 50;
/// A message is shortened to so many characters.
const MESSAGE_CHARS: usize = 300;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct RunQuery {
    /// Only this part.
    show: Option<String>,
    /// Only payment instructions after this row.
    after: Option<i64>,
}

/// The word of a part in the address.
const fn word(part: Part) -> &'static str {
    match part {
        Part::NotPaid => "not-paid",
        Part::Paid => "paid",
        Part::NotAsked => "not-asked",
    }
}

/// The parts in their order.
const PARTS: [Part; 3] = [Part::NotPaid, Part::NotAsked, Part::Paid];

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<RunQuery>,
) -> Result<HttpResponse, WebError> {
    let id: i64 = id.parse().map_err(|_| WebError::NotFound)?;
    let (scope, after, now) = (viewer.scope(), query.after, site.app.clock.now());
    let only = PARTS.into_iter().find(|part| Some(word(*part)) == query.show.as_deref());
    let found = site.app.store.read(move |db| Found::load(db, &scope, id, only, after, now)).await?;
    let Found { row, stands, mut sections, pulled } = found.ok_or(WebError::NotFound)?;
    let sees_payments = viewer.may(Right::SeePayments);
    sections.retain(|_| sees_payments);
    html(&RunPage {
        shell: Shell::new(&viewer, Section::SyncRuns),
        row,
        stands,
        sections,
        pulled: pulled.filter(|_| only.is_none() && sees_payments),
        is_whole: only.is_none(),
    })
}

/// A run with what the page tells of it, read in one transaction.
struct Found {
    row: RunRow,
    stands: Now,
    sections: Vec<Shown>,
    pulled: Option<Pulled>,
}

impl Found {
    fn load(
        db: &mut Db,
        scope: &Scope,
        id: i64,
        only: Option<Part>,
        after: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(run) = sync_runs::get(db, id)? else { return Ok(None) };
        let row = RunRow { counts: counts::of_run(db, scope, id)?, run, now };
        let stands = listing::now(db, scope, &row.run, row.counts.successful)?;
        let mut sections = Vec::new();
        for part in PARTS.into_iter().filter(|part| only.is_none_or(|only| only == *part)) {
            // What a run under way has not asked about yet is no news.
            if part != Part::NotAsked || (!row.is_running() && row.counts.left() + row.counts.skipped > 0) {
                sections.push(Shown::load(db, scope, &row, part, after.filter(|_| only.is_some()))?);
            }
        }
        let by = row.run.finished_at.unwrap_or_else(|| now.naive_utc());
        let pulled = Pulled::load(db, scope, by, now)?;
        Ok(Some(Self { row, stands, sections, pulled }))
    }
}

/// A part of the run, one page of it.
struct Shown {
    part: Part,
    rows: Vec<ItemRow>,
    count: i64,
    rupees: Option<String>,
    next: Option<String>,
    is_later_page: bool,
}

impl Shown {
    fn load(
        db: &mut Db,
        scope: &Scope,
        row: &RunRow,
        part: Part,
        after: Option<i64>,
    ) -> Result<Self, StoreError> {
        // One more than is shown tells whether there is a next page.
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        let mut items = listing::items(db, scope, row.run.id, part, after.unwrap_or_default(), limit)?;
        let has_more = items.len() > PAGE;
        items.truncate(PAGE);
        let last = items.last().map(|item| item.instruction_id).filter(|_| has_more);
        let counts = &row.counts;
        Ok(Self {
            count: match part {
                Part::NotPaid => counts.errors + counts.glitches + counts.no_response,
                Part::Paid => counts.successful,
                Part::NotAsked => counts.left() + counts.skipped,
            },
            rupees: row.paid().filter(|_| part == Part::Paid),
            next: last.map(|after| format!("{}?show={}&after={after}", row.link(), word(part))),
            is_later_page: after.is_some(),
            rows: items.into_iter().map(|one| ItemRow { one, now: row.now }).collect(),
            part,
        })
    }

    fn word(&self) -> &'static str {
        word(self.part)
    }

    fn heading(&self) -> Phrase {
        match self.part {
            Part::NotPaid => phrase("Asked, and not paid"),
            Part::Paid => phrase("Paid in this run"),
            Part::NotAsked => phrase("Not asked"),
        }
    }

    fn none(&self) -> Phrase {
        match self.part {
            _ if self.is_later_page => phrase("There are no more."),
            Part::NotPaid => phrase("None."),
            Part::Paid | Part::NotAsked => phrase("None in this run."),
        }
    }
}

#[derive(Template)]
#[template(path = "sync_runs/one.html")]
struct RunPage {
    shell: Shell,
    row: RunRow,
    stands: Now,
    sections: Vec<Shown>,
    /// The latest pull that began before the run's end, if there was one.
    pulled: Option<Pulled>,
    /// Whether every part is shown.
    is_whole: bool,
}

struct ItemRow {
    one: Item,
    now: DateTime<Utc>,
}

impl ItemRow {
    fn link(&self) -> String {
        path::link(&self.one.number, Sub::View)
    }

    /// What the run brought, as a call's outcome; nothing where it was not asked about.
    fn came(&self) -> Option<Outcome> {
        match self.one.outcome? {
            ItemOutcome::Success => Some(Outcome::Success),
            ItemOutcome::Error => Some(Outcome::Error),
            ItemOutcome::Glitch => Some(Outcome::Glitch),
            ItemOutcome::NoResponse => Some(Outcome::NoResponse),
            ItemOutcome::Skipped => None,
        }
    }

    fn outcome(&self) -> Phrase {
        match (self.came(), self.one.outcome) {
            (Some(outcome), _) => display::outcome_words(outcome),
            (None, Some(_)) => phrase("No longer In Process when its turn came"),
            (None, None) => phrase("Not asked"),
        }
    }

    fn tone(&self) -> &'static str {
        self.came().map_or("plain", display::outcome_tone)
    }

    fn amount(&self) -> String {
        display::rupees(self.one.net_paise)
    }

    fn stands_tone(&self) -> &'static str {
        display::pi_tone(self.one.status)
    }

    fn message(&self) -> String {
        display::shortened(self.one.message.as_deref().unwrap_or_default(), MESSAGE_CHARS)
    }

    fn message_in(&self, language: &Language) -> Option<String> {
        let told = language.of_recorded(self.one.message.as_deref()?)?;
        Some(display::shortened(&told, MESSAGE_CHARS))
    }

    fn attempts(&self) -> Option<i32> {
        Some(self.one.unanswered_attempts)
            .filter(|attempts| *attempts > 0 && self.one.status == PiStatus::InProcess)
    }

    fn next_attempt(&self) -> Option<String> {
        let at = self.one.next_attempt_at.filter(|_| self.one.status == PiStatus::InProcess)?;
        Some(display::minute(at))
    }

    fn age(&self) -> Option<Phrase> {
        let since = self.one.in_process_since.filter(|_| self.one.status == PiStatus::InProcess)?;
        Some(display::age(since, self.now))
    }

    fn is_stuck(&self) -> bool {
        self.one.is_stuck(self.now)
    }
}
