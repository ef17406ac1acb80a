//! One message as a row of the list shows it.

use chrono::{DateTime, Utc};

use super::chosen;
use crate::domain::{MessageEventKind, MessageState};
use crate::language::{Phrase, phrase};
use crate::notifications::gateway;
use crate::store::outbox::listing::{MessageEvent, OutboxMessage};
use crate::web::display;
use crate::web::path::{self, Sub};
use crate::web::sms::{self, Moment};

pub(super) struct Row {
    pub(super) message: OutboxMessage,
    pub(super) events: Vec<MessageEvent>,
    /// Whether messages that are due are sent.
    pub(super) sends: bool,
    pub(super) may_resend: bool,
    /// Whether the viewer may see what the gateway said in full.
    pub(super) may_open: bool,
    pub(super) now: DateTime<Utc>,
}

impl Row {
    pub(super) fn view_link(&self) -> String {
        path::link(&self.message.number, Sub::View)
    }

    pub(super) fn name(&self) -> Phrase {
        display::or_not_known(self.message.name.as_deref())
    }

    pub(super) fn mobile(&self) -> Phrase {
        let last4 = self.message.mobile_last4.as_deref();
        last4.map_or(phrase("no mobile number"), |last4| display::last_digits(last4).into())
    }

    pub(super) fn state(&self) -> MessageState {
        self.message.state.shown()
    }

    pub(super) fn words(&self) -> Phrase {
        sms::words(self.message.state)
    }

    pub(super) fn tone(&self) -> &'static str {
        sms::tone(self.message.state)
    }

    pub(super) fn is_late(&self) -> bool {
        sms::is_late(&self.message, self.now)
    }

    pub(super) fn moment(&self) -> Option<Moment> {
        Moment::of(&self.message, self.sends)
    }

    /// What the gateway said to a message that it did not accept.
    pub(super) fn gateway_answer(&self) -> Option<String> {
        let said =
            self.message.gateway_answer.as_deref().filter(|_| self.message.state != MessageState::Sent);
        said.and_then(gateway::message_in)
    }

    /// What the gateway said, as it came, for who may see it.
    pub(super) fn raw_answer(&self) -> Option<&str> {
        self.message.gateway_answer.as_deref().filter(|_| self.may_open)
    }

    /// The SMS as the person reads it; none where it cannot be made.
    pub(super) fn text(&self) -> Option<String> {
        chosen::text_of(&self.message)
    }

    pub(super) fn amount(&self) -> String {
        display::rupees(self.message.amount_paise)
    }

    pub(super) fn entered_at(&self) -> String {
        display::minute(self.message.created_at)
    }

    pub(super) fn needs_a_person(&self) -> bool {
        self.may_resend && self.message.state.needs_a_person()
    }

    /// Whether who sends it is to be asked before.
    pub(super) fn is_asked_first(&self) -> bool {
        let may_have_arrived = self
            .events
            .iter()
            .any(|event| matches!(event.what, MessageEventKind::Unknown | MessageEventKind::Sent));
        chosen::is_asked_first(&self.message, may_have_arrived)
    }

    pub(super) fn resend_words(&self) -> Phrase {
        chosen::resend_words(&self.message)
    }

    pub(super) fn resend_link(&self) -> String {
        format!("/messages/{}/resend", self.message.id)
    }

    pub(super) fn settle_link(&self) -> String {
        format!("/messages/{}/settle", self.message.id)
    }

    pub(super) fn attempt_field(&self) -> String {
        chosen::attempt_field(self.message.id)
    }

    pub(super) fn attempt(&self) -> String {
        chosen::attempt(&self.message)
    }

    /// What who settled it did instead.
    pub(super) fn settled(&self) -> Option<Phrase> {
        if self.message.state != MessageState::Settled {
            return None;
        }
        let settled = self.events.iter().rev().find(|event| event.what == MessageEventKind::Settle)?;
        let told = phrase("%{person}: %{note}").with("person", settled.person.clone().unwrap_or_default());
        Some(told.with("note", settled.note.clone().unwrap_or_default()))
    }

    /// One line for each event.
    pub(super) fn history(&self) -> Vec<Phrase> {
        self.events.iter().map(event_line).collect()
    }
}

/// `15/11/2023 22:00 IST: attempt 2: failed — the cause — the gateway's words`.
pub(super) fn event_line(event: &MessageEvent) -> Phrase {
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
    let answer = event.gateway_answer.as_deref().and_then(gateway::message_in).map(Phrase::from);
    let erased = event.erased.map(|erased| {
        let told = phrase("the gateway's answer was erased on %{day}, since it was older than %{days} days");
        told.with("day", display::day(erased.at)).with("days", display::count(erased.days()))
    });
    let note = event.note.as_deref().map(Phrase::from);
    for told in [cause, answer, erased, note].into_iter().flatten() {
        line = phrase("%{line} — %{told}").with("line", line).with("told", told);
    }
    line
}
