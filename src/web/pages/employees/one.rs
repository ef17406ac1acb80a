//! `/employees/{id}`: one user, and what an administrator does about them.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::{keeper, last_sign_in, refusal, role_means, second_factor, state_tone, state_words};
use crate::access::{Right, Role, password};
use crate::language::{Phrase, phrase};
use crate::store::employees::{self, Employee};
use crate::store::keeping::{self, Change, Kept};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::told_once;
use crate::web::viewer::{Viewer, role_words};

/// What was done, told by the page after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Done {
    Added,
    Disabled,
    Enabled,
    RoleChanged,
    PasswordGiven,
    SecondFactorReset,
    /// It was so already.
    Already,
    /// No role was chosen.
    NoRole,
}

impl Done {
    const fn words(self) -> Phrase {
        match self {
            Self::Added => phrase("The user is added."),
            Self::Disabled => phrase("The user is disabled: they are signed out, and not let in any more."),
            Self::Enabled => phrase("The user is let in again."),
            Self::RoleChanged => phrase("The role is changed. The user has to sign in again."),
            Self::PasswordGiven => {
                phrase("The user has a new password, for the next sign-in only, and is signed out.")
            }
            Self::SecondFactorReset => {
                phrase("The second factor is taken away. The user has to sign in again.")
            }
            Self::Already => phrase("It was so already: nothing was changed."),
            Self::NoRole => phrase("Nothing was changed: choose what the user may do."),
        }
    }
}

/// What the page after a form tells once, to the session alone that sent it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    session: String,
    done: Done,
    password: Option<String>,
}

impl Told {
    pub(super) fn new(viewer: &Viewer, done: Done, password: Option<String>) -> Self {
        Self { session: viewer.place.id.clone(), done, password }
    }
}

/// Leads to the page of an employee, which tells what was done.
pub(super) fn told(site: &Site, id: i64, told: &Told) -> Result<HttpResponse, WebError> {
    let mut back = see_other(&format!("/employees/{id}"));
    told_once::send(site, &mut back, told)?;
    Ok(back)
}

/// A password for one sign-in of that name, and its hash.
pub(super) async fn drawn_password(site: &Site, name: &str) -> Result<(String, String), WebError> {
    let name = name.to_owned();
    let slot = Arc::clone(&site.password_slots).acquire_owned().await;
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = password::drawn_for_once(&name);
        drop(slot);
        drawn
    });
    Ok(drawn.await??)
}

#[derive(Template)]
#[template(path = "employees/one.html")]
struct EmployeePage {
    shell: Shell,
    form_token: String,
    one: Employee,
    is_oneself: bool,
    told: Option<Told>,
}

impl EmployeePage {
    fn roles(&self) -> &'static [Role] {
        Role::ALL
    }

    fn role(&self) -> Phrase {
        role_words(self.one.role)
    }

    fn role_words(&self, role: &Role) -> Phrase {
        role_words(*role)
    }

    fn role_means(&self, role: &Role) -> Phrase {
        role_means(*role)
    }

    fn state(&self) -> Phrase {
        state_words(&self.one)
    }

    fn tone(&self) -> &'static str {
        state_tone(&self.one)
    }

    fn last_sign_in(&self) -> Phrase {
        last_sign_in(&self.one)
    }

    fn added(&self) -> String {
        display::minute(self.one.created_at)
    }

    fn password(&self) -> Phrase {
        let since = display::minute(self.one.password_changed_at);
        if self.one.must_change_password {
            phrase("for one sign-in only, given on %{at}").with("at", since)
        } else {
            phrase("chosen on %{at}").with("at", since)
        }
    }

    fn second_factor(&self) -> Phrase {
        second_factor(&self.one)
    }

    /// What is told once of a form.
    fn words(&self, told: &Told) -> Phrase {
        told.done.words()
    }
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    viewer.must(Right::KeepEmployees)?;
    let one = found(&site, &viewer, *id).await?;
    let told = told_once::brought::<Told>(&site, &request).filter(|told| told.session == viewer.place.id);
    let is_told = told.is_some();
    let mut answer = html(&EmployeePage {
        shell: Shell::new(&viewer, Section::Employees),
        form_token: viewer.form_token.clone(),
        is_oneself: one.name == viewer.name,
        one,
        told,
    })?;
    if is_told {
        told_once::forget(&site, &mut answer)?;
    }
    Ok(answer)
}

/// The employee of that row, if the viewer keeps them.
async fn found(site: &Site, viewer: &Viewer, id: i64) -> Result<Employee, WebError> {
    let found = site.app.store.read(move |db| employees::by_id(db, id)).await?.ok_or(WebError::NotFound)?;
    if viewer.scope().covers(&found.tenant_id) {
        return Ok(found);
    }
    // Their name is nobody's business there.
    Err(WebError::OfAnotherUlb(format!("user {id}")))
}

/// `POST /employees/{id}/disable`.
pub async fn disable(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    change(&site, &form.viewer, *id, &request, Change::Disable, Done::Disabled).await
}

/// `POST /employees/{id}/enable`.
pub async fn enable(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    change(&site, &form.viewer, *id, &request, Change::Enable, Done::Enabled).await
}

/// `POST /employees/{id}/second-factor`: takes it away, since it was lost.
pub async fn reset_second_factor(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    change(&site, &form.viewer, *id, &request, Change::ResetSecondFactor, Done::SecondFactorReset).await
}

/// `POST /employees/{id}/role`.
pub async fn role(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    form.viewer.must(Right::KeepEmployees)?;
    let Ok(role) = form.fields.get("role").parse::<Role>() else {
        let one = found(&site, &form.viewer, *id).await?;
        return told(&site, one.id, &Told::new(&form.viewer, Done::NoRole, None));
    };
    change(&site, &form.viewer, *id, &request, Change::Role(role), Done::RoleChanged).await
}

/// `POST /employees/{id}/password`: a password for the next sign-in only, which is shown once.
pub async fn give_password(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    viewer.must(Right::KeepEmployees)?;
    let one = found(&site, viewer, *id).await?;
    let (password, hash) = drawn_password(&site, &one.name).await?;
    changed(&site, viewer, one, &request, Change::Password(hash)).await?;
    told(&site, *id, &Told::new(viewer, Done::PasswordGiven, Some(password)))
}

async fn change(
    site: &Site,
    viewer: &Viewer,
    id: i64,
    request: &HttpRequest,
    change: Change,
    done: Done,
) -> Result<HttpResponse, WebError> {
    viewer.must(Right::KeepEmployees)?;
    let one = found(site, viewer, id).await?;
    let is_news = changed(site, viewer, one, request, change).await?;
    told(site, id, &Told::new(viewer, if is_news { done } else { Done::Already }, None))
}

/// Changes an employee; whether they were not so already.
async fn changed(
    site: &Site,
    viewer: &Viewer,
    one: Employee,
    request: &HttpRequest,
    change: Change,
) -> Result<bool, WebError> {
    let (keeper, sealer) = (keeper(site, viewer, request), Arc::clone(&site.app.sealer));
    let now = site.app.clock.now().naive_utc();
    let kept = site
        .app
        .store
        .write(move |db| keeping::change(db, Some(&sealer), &keeper, &one.name, &change, now))
        .await?;
    match kept {
        Kept::Done(_) => Ok(true),
        Kept::Already(_) => Ok(false),
        Kept::Refused(why) => Err(refusal(why)),
    }
}
