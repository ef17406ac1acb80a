//! Asks about claimed instructions side by side, never more than there are slots among the calls in
//! flight: what is in memory does not grow with what there is to do.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

use super::engine::{self, Order};
use crate::app::App;
use crate::store::StoreError;
use crate::store::claims::Claimed;

/// The calls under way for one order.
pub(super) struct Crew<'a> {
    app: &'a App,
    order: Arc<Order>,
    out: JoinSet<()>,
}

impl<'a> Crew<'a> {
    pub(super) fn new(app: &'a App, order: Order) -> Self {
        Self { app, order: Arc::new(order), out: JoinSet::new() }
    }

    /// Waits for a slot, and takes all that are free with it, `most` at the most. `None` when the
    /// program is stopping.
    pub(super) async fn slots(&self, most: usize) -> Option<Vec<OwnedSemaphorePermit>> {
        let all = &self.app.call_slots;
        let mut slots = vec![Arc::clone(all).acquire_owned().await.ok()?];
        while slots.len() < most
            && let Ok(slot) = Arc::clone(all).try_acquire_owned()
        {
            slots.push(slot);
        }
        Some(slots)
    }

    /// Sends everyone out with a slot each; slots left over are given back.
    pub(super) fn send(&mut self, claimed: Vec<Claimed>, slots: Vec<OwnedSemaphorePermit>) {
        for (claimed, slot) in claimed.into_iter().zip(slots) {
            let (app, order) = (self.app.clone(), Arc::clone(&self.order));
            self.out.spawn_on(
                async move {
                    // One that fails harms no other; its claim ends by itself.
                    if let Err(fault) = engine::ask_claimed(&app, claimed, &order, slot).await {
                        log::error!("an outcome was not recorded: {fault}");
                    }
                },
                &self.app.runtime,
            );
        }
        while self.out.try_join_next().is_some() {}
    }

    /// Waits until one comes home; `false` if nobody is out.
    pub(super) async fn one_home(&mut self) -> bool {
        self.out.join_next().await.is_some()
    }

    /// Waits until all are home.
    pub(super) async fn all_home(&mut self) {
        while self.one_home().await {}
    }

    /// A look for work in the database that was in vain because it is busy or away is not the end.
    pub(super) fn survived<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.is_transient() => {
                log::warn!("looking for work waits for the database: {fault}");
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }
}

impl Drop for Crew<'_> {
    /// Whoever is out when looking for more work failed still records what JIT says.
    fn drop(&mut self) {
        self.out.detach_all();
    }
}
