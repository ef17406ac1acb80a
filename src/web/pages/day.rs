//! `GET /`: the day at a glance; `GET /figures/{figure}`: exactly the rows that a figure counts.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::person_row::PersonRow;
use crate::access::Right;
use crate::domain::Paise;
use crate::domain::date::IST;
use crate::language::{Phrase, phrase};
use crate::store::figures::{self, After, Counted, Day, Figure, Rows, Unit};
use crate::store::scope::Scope;
use crate::store::search::Listed;
use crate::store::sync_runs::{self, SyncRun};
use crate::store::{Db, StoreError};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::path::{self, Sub};
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::{Viewer, landing};

/// Payment instructions among the oldest.
const OLDEST: usize = 5;
/// A message is shortened to so many characters.
const MESSAGE_CHARS: usize = 140;

/// The handler of the day.
pub async fn page(site: web::Data<Site>, viewer: Viewer) -> Result<HttpResponse, WebError> {
    if !viewer.may(Right::SeePayments) {
        return Ok(see_other(&landing(viewer.role, "/".to_owned())));
    }
    let (scope, now) = (viewer.scope(), site.app.clock.now());
    let is_paused = site.app.sync.is_paused();
    let shown = site.app.store.read(move |db| Shown::load(db, &scope, now, is_paused)).await?;
    let missing = site.app.sync.missing_night(shown.so_far, now);
    html(&DayPage {
        shell: Shell::new(&viewer, Section::Day),
        by_town: viewer.scope().is_state().then(|| Town::all(&shown.figures)),
        groups: Group::all(&shown.figures, shown.night.as_ref()),
        oldest: shown.oldest.into_iter().map(|listed| InstructionRow { listed, now }).collect(),
        missing: missing.map(|at| display::minute(at.naive_utc())),
        next_night: site.app.sync.next_night(now).map(|at| display::minute(at.naive_utc())),
        now,
    })
}

/// All that the page shows, read in one transaction.
struct Shown {
    figures: Vec<(Figure, Vec<Counted>)>,
    night: Option<SyncRun>,
    oldest: Vec<Listed>,
    so_far: Option<crate::domain::nights::NightsSoFar>,
}

impl Shown {
    fn load(db: &mut Db, scope: &Scope, now: DateTime<Utc>, is_paused: bool) -> Result<Self, StoreError> {
        let day = Day::of(db, now)?.pausing(is_paused);
        let mut counted = Vec::with_capacity(Figure::ALL.len());
        for figure in Figure::ALL {
            counted.push((*figure, figures::count(db, scope, *figure, &day)?));
        }
        Ok(Self {
            figures: counted,
            oldest: figures::oldest_waiting(db, scope, OLDEST)?,
            so_far: sync_runs::nights_so_far(db, now)?,
            night: day.night,
        })
    }
}

#[derive(Template)]
#[template(path = "day.html")]
struct DayPage {
    shell: Shell,
    groups: Vec<Group>,
    /// Of a state: each of its towns.
    by_town: Option<Vec<Town>>,
    oldest: Vec<InstructionRow>,
    /// The night that has not come.
    missing: Option<String>,
    next_night: Option<String>,
    now: DateTime<Utc>,
}

impl DayPage {
    fn report(&self) -> String {
        super::reports::link(self.now.with_timezone(&IST).date_naive())
    }

    fn as_of(&self) -> String {
        display::minute(self.now.naive_utc())
    }
}

/// Figures that belong together.
struct Group {
    heading: Phrase,
    /// What the heading is about, such as a run.
    about: Option<(String, String)>,
    figures: Vec<ShownFigure>,
}

/// A figure as the page shows it.
struct ShownFigure {
    figure: Figure,
    count: i64,
    paise: Paise,
}

impl Group {
    fn all(counted: &[(Figure, Vec<Counted>)], night: Option<&SyncRun>) -> Vec<Self> {
        let group = |heading, about, wanted: &[Figure]| Self {
            heading,
            about,
            figures: counted
                .iter()
                .filter(|(figure, _)| wanted.contains(figure))
                .map(|(figure, towns)| ShownFigure {
                    figure: *figure,
                    count: towns.iter().map(|town| town.count).sum(),
                    paise: Paise(towns.iter().map(|town| town.paise.0).sum()),
                })
                .collect(),
        };
        let run = night.map(|run| (format!("/sync-runs/{}", run.id), display::minute(run.started_at)));
        use Figure::*;
        vec![
            group(phrase("To do"), None, &[NeedsYou, AskedTonight]),
            group(
                phrase("Last night, as of now"),
                run,
                &[NightSuccessful, NightErrors, NightGlitches, NightNoResponse, NightUnasked],
            ),
            group(phrase("Payments"), None, &[PaidYesterday, PaidMonth, Returned]),
            group(phrase("Messages"), None, &[SmsFailed, SmsHeld, SmsLate]),
        ]
    }
}

impl ShownFigure {
    fn word(&self) -> &'static str {
        self.figure.word()
    }

    fn words(&self) -> Phrase {
        words(self.figure)
    }

    fn shown(&self) -> String {
        display::count(self.count)
    }

    /// What it comes to, where that is a figure of its own.
    fn rupees(&self) -> Option<String> {
        matches!(self.figure, Figure::PaidYesterday | Figure::PaidMonth).then(|| display::rupees(self.paise))
    }

    fn link(&self) -> String {
        link(self.figure)
    }

    /// Whether it counts technical glitches, which not everybody knows.
    fn is_glitches(&self) -> bool {
        self.figure == Figure::NightGlitches
    }

    fn is_bad(&self) -> bool {
        use Figure::*;
        let bad = [NeedsYou, NightErrors, NightGlitches, NightUnasked, Returned, SmsFailed, SmsHeld, SmsLate];
        self.count > 0 && bad.contains(&self.figure)
    }
}

