//! `/messages`: the SMS outbox.

pub mod resend;
pub mod settle;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::access::Right;
use crate::domain::{MessageEventKind, MessageState, PaymentStatus};
use crate::language::{Phrase, phrase};
use crate::store::outbox::LATE;
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

/// The address's word for what has waited for too long.
const LATE_WORD: &str = "late";

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
    fn wanted(&self, now: DateTime<Utc>) -> Wanted {
        let state = self.state.as_deref().and_then(|word| word.parse::<MessageState>().ok());
        Wanted {
            state: state.map(MessageState::shown),
            late_before: (self.state.as_deref() == Some(LATE_WORD)).then(|| now.naive_utc() - LATE),
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
    let (scope, wanted, before) = (viewer.scope(), query.wanted(site.app.clock.now()), query.before);
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
    /// So many will be sent, and so many do not stand as they were seen.
    Resent {
        sent: usize,
        left: usize,
    },
    /// All of them were written for other people than the payments belong to now.
    OfOthers,
    Settled(usize),
}

impl Notice {
    fn word(self) -> String {
        match self {
            Self::NoneMarked => "none-marked".to_owned(),
            Self::Resent { sent, left } => format!("resent-{sent}-{left}"),
            Self::OfOthers => "of-others".to_owned(),
            Self::Settled(count) => format!("settled-{count}"),
        }
    }

    fn named(word: Option<&str>) -> Option<Self> {
        match word? {
            "none-marked" => Some(Self::NoneMarked),
            "of-others" => Some(Self::OfOthers),
            word => match word.split('-').collect::<Vec<_>>()[..] {
                ["resent", sent, left] => {
                    Some(Self::Resent { sent: sent.parse().ok()?, left: left.parse().ok()? })
                }
                ["settled", count] => count.parse().ok().map(Self::Settled),
                _ => None,
            },
        }
    }

    fn link(self) -> String {
        format!("/messages?notice={}#notice", self.word())
    }

    fn words(self) -> Phrase {
        match self {
            Self::NoneMarked => phrase("No message was marked, so nothing was done."),
            Self::Resent { sent: 0, left: 0 } => phrase(
                "Nothing is sent again: only messages that failed, are held, or of which it is not known whether \
                 they were sent, can be.",
            ),
            Self::Resent { sent: 0, .. } => phrase(
                "Nothing is sent again: since that page was shown, it was tried once more, or somebody dealt with \
                 it. See how it stands now.",
            ),
            Self::Resent { sent: 1, left: 0 } => phrase("1 message will be sent again."),
            Self::Resent { sent, left: 0 } => {
                phrase("%{count} messages will be sent again.").with("count", sent.to_string())
            }
            Self::Resent { sent, left } => phrase(
                "Messages that will be sent again: %{count}. Left as they stand, since they changed after that \
                 page was shown: %{left}.",
            )
            .with("count", sent.to_string())
            .with("left", left.to_string()),
            Self::OfOthers => phrase(
                "Nothing is sent again: the payment belongs to another beneficiary ID now than to that which the \
                 message was written for.",
            ),
            Self::Settled(0) => phrase(
                "Nothing was settled: only messages that failed, are held, or of which it is not known whether \
                 they were sent, can be.",
            ),
            Self::Settled(1) => phrase("1 message is settled: it is never sent."),
            Self::Settled(count) => {
                phrase("%{count} messages are settled: they are never sent.").with("count", count.to_string())
            }
        }
    }
}

/// The messages that a form marks, as they stand now, if the viewer may see all of them and deal with them.
async fn marked(site: &Site, viewer: &Viewer, mut ids: Vec<i64>) -> Result<Vec<OutboxMessage>, WebError> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > PAGE {
        return Err(WebError::BadRequest(
            phrase("At most %{count} messages can be marked at once.").with("count", PAGE.to_string()),
        ));
    }
    let (scope, count) = (viewer.scope(), ids.len());
    let found = site.app.store.read(move |db| listing::find(db, &scope, &ids)).await?;
    if found.len() < count {
        return Err(WebError::NotFound);
    }
    if !viewer.may(Right::Resend) {
        return Err(WebError::Forbidden(phrase(
            "Having messages sent or settled takes the role of accountant or administrator.",
        )));
    }
    Ok(found)
}

/// The messages that are named by `id` fields.
fn ids<'a>(named: impl Iterator<Item = &'a str>) -> Result<Vec<i64>, WebError> {
    named
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| WebError::BadRequest(phrase("The form names a message that cannot be one.")))
}

