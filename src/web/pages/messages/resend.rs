//! `/messages/resend` and `/messages/{id}/resend`: a person has messages sent (again). A form names the attempt
//! that the person saw, and acts on no other: a second click sends no second message. Where the person may get
//! a second message, or what it says may not be true, a page of its own asks first.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::asked::Asked;
use super::chosen::{self, Chosen, is_asked_first};
use super::groups;
use super::notice::Notice;
use crate::access::Right;
use crate::domain::{HoldReason, MessageReason, MessageState, PaymentStatus};
use crate::language::Phrase;
use crate::store::StoreError;
use crate::store::audit::{self, Action};
use crate::store::outbox::by_hand::{self, Resent};
use crate::store::outbox::listing::{self, OutboxMessage};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::sms;
use crate::web::viewer::Viewer;

/// Messages that the question names.
const NAMED: usize = 50;

/// `GET /messages/{id}/resend`: asks whether it is meant.
pub async fn confirm(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let chosen = Chosen::one(&site, &viewer, *id, &request).await?;
    question(&site, &viewer, chosen).await
}

/// `GET /messages/resend?id=1&id=2`, or with a filter and `all`: asks about several.
pub async fn confirm_many(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<Vec<(String, String)>>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let chosen = Chosen::asked_about(&site, &viewer, &query, &request).await?;
    if chosen.messages.is_empty() && chosen.all.is_none() {
        return Ok(see_other(&chosen.place.told(Notice::NoneMarked, None)));
    }
    question(&site, &viewer, chosen).await
}

async fn question(site: &Site, viewer: &Viewer, mut chosen: Chosen) -> Result<HttpResponse, WebError> {
    let (at, seen_otherwise) = (chosen.at(), chosen.seen_otherwise());
    chosen.messages.retain(|message| message.state.needs_a_person());
    let before = chosen.messages.len();
    if chosen.all.is_some() {
        chosen.messages.retain(|message| message.reason != Some(MessageReason::OtherPerson));
    }
    let of_others = before - chosen.messages.len();
    if chosen.messages.is_empty() {
        let nothing = Notice::Resent(Resent { of_others, ..Resent::default() });
        return Ok(see_other(&chosen.place.told(nothing, at)));
    }
    let ids = chosen.ids();
    let arrived = site.app.store.read(move |db| listing::that_may_have_arrived(db, &ids)).await?;
    html(&ConfirmPage::new(viewer, chosen, &arrived, seen_otherwise, of_others))
}

/// `POST /messages/{id}/resend`: by a person who knows what that means.
pub async fn one(
    site: web::Data<Site>,
    form: PostedForm,
    id: web::Path<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    form.viewer.must(Right::Resend)?;
    let chosen = Chosen::posted(&site, &form, vec![*id], &request).await?;
    send_again(&site, &form, &chosen, &request).await
}

/// `POST /messages/resend`: several at once. Where the list's form names one that must be asked about, or a
/// form names such a one and not the attempt that was seen, asks first.
pub async fn many(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    form.viewer.must(Right::Resend)?;
    let chosen = Chosen::posted(&site, &form, chosen::ids(form.fields.all("id"))?, &request).await?;
    if chosen.messages.is_empty() {
        return Ok(see_other(&chosen.place.told(Notice::NoneMarked, None)));
    }
    if form.fields.get("confirmed").is_empty() && must_ask(&site, &form, &chosen).await? {
        return Ok(see_other(&chosen.question("/messages/resend", None)));
    }
    send_again(&site, &form, &chosen, &request).await
}

async fn must_ask(site: &Site, form: &PostedForm, chosen: &Chosen) -> Result<bool, WebError> {
    let wants_to_be_asked = !form.fields.get("ask-first").is_empty();
    let ids = chosen.ids();
    let arrived = site.app.store.read(move |db| listing::that_may_have_arrived(db, &ids)).await?;
    let mut doubtful =
        chosen.messages.iter().filter(|message| is_asked_first(message, arrived.contains(&message.id)));
    Ok(doubtful
        .any(|message| wants_to_be_asked || form.fields.get(&chosen::attempt_field(message.id)).is_empty()))
}

async fn send_again(
    site: &Site,
    form: &PostedForm,
    chosen: &Chosen,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    let (scope, event) =
        (viewer.scope(), site.event(viewer, request, Action::Resend, Some(chosen.subject())));
    let seen = chosen::seen(&form.fields, &chosen.messages);
    let unseen = chosen.messages.len() - seen.len();
    let sealer = Arc::clone(&site.app.sealer);
    let sent = site.app.store.write(move |db| {
        let came_to = by_hand::resend(db, &sealer, &scope, &seen, &event.actor, event.at)?;
        if came_to.sent > 0 {
            audit::append(db, Some(&sealer), &event)?;
        }
        Ok::<_, StoreError>(came_to)
    });
    let mut came_to = sent.await?;
    site.app.notifications.wake();
    // What was not seen, and can be sent, is left as what changed.
    let is_left = chosen.messages.iter().any(|message| message.state.needs_a_person());
    came_to.changed += if is_left { unseen } else { 0 };
    Ok(see_other(&chosen.place.told(Notice::Resent(came_to), chosen.at())))
}

#[derive(Template)]
#[template(path = "messages/resend.html")]
struct ConfirmPage {
    shell: Shell,
    form_token: String,
    messages: Vec<OutboxMessage>,
    place: Asked,
    /// How many it is not known of whether they were delivered.
    unknown: usize,
    some_are_held: bool,
    /// How many there were when the person chose all of them, if that is another number.
    seen_otherwise: Option<String>,
    /// How many are left out, since they were written for somebody else.
    of_others: usize,
}

impl ConfirmPage {
    fn new(
        viewer: &Viewer,
        chosen: Chosen,
        arrived: &HashSet<i64>,
        seen_otherwise: Option<String>,
        of_others: usize,
    ) -> Self {
        let Chosen { messages, place, .. } = chosen;
        let is_unknown = |message: &&OutboxMessage| {
            message.state == MessageState::Unknown || arrived.contains(&message.id)
        };
        Self {
            shell: Shell::new(viewer, Section::Messages),
            form_token: viewer.form_token.clone(),
            unknown: messages.iter().filter(is_unknown).count(),
            some_are_held: messages.iter().any(|message| untrue(message).is_some()),
            messages,
            place,
            seen_otherwise,
            of_others,
        }
    }

    fn some_are_unknown(&self) -> bool {
        self.unknown > 0
    }

    fn named(&self) -> &[OutboxMessage] {
        &self.messages[..self.messages.len().min(NAMED)]
    }

    fn more(&self) -> usize {
        self.messages.len().saturating_sub(NAMED)
    }

    /// What the first of them says.
    fn text(&self) -> Option<String> {
        self.messages.first().and_then(chosen::text_of)
    }

    fn whom(&self, message: &OutboxMessage) -> String {
        chosen::whom(message)
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

    /// Why its words may not be true, or why it was not sent.
    fn why(&self, message: &OutboxMessage) -> Option<String> {
        untrue(message).or_else(|| message.last_error.clone())
    }

    /// What is to be done first, where all stand for one reason.
    fn advice(&self) -> Option<Phrase> {
        let reason = self.messages.first()?.reason?;
        let is_common = self.messages.iter().all(|message| message.reason == Some(reason));
        (is_common && reason.state() == MessageState::Failed).then(|| groups::what_to_do(reason))
    }

    fn attempt_field(&self, message: &OutboxMessage) -> String {
        chosen::attempt_field(message.id)
    }

    fn attempt(&self, message: &OutboxMessage) -> String {
        chosen::attempt(message)
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
