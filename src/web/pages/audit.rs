//! `GET /audit`: who did what and who opened which payment instruction (the read log), for administrators and
//! auditors; by person, by what was done, by days.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::access::Right;
use crate::domain::date::{ist_midnight, typed_day};
use crate::language::{Phrase, phrase};
use crate::store::audit::{self, Action, Event, Kind, Wanted};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::path;
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// Events on one page.
const PAGE: usize = 100;

/// The longest name that is looked for, in characters.
const LONGEST_NAME: usize = 100;

/// The address's word for all of the trail.
const ALL: &str = "all";

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct AuditQuery {
    /// Whose doings.
    who: Option<String>,
    /// A word of the trail, or all; else all but openings of payment instructions.
    what: Option<String>,
    /// The first day.
    from: Option<String>,
    /// The last day.
    to: Option<String>,
    /// Only events older than this one.
    before: Option<i64>,
}

/// What is asked for, as it was typed and as it is understood.
struct Asked {
    who: String,
    kind: Kind,
    from: String,
    to: String,
    days: Result<(Option<NaiveDate>, Option<NaiveDate>), Phrase>,
}

impl AuditQuery {
    fn read(self) -> Result<Asked, WebError> {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
        let (from, to) = (trimmed(self.from), trimmed(self.to));
        let kind = match trimmed(self.what).as_str() {
            "" => Kind::Doings,
            ALL => Kind::Everything,
            word => Kind::One(word.parse().map_err(|_| WebError::unreadable_address())?),
        };
        Ok(Asked {
            who: trimmed(self.who).chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(),
            kind,
            days: days(&from, &to),
            from,
            to,
        })
    }
}

fn days(from: &str, to: &str) -> Result<(Option<NaiveDate>, Option<NaiveDate>), Phrase> {
    let day = |text: &str| match text {
        "" => Ok(None),
        text => typed_day(text).map(Some).ok_or(phrase("Write a day as day, month and year: 31/03/2024.")),
    };
    let days = (day(from)?, day(to)?);
    if days.1.is_some() && days.0 > days.1 {
        return Err(phrase("The last day is before the first."));
    }
    Ok(days)
}

/// The address's word for a kind; blank for what is shown without one.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Doings => "",
        Kind::Everything => ALL,
        Kind::One(action) => action.as_str(),
    }
}

impl Asked {
    /// `None` if the days make no sense.
    fn wanted(&self) -> Option<Wanted> {
        let (from, to) = self.days.as_ref().ok()?;
        let who = self.who.to_lowercase();
        Some(Wanted {
            kind: self.kind,
            actor: (!who.is_empty()).then_some(who),
            from: from.map(ist_midnight),
            until: to.and_then(|to| to.succ_opt()).map(ist_midnight),
        })
    }

    /// The address of the page that shows what is older than an event.
    fn page_before(&self, before: Option<i64>) -> String {
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let fields = [
            ("who", self.who.as_str()),
            ("what", word(self.kind)),
            ("from", &self.from),
            ("to", &self.to),
            ("before", &before),
        ];
        let fields = fields.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> =
            fields.map(|(name, value)| format!("{name}={}", path::encoded(value))).collect();
        if query.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", query.join("&")) }
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    asked: Asked,
    events: Vec<Event>,
    next: Option<String>,
    is_later_page: bool,
}

/// The handler.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    viewer.must(Right::SeeAudit)?;
    let (scope, before) = (viewer.scope(), query.before);
    let asked = query.into_inner().read()?;
    let Some(wanted) = asked.wanted() else {
        let mut page = html(&AuditPage::new(&viewer, asked, Vec::new(), before))?;
        *page.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(page);
    };
    let looking = site.app.store.read(move |db| audit::look(db, &scope, &wanted, before, PAGE as i64 + 1));
    html(&AuditPage::new(&viewer, asked, looking.await?, before))
}

