//! Attempts after no response or a glitch (DOMAIN.md §2, "keep trying"): each instruction's next one
//! stands in its row, and so survives a restart.

use std::sync::Arc;

use chrono::NaiveDateTime;

use super::circuit::May;
use super::in_flight::InFlight;
use super::{FtpsSync, Order};
use crate::store::StoreError;
use crate::store::claims::{self, Batch, ClaimTerms};

impl FtpsSync {
    /// Makes every attempt that is due, and returns when none is due or the program is stopping; in a pause none is
    /// made. While the circuit is open, one at a time, each after its pause, until one connects.
    pub async fn make_due(&self) -> Result<(), StoreError> {
        if self.is_paused() {
            return Ok(());
        }
        let Ok(_at_work) = self.retries_at_work.try_lock() else { return Ok(()) };
        let mut calls = InFlight::new(self, Order::retry());
        loop {
            // The items of a run go first; it is the run that finds out whether JIT is back.
            if self.is_stopping() || self.run_at_work.try_lock().is_err() || !self.any_due().await? {
                break;
            }
            let Some(may) = self.way().await else { break };
            calls.room().await;
            let Some(slots) = self.slots.for_machine(self.at_once(may)).await else { break };
            let batch = self.claim_due(slots.len(), calls.claim_terms()).await?;
            let seen = batch.seen;
            calls.begin(batch.claimed, slots, may);
            if may == May::Probe {
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
        let now = self.clock.now().naive_utc();
        let latest = self.latest_attempt(now);
        self.store.read(move |db| claims::any_due(db, now, latest)).await
    }

    /// The latest instant that an attempt is put off to: one that is later was put off by a clock that was
    /// ahead, and is due.
    fn latest_attempt(&self, now: NaiveDateTime) -> NaiveDateTime {
        now + self.times.retry_longest
    }

    async fn claim_due(&self, slots: usize, terms: ClaimTerms) -> Result<Batch, StoreError> {
        let limit = i64::try_from(slots).unwrap_or(i64::MAX);
        let (sealer, latest) = (Arc::clone(&self.sealer), self.latest_attempt(terms.now));
        self.store.claim(move |db| claims::claim_due(db, &sealer, limit, &terms, latest)).await
    }
}
