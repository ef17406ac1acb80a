//! `/account/second-factor`: one's own second factor. It is set up, moved to another telephone, given new recovery
//! codes or given up; each takes the password, and the factor that there is.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::Done;
use crate::access::guessing::WINDOW;
use crate::access::second_factor::{FactorFault, Secret, in_groups, recovery_codes};
use crate::language::{Phrase, phrase};
use crate::sealing::Sealer;
use crate::store::audit::{self, Action};
use crate::store::{Db, StoreError, employees, second_factors};
use crate::web::current_password::{self, Current, Proven};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::qr::Picture;
use crate::web::respond::{html, see_other};
use crate::web::sealed_cookie::SealedCookie;
use crate::web::second_factor::{self, Answer};
use crate::web::shell::Shell;
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use crate::web::{display, session, told_once};

/// Where the page is.
const PAGE: &str = "/account/second-factor";
/// The same, where it moves to another telephone.
const ANEW: &str = "/account/second-factor?anew=yes";

/// The secret that was shown and is not confirmed yet, in the browser of whom it was made for.
const SHOWN: SealedCookie = SealedCookie {
    plain: "mukta-ftps-factor",
    bound: "__Host-mukta-ftps-factor",
    life: Some(TimeDelta::minutes(30)),
};

/// What the cookie holds.
#[derive(Serialize, Deserialize)]
struct Shown {
    employee: i64,
    secret: String,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct SecondFactorQuery {
    /// Another telephone is to take its place.
    anew: Option<String>,
}

/// What the page after a form tells, once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    /// What is wrong with the form.
    Fault(Fault),
    /// The recovery codes.
    Codes(Vec<String>),
}

/// What is wrong with a form. What was typed is never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    /// The app does not know the secret that was shown.
    Code,
    /// The second factor that there is.
    Present,
    Password,
    TooMany,
    /// The page shows what is not so any more.
    Stale,
}

impl Fault {
    /// The field at which the reader goes on.
    const fn field(self) -> &'static str {
        match self {
            Self::Code | Self::Stale => "code",
            Self::Present => "present_code",
            Self::Password | Self::TooMany => "current_password",
        }
    }

    const fn words(self) -> Phrase {
        match self {
            Self::Code => phrase(
                "The code does not belong to this picture. Take it in with the app once more, and type the digits \
                 that the app shows now. Check that the time of your phone is right.",
            ),
            Self::Present => second_factor::WRONG,
            Self::Password => phrase("The current password is not right. Nothing was changed."),
            Self::TooMany => phrase(
                "There were too many failed attempts. Wait 15 minutes, then try again. Nothing was changed.",
            ),
            Self::Stale => phrase("This page had been open for too long. Fill in what is here now."),
        }
    }
}

/// What the page shows.
enum View {
    /// What an app takes in: a picture of the secret, and the secret itself.
    SetUp { picture: Picture, secret: String },
    /// New recovery codes.
    Codes(Vec<String>),
    /// What there is.
    Standing { since: NaiveDateTime, codes_left: i64 },
}

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct SecondFactorPage {
    shell: Shell,
    form_token: String,
    name: String,
    view: View,
    fault: Option<Fault>,
    has_one: bool,
    is_forced: bool,
    is_owed: bool,
}

impl SecondFactorPage {
    /// Whether that field is at fault.
    fn is_at(&self, field: &str) -> bool {
        self.fault.is_some_and(|fault| fault.field() == field)
    }

    fn minute(&self, at: &NaiveDateTime) -> String {
        display::minute(*at)
    }

    fn grouped(&self, text: &str) -> String {
        in_groups(text)
    }
}

fn failed(fault: FactorFault) -> WebError {
    WebError::Session(fault.to_string())
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<SecondFactorQuery>,
) -> Result<HttpResponse, WebError> {
    let told = told_once::brought::<Told>(&site, &request);
    let is_told = told.is_some();
    let is_anew = query.anew.is_some();
    let mut answer = match told {
        Some(Told::Codes(codes)) => html(&page_of(&viewer, View::Codes(codes), None))?,
        Some(Told::Fault(fault)) => shown(&site, &viewer, &request, is_anew, Some(fault)).await?,
        None => shown(&site, &viewer, &request, is_anew, None).await?,
    };
    if is_told {
        told_once::forget(&site, &mut answer)?;
    }
    Ok(answer)
}

