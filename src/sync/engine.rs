//! claim → call → decide → record (DESIGN.md §1).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::ftps::{AskedInstruction, BillToAsk, Decision, Outcome, Reply, Trigger, decide};
use crate::jit::Exchange;
use crate::retry;
use crate::sealing::{random_hex, random_number};
use crate::store::StoreError;
use crate::store::calls::NewCall;
use crate::store::claims::{self, Claimed, NotClaimed};
use crate::store::recording::{NextAttempt, Recording};

/// How long after an attempt's deadline the claim of a process that died holds (CONTRACT.md).
const CLAIM_GRACE: Duration = Duration::from_secs(30);

/// The cause in the call log where the circuit kept a call from being made.
const CIRCUIT_OPEN: &str = "not sent, circuit open: JIT could not be reached by the calls before this one";

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
    /// Nobody was called: it is not an active revised PI In Process.
    NotWaiting,
}

/// Asks JIT about one instruction and records the outcome. The whole attempt ends within
/// 3 × `JIT_TIMEOUT_SECONDS` of its start.
pub async fn ask(app: &App, instruction_id: i64, order: &Order) -> Result<Asked, StoreError> {
    // The slot is taken before the claim, so that a claim is never spent on waiting in line.
    let slot = Arc::clone(&app.call_slots)
        .acquire_owned()
        .await
        .map_err(|closed| StoreError::BrokeOff(closed.to_string()))?;
    let now = app.clock.now().naive_utc();
    let (sealer, until) = (Arc::clone(&app.sealer), now + claim_term(app));
    match app.store.write(move |db| claims::claim(db, &sealer, instruction_id, now, until)).await? {
        Ok(claimed) => Ok(Asked::Recorded(ask_claimed(app, claimed, order, slot).await?)),
        Err(NotClaimed::Busy) => Ok(Asked::Busy),
        Err(NotClaimed::NotWaiting) => Ok(Asked::NotWaiting),
    }
}

/// How long a claim holds at the most.
pub(super) fn claim_term(app: &App) -> Duration {
    app.jit_timeout * 3 + CLAIM_GRACE
}

/// Asks JIT about an instruction that is claimed, in a slot among the calls in flight, and records
/// the outcome.
pub async fn ask_claimed(
    app: &App,
    claimed: Claimed,
    order: &Order,
    _slot: OwnedSemaphorePermit,
) -> Result<Outcome, StoreError> {
    let started_at = app.clock.now().naive_utc();
    let stopwatch = Instant::now();
    let exchange = match &claimed.bill {
        Ok(_) if order.run_id.is_some() && app.circuit.is_open() => {
            not_sent(Reply::Nothing { cause: CIRCUIT_OPEN.to_owned() })
        }
        Ok(bill) => call(app, bill).await,
        Err(reason) => not_sent(Reply::NotAsked(reason.clone())),
    };
    let decision = decided(&claimed.asked, &exchange.reply);
    let now = app.clock.now().naive_utc();
    let recorded = app
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
            next_attempt: next_attempt(app, order.trigger, claimed.unanswered_attempts, now)?,
            now,
        })
        .await?;
    if recorded.outcome() == Outcome::Success {
        app.outbox_news.notify_one();
    }
    Ok(recorded.outcome())
}

/// Calls JIT, and tells the circuit whether it could be reached. A panic on the way is a glitch of
/// this one instruction.
async fn call(app: &App, bill: &BillToAsk) -> Exchange {
    match AssertUnwindSafe(app.jit.ask(bill)).catch_unwind().await {
        Ok(exchange) => {
            app.circuit.note(exchange.unreachable, app.clock.now());
            exchange
        }
        Err(_) => {
            log::error!("asking JIT about {} broke off", bill.number);
            let description = "The call broke off because of a fault in this program.".to_owned();
            not_sent(Reply::Unusable { description })
        }
    }
}

/// The decision; a panic on the way to it is a glitch of this one instruction.
fn decided(asked: &AskedInstruction, reply: &Reply) -> Decision {
    std::panic::catch_unwind(AssertUnwindSafe(|| decide(asked, reply))).unwrap_or_else(|_| {
        log::error!("JIT's reply about {} could not be decided on", asked.number);
        let description = "JIT's reply could not be read because of a fault in this program.".to_owned();
        Decision::Glitch { description }
    })
}

/// A person's Refresh begins the steps anew.
fn next_attempt(
    app: &App,
    trigger: Trigger,
    unanswered: u32,
    now: NaiveDateTime,
) -> Result<NextAttempt, StoreError> {
    let before = if trigger == Trigger::Refresh { 0 } else { unanswered };
    let attempts = before.saturating_add(1);
    let pause = retry::pause(app.retry_first, app.retry_longest, attempts, random_number()?);
    Ok(NextAttempt { attempts, at: now + pause })
}

/// A call that is not made is recorded like one that was (DOMAIN.md §2, class 3).
fn not_sent(reply: Reply) -> Exchange {
    Exchange { request: String::new(), response: None, http_status: None, unreachable: false, reply }
}
