//! `GET /sync-runs/start`: asks whether a sync is to be run now, and says what that means.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::may_start;
use crate::language::{Phrase, phrase};
use crate::store::sync_runs::listing::{self, Pace};
use crate::store::sync_runs::running;
use crate::web::display;
use crate::web::error::WebError;
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

#[derive(Template)]
#[template(path = "sync_runs/start.html")]
struct StartPage {
    shell: Shell,
    form_token: String,
    /// How many would be asked about.
    count: i64,
    pace: Option<Pace>,
    is_running: bool,
    paused_until: Option<DateTime<Utc>>,
}

/// GET.
pub async fn page(site: web::Data<Site>, viewer: Viewer) -> Result<HttpResponse, WebError> {
    if !may_start(&viewer) {
        return Err(WebError::Forbidden(phrase(
            "Starting a sync takes an administrator of the whole state.",
        )));
    }
    let read = site.app.store.read(|db| {
        Ok::<_, crate::store::StoreError>((
            listing::to_be_asked(db)?,
            listing::pace(db)?,
            running(db)?.is_some(),
        ))
    });
    let (count, pace, is_running) = read.await?;
    html(&StartPage {
        shell: Shell::new(&viewer, Section::SyncRuns),
        form_token: viewer.form_token.clone(),
        count,
        pace,
        is_running,
        paused_until: site.app.sync.sign_in_paused_until(),
    })
}

impl StartPage {
    fn is_nothing(&self) -> bool {
        self.count == 0
    }

    fn how_many(&self) -> Phrase {
        match self.count {
            1 => phrase("JIT will be asked about 1 payment instruction."),
            count => phrase("JIT will be asked about %{count} payment instructions.")
                .with("count", display::count(count)),
        }
    }

    fn how_long(&self) -> Phrase {
        let Some(pace) = &self.pace else {
            return phrase("How long that takes cannot be said: no run has been finished yet to go by.");
        };
        let milliseconds =
            i128::from(pace.milliseconds) * i128::from(self.count) / i128::from(pace.asked.max(1));
        let whole = TimeDelta::try_milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        phrase("That takes about %{time}, going by the latest runs (%{runs}). It takes longer where JIT is slow.")
            .with("time", roughly(whole.unwrap_or(TimeDelta::MAX)))
            .with("runs", pace.runs.to_string())
    }

    fn paused(&self) -> Option<Phrase> {
        let until = display::minute(self.paused_until?.naive_utc());
        Some(
            phrase("JIT does not let us sign in at the moment: nothing is asked before %{at}.")
                .with("at", until),
        )
    }
}

/// A time to come, in one unit, never less than it may take.
fn roughly(time: TimeDelta) -> Phrase {
    match time.num_seconds() {
        seconds if seconds < 60 => phrase("1 minute"),
        seconds if seconds < 2 * 3600 => {
            phrase("%{count} minutes").with("count", (seconds / 60 + 1).to_string())
        }
        seconds => phrase("%{count} hours").with("count", (seconds / 3600 + 1).to_string()),
    }
}
