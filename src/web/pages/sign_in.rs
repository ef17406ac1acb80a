//! `/sign-in` and `/sign-out`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{Duration, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::access::{employee_name, password};
use crate::language::{Phrase, phrase};
use crate::store::audit::{self, Action, NewEvent};
use crate::store::employees::{self, Employee};
use crate::web::error::WebError;
use crate::web::form::{Fields, PostedForm};
use crate::web::path::{encoded, local_path};
use crate::web::respond::see_other;
use crate::web::shell::Shell;
use crate::web::signed_in::signed_in;
use crate::web::site::Site;
use crate::web::undone::Undone;
use crate::web::viewer::landing;
use crate::web::{language, session, told_once};

/// Failures are counted over this time (CONTRACT.md).
const WINDOW: Duration = Duration::minutes(15);
/// So many for one name from one address.
const FAILURES_OF_NAME: i64 = 10;
/// So many from one address.
const FAILURES_OF_ADDRESS: i64 = 100;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct SignInQuery {
    next: Option<String>,
    ended: Option<String>,
}

/// A name is kept for the next try up to so many characters.
const NAME_CHARS: usize = 100;

/// That an attempt failed, told by the page after it. The password is never kept.
#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    /// What was typed as the name.
    username: String,
}

/// What the page says above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Ended,
    Wrong,
    TooMany,
    Stale,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    said: Said,
    next: String,
    username: String,
}

impl SignInPage {
    fn is_error(&self) -> bool {
        matches!(self.said, Said::Wrong | Said::TooMany | Said::Stale)
    }

    /// Whether what was typed is at fault.
    fn is_wrong(&self) -> bool {
        self.said == Said::Wrong
    }

    /// The field at which the reader goes on: the name, if it was left out.
    fn field(&self) -> &'static str {
        if self.username.is_empty() { "username" } else { "password" }
    }

    fn words(&self) -> Phrase {
        match self.said {
            Said::Nothing => "".into(),
            Said::Ended => phrase(
                "Your session has ended, as it does after some time without use. Sign in again, \
                 and you will come back to where you were.",
            ),
            Said::Wrong => phrase("The user name or the password is not right."),
            Said::TooMany => phrase(
                "There were too many failed attempts. Wait 15 minutes, then try again. If you have \
                 forgotten your password, ask the person who manages the users.",
            ),
            Said::Stale => phrase("This page had been open for too long. Please sign in again."),
        }
    }
}

/// `GET /sign-in`.
pub async fn page(
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<SignInQuery>,
) -> Result<HttpResponse, WebError> {
    let next = local_path(query.next.as_deref());
    if let Some(Refused { username }) = told_once::brought(&site, &request) {
        let mut page = answer(&request, StatusCode::OK, Said::Wrong, next, &username)?;
        told_once::forget(&site, &mut page)?;
        return Ok(page);
    }
    match signed_in(&request).await {
        Ok(viewer) => Ok(see_other(&landing(viewer.role, next))),
        Err(WebError::SignInFirst { .. }) => {
            let said = if query.ended.is_some() { Said::Ended } else { Said::Nothing };
            answer(&request, StatusCode::OK, said, next, "")
        }
        Err(fault) => Err(fault),
    }
}

/// `POST /sign-in`.
pub async fn submit(
    site: web::Data<Site>,
    request: HttpRequest,
    fields: Result<Fields, WebError>,
) -> Result<HttpResponse, WebError> {
    let fields = match fields {
        Ok(fields) => fields,
        Err(WebError::ForeignForm) => {
            return answer(&request, StatusCode::FORBIDDEN, Said::Stale, local_path(None), "");
        }
        Err(fault) => return Err(fault),
    };
    let (next, typed) = (local_path(Some(fields.get("next"))), fields.get("username").to_owned());
    let attempt = Attempt::of(&site, site.address_of(&request), &typed);
    if !attempt.is_allowed(&site).await? {
        return answer(&request, StatusCode::TOO_MANY_REQUESTS, Said::TooMany, next, &typed);
    }
    match attempt.succeed(&site, fields.get("password").to_owned()).await? {
        Some(employee) => {
            let session = session::of(&request);
            let undone = Undone::of_session(&session)?;
            session::sign_in(&session, employee.id)?;
            undone.map_or(Ok(()), |undone| undone.note(&session))?;
            Ok(see_other(&landing(employee.role, next)))
        }
        None => {
            let mut back = see_other(&address(&next));
            let username = typed.chars().take(NAME_CHARS).collect();
            told_once::send(&site, &mut back, &Refused { username })?;
            Ok(back)
        }
    }
}

