//! `/messages/settle` and `/messages/{id}/settle`: a person dealt with messages in another way, says how, and
//! they are never sent.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::asked::Asked;
use super::chosen::{Chosen, attempt, attempt_field, ids, seen, whom};
use super::notice::Notice;
use crate::access::Right;
use crate::domain::text::{self, without_long_numbers};
use crate::language::{Phrase, phrase};
use crate::store::StoreError;
use crate::store::audit::{self, Action};
use crate::store::outbox::by_hand::{self, Settled};
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

/// Messages that the question names.
const NAMED: usize = 50;

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
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let chosen = Chosen::one(&site, &viewer, *id, &request).await?;
    question(&viewer, chosen, None)
}

/// `GET /messages/settle?id=1&id=2`, or with a filter and `all`: asks what was done about several.
pub async fn ask_of_many(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<Vec<(String, String)>>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let fault = query.iter().find(|(field, _)| field == "fault").and_then(|(_, word)| Fault::named(word));
    let chosen = Chosen::asked_about(&site, &viewer, &query, &request).await?;
    if chosen.messages.is_empty() && chosen.all.is_none() {
        return Ok(see_other(&chosen.place.told(Notice::NoneMarked, None)));
    }
    question(&viewer, chosen, fault)
}

fn question(viewer: &Viewer, mut chosen: Chosen, fault: Option<Fault>) -> Result<HttpResponse, WebError> {
    let (at, seen_otherwise) = (chosen.at(), chosen.seen_otherwise());
    chosen.messages.retain(|message| message.state.needs_a_person());
    if chosen.messages.is_empty() {
        return Ok(see_other(&chosen.place.told(Notice::Settled(Settled::default()), at)));
    }
    html(&SettlePage {
        shell: Shell::new(viewer, Section::Messages),
        form_token: viewer.form_token.clone(),
        messages: chosen.messages,
        place: chosen.place,
        all: chosen.all,
        seen_otherwise,
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
    form.viewer.must(Right::Resend)?;
    settle(&site, &form, vec![*id], &request).await
}

/// `POST /messages/settle`: several at once.
pub async fn many(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    form.viewer.must(Right::Resend)?;
    settle(&site, &form, ids(form.fields.all("id"))?, &request).await
}

async fn settle(
    site: &Site,
    form: &PostedForm,
    ids: Vec<i64>,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    let chosen = Chosen::posted(site, form, ids, request).await?;
    if chosen.messages.is_empty() {
        return Ok(see_other(&chosen.place.told(Notice::NoneMarked, None)));
    }
    let note = without_long_numbers(&text::note(form.fields.get("note")), TELLING_DIGITS);
    let asks = |fault: Option<Fault>| see_other(&chosen.question("/messages/settle", fault.map(Fault::word)));
    if !form.fields.get("ask").is_empty() {
        return Ok(asks(None));
    }
    if note.is_empty() {
        return Ok(asks(Some(Fault::Missing)));
    }
    if note.chars().count() > LONGEST_NOTE {
        return Ok(asks(Some(Fault::TooLong)));
    }
    let (scope, event) =
        (viewer.scope(), site.event(viewer, request, Action::Settle, Some(chosen.subject())));
    let (ids, seen) = (chosen.ids(), seen(&form.fields, &chosen.messages));
    let sealer = Arc::clone(&site.app.sealer);
    let settled = site.app.store.write(move |db| {
        let came_to = by_hand::settle(db, &scope, &ids, &seen, &event.actor, &note, event.at)?;
        if came_to.settled > 0 {
            audit::append(db, Some(&sealer), &event)?;
        }
        Ok::<_, StoreError>(came_to)
    });
    let came_to = settled.await?;
    Ok(see_other(&chosen.place.told(Notice::Settled(came_to), chosen.at())))
}

#[derive(Template)]
#[template(path = "messages/settle.html")]
struct SettlePage {
    shell: Shell,
    form_token: String,
    messages: Vec<OutboxMessage>,
    place: Asked,
    /// How many the person saw, if they chose all of a filter.
    all: Option<String>,
    /// The same, if there are more or fewer now.
    seen_otherwise: Option<String>,
    fault: Option<Fault>,
}

impl SettlePage {
    fn longest_note(&self) -> usize {
        LONGEST_NOTE
    }

    fn named(&self) -> &[OutboxMessage] {
        &self.messages[..self.messages.len().min(NAMED)]
    }

    fn more(&self) -> usize {
        self.messages.len().saturating_sub(NAMED)
    }

    fn attempt_field(&self, message: &OutboxMessage) -> String {
        attempt_field(message.id)
    }

    fn attempt(&self, message: &OutboxMessage) -> String {
        attempt(message)
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
