//! The second page of a sign-in: the code of the second factor, of somebody whose password was right. Nobody has signed
//! in before it is right.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Refused, address, arrived, later};
use crate::access::guessing::WINDOW;
use crate::language::Phrase;
use crate::store::audit::{self, Action, NewEvent};
use crate::store::{attempts, employees};
use crate::web::error::WebError;
use crate::web::form::Fields;
use crate::web::respond::see_other;
use crate::web::second_factor::{self, Answer};
use crate::web::session::{self, Half};
use crate::web::shell::Shell;
use crate::web::site::{Site, site_of};
use crate::web::stranger::FormToken;
use crate::web::viewer::landing;
use crate::web::{language, told_once};

/// What the page says above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Wrong,
    TooMany,
}

#[derive(Template)]
#[template(path = "sign_in/code.html")]
struct CodePage {
    shell: Shell,
    said: Said,
    next: String,
    name: String,
}

impl CodePage {
    fn words(&self) -> Phrase {
        match self.said {
            Said::Nothing => "".into(),
            Said::Wrong => second_factor::WRONG,
            Said::TooMany => second_factor::TOO_MANY,
        }
    }
}

/// The page. It is a stranger's still.
pub(super) fn answer(
    request: &HttpRequest,
    status: StatusCode,
    said: Said,
    next: String,
    half: &Half,
) -> Result<HttpResponse, WebError> {
    let site = site_of(request)?;
    let form = FormToken::of(site, request)?;
    let shell = Shell::stranger(site, language::of_browser(request), Some(form.token.clone()));
    let page = CodePage { shell, said, next, name: half.name.clone() };
    let mut answer =
        HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.render()?);
    form.go_with(site, &mut answer)?;
    Ok(answer)
}

/// The form: a code, or the wish to begin again.
pub(super) async fn submit(
    site: &Site,
    request: &HttpRequest,
    fields: &Fields,
    next: String,
    half: Half,
) -> Result<HttpResponse, WebError> {
    let session = session::of(request);
    if !fields.get("again").is_empty() {
        session.purge();
        return Ok(see_other(&address(&next)));
    }
    let (now, of) = (site.app.clock.now(), site.address_of(request));
    let failure = half.failure;
    let given =
        second_factor::given(site, request, &half.name, fields.get("code"), move |db, sealer, one| {
            attempts::take_back(db, failure)?;
            employees::note_attempt(db, one.id, true, now.naive_utc())?;
            let event = NewEvent {
                at: now.naive_utc(),
                actor: one.name.clone(),
                tenant: Some(one.tenant_id.clone()),
                address: Some(of),
                action: Action::SignIn,
                subject: None,
            };
            audit::append(db, Some(sealer), &event)?;
            Ok(one.clone())
        });
    match given.await? {
        Answer::Right(employee) => {
            session::sign_in(&session, employee.id)?;
            second_factor::note(&session, now)?;
            let mut back = see_other(&landing(employee.role, next));
            let undone = arrived(site, request, &mut back, &employee.name)?;
            undone.map_or(Ok(()), |undone| undone.note(&session))?;
            Ok(back)
        }
        Answer::Wrong => {
            let mut back = see_other(&address(&next));
            told_once::send(site, &mut back, &Refused::Code)?;
            Ok(back)
        }
        Answer::TooMany => {
            later(answer(request, StatusCode::TOO_MANY_REQUESTS, Said::TooMany, next, &half)?, WINDOW)
        }
        Answer::NoFactor => {
            session.purge();
            Ok(see_other(&address(&next)))
        }
    }
}
