//! `/messages/resend` and `/messages/{id}/resend`: a person has messages sent again.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Notice, PAGE};
use crate::access::Right;
use crate::domain::MessageState;
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::outbox::listing::{self, OutboxMessage};
use crate::web::display::{self, filled};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::sms;
use crate::web::viewer::Viewer;

/// `GET /messages/{id}/resend`: asks whether it is meant.
pub async fn confirm(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let found = resendable(&site, &viewer, vec![*id]).await?;
    if !found.iter().any(|message| message.state.may_be_resent()) {
        return Ok(see_other(&Notice::Resent(0).link()));
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
    let found = resendable(&site, &form.viewer, vec![*id]).await?;
    send_again(&site, &form.viewer, &found, &request).await
}

/// `POST /messages/resend`: several at once. Where the fate of one is not known, asks first.
pub async fn many(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let is_confirmed = !form.fields.get("confirmed").is_empty();
    let ids = form
        .fields
        .all("id")
        .map(str::parse)
        .collect::<Result<Vec<i64>, _>>()
        .map_err(|_| WebError::BadRequest(phrase("The form names a message that cannot be one.")))?;
    if ids.is_empty() {
        return Ok(see_other(&Notice::NoneMarked.link()));
    }
    if ids.len() > PAGE {
        return Err(WebError::BadRequest(
            phrase("At most %{count} messages can be sent again at once.").with("count", PAGE.to_string()),
        ));
    }
    let found = resendable(&site, &form.viewer, ids).await?;
    if !is_confirmed && found.iter().any(|message| message.state == MessageState::Unknown) {
        return html(&ConfirmPage::new(&form.viewer, found));
    }
    send_again(&site, &form.viewer, &found, &request).await
}

/// The messages, if the viewer may see all of them and have them sent again.
async fn resendable(site: &Site, viewer: &Viewer, mut ids: Vec<i64>) -> Result<Vec<OutboxMessage>, WebError> {
    ids.sort_unstable();
    ids.dedup();
    let (scope, count) = (viewer.scope(), ids.len());
    let found = site.app.store.read(move |db| listing::find(db, &scope, &ids)).await?;
    if found.len() < count {
        return Err(WebError::NotFound);
    }
    if !viewer.may(Right::Resend) {
        return Err(WebError::Forbidden(phrase(
            "Having messages sent again takes the role of accountant or administrator.",
        )));
    }
    Ok(found)
}

async fn send_again(
    site: &Site,
    viewer: &Viewer,
    messages: &[OutboxMessage],
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let subject =
        messages.iter().map(|one| format!("{} of {}", one.payment_id, one.number)).collect::<Vec<_>>();
    site.note(viewer, request, Action::Resend, Some(subject.join(", "))).await?;
    let (scope, person, now) = (viewer.scope(), viewer.name.clone(), site.app.clock.now().naive_utc());
    let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
    let count = site.app.store.write(move |db| listing::resend(db, &scope, &ids, &person, now)).await?;
    site.app.notifications.wake();
    Ok(see_other(&Notice::Resent(count).link()))
}

#[derive(Template)]
#[template(path = "messages/resend.html")]
struct ConfirmPage {
    shell: Shell,
    form_token: String,
    messages: Vec<OutboxMessage>,
    unknown: usize,
}

impl ConfirmPage {
    fn new(viewer: &Viewer, messages: Vec<OutboxMessage>) -> Self {
        let unknown = messages.iter().filter(|message| message.state == MessageState::Unknown).count();
        Self {
            shell: Shell::new(viewer, Section::Messages),
            form_token: viewer.form_token.clone(),
            messages,
            unknown,
        }
    }

    fn some_are_unknown(&self) -> bool {
        self.unknown > 0
    }

    fn whom(&self, message: &OutboxMessage) -> String {
        let mobile = message.mobile_last4.as_deref().map(display::last_digits);
        match (filled(message.name.as_deref()), mobile) {
            (Some(name), Some(mobile)) => format!("{name}, {mobile}"),
            (Some(name), None) => name.to_owned(),
            (None, Some(mobile)) => mobile,
            (None, None) => message.payment_id.clone(),
        }
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
