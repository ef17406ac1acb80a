//! What happened to an instruction, in its order.

use chrono::NaiveDateTime;

use crate::domain::{MessageState, PiStatus};
use crate::language::{Phrase, phrase};
use crate::store::calls::{self, CallSummary};
use crate::store::instructions::PaymentInstruction;
use crate::store::notes::Note;
use crate::store::outbox::listing::OutboxMessage;
use crate::store::{Db, StoreError};
use crate::web::{display, sms, triggers};

/// So many of the newest calls stand in the time line.
const CALLS: usize = 3;

/// The newest calls, oldest first, and whether there were others before them.
#[derive(Debug, Default)]
pub(super) struct LatestCalls {
    calls: Vec<CallSummary>,
    has_earlier: bool,
}

impl LatestCalls {
    pub(super) fn load(db: &mut Db, of: &PaymentInstruction) -> Result<Self, StoreError> {
        // One more than is shown tells whether there were earlier ones.
        let mut calls = calls::latest(db, of.id, CALLS as i64 + 1)?;
        let has_earlier = calls.len() > CALLS;
        calls.truncate(CALLS);
        calls.reverse();
        Ok(Self { calls, has_earlier })
    }
}

/// Something that happened.
#[derive(Debug)]
pub(super) struct Step {
    at: NaiveDateTime,
    /// What.
    pub(super) words: Phrase,
    /// The colour that goes with it.
    pub(super) tone: &'static str,
    /// By whom or what, or how many.
    pub(super) note: Option<Phrase>,
    /// Where the call log tells more.
    pub(super) call: Option<i64>,
    /// Whether earlier calls were left out before this one.
    pub(super) skips_calls: bool,
    /// Whether the list of messages tells more.
    pub(super) is_of_sms: bool,
    /// What a person wrote.
    pub(super) said: Option<String>,
    /// What has still to happen after it: nobody knows when.
    pub(super) still: Option<Phrase>,
}

impl Step {
    fn new(at: NaiveDateTime, words: Phrase, tone: &'static str) -> Self {
        Self {
            at,
            words,
            tone,
            note: None,
            call: None,
            skips_calls: false,
            is_of_sms: false,
            said: None,
            still: None,
        }
    }

    fn of_note(note: Note) -> Self {
        let words = phrase("Note by %{name}").with("name", note.person);
        Self { said: Some(note.text), ..Self::new(note.written_at, words, "told") }
    }

    fn of_call(call: CallSummary) -> Self {
        let words = phrase("FTPS call: %{outcome}").with("outcome", display::call_words(call.outcome));
        Self {
            note: Some(triggers::of_step(call.trigger, call.triggered_by.as_deref())),
            call: Some(call.id),
            ..Self::new(call.started_at, words, display::call_tone(call.outcome))
        }
    }

    pub(super) fn shown_at(&self) -> String {
        display::minute(self.at)
    }

    pub(super) fn machine_time(&self) -> String {
        display::machine_time(self.at)
    }
}

/// What became of the messages of one instruction, whichever of its beneficiaries are shown.
struct SmsNews<'a> {
    messages: &'a [OutboxMessage],
}

impl SmsNews<'_> {
    /// One step for each way in which a message ends, at the latest instant of its kind.
    fn steps(&self) -> impl Iterator<Item = Step> {
        [
            (MessageState::Sent, phrase("SMS accepted by the gateway")),
            (MessageState::Failed, phrase("SMS failed")),
            (MessageState::Unknown, phrase("SMS: not known whether sent")),
            (MessageState::Held, phrase("SMS held")),
            (MessageState::Settled, phrase("SMS settled without sending")),
        ]
        .into_iter()
        .filter_map(|(state, words)| {
            let latest = self.of(state).map(|message| message.sent_at.unwrap_or(message.changed_at)).max()?;
            let step = Step::new(latest, words, sms::tone(state));
            Some(Step { note: self.share(state), is_of_sms: true, ..step })
        })
    }

    /// What has no instant, since it is still to come.
    fn still(&self) -> Option<Phrase> {
        self.of(MessageState::Waiting).next()?;
        Some(match self.share(MessageState::Waiting) {
            Some(share) => phrase("SMS waiting: %{share}").with("share", share),
            None => phrase("SMS waiting"),
        })
    }

    fn of(&self, state: MessageState) -> impl Iterator<Item = &OutboxMessage> {
        self.messages.iter().filter(move |message| message.state.shown() == state)
    }

    /// `8 of 10`, or `all 10`; one message needs no number.
    fn share(&self, state: MessageState) -> Option<Phrase> {
        let [part, all] = [self.of(state).count(), self.messages.len()];
        let [shown_part, shown_all] = [part, all].map(|number| display::count(number as i64));
        match all {
            1 => None,
            all if part == all => Some(phrase("all %{count}").with("count", shown_all)),
            _ => Some(phrase("%{part} of %{all}").with("part", shown_part).with("all", shown_all)),
        }
    }
}

/// The time line: In Process, its calls, completed, its SMS, and what people noted.
pub(super) fn steps(
    pi: &PaymentInstruction,
    latest: LatestCalls,
    messages: &[OutboxMessage],
    notes: Vec<Note>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(since) = pi.in_process_since {
        steps.push(Step::new(
            since,
            Phrase::recorded(PiStatus::InProcess.as_str()),
            display::pi_tone(PiStatus::InProcess),
        ));
    }
    let mut calls = latest.calls.into_iter().map(Step::of_call);
    if let Some(first) = calls.next() {
        steps.push(Step { skips_calls: latest.has_earlier, ..first });
    }
    steps.extend(calls);
    if let Some(at) = pi.completed_at {
        let completed = Step::new(
            at,
            Phrase::recorded(PiStatus::Completed.as_str()),
            display::pi_tone(PiStatus::Completed),
        );
        let by = if pi.was_completed_by_ftps() { phrase("by FTPS") } else { phrase("by MUKTASoft") };
        steps.push(Step { note: Some(by), ..completed });
    }
    let news = SmsNews { messages };
    steps.extend(news.steps());
    steps.extend(notes.into_iter().rev().map(Step::of_note));
    // A call that came in while MUKTASoft completed the instruction may be the later one.
    steps.sort_by_key(|step| step.at);
    if let Some(last) = steps.last_mut() {
        last.still = news.still();
    }
    steps
}
