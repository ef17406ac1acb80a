//! `/messages`: the SMS outbox, and having messages sent again.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::ftps::{MessageEventKind, MessageState};
use crate::store::outbox::listing::{self, MessageEvent, OutboxMessage, Wanted};
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};
use crate::web::Site;
use crate::web::display::{self, filled};
use crate::web::error::{WebError, html, see_other};
use crate::web::path::{self, Sub};
use crate::web::shell::{Section, Shell};
use crate::web::sms::{self, Moment};
use crate::web::viewer::Viewer;

/// Messages on one page.
const PAGE: usize = 50;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
pub struct MessagesQuery {
    state: Option<String>,
    pi: Option<String>,
    before: Option<i64>,
    notice: Option<String>,
}

impl MessagesQuery {
    fn wanted(&self) -> Wanted {
        let state = self.state.as_deref().and_then(|word| word.parse::<MessageState>().ok());
        Wanted {
            state: state.map(MessageState::shown),
            number: filled(self.pi.as_deref()).map(str::to_owned),
        }
    }
}

/// `GET /messages`.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<MessagesQuery>,
) -> Result<HttpResponse, WebError> {
    let (scope, wanted, before) = (viewer.scope(), query.wanted(), query.before);
    let shown = site.app.store.read(move |db| Shown::load(db, &scope, wanted, before)).await?;
    html(&MessagesPage::new(
        &viewer,
        shown,
        Notice::named(query.notice.as_deref()),
        site.app.sms.is_some(),
        site.app.clock.now(),
    ))
}

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
pub async fn resend(
    site: web::Data<Site>,
    viewer: Viewer,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let found = resendable(&site, &viewer, vec![*id]).await?;
    send_again(&site, &viewer, &found).await
}

/// `POST /messages/resend`: several at once. Where the fate of one is not known, asks first.
pub async fn resend_many(
    site: web::Data<Site>,
    viewer: Viewer,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let is_confirmed = form.iter().any(|(name, _)| name == "confirmed");
    let ids = form
        .iter()
        .filter(|(name, _)| name == "id")
        .map(|(_, id)| id.parse())
        .collect::<Result<Vec<i64>, _>>()
        .map_err(|_| WebError::BadRequest("The form names a message that cannot be one.".to_owned()))?;
    if ids.is_empty() {
        return Ok(see_other(&Notice::NoneMarked.link()));
    }
    if ids.len() > PAGE {
        return Err(WebError::BadRequest(format!("At most {PAGE} messages can be sent again at once.")));
    }
    let found = resendable(&site, &viewer, ids).await?;
    if !is_confirmed && found.iter().any(|message| message.state == MessageState::Unknown) {
        return html(&ConfirmPage::new(&viewer, found));
    }
    send_again(&site, &viewer, &found).await
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
    if !viewer.may_resend() {
        return Err(WebError::Forbidden(
            "Having messages sent again takes the role of accountant or administrator.".to_owned(),
        ));
    }
    Ok(found)
}

async fn send_again(
    site: &Site,
    viewer: &Viewer,
    messages: &[OutboxMessage],
) -> Result<HttpResponse, WebError> {
    let (scope, person, now) = (viewer.scope(), viewer.name.clone(), site.app.clock.now().naive_utc());
    let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
    let count = site.app.store.write(move |db| listing::resend(db, &scope, &ids, &person, now)).await?;
    site.app.outbox_news.notify_one();
    Ok(see_other(&Notice::Resent(count).link()))
}

/// What came of a form; told once, after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notice {
    NoneMarked,
    Resent(usize),
}

impl Notice {
    fn word(self) -> String {
        match self {
            Self::NoneMarked => "none-marked".to_owned(),
            Self::Resent(count) => format!("resent-{count}"),
        }
    }

    fn named(word: Option<&str>) -> Option<Self> {
        match word? {
            "none-marked" => Some(Self::NoneMarked),
            word => word.strip_prefix("resent-")?.parse().ok().map(Self::Resent),
        }
    }