/// Where the rows of a figure are.
fn link(figure: Figure) -> String {
    match figure {
        Figure::NeedsYou => "/payment-instructions?tab=needs-you".to_owned(),
        Figure::SmsFailed => "/messages?state=failed".to_owned(),
        Figure::SmsHeld => "/messages?state=held".to_owned(),
        Figure::SmsLate => "/messages?state=late".to_owned(),
        figure => format!("/figures/{}", figure.word()),
    }
}

const fn words(figure: Figure) -> Phrase {
    match figure {
        Figure::NeedsYou => phrase("Payment instructions that need you"),
        Figure::AskedTonight => phrase("Asked about tonight"),
        Figure::NightSuccessful => phrase("Paid by now"),
        Figure::NightErrors => phrase("Error from JIT"),
        Figure::NightGlitches => phrase("Technical glitch"),
        Figure::NightNoResponse => phrase("No response"),
        Figure::NightUnasked => phrase("Not asked"),
        Figure::PaidYesterday => phrase("Paid yesterday"),
        Figure::PaidMonth => phrase("Paid this month"),
        Figure::Returned => phrase("Returned this month"),
        Figure::SmsFailed => phrase("SMS failed"),
        Figure::SmsHeld => phrase("SMS held"),
        Figure::SmsLate => phrase("SMS waiting for more than a day"),
    }
}

/// What a town's figures come to.
struct Town {
    tenant: String,
    needs_you: i64,
    asked_tonight: i64,
    paid_month: i64,
    paid_paise: Paise,
    returned: i64,
    sms_failed: i64,
}

impl Town {
    fn all(counted: &[(Figure, Vec<Counted>)]) -> Vec<Self> {
        let of = |wanted: Figure, tenant: &str| {
            let towns = counted.iter().find(|(figure, _)| *figure == wanted).map(|(_, towns)| towns);
            let town = towns.and_then(|towns| towns.iter().find(|town| town.tenant_id == tenant));
            town.map_or((0, Paise(0)), |town| (town.count, town.paise))
        };
        let mut tenants: Vec<&str> =
            counted.iter().flat_map(|(_, towns)| towns).map(|town| town.tenant_id.as_str()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        let town = |tenant: &str| {
            let (paid_month, paid_paise) = of(Figure::PaidMonth, tenant);
            Self {
                tenant: tenant.to_owned(),
                needs_you: of(Figure::NeedsYou, tenant).0,
                asked_tonight: of(Figure::AskedTonight, tenant).0,
                paid_month,
                paid_paise,
                returned: of(Figure::Returned, tenant).0,
                sms_failed: of(Figure::SmsFailed, tenant).0,
            }
        };
        tenants.into_iter().map(town).collect()
    }

    fn paid(&self) -> String {
        display::rupees(self.paid_paise)
    }
}

/// A payment instruction among the rows of a figure.
struct InstructionRow {
    listed: Listed,
    now: DateTime<Utc>,
}

impl InstructionRow {
    fn link(&self) -> String {
        path::link(&self.listed.instruction.number, Sub::View)
    }

    fn tone(&self) -> &'static str {
        display::pi_tone(self.listed.instruction.status)
    }

    fn net_amount(&self) -> String {
        display::rupees(self.listed.instruction.net_paise)
    }

    fn age(&self) -> Option<Phrase> {
        display::time_in_process(&self.listed.instruction, self.now)
    }

    /// What stands where there is no message.
    fn no_message(&self) -> Phrase {
        display::no_message(&self.listed.instruction)
    }

    fn message(&self) -> Option<String> {
        let message = self.listed.instruction.ftps_message.as_deref()?;
        Some(display::shortened(message, MESSAGE_CHARS))
    }
}

/// What the address of a figure's rows asks for.
#[derive(Debug, Deserialize)]
pub struct FigureQuery {
    place: Option<i64>,
    id: Option<i64>,
}

/// The handler of a figure's rows.
pub async fn rows(
    site: web::Data<Site>,
    viewer: Viewer,
    figure: web::Path<String>,
    query: web::Query<FigureQuery>,
) -> Result<HttpResponse, WebError> {
    let figure: Figure = figure.parse().map_err(|()| WebError::NotFound)?;
    if figure.unit() == Unit::Messages {
        return Err(WebError::NotFound);
    }
    let (scope, now) = (viewer.scope(), site.app.clock.now());
    let is_paused = site.app.sync.is_paused();
    let after = query.place.zip(query.id).map(|(place, id)| After { place, id });
    let (rows, next) = site
        .app
        .store
        .read(move |db| {
            let day = Day::of(db, now)?.pausing(is_paused);
            figures::rows(db, &scope, figure, &day, after)
        })
        .await?;
    let (instructions, people) = match rows {
        Rows::Instructions(all) => {
            (all.into_iter().map(|listed| InstructionRow { listed, now }).collect(), Vec::new())
        }
        Rows::Payments(all) => (Vec::new(), all.into_iter().map(PersonRow::new).collect()),
    };
    html(&FigurePage {
        shell: Shell::new(&viewer, Section::Day),
        names_tenants: viewer.scope().is_state(),
        heading: words(figure),
        next: next.map(|After { place, id }| format!("/figures/{}?place={place}&id={id}", figure.word())),
        instructions,
        people,
    })
}

#[derive(Template)]
#[template(path = "figure.html")]
struct FigurePage {
    shell: Shell,
    names_tenants: bool,
    heading: Phrase,
    instructions: Vec<InstructionRow>,
    people: Vec<PersonRow>,
    next: Option<String>,
}
