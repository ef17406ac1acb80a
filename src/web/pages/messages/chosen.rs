//! The messages that a person chose to deal with, one by one or all that a filter let through, and where
//! they chose them. A question about them names each with the attempt that the person saw, so that what is
//! done acts on no other.

use actix_web::HttpRequest;

use super::asked::Asked;
use crate::access::Right;
use crate::domain::sms::payment_text;
use crate::domain::{MessageState, PaymentStatus};
use crate::language::{Phrase, phrase};
use crate::store::StoreError;
use crate::store::outbox::by_hand::Seen;
use crate::store::outbox::desk::{self, COUNTED};
use crate::store::outbox::listing::{self, OutboxMessage};
use crate::web::display;
use crate::web::display::filled;
use crate::web::error::WebError;
use crate::web::form::{Fields, PostedForm};
use crate::web::path;
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// Messages that the audit trail names in one line; the others are told by their own histories.
const NAMED: usize = 20;

/// Messages, as they stand now.
pub(super) struct Chosen {
    pub(super) messages: Vec<OutboxMessage>,
    pub(super) place: Asked,
    /// How many the person saw, if they chose all of a filter.
    pub(super) all: Option<String>,
}

impl Chosen {
    /// One, by the link beside it.
    pub(super) async fn one(
        site: &Site,
        viewer: &Viewer,
        id: i64,
        request: &HttpRequest,
    ) -> Result<Self, WebError> {
        let messages = marked(site, viewer, vec![id]).await?;
        Ok(Self { messages, place: Asked::before("", request), all: None })
    }

    /// Those that the address of a question names, or all that its filter lets through.
    pub(super) async fn asked_about(
        site: &Site,
        viewer: &Viewer,
        query: &[(String, String)],
        request: &HttpRequest,
    ) -> Result<Self, WebError> {
        let all = |name: &'static str| {
            query.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
        };
        let Some(seen) = all("all").next() else {
            let messages = marked(site, viewer, ids(all("id"))?).await?;
            let place = Asked::before(all("back").next().unwrap_or_default(), request);
            return Ok(Self { messages, place, all: None });
        };
        viewer.must(Right::Resend)?;
        let place = Asked::read(query)?;
        let (scope, wanted) = (viewer.scope(), place.wanted(site.app.clock.now()));
        let messages = site.app.store.read(move |db| desk::all(db, &scope, &wanted)).await?;
        Ok(Self { messages, place, all: Some(seen.to_owned()) })
    }

    /// Those that a form names.
    pub(super) async fn posted(
        site: &Site,
        form: &PostedForm,
        ids: Vec<i64>,
        request: &HttpRequest,
    ) -> Result<Self, WebError> {
        let messages = marked(site, &form.viewer, ids).await?;
        let place = Asked::before(form.fields.get("back"), request);
        let all = filled(Some(form.fields.get("all"))).map(str::to_owned);
        Ok(Self { messages, place, all })
    }

    /// The address of the page that asks about them.
    pub(super) fn question(&self, page: &str, fault: Option<&str>) -> String {
        if let Some(seen) = &self.all {
            return self.place.about_all(page, seen, fault);
        }
        let ids = self.messages.iter().map(|message| format!("id={}", message.id));
        let back = format!("back={}", path::encoded(&self.place.link()));
        let fault = fault.map(|fault| format!("fault={fault}"));
        format!("{page}?{}", ids.chain([back]).chain(fault).collect::<Vec<_>>().join("&"))
    }

    /// The message that was chosen, if it was one alone: where one was.
    pub(super) fn at(&self) -> Option<i64> {
        match &self.messages[..] {
            [one] => Some(one.id),
            _ => None,
        }
    }

    /// How many the person saw, if there are more or fewer now.
    pub(super) fn seen_otherwise(&self) -> Option<String> {
        let now = self.messages.len().to_string();
        // Of more than are dealt with at once, these are the newest.
        self.all.clone().filter(|seen| *seen != now && self.messages.len() < COUNTED)
    }

    pub(super) fn ids(&self) -> Vec<i64> {
        self.messages.iter().map(|message| message.id).collect()
    }

    /// Messages as the audit trail names them.
    pub(super) fn subject(&self) -> String {
        let named = self.messages.iter().take(NAMED);
        let mut all: Vec<String> = named.map(|one| format!("{} of {}", one.payment_id, one.number)).collect();
        if self.messages.len() > NAMED {
            all.push(format!("and {} more", self.messages.len() - NAMED));
        }
        all.join(", ")
    }
}