fn page_of(viewer: &Viewer, view: View, fault: Option<Fault>) -> SecondFactorPage {
    SecondFactorPage {
        shell: Shell::around(viewer),
        form_token: viewer.form_token.clone(),
        name: viewer.name.clone(),
        view,
        fault,
        has_one: viewer.has_second_factor,
        is_forced: viewer.must_set_second_factor(),
        is_owed: viewer.owes_second_factor,
    }
}

/// What there is; where there is none, or another telephone is to take its place, a secret to take in.
async fn shown(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
    is_anew: bool,
    fault: Option<Fault>,
) -> Result<HttpResponse, WebError> {
    let id = session::employee(&session::of(request))?.ok_or(WebError::NotFound)?;
    if viewer.has_second_factor && !is_anew {
        let found = site
            .app
            .store
            .read(move |db| Ok((employees::active(db, id)?, second_factors::codes_left(db, id)?)));
        let (employee, codes_left) = found.await?;
        let since = employee.and_then(|one| one.second_factor_at).ok_or(WebError::NotFound)?;
        return html(&page_of(viewer, View::Standing { since, codes_left }, fault));
    }
    let brought = brought(site, request, id);
    let secret = match &brought {
        Some(secret) => secret.clone(),
        None => Secret::new().map_err(failed)?,
    };
    let picture =
        Picture::of(&secret.link(&viewer.name)).map_err(|fault| WebError::Session(fault.to_string()))?;
    let view = View::SetUp { picture, secret: in_groups(&secret.text()) };
    let mut answer = html(&page_of(viewer, view, fault))?;
    if brought.is_none() {
        let shown = Shown { employee: id, secret: secret.text() };
        SHOWN.send(&site.sessions, site.app.clock.now(), &mut answer, &shown)?;
    }
    Ok(answer)
}

/// The secret that this browser was shown for that employee.
fn brought(site: &Site, request: &HttpRequest, id: i64) -> Option<Secret> {
    let shown = SHOWN.brought::<Shown>(&site.sessions, site.app.clock.now(), request)?;
    Secret::read(&shown.secret).ok().filter(|_| shown.employee == id)
}

/// What is to be done.
enum Wish {
    /// Set it up, or move it: the secret, and the step of the code that confirms it.
    Set(Secret, i64),
    /// New recovery codes.
    Codes,
    /// Give it up.
    Remove,
}

/// What was done.
enum Changed {
    Codes(Vec<String>),
    Removed,
}

/// POST: `what` is `set` (also where there is one: it moves), `codes` or `remove`.
pub async fn change(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let own = session::of(&request);
    let id = session::employee(&own)?.ok_or(WebError::NotFound)?;
    let viewer = &form.viewer;
    let (wish, at) = match form.fields.get("what") {
        "codes" => (Ok(Wish::Codes), PAGE),
        "remove" if viewer.owes_second_factor => {
            return Err(WebError::Forbidden(phrase(
                "With your role the second factor cannot be given up. It can be moved to another phone.",
            )));
        }
        "remove" => (Ok(Wish::Remove), PAGE),
        _ => (
            confirmed(&site, &request, id, form.fields.get("code")),
            if viewer.has_second_factor { ANEW } else { PAGE },
        ),
    };
    let done = match wish {
        Ok(wish) => changed(&site, &form, &request, id, wish).await?,
        Err(fault) => Err(fault),
    };
    let fault = match done {
        Ok(changed) => return told(&site, &own, changed),
        Err(fault) => fault,
    };
    if fault == Fault::TooMany {
        let is_anew = at == ANEW;
        let mut refused = shown(&site, viewer, &request, is_anew, Some(fault)).await?;
        *refused.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        refused.headers_mut().insert(header::RETRY_AFTER, WINDOW.num_seconds().into());
        return Ok(refused);
    }
    let mut back = see_other(at);
    told_once::send(&site, &mut back, &Told::Fault(fault))?;
    Ok(back)
}

