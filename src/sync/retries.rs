//! Attempts after no response or a glitch (DOMAIN.md §2, "keep trying"): each instruction's next one
//! stands in its row, and so survives a restart.

use std::sync::Arc;

use super::in_flight::InFlight;
use super::{FtpsSync, Order};
use crate::store::StoreError;
use crate::store::claims::{self, Batch};

impl FtpsSync {
    /// Makes every attempt that is due, and returns when none is due or the program is stopping. While
    /// the circuit is open, one at a time, each after its pause, until one connects.
    pub async fn make_due(&self) -> Result<(), StoreError> {
        let Ok(_at_work) = self.retries_at_work.try_lock() else { return Ok(()) };
        let mut calls = InFlight::new(self, Order::retry());
        loop {
            let is_probe = self.circuit.is_open();
            if is_probe && !self.circuit.may_probe(self.clock.now()) {
                break;
            }
            let most = if is_probe { 1 } else { self.concurrency as usize };
            let Some(slots) = calls.slots(most).await else { break };
            let batch = self.claim_due(slots.len()).await?;
            let seen = batch.seen;
            calls.begin(batch.claimed, slots);
            if is_probe {
                calls.all_over().await;
            }
            if seen == 0 {
                break;
            }
        }
        calls.all_over().await;
        Ok(())
    }

    async fn claim_due(&self, slots: usize) -> Result<Batch, StoreError> {
        let limit = i64::try_from(slots).unwrap_or(i64::MAX);
        let now = self.clock.now().naive_utc();
        // Nearly always none is due: that is found out without a writer's lock.
        if !self.store.read(move |db| claims::any_due(db, now)).await? {
            return Ok(Batch::default());
        }
        let (sealer, until) = (Arc::clone(&self.sealer), now + self.claim_term());
        self.store.write(move |db| claims::claim_due(db, &sealer, limit, now, until)).await
    }
}
