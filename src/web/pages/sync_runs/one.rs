//! `GET /sync-runs/{id}`: one run, and what it brought no success for.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RunRow;
use super::pulled::Pulled;
use crate::domain::PiStatus;
use crate::language::{Language, Phrase};
use crate::store::scope::Scope;
use crate::store::sync_runs::{self, Unpaid};
use crate::store::{Db, StoreError};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::path::{self, Sub};
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// Payment instructions on one page.
const PAGE: usize = 100;
/// A message is shortened to so many characters.
const MESSAGE_CHARS: usize = 300;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct RunQuery {
    /// Only payment instructions after this row.
    after: Option<i64>,
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<RunQuery>,
) -> Result<HttpResponse, WebError> {
    let id: i64 = id.parse().map_err(|_| WebError::NotFound)?;
    let (scope, after, now) = (viewer.scope(), query.after, site.app.clock.now());
    let found = site.app.store.read(move |db| load(db, &scope, id, after.unwrap_or_default(), now)).await?;
    let Found { row, unpaid, pulled } = found.ok_or(WebError::NotFound)?;
    html(&RunPage { pulled, ..RunPage::new(&viewer, row, unpaid, after.is_some(), now) })
}

/// A run with what the page tells of it, read in one transaction.
struct Found {
    row: RunRow,
    unpaid: Vec<Unpaid>,
    pulled: Option<Pulled>,
}

fn load(
    db: &mut Db,
    scope: &Scope,
    id: i64,
    after: i64,
    now: DateTime<Utc>,
) -> Result<Option<Found>, StoreError> {
    let Some(run) = sync_runs::get(db, id)? else { return Ok(None) };
    let counts = sync_runs::counts_of(db, scope, id)?;
    // One more than is shown tells whether there is a next page.
    let unpaid = sync_runs::unpaid(db, scope, id, after, PAGE as i64 + 1)?;
    let by = run.finished_at.unwrap_or_else(|| now.naive_utc());
    let pulled = Pulled::load(db, scope, by, now)?;
    Ok(Some(Found { row: RunRow { run, counts, now }, unpaid, pulled }))
}

#[derive(Template)]
#[template(path = "sync_runs/one.html")]
struct RunPage {
    shell: Shell,
    row: RunRow,
    unpaid: Vec<UnpaidRow>,
    /// The latest pull that began before the run's end, if there was one.
    pulled: Option<Pulled>,
    next: Option<i64>,
    is_later_page: bool,
}

struct UnpaidRow {
    one: Unpaid,
    now: DateTime<Utc>,
}

impl RunPage {
    fn new(
        viewer: &Viewer,
        row: RunRow,
        mut unpaid: Vec<Unpaid>,
        is_later_page: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let has_more = unpaid.len() > PAGE;
        unpaid.truncate(PAGE);
        Self {
            shell: Shell::new(viewer, Section::SyncRuns),
            row,
            pulled: None,
            next: unpaid.last().map(|one| one.instruction_id).filter(|_| has_more),
            unpaid: unpaid.into_iter().map(|one| UnpaidRow { one, now }).collect(),
            is_later_page,
        }
    }

    fn next_link(&self) -> Option<String> {
        self.next.map(|after| format!("{}?after={after}", self.row.link()))
    }
}

impl UnpaidRow {
    fn link(&self) -> String {
        path::link(&self.one.number, Sub::View)
    }

    fn outcome(&self) -> Phrase {
        display::outcome_words(self.one.outcome)
    }

    fn tone(&self) -> &'static str {
        display::outcome_tone(self.one.outcome)
    }

    fn message(&self) -> String {
        display::shortened(self.one.message.as_deref().unwrap_or_default(), MESSAGE_CHARS)
    }

    fn message_in(&self, language: &Language) -> Option<String> {
        let told = language.of_recorded(self.one.message.as_deref()?)?;
        Some(display::shortened(&told, MESSAGE_CHARS))
    }

    /// Where it stands now, if the run's outcome is no longer the last word.
    fn since_settled(&self) -> Option<&'static str> {
        (self.one.status != PiStatus::InProcess).then(|| self.one.status.as_str())
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