/// The way to the page that tells what was done. This session goes on under another id; the others have ended, where
/// the factor is another.
fn told(site: &Site, own: &actix_session::Session, changed: Changed) -> Result<HttpResponse, WebError> {
    own.renew();
    let mut back;
    match changed {
        Changed::Codes(codes) => {
            back = see_other(PAGE);
            second_factor::note(own, site.app.clock.now())?;
            told_once::send(site, &mut back, &Told::Codes(codes))?;
        }
        Changed::Removed => {
            back = see_other("/account");
            told_once::send(site, &mut back, &Done::SecondFactorRemoved)?;
        }
    }
    SHOWN.forget(&site.sessions, &mut back)?;
    Ok(back)
}

/// The secret that was shown, if an app knows it.
fn confirmed(site: &Site, request: &HttpRequest, id: i64, typed: &str) -> Result<Wish, Fault> {
    let secret = brought(site, request, id).ok_or(Fault::Stale)?;
    let step = secret.step_given(typed, site.app.clock.now()).ok_or(Fault::Code)?;
    Ok(Wish::Set(secret, step))
}

/// Does it, if the password is right, and so is what there is of a second factor.
async fn changed(
    site: &Site,
    form: &PostedForm,
    request: &HttpRequest,
    id: i64,
    wish: Wish,
) -> Result<Result<Changed, Fault>, WebError> {
    let (viewer, password) = (&form.viewer, form.fields.get("current_password").to_owned());
    let proven = match current_password::given(site, viewer, request, id, password).await? {
        Current::Right(proven) => Arc::new(proven),
        Current::Wrong => return Ok(Err(Fault::Password)),
        Current::TooMany => return Ok(Err(Fault::TooMany)),
    };
    let codes = recovery_codes().map_err(failed)?;
    let action = match wish {
        Wish::Set(..) => Action::SecondFactorSet,
        Wish::Codes => Action::RecoveryCodesMade,
        Wish::Remove => Action::SecondFactorRemoved,
    };
    let event = site.event(viewer, request, action, Some(viewer.name.clone()));
    let now = site.app.clock.now().naive_utc();
    let does_it = {
        let proven = Arc::clone(&proven);
        move |db: &mut Db, sealer: &Sealer| kept(db, sealer, &proven, &wish, codes, &event, now)
    };
    if proven.looked_at().second_factor_at.is_none() {
        let sealer = Arc::clone(&site.app.sealer);
        let done = site.app.store.write(move |db| does_it(db, &sealer)).await?;
        return Ok(done.ok_or(Fault::Stale));
    }
    let typed = form.fields.get("present_code");
    let answer =
        second_factor::given(site, request, &viewer.name, typed, move |db, sealer, _| does_it(db, sealer));
    let fault = match answer.await? {
        Answer::Right(done) => return Ok(done.ok_or(Fault::Stale)),
        Answer::Wrong | Answer::NoFactor => Fault::Present,
        Answer::TooMany => Fault::TooMany,
    };
    proven.take_back(site).await?;
    Ok(Err(fault))
}

/// Writes it; nothing, if the password or the second factor was changed since they were looked at.
fn kept(
    db: &mut Db,
    sealer: &Sealer,
    proven: &Proven,
    wish: &Wish,
    codes: Vec<String>,
    event: &audit::NewEvent,
    now: NaiveDateTime,
) -> Result<Option<Changed>, StoreError> {
    let Some(employee) = proven.employee(db)? else { return Ok(None) };
    if employee.second_factor_at != proven.looked_at().second_factor_at {
        return Ok(None);
    }
    let changed = match wish {
        Wish::Set(secret, step) => {
            second_factors::set(db, sealer, &employee, secret, *step, &codes, now)?;
            Changed::Codes(codes)
        }
        Wish::Codes => {
            second_factors::set_codes(db, sealer, &employee, &codes)?;
            Changed::Codes(codes)
        }
        Wish::Remove => {
            second_factors::remove(db, employee.id)?;
            Changed::Removed
        }
    };
    audit::append(db, Some(sealer), event)?;
    Ok(Some(changed))
}
