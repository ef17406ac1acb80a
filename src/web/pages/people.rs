//! `GET /beneficiaries`: people and their payments, whichever payment instruction they are in.

pub mod export;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::person_row::PersonRow;
use super::sought::{self, Sought};
use crate::language::phrase;
use crate::store::audit::Action;
use crate::store::people::{self, FoundPeople};
use crate::web::display::filled;
use crate::web::error::WebError;
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// The longest text that is searched for, in characters.
const LONGEST_TEXT: usize = 200;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct PeopleQuery {
    q: Option<String>,
    below: Option<i64>,
}

impl PeopleQuery {
    /// What is looked for; blank for nothing.
    fn text(&self) -> Result<String, WebError> {
        let text = filled(self.q.as_deref()).unwrap_or_default();
        if text.chars().count() > LONGEST_TEXT {
            let most = LONGEST_TEXT.to_string();
            return Err(WebError::BadRequest(
                phrase("Search for %{count} characters at most.").with("count", most),
            ));
        }
        Ok(text.to_owned())
    }
}

/// The handler.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<PeopleQuery>,
) -> Result<HttpResponse, WebError> {
    let asked = query.text()?;
    let found = if asked.is_empty() {
        None
    } else {
        let (scope, text, below) = (viewer.scope(), asked.clone(), query.below);
        let found =
            site.app.store.read(move |db| people::find(db, &scope, &text, below, people::PAGE)).await?;
        let told = sought::told_to_the_trail(&asked, found.people.len(), found.next.is_some());
        site.note(&viewer, &request, Action::PeopleSearched, Some(told)).await?;
        Some(found)
    };
    html(&PeoplePage::new(&viewer, asked, query.below.is_some(), found))
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    shell: Shell,
    names_tenants: bool,
    asked: String,
    sought: Sought,
    is_later_page: bool,
    /// `None` if nothing was asked for.
    people: Option<Vec<PersonRow>>,
    next: Option<String>,
}

impl PeoplePage {
    fn new(viewer: &Viewer, asked: String, is_later_page: bool, found: Option<FoundPeople>) -> Self {
        let sought = Sought::new(&asked, None);
        let next = found.as_ref().and_then(|found| found.next);
        Self {
            shell: Shell::new(viewer, Section::People),
            names_tenants: viewer.scope().is_state(),
            is_later_page,
            next: next.map(|below| format!("{}&below={below}", sought.among_people())),
            people: found.map(|found| found.people.into_iter().map(PersonRow::new).collect()),
            sought,
            asked,
        }
    }

    /// The same as a file.
    fn csv(&self) -> String {
        self.sought.among_people().replacen("/beneficiaries", "/beneficiaries.csv", 1)
    }
}
