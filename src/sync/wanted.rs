//! What people want asked about from the list: before retries, and also while a run is at work, in the slot
//! that is kept for people and in as many others as are free.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::circuit::May;
use super::scheduler::logged;
use super::{FtpsSync, Order};
use crate::store::StoreError;
use crate::store::wanted::{self, Next};

impl FtpsSync {
    /// Begins to ask about what is wanted, if nobody here does already.
    pub fn make_wanted_soon(&self) {
        let sync = self.clone();
        self.runtime.spawn(logged("asking about what is wanted", async move { sync.make_wanted().await }));
    }

    /// Asks about whatever is wanted, the longest wanted first, and returns when nothing is or the program is
    /// stopping. While JIT is away it waits as retries do.
    async fn make_wanted(&self) -> Result<(), StoreError> {
        let Ok(_at_work) = self.wanted_at_work.try_lock() else { return Ok(()) };
        // Who presses Refresh finds a slot that is not one of these.
        let most = self.slots.count().saturating_sub(1).max(1);
        let mut calls = JoinSet::new();
        while !self.is_stopping() && self.any_wanted().await? {
            let Some(may) = self.way().await else { break };
            let Some(slot) = self.slots.for_person().await else { break };
            let (sealer, terms) = (Arc::clone(&self.sealer), self.claim_terms(&Order::wanted(None)));
            let next = self.store.claim(move |db| wanted::claim_next(db, &sealer, &terms)).await?;
            let Some(Next { claimed, by }) = next else { break };
            let Some(claimed) = claimed else { continue };
            let sync = self.clone();
            calls.spawn_on(
                async move {
                    // One that fails harms no other; its claim ends by itself.
                    if let Err(fault) = sync.ask_claimed(claimed, &Order::wanted(by), may, slot).await {
                        log::error!("an outcome was not recorded: {fault}");
                    }
                },
                &self.runtime,
            );
            while calls.len() >= most || (may == May::Probe && !calls.is_empty()) {
                calls.join_next().await;
            }
        }
        calls.detach_all();
        Ok(())
    }

    async fn any_wanted(&self) -> Result<bool, StoreError> {
        let now = self.clock.now().naive_utc();
        self.store.read(move |db| wanted::any(db, now)).await
    }
}
