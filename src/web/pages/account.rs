//! `/account`: one's own sign-ins, sessions and password.

pub mod password;
pub mod second_factor;
pub mod sessions;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use crate::language::{Phrase, phrase};
use crate::store::employees::{self, Employee};
use crate::web::arrival::Arrival;
use crate::web::error::WebError;
use crate::web::respond::html;
use crate::web::shell::Shell;
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use crate::web::{display, session, told_once};
use sessions::SessionRow;

/// What was done, told by the page after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Done {
    PasswordChanged,
    SecondFactorRemoved,
    SessionEnded,
    OthersEnded,
}

impl Done {
    const fn words(self) -> Phrase {
        match self {
            Self::PasswordChanged => phrase("Your password is changed. Your other sessions have ended."),
            Self::SecondFactorRemoved => {
                phrase("Your second factor is given up. Your other sessions have ended.")
            }
            Self::SessionEnded => phrase("That session has ended."),
            Self::OthersEnded => phrase("Your other sessions have ended."),
        }
    }
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let own = session::of(&request);
    let id = session::employee(&own)?.ok_or(WebError::NotFound)?;
    let (employee, sessions) = site
        .app
        .store
        .read(move |db| Ok((employees::active(db, id)?, crate::store::sessions::of_employee(db, id)?)))
        .await?;
    let done = told_once::brought::<Done>(&site, &request);
    let mut answer = html(&AccountPage {
        shell: Shell::around(&viewer),
        form_token: viewer.form_token.clone(),
        sessions: SessionRow::all(&site, &viewer, sessions),
        employee: employee.ok_or(WebError::NotFound)?,
        done,
        viewer,
    })?;
    if done.is_some() {
        told_once::forget(&site, &mut answer)?;
    }
    Ok(answer)
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    form_token: String,
    viewer: Viewer,
    employee: Employee,
    sessions: Vec<SessionRow>,
    done: Option<Done>,
}

impl AccountPage {
    fn arrival(&self) -> Arrival {
        Arrival::of(&self.employee)
    }

    fn minute(&self, at: &NaiveDateTime) -> String {
        display::minute(*at)
    }

    fn has_others(&self) -> bool {
        self.sessions.len() > 1
    }
}