/// The sign-in that leads to `next` afterwards.
fn address(next: &str) -> String {
    if next == local_path(None) { "/sign-in".to_owned() } else { format!("/sign-in?next={}", encoded(next)) }
}

/// `POST /sign-out`.
pub async fn sign_out(
    site: web::Data<Site>,
    request: HttpRequest,
    form: PostedForm,
) -> Result<HttpResponse, WebError> {
    site.note(&form.viewer, &request, Action::SignOut, None).await?;
    session::of(&request).purge();
    Ok(see_other("/sign-in"))
}

fn answer(
    request: &HttpRequest,
    status: StatusCode,
    said: Said,
    next: String,
    username: &str,
) -> Result<HttpResponse, WebError> {
    let form_token = session::form_token(&session::of(request))?;
    let shell = Shell::stranger(language::of_browser(request), Some(form_token));
    let page = SignInPage { shell, said, next, username: username.to_owned() };
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.render()?))
}

/// One attempt to sign in.
struct Attempt {
    /// The name, if it could be anybody's.
    name: Option<String>,
    /// What is counted: a keyed hash, since what was typed may be a password.
    name_hash: String,
    address: String,
    now: NaiveDateTime,
}

impl Attempt {
    fn of(site: &Site, address: String, typed: &str) -> Self {
        let name = employee_name(typed).ok();
        let counted = name.clone().unwrap_or_else(|| typed.to_owned());
        Self {
            name_hash: site.app.sealer.hash(&format!("sign-in:{counted}")),
            name,
            address,
            now: site.app.clock.now().naive_utc(),
        }
    }

    /// Counts the attempt as a failure before the password is looked at, so that many at once cannot
    /// slip through; one that succeeds is taken back.
    async fn is_allowed(&self, site: &Site) -> Result<bool, WebError> {
        let (name_hash, address, now) = (self.name_hash.clone(), self.address.clone(), self.now);
        let refused = self.event(Action::SignInThrottled, None);
        let sealer = Arc::clone(&site.app.sealer);
        let allowed = site.app.store.write(move |db| {
            let failures = employees::failures(db, &name_hash, &address, now - WINDOW)?;
            if failures.of_name >= FAILURES_OF_NAME || failures.of_address >= FAILURES_OF_ADDRESS {
                audit::append(db, Some(&sealer), &refused)?;
                return Ok(false);
            }
            employees::note_failure(db, &name_hash, &address, now, now - WINDOW)?;
            Ok(true)
        });
        Ok(allowed.await?)
    }

    /// The employee, if name and password are right and they are not shut out.
    async fn succeed(&self, site: &Site, typed: String) -> Result<Option<Employee>, WebError> {
        let name = self.name.clone().unwrap_or_default();
        let found = site.app.store.read(move |db| employees::by_name(db, &name)).await?;
        let hash = found.as_ref().map(|employee| employee.password_hash.clone());
        let slot = Arc::clone(&site.password_slots).acquire_owned().await;
        let is_right = tokio::task::spawn_blocking(move || {
            let is_right = password::verify(&typed, hash.as_deref());
            drop(slot);
            is_right
        })
        .await?;
        let employee = found.clone().filter(|employee| is_right && !employee.is_disabled);
        let action = if employee.is_some() { Action::SignIn } else { Action::SignInFailed };
        let event = self.event(action, found.as_ref());
        let (name_hash, address, now) = (self.name_hash.clone(), self.address.clone(), self.now);
        let succeeded = employee.is_some();
        let sealer = Arc::clone(&site.app.sealer);
        site.app
            .store
            .write(move |db| {
                if succeeded {
                    employees::take_failure_back(db, &name_hash, &address, now)?;
                }
                audit::append(db, Some(&sealer), &event)
            })
            .await?;
        Ok(employee)
    }

    /// Names only whom we know: anything else may be a password in the wrong field.
    fn event(&self, action: Action, employee: Option<&Employee>) -> NewEvent {
        NewEvent {
            at: self.now,
            actor: employee.map_or_else(|| "unknown name".to_owned(), |employee| employee.name.clone()),
            tenant: employee.map(|employee| employee.tenant_id.clone()),
            address: Some(self.address.clone()),
            action,
            subject: None,
        }
    }
}
