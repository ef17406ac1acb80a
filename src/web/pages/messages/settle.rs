//! `/messages/settle` and `/messages/{id}/settle`: a person dealt with messages in another way, says how, and
//! they are never sent.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Notice, ids, marked, subject, whom};
use crate::domain::text::{one_line, without_long_numbers};
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::outbox::by_hand;
use crate::store::outbox::listing::OutboxMessage;
use crate::web::display;
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::sms;
use crate::web::viewer::Viewer;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 500;

/// A run of at least so many digits in a note may be an account or mobile number.
const TELLING_DIGITS: usize = 9;

/// What is wrong with a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Missing,
    TooLong,
}

impl Fault {
    const fn word(self) -> &'static str {
        match self {
            Self::Missing => "note-missing",
            Self::TooLong => "note-too-long",
        }
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Missing, Self::TooLong].into_iter().find(|fault| fault.word() == word)
    }

    fn words(self) -> Phrase {
        match self {
            Self::Missing => phrase("Nothing is settled yet: say in a note what was done."),
            Self::TooLong => phrase("Nothing is settled yet: the note is longer than %{count} characters.")
                .with("count", LONGEST_NOTE.to_string()),
        }
    }
}

/// `GET /messages/{id}/settle`: asks what was done.
pub async fn ask(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    form_about(&site, &viewer, vec![*id], None).await
}

/// `GET /messages/settle?id=1&id=2`: asks what was done about several.
pub async fn ask_of_many(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let all = |name: &'static str| {
        query.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    };
    let fault = all("fault").find_map(Fault::named);
    form_about(&site, &viewer, ids(all("id"))?, fault).await
}

async fn form_about(
    site: &Site,
    viewer: &Viewer,
    ids: Vec<i64>,
    fault: Option<Fault>,
) -> Result<HttpResponse, WebError> {
    if ids.is_empty() {
        return Ok(see_other(&Notice::NoneMarked.link()));
    }
    let mut messages = marked(site, viewer, ids).await?;
    messages.retain(|message| message.state.needs_a_person());
    if messages.is_empty() {
        return Ok(see_other(&Notice::Settled(0).link()));
    }
    html(&SettlePage {
        shell: Shell::new(viewer, Section::Messages),
        form_token: viewer.form_token.clone(),
        messages,
        fault,
    })
}

/// `POST /messages/{id}/settle`.
pub async fn one(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    settle(&site, &form, vec![*id], &request).await
}

/// `POST /messages/settle`: several at once.
pub async fn many(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    settle(&site, &form, ids(form.fields.all("id"))?, &request).await
}

async fn settle(
    site: &Site,
    form: &PostedForm,
    ids: Vec<i64>,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    if ids.is_empty() {
        return Ok(see_other(&Notice::NoneMarked.link()));
    }
    let viewer = &form.viewer;
    let messages = marked(site, viewer, ids).await?;
    let note = without_long_numbers(&one_line(form.fields.get("note")), TELLING_DIGITS);
    if !form.fields.get("ask").is_empty() {
        return Ok(see_other(&ask_link(&messages, None)));
    }
    if note.is_empty() {
        return Ok(see_other(&ask_link(&messages, Some(Fault::Missing))));
    }
    if note.chars().count() > LONGEST_NOTE {
        return Ok(see_other(&ask_link(&messages, Some(Fault::TooLong))));
    }
    site.note(viewer, request, Action::Settle, Some(subject(&messages))).await?;
    let (scope, person, now) = (viewer.scope(), viewer.name.clone(), site.app.clock.now().naive_utc());
    let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
    let count =
        site.app.store.write(move |db| by_hand::settle(db, &scope, &ids, &person, &note, now)).await?;
    Ok(see_other(&Notice::Settled(count).link()))
}

/// The page that asks about these messages.
fn ask_link(messages: &[OutboxMessage], fault: Option<Fault>) -> String {
    let ids = messages.iter().map(|message| format!("id={}", message.id));
    let fault = fault.map(|fault| format!("fault={}", fault.word()));
    format!("/messages/settle?{}", ids.chain(fault).collect::<Vec<_>>().join("&"))
}

#[derive(Template)]
#[template(path = "messages/settle.html")]
struct SettlePage {
    shell: Shell,
    form_token: String,
    messages: Vec<OutboxMessage>,
    fault: Option<Fault>,
}

impl SettlePage {
    fn longest_note(&self) -> usize {
        LONGEST_NOTE
    }

    fn whom(&self, message: &OutboxMessage) -> String {
        whom(message)
    }

    fn words(&self, message: &OutboxMessage) -> Phrase {
        sms::words(message.state)
    }

    fn tone(&self, message: &OutboxMessage) -> &'static str {
        sms::tone(message.state)
    }

    fn amount(&self, message: &OutboxMessage) -> String {
        display::rupees(message.amount_paise)
    }
}
