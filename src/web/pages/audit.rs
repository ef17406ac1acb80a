//! `GET /audit`: who did what, for administrators and auditors.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::access::Right;
use crate::language::{Phrase, phrase};
use crate::store::audit::{self, Action, Event};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// Events on one page.
const PAGE: usize = 100;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct AuditQuery {
    /// Only events older than this one.
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    events: Vec<Event>,
    next: Option<i64>,
    is_later_page: bool,
}

/// The handler.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    if !viewer.may(Right::SeeAudit) {
        return Err(WebError::Forbidden(phrase(
            "The audit trail takes the role of administrator or auditor.",
        )));
    }
    let (scope, before) = (viewer.scope(), query.before);
    let mut events =
        site.app.store.read(move |db| audit::newest(db, &scope, before, PAGE as i64 + 1)).await?;
    let has_more = events.len() > PAGE;
    events.truncate(PAGE);
    html(&AuditPage {
        shell: Shell::new(&viewer, Section::Audit),
        next: events.last().map(|event| event.id).filter(|_| has_more),
        events,
        is_later_page: before.is_some(),
    })
}

impl AuditPage {
    fn at(&self, event: &Event) -> String {
        display::second(event.at)
    }

    fn words(&self, event: &Event) -> Phrase {
        match event.action {
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
}