/// The messages of these ids, if the viewer may see all of them and deal with them.
async fn marked(site: &Site, viewer: &Viewer, mut ids: Vec<i64>) -> Result<Vec<OutboxMessage>, WebError> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > COUNTED {
        return Err(WebError::BadRequest(
            phrase("At most %{count} messages can be marked at once.").with("count", COUNTED.to_string()),
        ));
    }
    let (scope, count) = (viewer.scope(), ids.len());
    let found = site.app.store.read(move |db| {
        let found = listing::find(db, &scope, &ids)?;
        let missed = found.len() < count;
        Ok::<_, StoreError>((
            found,
            if missed { Some(listing::first_out_of_scope(db, &scope, &ids)?) } else { None },
        ))
    });
    let found = match found.await? {
        (found, None) => found,
        (_, Some(None)) => return Err(WebError::NotFound),
        (_, Some(Some(number))) => return Err(WebError::OfAnotherUlb(format!("a message of {number}"))),
    };
    if count > 0 {
        viewer.must(Right::Resend)?;
    }
    Ok(found)
}

/// The messages that are named by `id` fields.
pub(super) fn ids<'a>(named: impl Iterator<Item = &'a str>) -> Result<Vec<i64>, WebError> {
    named
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| WebError::BadRequest(phrase("The form names a message that cannot be one.")))
}

/// The hidden field of a form that names the attempt it saw of a message.
pub(super) fn attempt_field(id: i64) -> String {
    format!("attempt-{id}")
}

/// What it holds: `2-unknown`.
pub(super) fn attempt(message: &OutboxMessage) -> String {
    format!("{}-{}", message.attempts, message.state)
}

/// What a form saw of these messages; of those whose field is missing or makes no sense, nothing.
pub(super) fn seen(fields: &Fields, messages: &[OutboxMessage]) -> Vec<Seen> {
    let seen_of = |message: &OutboxMessage| {
        let (attempts, state) = fields.get(&attempt_field(message.id)).split_once('-')?;
        Some(Seen { id: message.id, attempts: attempts.parse().ok()?, state: state.parse().ok()? })
    };
    messages.iter().filter_map(seen_of).collect()
}

/// Whom a message is for, on a page that asks about it.
pub(super) fn whom(message: &OutboxMessage) -> String {
    let mobile = message.mobile_last4.as_deref().map(display::last_digits);
    match (filled(message.name.as_deref()), mobile) {
        (Some(name), Some(mobile)) => format!("{name}, {mobile}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(mobile)) => mobile,
        (None, None) => message.payment_id.clone(),
    }
}

/// What sending it is called.
pub(super) const fn resend_words(message: &OutboxMessage) -> Phrase {
    match message.state {
        MessageState::Held => phrase("Send all the same"),
        _ => phrase("Send again"),
    }
}

/// Whether who sends it is to be asked before: what it says may not be true, or it may arrive a second time.
pub(super) fn is_asked_first(message: &OutboxMessage, may_have_arrived: bool) -> bool {
    let returned = message.payment_status == PaymentStatus::Failed;
    message.state.needs_a_person() && (message.state != MessageState::Failed || returned || may_have_arrived)
}

/// The SMS as the person reads it; none where it cannot be made.
pub(super) fn text_of(message: &OutboxMessage) -> Option<String> {
    payment_text(message.amount_paise, &message.utr).ok()
}
