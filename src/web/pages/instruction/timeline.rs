//! What happened to an instruction, in its order.

use chrono::NaiveDateTime;

use crate::ftps::{PiStatus, Trigger};
use crate::language::{Phrase, phrase};
use crate::store::calls::{self, CallSummary};
use crate::store::instructions::PaymentInstruction;
use crate::store::{Db, StoreError};
use crate::web::display;

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
        if of.latest_outcome().is_none() {
            return Ok(Self::default());
        }
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
    /// By whom or what.
    pub(super) note: Option<Phrase>,
    /// Where the call log tells more.
    pub(super) call: Option<i64>,
    /// Whether earlier calls were left out before this one.
    pub(super) skips_calls: bool,
}

impl Step {
    fn new(at: NaiveDateTime, words: Phrase, tone: &'static str) -> Self {
        Self { at, words, tone, note: None, call: None, skips_calls: false }
    }

    fn of_call(call: CallSummary) -> Self {
        let words = phrase("FTPS call: %{outcome}").with("outcome", display::outcome_words(call.outcome));
        Self {
            note: Some(asked_by(call.trigger, call.triggered_by.as_deref())),
            call: Some(call.id),
            ..Self::new(call.started_at, words, display::outcome_tone(call.outcome))
        }
    }

    pub(super) fn shown_at(&self) -> String {
        display::minute(self.at)
    }

    pub(super) fn machine_time(&self) -> String {
        display::machine_time(self.at)
    }
}

/// Who or what had JIT asked.
fn asked_by(trigger: Trigger, name: Option<&str>) -> Phrase {
    match (trigger, name) {
        (Trigger::Refresh, Some(name)) => phrase("asked by %{name}").with("name", name),
        (Trigger::Refresh, None) => phrase("asked by hand"),
        (Trigger::Nightly, _) => phrase("nightly sync"),
        (Trigger::Retry, _) => phrase("tried again by itself"),
        (Trigger::Command, _) => phrase("sync command"),
        (Trigger::Hand, Some(name)) => phrase("sync started by %{name}").with("name", name),
        (Trigger::Hand, None) => phrase("sync started by hand"),
    }
}

/// The time line: In Process, its calls, completed.
pub(super) fn steps(pi: &PaymentInstruction, latest: LatestCalls) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(since) = pi.in_process_since {
        steps.push(Step::new(
            since,
            Phrase::record(PiStatus::InProcess.as_str()),
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
            Phrase::record(PiStatus::Completed.as_str()),
            display::pi_tone(PiStatus::Completed),
        );
        let by = if pi.was_completed_by_ftps() { phrase("by FTPS") } else { phrase("by MUKTASoft") };
        steps.push(Step { note: Some(by), ..completed });
    }
    // A call that came in while MUKTASoft completed the instruction may be the later one.
    steps.sort_by_key(|step| step.at);
    steps
}
