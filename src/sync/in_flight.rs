//! Calls about claimed instructions, side by side and never more than there are slots: what is in memory
//! does not grow with what there is to do.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::slots::Slot;
use super::{FtpsSync, Order};
use crate::store::StoreError;
use crate::store::claims::Claimed;

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

    /// Begins a call for each claim, in a slot each; slots left over are given back.
    pub(super) fn begin(&mut self, claimed: Vec<Claimed>, slots: Vec<Slot>) {
        for (claimed, slot) in claimed.into_iter().zip(slots) {
            let (sync, order) = (self.sync.clone(), Arc::clone(&self.order));
            self.calls.spawn_on(
                async move {
                    // One that fails harms no other; its claim ends by itself.
                    if let Err(fault) = sync.ask_claimed(claimed, &order).await {
                        log::error!("an outcome was not recorded: {fault}");
                    }
                    drop(slot);
                },
                &self.sync.runtime,
            );
        }
        while self.calls.try_join_next().is_some() {}
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

/// A look for work in the database that was in vain because it is busy or away is not the end.
pub(super) fn unless_away<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.is_transient() => {
            log::warn!("looking for work waits for the database: {fault}");
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}
