//! `GET /sync-runs`: the nights and the runs started between them; `POST /sync-runs`: one now.

mod chart;
pub mod one;
mod pulled;
pub mod start;
mod told;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::access::Right;
use crate::domain::nights::NightsSoFar;
use crate::domain::{RunState, RunTrigger};
use crate::jit::SignInRefusal;
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::instructions;
use crate::store::scope::Scope;
use crate::store::sync_runs::{self, Begun, Counts, SyncRun, counts};
use crate::store::{Db, StoreError};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::triggers;
use crate::web::viewer::Viewer;
use chart::Chart;
use pulled::Pulled;
use told::ToldToMuktasoft;

/// Runs on one page.
const PAGE: usize = 50;
/// Nights in the chart.
const CHART_DAYS: i64 = 30;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct RunsQuery {
    /// Only runs older than this one.
    before: Option<i64>,
    notice: Option<String>,
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<RunsQuery>,
) -> Result<HttpResponse, WebError> {
    let (scope, before, now) = (viewer.scope(), query.before, site.app.clock.now());
    let tells = site.app.status_push.is_some();
    let shown = site.app.store.read(move |db| Shown::load(db, &scope, before, now, tells)).await?;
    let missing = site.app.sync.missing_night(shown.so_far, now);
    let next_run = site.app.sync.next_night(now);
    let refusal = site.app.sync.sign_in_refusal();
    let page = RunsPage::new(&viewer, shown, query.into_inner(), next_run, refusal, now);
    html(&RunsPage { missing, ..page })
}

/// POST: a run over all that waits, now. It goes on by itself; the page shows how far it is.
pub async fn start(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = form.viewer;
    if !may_start(&viewer) {
        return Err(WebError::Forbidden(phrase(
            "Starting a sync takes an administrator of the whole state.",
        )));
    }
    let event = site.event(&viewer, &request, Action::RunByHand, None);
    match site.app.sync.begin_noted(RunTrigger::Hand, Some(viewer.name.clone()), event).await? {
        Begun::Started(_) => {
            site.app.sync.look_after_soon();
            site.app.muktasoft.pull_soon();
            Ok(see_other("/sync-runs"))
        }
        Begun::InProgress(_) | Begun::AlreadyMade => Ok(see_other("/sync-runs?notice=running#notice")),
    }
}

fn may_start(viewer: &Viewer) -> bool {
    viewer.may(Right::StartSync) && viewer.scope().is_state()
}

/// All that the page shows, read in one transaction.
struct Shown {
    rows: Vec<RunRow>,
    has_more: bool,
    /// The latest run that ended, and the one under way.
    last: Option<RunRow>,
    running: Option<RunRow>,
    stuck: i64,
    so_far: Option<NightsSoFar>,
    chart: Chart,
    /// The latest pull, if there was one.
    pulled: Option<Pulled>,
    /// Where this program tells MUKTASoft.
    told: Option<ToldToMuktasoft>,
}

impl Shown {
    fn load(
        db: &mut Db,
        scope: &Scope,
        before: Option<i64>,
        now: DateTime<Utc>,
        tells: bool,
    ) -> Result<Self, StoreError> {
        // One more than is shown tells whether there is a next page.
        let mut runs = sync_runs::newest(db, before, PAGE as i64 + 1)?;
        let has_more = runs.len() > PAGE;
        runs.truncate(PAGE);
        let month = sync_runs::nights_since(db, (now - TimeDelta::days(CHART_DAYS)).naive_utc())?;
        let last = sync_runs::latest_ended(db)?;
        let running = sync_runs::running(db)?;
        Ok(Self {
            rows: RunRow::counted(db, scope, runs, now)?,
            has_more,
            last: RunRow::counted(db, scope, last.into_iter().collect(), now)?.pop(),
            running: RunRow::counted(db, scope, running.into_iter().collect(), now)?.pop(),
            so_far: sync_runs::nights_so_far(db, now)?,
            stuck: instructions::count_stuck(db, scope, now.naive_utc())?,
            chart: Chart::of(&RunRow::counted(db, scope, month, now)?, now),
            pulled: Pulled::load(db, scope, now.naive_utc(), now)?,
            told: tells.then(|| ToldToMuktasoft::load(db, scope)).transpose()?,
        })
    }
}

/// A run as it is shown: with the viewer's share of its counts.
pub(super) struct RunRow {
    run: SyncRun,
    counts: Counts,
    now: DateTime<Utc>,
}

