//! `/messages/resend` and `/messages/{id}/resend`: a person has messages sent (again). A form names the attempt
//! that the person saw, and acts on no other: a second click sends no second message.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Notice, is_asked_first, marked, whom};
use crate::domain::{HoldReason, MessageState, PaymentStatus};
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::outbox::by_hand::{self, Resent, Seen};
use crate::store::outbox::listing::OutboxMessage;
use crate::web::display;
use crate::web::error::WebError;
use crate::web::form::{Fields, PostedForm};
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::sms;
use crate::web::viewer::Viewer;

/// The hidden field of a form that names the attempt it saw of a message.
pub(super) fn attempt_field(id: i64) -> String {
    format!("attempt-{id}")
}

/// What it holds: `2-unknown`.
pub(super) fn attempt(message: &OutboxMessage) -> String {
    format!("{}-{}", message.attempts, message.state)
}

/// What a form saw of these messages; of those whose field is missing or makes no sense, nothing.
fn seen(fields: &Fields, messages: &[OutboxMessage]) -> Vec<Seen> {
    let seen_of = |message: &OutboxMessage| {
        let (attempts, state) = fields.get(&attempt_field(message.id)).split_once('-')?;
        Some(Seen { id: message.id, attempts: attempts.parse().ok()?, state: state.parse().ok()? })
    };
    messages.iter().filter_map(seen_of).collect()
}

/// What sending it is called.
pub(super) const fn words(message: &OutboxMessage) -> Phrase {
    match message.state {
        MessageState::Held => phrase("Send all the same"),
        _ => phrase("Send again"),
    }
}

/// `GET /messages/{id}/resend`: asks whether it is meant.
pub async fn confirm(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let found = marked(&site, &viewer, vec![*id]).await?;
    if !found.iter().any(|message| message.state.needs_a_person()) {
        return Ok(see_other(&Notice::Resent { sent: 0, left: 0 }.link()));
    }
    html(&ConfirmPage::new(&viewer, found))
}

/// `POST /messages/{id}/resend`: by a person who knows what that means.
pub async fn one(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let found = marked(&site, &form.viewer, vec![*id]).await?;
    send_again(&site, &form, &found, &request).await
}

/// `POST /messages/resend`: several at once. Where the fate of one is not known, or one is held, asks first.
pub async fn many(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let is_confirmed = !form.fields.get("confirmed").is_empty();
    let ids = super::ids(form.fields.all("id"))?;
    if ids.is_empty() {
        return Ok(see_other(&Notice::NoneMarked.link()));
    }
    let mut found = marked(&site, &form.viewer, ids).await?;
    if !is_confirmed && found.iter().any(is_asked_first) {
        found.retain(|message| message.state.needs_a_person());
        return html(&ConfirmPage::new(&form.viewer, found));
    }
    send_again(&site, &form, &found, &request).await
}

async fn send_again(
    site: &Site,
    form: &PostedForm,
    messages: &[OutboxMessage],
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    site.note(viewer, request, Action::Resend, Some(super::subject(messages))).await?;
    let (scope, person, now) = (viewer.scope(), viewer.name.clone(), site.app.clock.now().naive_utc());
    let seen = seen(&form.fields, messages);
    let unseen = messages.len() - seen.len();
    let came_to = site.app.store.write(move |db| by_hand::resend(db, &scope, &seen, &person, now)).await?;
    site.app.notifications.wake();
    Ok(see_other(&notice(came_to, unseen).link()))
}

fn notice(came_to: Resent, unseen: usize) -> Notice {
    match came_to {
        Resent { sent: 0, changed: 0, of_others: 1.. } if unseen == 0 => Notice::OfOthers,
        Resent { sent, changed, of_others } => Notice::Resent { sent, left: changed + of_others + unseen },
    }
}

#[derive(Template)]
#[template(path = "messages/resend.html")]
struct ConfirmPage {
    shell: Shell,
    form_token: String,
    messages: Vec<OutboxMessage>,
    unknown: usize,
    some_are_held: bool,
}

impl ConfirmPage {
    fn new(viewer: &Viewer, messages: Vec<OutboxMessage>) -> Self {
        let unknown = messages.iter().filter(|message| message.state == MessageState::Unknown).count();
        Self {
            shell: Shell::new(viewer, Section::Messages),
            form_token: viewer.form_token.clone(),
            unknown,
            some_are_held: messages.iter().any(|message| untrue(message).is_some()),
            messages,
        }
    }

    fn some_are_unknown(&self) -> bool {
        self.unknown > 0
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

    fn untrue(&self, message: &OutboxMessage) -> Option<String> {
        untrue(message)
    }

    fn attempt_field(&self, message: &OutboxMessage) -> String {
        attempt_field(message.id)
    }

    fn attempt(&self, message: &OutboxMessage) -> String {
        attempt(message)
    }
}

/// Why its words may not be true.
fn untrue(message: &OutboxMessage) -> Option<String> {
    match message.state {
        MessageState::Held => message.last_error.clone(),
        _ if message.payment_status == PaymentStatus::Failed => Some(HoldReason::Returned.to_string()),
        _ => None,
    }
}
