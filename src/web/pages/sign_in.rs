//! `/sign-in` and `/sign-out`.

mod attempt;
mod code;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::account::sessions::end_own;
use crate::access::guessing::WINDOW;
use crate::language::{Phrase, phrase};
use crate::store::employees::Employee;
use crate::web::error::WebError;
use crate::web::form::{Fields, PostedForm};
use crate::web::path::{encoded, local_path};
use crate::web::refusals::Why;
use crate::web::respond::see_other;
use crate::web::shell::Shell;
use crate::web::signed_in::signed_in;
use crate::web::site::{Site, site_of};
use crate::web::stranger::FormToken;
use crate::web::undone::Undone;
use crate::web::viewer::landing;
use crate::web::{known_browser, language, session, stranger, told_once};
use attempt::{Attempt, Outcome};

/// How long to wait where too many wait already.
const SOON: TimeDelta = TimeDelta::seconds(2);

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct SignInQuery {
    next: Option<String>,
    ended: Option<String>,
}

/// A name is kept for the next try up to so many characters.
const NAME_CHARS: usize = 100;

/// That an attempt failed, told by the page after it. Neither the password nor a code is ever kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Refused {
    /// Name or password: what was typed as the name.
    Wrong(String),
    /// The code of the second factor.
    Code,
    /// The code came too late: the password is to be given again.
    TooLate,
}

/// What the page says above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Ended,
    Wrong,
    TooMany,
    TooSoon,
    Busy,
    Stale,
    TooLate,
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
        !matches!(self.said, Said::Nothing | Said::Ended)
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
            Said::TooSoon => phrase(
                "There were too many failed attempts for this name. Wait half a minute, then try again, or sign \
                 in on a device on which you have signed in before.",
            ),
            Said::Busy => phrase("Many are signing in at this moment. Wait a few seconds, then try again."),
            Said::TooLate => phrase("The code was waited for, but not for so long. Please sign in again."),
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
    let told = told_once::brought::<Refused>(&site, &request);
    let is_told = told.is_some();
    let half = session::half(&session::of(&request), site.app.clock.now())?;
    let mut page = match (told, half) {
        (Some(Refused::Wrong(username)), _) => {
            answer(&request, StatusCode::OK, Said::Wrong, next, &username)?
        }
        (told, Some(half)) => {
            let said = if told.is_some() { code::Said::Wrong } else { code::Said::Nothing };
            code::answer(&request, StatusCode::OK, said, next, &half)?
        }
        (Some(_), None) => answer(&request, StatusCode::OK, Said::TooLate, next, "")?,
        (None, None) => match signed_in(&request).await {
            Ok(viewer) => see_other(&landing(viewer.role, next)),
            Err(WebError::SignInFirst { .. }) => {
                let said = if query.ended.is_some() { Said::Ended } else { Said::Nothing };
                answer(&request, StatusCode::OK, said, next, "")?
            }
            Err(fault) => return Err(fault),
        },
    };
    if is_told {
        told_once::forget(&site, &mut page)?;
    }
    Ok(page)
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
            site.refused(None, &request, Why::ForeignForm, "POST /sign-in").await;
            return answer(&request, StatusCode::FORBIDDEN, Said::Stale, local_path(None), "");
        }
        Err(fault) => return Err(fault),
    };
    let (next, typed) = (local_path(Some(fields.get("next"))), fields.get("username").to_owned());
    let session = session::of(&request);
    if typed.is_empty() && fields.get("password").is_empty() {
        match session::half(&session, site.app.clock.now())? {
            Some(half) => return code::submit(&site, &request, &fields, next, half).await,
            None if !fields.get("code").is_empty() => {
                let mut back = see_other(&address(&next));
                told_once::send(&site, &mut back, &Refused::TooLate)?;
                return Ok(back);
            }
            None => {}
        }
    }
    session::forget_half(&session);
    match Attempt::of(&site, &request, &typed).make(fields.get("password").to_owned()).await? {
        Outcome::SignedIn(employee) => {
            session::sign_in(&session, employee.id)?;
            let mut back = see_other(&landing(employee.role, next));
            let undone = arrived(&site, &request, &mut back, &employee.name)?;
            undone.map_or(Ok(()), |undone| undone.note(&session))?;
            Ok(back)
        }
        Outcome::CodeWanted(employee, failure) => {
            let Employee { id, name, .. } = employee;
            let half = session::Half { employee: id, name, failure, at: site.app.clock.now() };
            session::half_sign_in(&session, &half)?;
            Ok(see_other(&address(&next)))
        }
        Outcome::Wrong => {
            let mut back = see_other(&address(&next));
            let username = typed.chars().take(NAME_CHARS).collect();
            told_once::send(&site, &mut back, &Refused::Wrong(username))?;
            Ok(back)
        }
        Outcome::Refused(wait) => {
            let said = if wait < WINDOW { Said::TooSoon } else { Said::TooMany };
            later(answer(&request, StatusCode::TOO_MANY_REQUESTS, said, next, &typed)?, wait)
        }
        Outcome::NoRoom => {
            later(answer(&request, StatusCode::SERVICE_UNAVAILABLE, Said::Busy, next, &typed)?, SOON)
        }
    }
}

/// Somebody has signed in: the browser carries nothing of a stranger's any more, and is known by their name. What it
/// carried of a form that was not done.
fn arrived(
    site: &Site,
    request: &HttpRequest,
    back: &mut HttpResponse,
    name: &str,
) -> Result<Option<Undone>, WebError> {
    let undone = Undone::brought(&site.sessions, site.app.clock.now(), request);
    if undone.is_some() {
        Undone::forget(&site.sessions, back)?;
    }
    stranger::forget(site, back)?;
    known_browser::mark(site, request, back, name)?;
    Ok(undone)
}

/// Tells the browser how long to wait.
fn later(mut answer: HttpResponse, wait: TimeDelta) -> Result<HttpResponse, WebError> {
    answer.headers_mut().insert(header::RETRY_AFTER, wait.num_seconds().into());
    Ok(answer)
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
    end_own(&site, &form.viewer, &request).await
}

fn answer(
    request: &HttpRequest,
    status: StatusCode,
    said: Said,
    next: String,
    username: &str,
) -> Result<HttpResponse, WebError> {
    let (site, session) = (site_of(request)?, session::of(request));
    let of_stranger = match session::employee(&session)? {
        Some(_) => None,
        None => Some(FormToken::of(site, request)?),
    };
    let form_token = match &of_stranger {
        Some(form) => form.token.clone(),
        None => session::form_token(&session)?,
    };
    let shell = Shell::stranger(site, language::of_browser(request), Some(form_token));
    let page = SignInPage { shell, said, next, username: username.to_owned() };
    let mut answer =
        HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.render()?);
    of_stranger.map_or(Ok(()), |form| form.go_with(site, &mut answer))?;
    Ok(answer)
}