    fn link(self) -> String {
        format!("/messages?notice={}#notice", self.word())
    }

    fn words(self) -> String {
        match self {
            Self::NoneMarked => "No message was marked, so none is sent again.".to_owned(),
            Self::Resent(0) => {
                "Nothing is sent again: only messages that failed, or of which it is not known whether they were \
                 sent, can be."
                    .to_owned()
            }
            Self::Resent(1) => "1 message will be sent again.".to_owned(),
            Self::Resent(count) => format!("{count} messages will be sent again."),
        }
    }
}

/// All that the page shows, read in one transaction.
struct Shown {
    wanted: Wanted,
    messages: Vec<OutboxMessage>,
    events: Vec<MessageEvent>,
    counts: Vec<(MessageState, i64)>,
    is_later_page: bool,
}

impl Shown {
    fn load(db: &mut Db, scope: &Scope, wanted: Wanted, before: Option<i64>) -> Result<Self, StoreError> {
        // One more than is shown tells whether there is a next page.
        let messages = listing::page(db, scope, &wanted, before, PAGE as i64 + 1)?;
        let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
        Ok(Self {
            events: listing::events_of(db, &ids)?,
            counts: listing::counts(db, scope, wanted.number.as_deref())?,
            messages,
            wanted,
            is_later_page: before.is_some(),
        })
    }
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    shell: Shell,
    wanted: Wanted,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<i64>,
    is_later_page: bool,
    notice: Option<Notice>,
    has_gateway: bool,
    some_wait: bool,
}

/// A state, as a filter.
struct Tab {
    label: &'static str,
    count: i64,
    link: String,
    is_current: bool,
}

struct Row {
    message: OutboxMessage,
    events: Vec<MessageEvent>,
    has_gateway: bool,
    may_resend: bool,
    now: DateTime<Utc>,
}

/// The address of the list of what is wanted.
fn link(state: Option<MessageState>, number: Option<&str>, before: Option<i64>) -> String {
    let mut query = Vec::new();
    if let Some(state) = state {
        query.push(format!("state={state}"));
    }
    if let Some(number) = number {
        query.push(format!("pi={}", path::encoded(number)));
    }
    if let Some(before) = before {
        query.push(format!("before={before}"));
    }
    if query.is_empty() { "/messages".to_owned() } else { format!("/messages?{}", query.join("&")) }
}

/// The address of the messages of one PI.
pub(super) fn link_of(number: &str) -> String {
    link(None, Some(number), None)
}

impl MessagesPage {
    fn new(
        viewer: &Viewer,
        shown: Shown,
        notice: Option<Notice>,
        has_gateway: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let Shown { wanted, mut messages, mut events, counts, is_later_page } = shown;
        let has_more = messages.len() > PAGE;
        messages.truncate(PAGE);
        let next = messages.last().map(|message| message.id).filter(|_| has_more);
        let may_resend = viewer.may_resend();
        let rows = messages
            .into_iter()
            .map(|message| {
                let events = events.extract_if(.., |event| event.message_id == message.id).collect();
                Row { message, events, has_gateway, may_resend, now }
            })
            .collect();
        Self {
            shell: Shell::new(viewer, Section::Messages),
            tabs: Tab::all(&wanted, &counts),
            some_wait: counts.iter().any(|(state, _)| *state == MessageState::Waiting),
            wanted,
            rows,
            next,
            is_later_page,
            notice,
            has_gateway,
        }
    }

    fn newest_link(&self) -> String {
        link(self.wanted.state, self.wanted.number.as_deref(), None)
    }

    fn next_link(&self) -> Option<String> {
        let before = self.next?;
        Some(link(self.wanted.state, self.wanted.number.as_deref(), Some(before)))
    }

    fn view_link(&self, number: &str) -> String {
        path::link(number, Sub::View)
    }

    fn any_can_be_resent(&self) -> bool {
        self.rows.iter().any(Row::can_be_resent)
    }

    fn has_filter(&self) -> bool {
        self.wanted != Wanted::default()
    }
}

