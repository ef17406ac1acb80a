//! claim → call → decide → record (DESIGN.md §1).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::ftps::{Outcome, Reply, Trigger, decide};
use crate::jit::Exchange;
use crate::sealing::random_hex;
use crate::store::StoreError;
use crate::store::calls::NewCall;
use crate::store::claims::{self, Claimed, NotClaimed};
use crate::store::recording::Recording;

/// How long after an attempt's deadline the claim of a process that died holds (CONTRACT.md).
const CLAIM_GRACE: Duration = Duration::from_secs(30);

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
pub async fn ask(
    app: &App,
    instruction_id: i64,
    trigger: Trigger,
    triggered_by: Option<String>,
) -> Result<Asked, StoreError> {
    // The slot is taken before the claim, so that a claim is never spent on waiting in line.
    let _slot = Arc::clone(&app.call_slots)
        .acquire_owned()
        .await
        .map_err(|closed| StoreError::BrokeOff(closed.to_string()))?;
    let started_at = app.clock.now().naive_utc();
    let claimed = match claim(app, instruction_id, started_at).await? {
        Ok(claimed) => claimed,
        Err(NotClaimed::Busy) => return Ok(Asked::Busy),
        Err(NotClaimed::NotWaiting) => return Ok(Asked::NotWaiting),
    };
    let stopwatch = Instant::now();
    let exchange = match &claimed.bill {
        Ok(bill) => app.jit.ask(bill).await,
        Err(reason) => not_asked(reason),
    };
    let call = NewCall {
        call_ref: random_hex(16)?,
        trigger,
        triggered_by,
        started_at,
        duration_ms: i64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(i64::MAX),
        http_status: exchange.http_status,
        request: (!exchange.request.is_empty()).then_some(exchange.request),
        response: exchange.response,
    };
    let decision = decide(&claimed.asked, &exchange.reply);
    let recorded = app
        .recorder
        .record(Recording {
            lease: claimed.lease,
            asked: claimed.asked,
            call,
            decision,
            now: app.clock.now().naive_utc(),
        })
        .await?;
    if recorded.outcome() == Outcome::Success {
        app.outbox_news.notify_one();
    }
    Ok(Asked::Recorded(recorded.outcome()))
}

async fn claim(
    app: &App,
    instruction_id: i64,
    now: chrono::NaiveDateTime,
) -> Result<Result<Claimed, NotClaimed>, StoreError> {
    let until = now + app.jit_timeout * 3 + CLAIM_GRACE;
    let sealer = Arc::clone(&app.sealer);
    app.store.write(move |db| claims::claim(db, &sealer, instruction_id, now, until)).await
}

/// A call that cannot be made is recorded like one that was (DOMAIN.md §2, class 3).
fn not_asked(reason: &str) -> Exchange {
    Exchange {
        request: String::new(),
        response: None,
        http_status: None,
        unreachable: false,
        reply: Reply::NotAsked(reason.to_owned()),
    }
}
