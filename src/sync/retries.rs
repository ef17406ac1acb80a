//! Attempts after no response or a glitch (DOMAIN.md §2, "keep trying"): each instruction's next one
//! stands in its row, and so survives a restart.

use std::sync::Arc;

use super::crew::Crew;
use super::engine::{Order, claim_term};
use crate::app::App;
use crate::store::StoreError;
use crate::store::claims::{self, Page};

/// Makes every attempt that is due, and returns when none is due or the program is stopping. While
/// the circuit is open, one at a time, each after its pause, until one connects.
pub async fn make_due(app: &App) -> Result<(), StoreError> {
    let Ok(_at_work) = app.retries_at_work.try_lock() else { return Ok(()) };
    let mut crew = Crew::new(app, Order::retry());
    loop {
        let is_probe = app.circuit.is_open();
        if is_probe && !app.circuit.may_probe(app.clock.now()) {
            break;
        }
        let most = if is_probe { 1 } else { app.concurrency as usize };
        let Some(slots) = crew.slots(most).await else { break };
        let page = claim_page(app, slots.len()).await?;
        let seen = page.seen;
        crew.send(page.claimed, slots);
        if is_probe {
            crew.all_home().await;
        }
        if seen == 0 {
            break;
        }
    }
    crew.all_home().await;
    Ok(())
}

async fn claim_page(app: &App, slots: usize) -> Result<Page, StoreError> {
    let limit = i64::try_from(slots).unwrap_or(i64::MAX);
    let now = app.clock.now().naive_utc();
    // Nearly always none is due: that is found out without a writer's lock.
    if !app.store.read(move |db| claims::any_due(db, now)).await? {
        return Ok(Page::default());
    }
    let (sealer, until) = (Arc::clone(&app.sealer), now + claim_term(app));
    app.store.write(move |db| claims::claim_due(db, &sealer, limit, now, until)).await
}
