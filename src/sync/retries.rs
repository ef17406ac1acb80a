//! Attempts after no response or a glitch (DOMAIN.md §2, "keep trying"): each instruction's next one
//! stands in its row, and so survives a restart.

use std::sync::Arc;

use chrono::NaiveDateTime;

use super::in_flight::InFlight;
use super::{FtpsSync, Order};
use crate::store::StoreError;
use crate::store::claims::{self, Batch};

impl FtpsSync {
    /// Makes every attempt that is due, and returns when none is due or the program is stopping. While
    /// the circuit is open, one at a time, each after its pause, until one connects.
    pub async fn make_due(&self) -> Result<(), StoreError> {
        let Ok(_at_work) = self.retries_at_work.try_lock() else { return Ok(()) };
        // The items of a run go first; it is the run that finds out whether JIT is back.
        if self.run_at_work.try_lock().is_err() {
            return Ok(());
        }
        let mut calls = InFlight::new(self, Order::retry());
        loop {
            if !self.any_due().await? {
                break;
            }
            let Some(most) = self.way().await else { break };
            let Some(slots) = self.slots.for_machine(most).await else { break };
            let batch = self.claim_due(slots.len()).await?;
            let seen = batch.seen;
            calls.begin(batch.claimed, slots);
            if most == 1 {
                calls.all_over().await;
            }
            if seen == 0 {
                break;
            }
        }
        calls.all_over().await;
        Ok(())
    }

    /// Nearly always none is due: that is found out without a writer's lock, and without a probe.
    async fn any_due(&self) -> Result<bool, StoreError> {
        let (now, latest) = self.due();
        self.store.read(move |db| claims::any_due(db, now, latest)).await
    }

    /// Now, and the latest instant that an attempt is put off to: one that is later was made by a clock
    /// that was ahead, and is due.
    fn due(&self) -> (NaiveDateTime, NaiveDateTime) {
        let now = self.clock.now().naive_utc();
        (now, now + self.times.retry_longest)
    }

    async fn claim_due(&self, slots: usize) -> Result<Batch, StoreError> {
        let limit = i64::try_from(slots).unwrap_or(i64::MAX);
        let (now, latest) = self.due();
        let (sealer, until) = (Arc::clone(&self.sealer), now + self.claim_term());
        self.store.write(move |db| claims::claim_due(db, &sealer, limit, now, until, latest)).await
    }
}