impl RunRow {
    fn counted(
        db: &mut Db,
        scope: &Scope,
        runs: Vec<SyncRun>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Self>, StoreError> {
        let ids = || runs.iter().map(|run| run.id);
        let Some((first, last)) = ids().min().zip(ids().max()) else { return Ok(vec![]) };
        let mut counts = counts::of_runs(db, scope, first, last)?;
        Ok(runs
            .into_iter()
            .map(|run| Self { counts: counts.remove(&run.id).unwrap_or_default(), run, now })
            .collect())
    }

    fn link(&self) -> String {
        format!("/sync-runs/{}", self.run.id)
    }

    fn started(&self) -> String {
        display::minute(self.run.started_at)
    }

    fn started_machine(&self) -> String {
        display::machine_time(self.run.started_at)
    }

    fn is_running(&self) -> bool {
        self.run.state == RunState::Running
    }

    fn state(&self) -> Phrase {
        match self.run.state {
            RunState::Running => phrase("Running"),
            RunState::Finished => phrase("Finished"),
            RunState::Interrupted => phrase("Interrupted"),
        }
    }

    fn tone(&self) -> &'static str {
        match self.run.state {
            RunState::Running => "busy",
            RunState::Finished => "good",
            RunState::Interrupted => "bad",
        }
    }

    /// What set it off.
    fn trigger(&self) -> Phrase {
        triggers::of_run(self.run.trigger_word, self.run.started_by.as_deref())
    }

    /// Those that an ended run did not ask about.
    fn unasked(&self) -> i64 {
        if self.is_running() { 0 } else { self.counts.left() }
    }

    /// What those that were paid come to, if any were.
    fn paid(&self) -> Option<String> {
        (self.counts.successful > 0).then(|| display::rupees(self.counts.paid))
    }

    /// That it waits, and since when.
    fn waiting_since(&self) -> Option<Phrase> {
        let at = display::minute(self.run.waiting_since?);
        Some(
            phrase("Waiting for JIT since %{at}. What is left is asked about as soon as it can be.")
                .with("at", at),
        )
    }

    /// How far it is.
    fn progress(&self) -> Phrase {
        phrase("%{done} of %{expected} payment instructions are done")
            .with("done", self.counts.done().to_string())
            .with("expected", self.counts.expected.to_string())
    }

    /// How long it took; of one under way, that it is so far.
    fn duration_so_far(&self) -> Phrase {
        if self.is_running() {
            phrase("%{time} so far").with("time", self.duration())
        } else {
            self.duration()
        }
    }

    /// How long it took, or has taken so far.
    fn duration(&self) -> Phrase {
        let until = self.run.finished_at.unwrap_or_else(|| self.now.naive_utc());
        display::duration(until - self.run.started_at)
    }
}

#[derive(Template)]
#[template(path = "sync_runs.html")]
struct RunsPage {
    shell: Shell,
    may_start: bool,
    sees_payments: bool,
    is_refused: bool,
    is_later_page: bool,
    next_run: Option<DateTime<Utc>>,
    /// The night that should have had its run an hour ago.
    missing: Option<DateTime<Utc>>,
    refusal: Option<SignInRefusal>,
    shown: Shown,
    now: DateTime<Utc>,
}

impl RunsPage {
    fn new(
        viewer: &Viewer,
        mut shown: Shown,
        query: RunsQuery,
        next_run: Option<DateTime<Utc>>,
        refusal: Option<SignInRefusal>,
        now: DateTime<Utc>,
    ) -> Self {
        // These two name single payment instructions.
        let sees_payments = viewer.may(Right::SeePayments);
        shown.pulled = shown.pulled.filter(|_| sees_payments);
        shown.told = shown.told.filter(|_| sees_payments);
        Self {
            shell: Shell::new(viewer, Section::SyncRuns),
            may_start: may_start(viewer),
            sees_payments,
            is_refused: query.notice.as_deref() == Some("running"),
            is_later_page: query.before.is_some(),
            next_run,
            missing: None,
            refusal,
            shown,
            now,
        }
    }

    fn missing_night(&self) -> Option<Phrase> {
        let at = display::minute(self.missing?.naive_utc());
        Some(phrase("The sync of %{at} has not begun.").with("at", at))
    }

    fn next_run(&self) -> Phrase {
        self.next_run.map_or(phrase("none planned"), |at| display::minute(at.naive_utc()).into())
    }

    /// That JIT does not let us sign in, what it came to, and when the next try is.
    fn refusal(&self) -> Option<Phrase> {
        let refusal = self.refusal.as_ref()?;
        let words = match refusal.paused_until(self.now) {
            Some(until) => phrase(
                "JIT is not asked at the moment: signing in has failed since %{since}. %{glitch} The next \
                 try is on %{at}; payment instructions wait unasked until then.",
            )
            .with("at", display::minute(until.naive_utc())),
            None => phrase(
                "Signing in to JIT has failed since %{since}. %{glitch} The next payment instruction that is \
                 asked about tries again.",
            ),
        };
        Some(
            words
                .with("since", display::minute(refusal.since.naive_utc()))
                .with("glitch", Phrase::recorded(&refusal.glitch.to_string())),
        )
    }

    fn older_link(&self) -> Option<String> {
        let last = self.shown.rows.last().filter(|_| self.shown.has_more)?;
        Some(format!("/sync-runs?before={}", last.run.id))
    }
}