impl AuditPage {
    fn new(viewer: &Viewer, asked: Asked, mut events: Vec<Event>, before: Option<i64>) -> Self {
        let has_more = events.len() > PAGE;
        events.truncate(PAGE);
        let last = events.last().map(|event| event.id).filter(|_| has_more);
        Self {
            shell: Shell::new(viewer, Section::Audit),
            next: last.map(|last| asked.page_before(Some(last))),
            is_later_page: before.is_some(),
            asked,
            events,
        }
    }

    /// What is wrong with the days.
    fn fault(&self) -> Option<&Phrase> {
        self.asked.days.as_ref().err()
    }

    /// What can be chosen: its word, what it is called, whether it is chosen.
    fn kinds(&self) -> Vec<(&'static str, Phrase, bool)> {
        let one = |action: &Action| (Kind::One(*action), words(*action));
        [(Kind::Doings, phrase("All but openings")), (Kind::Everything, phrase("Everything"))]
            .into_iter()
            .chain(Action::ALL.iter().map(one))
            .map(|(kind, words)| (word(kind), words, kind == self.asked.kind))
            .collect()
    }

    fn first_page(&self) -> String {
        self.asked.page_before(None)
    }

    /// Whether some events may be left out.
    fn is_filtered(&self) -> bool {
        self.first_page() != "/audit"
    }

    fn longest_name(&self) -> usize {
        LONGEST_NAME
    }

    fn at(&self, event: &Event) -> String {
        display::second(event.at)
    }

    fn words(&self, event: &Event) -> Phrase {
        words(event.action)
    }
}

/// What was done, in words.
fn words(action: Action) -> Phrase {
    match action {
        Action::SignIn => phrase("Signed in"),
        Action::SignInFailed => phrase("Failed to sign in"),
        Action::SignInThrottled => phrase("Refused after too many failures"),
        Action::SignOut => phrase("Signed out"),
        Action::Refresh => phrase("Pressed Refresh"),
        Action::Resend => phrase("Sent an SMS again"),
        Action::Settle => phrase("Settled an SMS without sending it"),
        Action::RunByHand => phrase("Started a sync by hand"),
        Action::UserAdded => phrase("Added a user"),
        Action::PasswordChanged => phrase("Changed a password"),
        Action::UserDisabled => phrase("Disabled a user"),
        Action::PayloadOpened => phrase("Opened a call’s payload in full"),
        Action::Fetch => phrase("Fetched from MUKTASoft"),
        Action::Note => phrase("Wrote a note"),
        Action::UserEnabled => phrase("Let a user in again"),
        Action::RoleChanged => phrase("Changed a user’s role"),
        Action::TenantChanged => phrase("Changed whose data a user sees"),
        Action::PasswordRefused => phrase("Gave a wrong password when changing it"),
        Action::SessionEnded => phrase("Ended a session of their own"),
        Action::PiOpened => phrase("Opened a payment instruction"),
        Action::WordsOpened => phrase("Opened a sentence in full"),
        Action::PeopleSearched => phrase("Searched for people"),
        Action::Downloaded => phrase("Took a file"),
        Action::Exported => phrase("Exported payment instructions"),
        Action::Imported => phrase("Imported payment instructions"),
        Action::Synced => phrase("Ran a sync by command"),
        Action::Resealed => phrase("Sealed the data with another key"),
        Action::Pruned => phrase("Erased what was due"),
        Action::Refused => phrase("Was refused"),
        Action::LanguageChosen => phrase("Chose the language of the pages"),
        Action::SecondFactorSet => phrase("Set up a second factor"),
        Action::SecondFactorRemoved => phrase("Gave up the second factor"),
        Action::SecondFactorReset => phrase("Took a lost second factor away"),
        Action::SecondFactorGiven => phrase("Gave the second factor again"),
        Action::SecondFactorRefused => phrase("Gave a wrong second factor"),
        Action::RecoveryCodesMade => phrase("Made new recovery codes"),
    }
}
