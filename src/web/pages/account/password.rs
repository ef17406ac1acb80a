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
use crate::store::attempts::{self, Attempt};
use crate::store::audit::{self, Action};
use crate::store::employees::{self, Employee};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::Shell;
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use crate::web::{client, known_browser, session, told_once};

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
            PasswordFault::Hash => None,
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

/// A try to give the current password: it counts like one to sign in.
fn counted(site: &Site, viewer: &Viewer, request: &HttpRequest) -> Attempt {
    Attempt {
        name_hash: site.app.sealer.hash(&format!("sign-in:{}", viewer.name)),
        network: client::network(&site.address_of(request)),
        browser: known_browser::number(site, request, &viewer.name),
        at: site.app.clock.now().naive_utc(),
    }
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
    let counted = counted(site, viewer, request);
    let at = counted.at;
    let admitted =
        site.app.store.write(move |db| Ok::<_, StoreError>((counted.admit(db)?, employees::active(db, id)?)));
    let ((_, failure), employee) = admitted.await?;
    let employee = employee.ok_or(WebError::NotFound)?;
    let Some(failure) = failure else { return Ok(Err(Fault::TooMany)) };
    let (name, stored) = (employee.name.clone(), employee.password_hash.clone());
    let slot = Arc::clone(&site.password_slots).acquire_owned().await;
    let judged = tokio::task::spawn_blocking(move || {
        let judged = judged(&name, &stored, &typed);
        drop(slot);
        judged
    });
    match judged.await?? {
        Err(Fault::CurrentWrong) => {
            let event = site.event(viewer, request, Action::PasswordRefused, None);
            let sealer = Arc::clone(&site.app.sealer);
            let noted = site.app.store.write(move |db| {
                employees::note_attempt(db, id, false, at)?;
                audit::append(db, Some(&sealer), &event)
            });
            noted.await?;
            Ok(Err(Fault::CurrentWrong))
        }
        Err(fault) => {
            site.app.store.write(move |db| attempts::take_back(db, failure)).await?;
            Ok(Err(fault))
        }
        Ok(hash) => keep(site, viewer, request, &employee, hash, failure).await,
    }
}

/// The new password's hash, if the current one is right and the new one fits.
fn judged(name: &str, stored: &str, typed: &Typed) -> Result<Result<String, Fault>, WebError> {
    if !password::verify(&typed.current, Some(stored)) {
        return Ok(Err(Fault::CurrentWrong));
    }
    if typed.new == typed.current {
        return Ok(Err(Fault::Same));
    }
    match password::hash_new(name, &typed.new) {
        Ok(hash) => Ok(Ok(hash)),
        Err(fault) => Fault::of(&fault).map(Err).ok_or_else(|| WebError::Session(fault.to_string())),
    }
}

/// Writes it, unless the password was changed meanwhile: then the current one was not the one looked at.
async fn keep(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
    looked_at: &Employee,
    hash: String,
    failure: i64,
) -> Result<Result<(), Fault>, WebError> {
    let event = site.event(viewer, request, Action::PasswordChanged, Some(looked_at.name.clone()));
    let (name, before) = (looked_at.name.clone(), looked_at.password_hash.clone());
    let (sealer, now) = (Arc::clone(&site.app.sealer), site.app.clock.now().naive_utc());
    let kept = site.app.store.write(move |db| {
        let Some(employee) = employees::locked(db, &name)?.filter(|one| one.password_hash == before) else {
            return Ok(false);
        };
        attempts::take_back(db, failure)?;
        employees::set_password(db, employee.id, &hash, None, now)?;
        audit::append(db, Some(&sealer), &event)?;
        Ok::<_, StoreError>(true)
    });
    Ok(if kept.await? { Ok(()) } else { Err(Fault::CurrentWrong) })
}