impl Tab {
    fn all(wanted: &Wanted, counts: &[(MessageState, i64)]) -> Vec<Self> {
        let number = wanted.number.as_deref();
        let tab = |label, state: Option<MessageState>| Self {
            label,
            count: counts
                .iter()
                .filter(|(of, _)| state.is_none_or(|state| state == *of))
                .map(|(_, n)| n)
                .sum(),
            link: link(state, number, None),
            is_current: wanted.state == state,
        };
        vec![
            tab("All", None),
            tab("Waiting", Some(MessageState::Waiting)),
            tab("Failed", Some(MessageState::Failed)),
            tab("Not known", Some(MessageState::Unknown)),
            tab("Sent", Some(MessageState::Sent)),
        ]
    }
}

impl Row {
    fn view_link(&self) -> String {
        path::link(&self.message.number, Sub::View)
    }

    fn name(&self) -> &str {
        display::or_not_known(self.message.name.as_deref())
    }

    fn mobile(&self) -> String {
        self.message
            .mobile_last4
            .as_deref()
            .map_or_else(|| display::NOT_KNOWN.to_owned(), display::last_digits)
    }

    fn state(&self) -> MessageState {
        self.message.state.shown()
    }

    fn words(&self) -> &'static str {
        sms::words(self.message.state)
    }

    fn tone(&self) -> &'static str {
        sms::tone(self.message.state)
    }

    fn is_late(&self) -> bool {
        sms::is_late(&self.message, self.now)
    }

    fn moment(&self) -> Option<Moment> {
        Moment::of(&self.message, self.has_gateway)
    }

    fn amount(&self) -> String {
        display::rupees(self.message.amount_paise)
    }

    fn entered_at(&self) -> String {
        display::minute(self.message.created_at)
    }

    fn can_be_resent(&self) -> bool {
        self.may_resend && self.message.state.may_be_resent()
    }

    fn is_unknown(&self) -> bool {
        self.message.state == MessageState::Unknown
    }

    fn resend_link(&self) -> String {
        format!("/messages/{}/resend", self.message.id)
    }

    /// One line for each event.
    fn history(&self) -> Vec<String> {
        self.events.iter().map(event_line).collect()
    }
}

fn event_line(event: &MessageEvent) -> String {
    let what = match event.what {
        MessageEventKind::Sent => "accepted by the gateway",
        MessageEventKind::Waiting => "not taken yet",
        MessageEventKind::Failed => "failed",
        MessageEventKind::Unknown => "not known whether it was accepted",
        MessageEventKind::Resend => "sent again",
    };
    let mut line = format!("{}: ", display::minute(event.happened_at));
    match (&event.person, event.attempt) {
        (Some(person), _) => line.push_str(&format!("{what} by {person}")),
        (None, 0) => line.push_str(&format!("{what} without an attempt")),
        (None, attempt) => line.push_str(&format!("attempt {attempt}: {what}")),
    }
    if !event.applied {
        line.push_str(" (after a person had already had it sent again)");
    }
    for told in [&event.cause, &event.gateway_answer].into_iter().flatten() {
        line.push_str(&format!(" — {told}"));
    }
    line
}

#[derive(Template)]
#[template(path = "resend.html")]
struct ConfirmPage {
    shell: Shell,
    messages: Vec<OutboxMessage>,
    unknown: usize,
}

impl ConfirmPage {
    fn new(viewer: &Viewer, messages: Vec<OutboxMessage>) -> Self {
        let unknown = messages.iter().filter(|message| message.state == MessageState::Unknown).count();
        Self { shell: Shell::new(viewer, Section::Messages), messages, unknown }
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

    fn words(&self, message: &OutboxMessage) -> &'static str {
        sms::words(message.state)
    }

    fn tone(&self, message: &OutboxMessage) -> &'static str {
        sms::tone(message.state)
    }

    fn amount(&self, message: &OutboxMessage) -> String {
        display::rupees(message.amount_paise)
    }
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
