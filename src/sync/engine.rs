//! One attempt: claim → call → decide → record.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDateTime;
use futures_util::FutureExt;

use super::FtpsSync;
use crate::domain::{AskedInstruction, BillToAsk, Decision, Glitch, Outcome, Reply, Trigger, decide, retry};
use crate::jit::{Contact, Exchange};
use crate::sealing::{random_hex, random_number};
use crate::store::StoreError;
use crate::store::calls::NewCall;
use crate::store::claims::{self, Claimed, NotClaimed};
use crate::store::instructions::InstructionId;
use crate::store::recording::{NextAttempt, Recording};

/// Who or what wants JIT asked.
#[derive(Debug, Clone)]
pub struct Order {
    /// What set it off.
    pub trigger: Trigger,
    /// The employee who did, if one did.
    pub by: Option<String>,
    /// The sync run that it is part of, if it is.
    pub run_id: Option<i64>,
}

impl Order {
    /// An employee pressed Refresh.
    pub fn refresh(by: String) -> Self {
        Self { trigger: Trigger::Refresh, by: Some(by), run_id: None }
    }

    /// An attempt is due after one without an answer.
    pub fn retry() -> Self {
        Self { trigger: Trigger::Retry, by: None, run_id: None }
    }
}

/// What became of a wish to ask JIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// JIT was asked, or could not be, and what came of it is recorded.
    Recorded(Outcome),
    /// Nobody was called: another call on it is under way.
    Busy,
    /// Nobody was called: it does not wait for FTPS.
    NotWaiting,
}

impl FtpsSync {
    /// Asks JIT about one instruction and records the outcome, in a task of its own: a browser that goes
    /// away does not cancel the call. The whole attempt ends within 3 × `JIT_TIMEOUT_SECONDS` of its start.
    pub async fn ask(&self, id: InstructionId, order: Order) -> Result<Asked, StoreError> {
        let sync = self.clone();
        let asking = self.runtime.spawn(async move { sync.claim_and_ask(id, &order).await });
        asking.await.map_err(|broken| StoreError::BrokeOff(broken.to_string()))?
    }

    async fn claim_and_ask(&self, id: InstructionId, order: &Order) -> Result<Asked, StoreError> {
        // The slot is taken before the claim, so that a claim is never spent on waiting in line.
        let _slot =
            self.slots.for_person().await.ok_or_else(|| StoreError::BrokeOff("stopping".to_owned()))?;
        let now = self.clock.now().naive_utc();
        let (sealer, until) = (Arc::clone(&self.sealer), now + self.claim_term());
        match self.store.write(move |db| claims::claim(db, &sealer, id, now, until)).await? {
            Ok(claimed) => Ok(self.ask_claimed(claimed, order).await?.map_or(Asked::Busy, Asked::Recorded)),
            Err(NotClaimed::Busy) => Ok(Asked::Busy),
            Err(NotClaimed::NotWaiting) => Ok(Asked::NotWaiting),
        }
    }

    /// Asks JIT about an instruction that is claimed, and records the outcome. The caller holds a slot. A
    /// call that was not made, since another's attempt to sign in had failed, is no call (DOMAIN.md §2):
    /// unless a person waits for it, the claim is given up and nothing is recorded.
    pub(super) async fn ask_claimed(
        &self,
        claimed: Claimed,
        order: &Order,
    ) -> Result<Option<Outcome>, StoreError> {
        let started_at = self.clock.now().naive_utc();
        let stopwatch = Instant::now();
        let exchange = match &claimed.bill {
            Ok(bill) => self.call(bill).await,
            Err(glitch) => not_sent(Reply::NotAsked(glitch.clone())),
        };
        let was_made =
            exchange.contact != Contact::Anothers || !matches!(exchange.reply, Reply::Nothing { .. });
        if !was_made && order.trigger != Trigger::Refresh {
            self.store.write(move |db| claims::release(db, &claimed.lease)).await?;
            return Ok(None);
        }
        let decision = decided(&claimed.asked, &exchange.reply);
        let now = self.clock.now().naive_utc();
        let recorded = self
            .recorder
            .record(Recording {
                lease: claimed.lease,
                asked: claimed.asked,
                call: NewCall {
                    call_ref: random_hex(16)?,
                    trigger: order.trigger,
                    triggered_by: order.by.clone(),
                    run_id: order.run_id,
                    started_at,
                    duration_ms: i64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(i64::MAX),
                    http_status: exchange.http_status,
                    request: (!exchange.request.is_empty()).then_some(exchange.request),
                    response: exchange.response,
                },
                decision,
                next_attempt: self.next_attempt(order.trigger, claimed.unanswered_attempts, now)?,
                answered_at: now,
                clock: self.clock.clone(),
                sealer: Arc::clone(&self.sealer),
            })
            .await?;
        if recorded.outcome() == Outcome::Success {
            (self.on_paid)();
        }
        Ok(Some(recorded.outcome()))
    }

    /// Calls JIT, and tells the circuit whether it could be reached. A panic on the way is a glitch of
    /// this one instruction.
    async fn call(&self, bill: &BillToAsk) -> Exchange {
        match AssertUnwindSafe(self.jit.ask(bill)).catch_unwind().await {
            Ok(exchange) => {
                self.circuit.note(exchange.contact, self.clock.now());
                exchange
            }
            Err(_) => {
                log::error!("asking JIT about {} broke off", bill.number);
                not_sent(Reply::Unusable(Glitch::CallBrokeOff))
            }
        }
    }

    /// A person's Refresh begins the steps anew.
    fn next_attempt(
        &self,
        trigger: Trigger,
        unanswered: u32,
        now: NaiveDateTime,
    ) -> Result<NextAttempt, StoreError> {
        let before = if trigger == Trigger::Refresh { 0 } else { unanswered };
        let attempts = before.saturating_add(1);
        let (first, longest) = (self.times.retry_first, self.times.retry_longest);
        Ok(NextAttempt { attempts, at: now + retry::pause(first, longest, attempts, random_number()?) })
    }
}

/// The decision; a panic on the way to it is a glitch of this one instruction.
fn decided(asked: &AskedInstruction, reply: &Reply) -> Decision {
    std::panic::catch_unwind(AssertUnwindSafe(|| decide(asked, reply))).unwrap_or_else(|_| {
        log::error!("JIT's reply about {} could not be decided on", asked.number);
        Decision::Glitch(Glitch::ReplyNotJudged)
    })
}

/// A call that is not made is recorded like one that was (DOMAIN.md §2, class 3).
fn not_sent(reply: Reply) -> Exchange {
    let contact = Contact::Anothers;
    Exchange { request: String::new(), response: None, http_status: None, contact, reply }
}
