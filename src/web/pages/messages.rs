//! `/messages`: the SMS outbox.

pub mod resend;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::access::Right;
use crate::domain::{MessageEventKind, MessageState};
use crate::language::{Phrase, phrase};
use crate::store::outbox::listing::{self, MessageEvent, OutboxMessage, Wanted};
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};
use crate::web::display::{self, filled};
use crate::web::error::WebError;
use crate::web::path::{self, Sub};
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
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
        site.app.notifications.has_gateway(),
        site.app.clock.now(),
    ))
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

    fn words(self) -> Phrase {
        match self {
            Self::NoneMarked => phrase("No message was marked, so none is sent again."),
            Self::Resent(0) => phrase(
                "Nothing is sent again: only messages that failed, or of which it is not known whether they were \
                 sent, can be.",
            ),
            Self::Resent(1) => phrase("1 message will be sent again."),
            Self::Resent(count) => {
                phrase("%{count} messages will be sent again.").with("count", count.to_string())
            }
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
        Ok(Self {
            events: listing::events_of(db, &messages)?,
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
    form_token: String,
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
    label: Phrase,
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
        let may_resend = viewer.may(Right::Resend);
        let rows = messages
            .into_iter()
            .map(|message| {
                let events = events.extract_if(.., |event| event.message_id == message.id).collect();
                Row { message, events, has_gateway, may_resend, now }
            })
            .collect();
        Self {
            shell: Shell::new(viewer, Section::Messages),
            form_token: viewer.form_token.clone(),
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
            tab(phrase("All"), None),
            tab(sms::words(MessageState::Waiting), Some(MessageState::Waiting)),
            tab(sms::words(MessageState::Failed), Some(MessageState::Failed)),
            tab(sms::words(MessageState::Unknown), Some(MessageState::Unknown)),
            tab(sms::words(MessageState::Sent), Some(MessageState::Sent)),
        ]
    }
}

impl Row {
    fn view_link(&self) -> String {
        path::link(&self.message.number, Sub::View)
    }

    fn name(&self) -> Phrase {
        display::or_not_known(self.message.name.as_deref())
    }

    fn mobile(&self) -> Phrase {
        let last4 = self.message.mobile_last4.as_deref();
        last4.map_or(display::NOT_KNOWN, |last4| display::last_digits(last4).into())
    }

    fn state(&self) -> MessageState {
        self.message.state.shown()
    }

    fn words(&self) -> Phrase {
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

    /// What the gateway said to a message that it did not accept; otherwise it is in the history.
    fn gateway_answer(&self) -> Option<&str> {
        self.message.gateway_answer.as_deref().filter(|_| self.message.state != MessageState::Sent)
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
    fn history(&self) -> Vec<Phrase> {
        self.events.iter().map(event_line).collect()
    }
}

/// `15/11/2023 22:00 IST: attempt 2: failed — the cause — the gateway's words`.
fn event_line(event: &MessageEvent) -> Phrase {
    let what = match event.what {
        MessageEventKind::Sent => phrase("accepted by the gateway"),
        MessageEventKind::Waiting => phrase("not taken yet"),
        MessageEventKind::Failed => phrase("failed"),
        MessageEventKind::Unknown => phrase("not known whether it was accepted"),
        MessageEventKind::Resend => phrase("sent again"),
    };
    let mut line = match (&event.person, event.attempt) {
        (Some(person), _) => phrase("%{at}: %{what} by %{person}").with("person", person.as_str()),
        (None, 0) => phrase("%{at}: %{what} without an attempt"),
        (None, attempt) => phrase("%{at}: attempt %{count}: %{what}").with("count", attempt.to_string()),
    }
    .with("at", display::minute(event.happened_at))
    .with("what", what);
    if !event.applied {
        line = phrase("%{line} (after a person had already had it sent again)").with("line", line);
    }
    let cause = event.cause.as_deref().map(Phrase::recorded);
    let answer = event.gateway_answer.as_deref().map(Phrase::from);
    for told in [cause, answer].into_iter().flatten() {
        line = phrase("%{line} — %{told}").with("line", line).with("told", told);
    }
    line
}

#[cfg(test)]
#[path = "messages_tests.rs"]
pub(super) mod tests;
