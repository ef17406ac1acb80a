//! `/account/password`: one's own password; who has one that somebody else gave them comes to no other page first.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::Done;
use crate::access::password::{self, PasswordFault};
use crate::language::{Phrase, phrase};
use crate::store::StoreError;
use crate::store::audit::{self, Action};
use crate::store::employees;
use crate::web::current_password::{self, Current, Proven};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::Shell;
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use crate::web::{session, told_once};

/// What is wrong with the form. What was typed is never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    CurrentWrong,
    TooMany,
    Length,
    Common,
    Name,
    Same,
    Again,
}

impl Fault {
    /// The field at which the reader goes on.
    const fn field(self) -> &'static str {
        match self {
            Self::CurrentWrong | Self::TooMany => "current_password",
            Self::Length | Self::Common | Self::Name | Self::Same => "new_password",
            Self::Again => "new_password_again",
        }
    }

    const fn words(self) -> Phrase {
        match self {
            Self::CurrentWrong => phrase("The current password is not right. Nothing was changed."),
            Self::TooMany => phrase(
                "There were too many failed attempts. Wait 15 minutes, then try again. Nothing was changed.",
            ),
            Self::Length => phrase("A password has 8 to 128 characters."),
            Self::Common => phrase(
                "This password is easily guessed. Choose another, such as four words that do not belong together.",
            ),
            Self::Name => phrase("The password must not be your user name."),
            Self::Same => phrase("The new password is the current one. Choose another."),
            Self::Again => phrase("The two new passwords are not the same. Type both again."),
        }
    }

    fn of(fault: &PasswordFault) -> Option<Self> {
        match fault {
            PasswordFault::Length => Some(Self::Length),
            PasswordFault::Common => Some(Self::Common),
            PasswordFault::Name => Some(Self::Name),
            PasswordFault::Hash | PasswordFault::Memory | PasswordFault::Draw => None,
        }
    }
}

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage {
    shell: Shell,
    form_token: String,
    is_forced: bool,
    fault: Option<Fault>,
}

impl PasswordPage {
    fn of(viewer: &Viewer, fault: Option<Fault>) -> Self {
        Self {
            shell: Shell::around(viewer),
            form_token: viewer.form_token.clone(),
            is_forced: viewer.must_change_password,
            fault,
        }
    }

    /// Whether that field is at fault.
    fn is_at(&self, field: &str) -> bool {
        self.fault.is_some_and(|fault| fault.field() == field)
    }
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let fault = told_once::brought::<Fault>(&site, &request);
    let mut answer = html(&PasswordPage::of(&viewer, fault))?;
    if fault.is_some() {
        told_once::forget(&site, &mut answer)?;
    }
    Ok(answer)
}

/// POST.
pub async fn change(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let own = session::of(&request);
    let id = session::employee(&own)?.ok_or(WebError::NotFound)?;
    let typed = Typed {
        current: form.fields.get("current_password").to_owned(),
        new: form.fields.get("new_password").to_owned(),
        again: form.fields.get("new_password_again").to_owned(),
    };
    match changed(&site, &form.viewer, &request, id, typed).await? {
        Ok(()) => {
            // The others have ended; this one goes on under another id.
            own.renew();
            let mut back = see_other("/account");
            told_once::send(&site, &mut back, &Done::PasswordChanged)?;
            Ok(back)
        }
        Err(Fault::TooMany) => {
            let mut refused = html(&PasswordPage::of(&form.viewer, Some(Fault::TooMany)))?;
            *refused.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            Ok(refused)
        }
        Err(fault) => {
            let mut back = see_other("/account/password");
            told_once::send(&site, &mut back, &fault)?;
            Ok(back)
        }
    }
}

/// What the form says.
struct Typed {
    current: String,
    new: String,
    again: String,
}

/// Changes the password, if the current one is right and the new one fits.
async fn changed(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
    id: i64,
    typed: Typed,
) -> Result<Result<(), Fault>, WebError> {
    if typed.new != typed.again {
        return Ok(Err(Fault::Again));
    }
    let proven = match current_password::given(site, viewer, request, id, typed.current.clone()).await? {
        Current::Right(proven) => proven,
        Current::Wrong => return Ok(Err(Fault::CurrentWrong)),
        Current::TooMany => return Ok(Err(Fault::TooMany)),
    };
    let name = viewer.name.clone();
    let slot = Arc::clone(&site.password_slots).acquire_owned().await;
    let hashed = tokio::task::spawn_blocking(move || {
        let hashed = hashed(&name, &typed);
        drop(slot);
        hashed
    });
    match hashed.await? {
        Err(fault) => {
            proven.take_back(site).await?;
            Err(fault)
        }
        Ok(Err(fault)) => {
            proven.take_back(site).await?;
            Ok(Err(fault))
        }
        Ok(Ok(hash)) => keep(site, viewer, request, proven, hash).await,
    }
}

/// The new password's hash, if it fits.
fn hashed(name: &str, typed: &Typed) -> Result<Result<String, Fault>, WebError> {
    if typed.new == typed.current {
        return Ok(Err(Fault::Same));
    }
    match password::hash_new(name, &typed.new) {
        Ok(hash) => Ok(Ok(hash)),
        Err(fault) => Fault::of(&fault).map(Err).ok_or_else(|| fault.into()),
    }
}

/// Writes it, unless the password was changed meanwhile: then the current one was not the one looked at.
async fn keep(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
    proven: Proven,
    hash: String,
) -> Result<Result<(), Fault>, WebError> {
    let event = site.event(viewer, request, Action::PasswordChanged, Some(viewer.name.clone()));
    let (sealer, now) = (Arc::clone(&site.app.sealer), site.app.clock.now().naive_utc());
    let kept = site.app.store.write(move |db| {
        let Some(employee) = proven.employee(db)? else { return Ok(false) };
        employees::set_password(db, employee.id, &hash, None, now)?;
        audit::append(db, Some(&sealer), &event)?;
        Ok::<_, StoreError>(true)
    });
    Ok(if kept.await? { Ok(()) } else { Err(Fault::CurrentWrong) })
}
