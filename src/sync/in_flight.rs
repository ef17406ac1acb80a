//! Calls about claimed instructions, side by side and never more than there are slots; and outcomes on their way into
//! the database, which need none any more: so many that what is in memory does not grow with what there is to do.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::circuit::May;
use super::slots::Slot;
use super::{FtpsSync, Order};
use crate::store::claims::{ClaimTerms, Claimed};

/// Outcomes that may wait for the database while further calls are begun.
const UNRECORDED: usize = 64;

/// The calls in flight for one order.
pub(super) struct InFlight<'a> {
    sync: &'a FtpsSync,
    order: Arc<Order>,
    calls: JoinSet<()>,
}

impl<'a> InFlight<'a> {
    pub(super) fn new(sync: &'a FtpsSync, order: Order) -> Self {
        Self { sync, order: Arc::new(order), calls: JoinSet::new() }
    }

    /// For a claim that is made now.
    pub(super) fn claim_terms(&self) -> ClaimTerms {
        self.sync.claim_terms(&self.order)
    }

    /// Begins a call for each claim, in a slot each; slots left over are given back.
    pub(super) fn begin(&mut self, claimed: Vec<Claimed>, slots: Vec<Slot>, may: May) {
        for (claimed, slot) in claimed.into_iter().zip(slots) {
            let (sync, order) = (self.sync.clone(), Arc::clone(&self.order));
            self.calls.spawn_on(
                async move {
                    // One that fails harms no other; its claim ends by itself.
                    if let Err(fault) = sync.ask_claimed(claimed, &order, may, slot).await {
                        log::error!("an outcome was not recorded: {fault}");
                    }
                },
                &self.sync.runtime,
            );
        }
        while self.calls.try_join_next().is_some() {}
    }

    /// Waits until no more outcomes wait for the database than may.
    pub(super) async fn room(&mut self) {
        while self.calls.len() >= self.sync.slots.count() + UNRECORDED {
            self.one_over().await;
        }
    }

    /// Waits until one call is over; `false` if none is in flight.
    pub(super) async fn one_over(&mut self) -> bool {
        self.calls.join_next().await.is_some()
    }

    /// Waits until all calls are over.
    pub(super) async fn all_over(&mut self) {
        while self.one_over().await {}
    }
}

impl Drop for InFlight<'_> {
    /// Calls in flight when looking for more work failed still record what JIT says.
    fn drop(&mut self) {
        self.calls.detach_all();
    }
}
