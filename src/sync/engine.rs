//! One attempt: claim → call → decide → record.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, NaiveDateTime, Utc};
use futures_util::FutureExt;

use super::FtpsSync;
use super::circuit::May;
use super::slots::Slot;
use super::waiting::{BUSY_PAUSE, unless_away};
use crate::domain::{AskedInstruction, BillToAsk, Decision, Glitch, Outcome, Reply, Trigger, decide, retry};
use crate::jit::{Contact, Exchange, SignInPaused};
use crate::request_id::{self, carried};
use crate::sealing::{random_hex, random_number};
use crate::store::calls::NewCall;
use crate::store::claims::{self, ClaimTerms, Claimed, Lease, NotClaimed};
use crate::store::instructions::InstructionId;
use crate::store::recording::{NextAttempt, Recording};
use crate::store::{Db, StoreError};

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

    /// An employee wants it asked about in its turn.
    pub(super) fn wanted(by: Option<String>) -> Self {
        Self { trigger: Trigger::Retry, by, run_id: None }
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
    /// Nobody was called: something else is being written about it.
    Locked,
    /// Nobody was called: it does not wait for FTPS.
    NotWaiting,
    /// Nobody was called, or the call was cut off, since the program is stopping or JIT is away: it waits as
    /// before.
    Unasked,
    /// Nobody was called, and nothing is recorded: JIT refused a sign-in, and none is tried until then.
    Paused {
        /// When the next is.
        until: DateTime<Utc>,
    },
}

impl FtpsSync {
    /// Asks JIT about one instruction and records the outcome, in a task of its own: a browser that goes
    /// away does not cancel the call. The whole attempt ends within 3 × `JIT_TIMEOUT_SECONDS` of its start.
    pub async fn ask(&self, id: InstructionId, order: Order) -> Result<Asked, StoreError> {
        let sync = self.clone();
        let asking = self.runtime.spawn(carried(async move { sync.claim_and_ask(id, &order).await }));
        asking.await.map_err(|broken| StoreError::BrokeOff(broken.to_string()))?
    }

    async fn claim_and_ask(&self, id: InstructionId, order: &Order) -> Result<Asked, StoreError> {
        // The slot is taken before the claim, so that a claim is never spent on waiting in line.
        let Some(slot) = self.slots.for_person().await else { return Ok(Asked::Unasked) };
        if let Some(until) = self.sign_in_paused_until() {
            return Ok(Asked::Paused { until });
        }
        let (sealer, terms) = (Arc::clone(&self.sealer), self.claim_terms(order));
        match self.store.claim(move |db| claims::claim(db, &sealer, id, &terms)).await? {
            Ok(claimed) => self.ask_claimed(claimed, order, May::Call, slot).await,
            Err(NotClaimed::Busy) => Ok(Asked::Busy),
            Err(NotClaimed::Locked) => Ok(Asked::Locked),
            Err(NotClaimed::NotWaiting) => Ok(Asked::NotWaiting),
            Err(NotClaimed::CannotBeAsked) => Ok(Asked::Recorded(Outcome::Glitch)),
        }
    }

    /// For a claim that is made now.
    pub(super) fn claim_terms(&self, order: &Order) -> ClaimTerms {
        let now = self.clock.now().naive_utc();
        ClaimTerms {
            trigger: order.trigger,
            by: order.by.clone(),
            run_id: order.run_id,
            now,
            until: now + self.claim_term(),
        }
    }

    /// Whether a call for this order may be made now: the one place where that is decided, right before it is
    /// made.
    fn may_call(&self, order: &Order, may: May) -> bool {
        let is_for_a_person = order.trigger == Trigger::Refresh;
        !self.is_stopping() && (is_for_a_person || may == May::Probe || self.circuit.away_since().is_none())
    }

    /// Asks JIT about an instruction that is claimed, and records the outcome. The slot is given back once JIT has
    /// answered: what waits for the database keeps nobody from being asked about. What may not be asked, or was not
    /// sent after all, is given back as if it had not been claimed.
    pub(super) async fn ask_claimed(
        &self,
        claimed: Claimed,
        order: &Order,
        may: May,
        slot: Slot,
    ) -> Result<Asked, StoreError> {
        let _under_way = self.under_way.read().await;
        if !self.may_call(order, may) {
            return self.give_back(claimed.lease, claims::release, Asked::Unasked).await;
        }
        let started_at = self.clock.now().naive_utc();
        let stopwatch = Instant::now();
        let exchange = tokio::select! {
            exchange = self.call(&claimed.bill) => exchange,
            () = self.cut_off() => {
                self.calls.note(["unknown"], stopwatch.elapsed());
                let now = self.clock.now().naive_utc();
                let sealer = Arc::clone(&self.sealer);
                let cut_short =
                    move |db: &mut Db, lease: &Lease| claims::cut_short(db, &sealer, lease, now);
                return self.give_back(claimed.lease, cut_short, Asked::Unasked).await;
            }
        };
        drop(slot);
        // Whoever pressed Refresh has waited for the other's sign-in, and is told what came of it.
        let is_for_a_person = order.trigger == Trigger::Refresh && !self.is_stopping();
        let exchange = match exchange {
            Ok(exchange) if exchange.contact != Contact::NotTried || is_for_a_person => exchange,
            Ok(_) => return self.give_back(claimed.lease, claims::release, Asked::Unasked).await,
            Err(SignInPaused { until }) => {
                return self.give_back(claimed.lease, claims::release, Asked::Paused { until }).await;
            }
        };
        let decision = decided(&claimed.asked, &exchange.reply);
        self.calls.note([decision.outcome().as_str()], stopwatch.elapsed());
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
                    request_id: request_id::current(),
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
        Ok(Asked::Recorded(recorded.outcome()))
    }

    /// Gives a claim back without an outcome, as soon as the database can be written.
    async fn give_back(
        &self,
        lease: Lease,
        give_back: impl Fn(&mut Db, &Lease) -> Result<(), StoreError> + Clone + Send + 'static,
        asked: Asked,
    ) -> Result<Asked, StoreError> {
        let lease = Arc::new(lease);
        loop {
            let (lease, give_back) = (Arc::clone(&lease), give_back.clone());
            let given_back = self.store.write(move |db| give_back(db, &lease)).await;
            if unless_away(given_back)?.is_some() {
                return Ok(asked);
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    /// Calls JIT, and tells the circuit whether it could be reached. A panic on the way is a glitch of
    /// this one instruction.
    async fn call(&self, bill: &BillToAsk) -> Result<Exchange, SignInPaused> {
        match AssertUnwindSafe(self.jit.ask(bill)).catch_unwind().await {
            Ok(exchange) => {
                let exchange = exchange?;
                self.circuit.note(exchange.contact, self.clock.now());
                Ok(exchange)
            }
            Err(_) => {
                log::error!("asking JIT about {} broke off", bill.number);
                Ok(broke_off())
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

/// Recorded as the glitch that it is.
fn broke_off() -> Exchange {
    Exchange {
        request: String::new(),
        response: None,
        http_status: None,
        contact: Contact::Reached,
        reply: Reply::Unusable(Glitch::CallBrokeOff),
    }
}