/// Messages as the audit trail names them.
fn subject(messages: &[OutboxMessage]) -> String {
    messages.iter().map(|one| format!("{} of {}", one.payment_id, one.number)).collect::<Vec<_>>().join(", ")
}

/// Whom a message is for, on a page that asks about it.
fn whom(message: &OutboxMessage) -> String {
    let mobile = message.mobile_last4.as_deref().map(display::last_digits);
    match (filled(message.name.as_deref()), mobile) {
        (Some(name), Some(mobile)) => format!("{name}, {mobile}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(mobile)) => mobile,
        (None, None) => message.payment_id.clone(),
    }
}

/// Whether who sends it is to read something before.
fn is_asked_first(message: &OutboxMessage) -> bool {
    let returned = message.payment_status == PaymentStatus::Failed;
    message.state.needs_a_person() && (message.state != MessageState::Failed || returned)
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
fn link(state: Option<&str>, number: Option<&str>, before: Option<i64>) -> String {
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

    fn state_word(&self) -> Option<&'static str> {
        self.wanted.late_before.map(|_| LATE_WORD).or(self.wanted.state.map(MessageState::as_str))
    }

    fn newest_link(&self) -> String {
        link(self.state_word(), self.wanted.number.as_deref(), None)
    }

    fn next_link(&self) -> Option<String> {
        let before = self.next?;
        Some(link(self.state_word(), self.wanted.number.as_deref(), Some(before)))
    }

    fn view_link(&self, number: &str) -> String {
        path::link(number, Sub::View)
    }

    fn any_needs_a_person(&self) -> bool {
        self.rows.iter().any(Row::needs_a_person)
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
            link: link(state.map(MessageState::as_str), number, None),
            is_current: wanted.late_before.is_none() && wanted.state == state,
        };
        vec![
            tab(phrase("All"), None),
            tab(sms::words(MessageState::Waiting), Some(MessageState::Waiting)),
            tab(sms::words(MessageState::Held), Some(MessageState::Held)),
            tab(sms::words(MessageState::Failed), Some(MessageState::Failed)),
            tab(sms::words(MessageState::Unknown), Some(MessageState::Unknown)),
            tab(sms::words(MessageState::Sent), Some(MessageState::Sent)),
            tab(sms::words(MessageState::Settled), Some(MessageState::Settled)),
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

    fn needs_a_person(&self) -> bool {
        self.may_resend && self.message.state.needs_a_person()
    }

    fn is_asked_first(&self) -> bool {
        is_asked_first(&self.message)
    }

    fn resend_words(&self) -> Phrase {
        resend::words(&self.message)
    }

    fn resend_link(&self) -> String {
        format!("/messages/{}/resend", self.message.id)
    }

    fn settle_link(&self) -> String {
        format!("/messages/{}/settle", self.message.id)
    }

    fn attempt_field(&self) -> String {
        resend::attempt_field(self.message.id)
    }

    fn attempt(&self) -> String {
        resend::attempt(&self.message)
    }

    /// What who settled it did instead.
    fn settled(&self) -> Option<Phrase> {
        let settled = self.events.iter().rev().find(|event| event.what == MessageEventKind::Settle)?;
        let told = phrase("%{person}: %{note}").with("person", settled.person.clone().unwrap_or_default());
        Some(told.with("note", settled.note.clone().unwrap_or_default()))
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
        MessageEventKind::Held => phrase("held"),
        MessageEventKind::Settle => phrase("settled"),
        MessageEventKind::Renewed => phrase("waiting again, since MUKTASoft has told a mobile number"),
    };
    let mut line = match (&event.person, event.attempt) {
        (Some(person), _) => phrase("%{at}: %{what} by %{person}").with("person", person.as_str()),
        (None, 0) => phrase("%{at}: %{what} without an attempt"),
        (None, attempt) => phrase("%{at}: attempt %{count}: %{what}").with("count", attempt.to_string()),
    }
    .with("at", display::minute(event.happened_at))
    .with("what", what);
    if !event.applied {
        line = phrase("%{line} (after a person had already sent or settled it)").with("line", line);
    }
    let cause = event.cause.as_deref().map(Phrase::recorded);
    let answer = event.gateway_answer.as_deref().map(Phrase::from);
    let note = event.note.as_deref().map(Phrase::from);
    for told in [cause, answer, note].into_iter().flatten() {
        line = phrase("%{line} — %{told}").with("line", line).with("told", told);
    }
    line
}

#[cfg(test)]
#[path = "messages_tests.rs"]
pub(super) mod tests;
