//! Slots among the calls in flight: no more of them than `JIT_CONCURRENCY`, one of them kept for people.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of this process. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    /// Those that runs and retries may have at once: one less than all, if there are more than one. Whoever
    /// waits for a slot gets it in turn: a person waits for one call at the most.
    machines: Arc<Semaphore>,
    count: u32,
}

/// A place among the calls in flight, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _of_machines: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(count: u32) -> Self {
        let machines = count.saturating_sub(1).max(1);
        Self {
            all: Arc::new(Semaphore::new(count as usize)),
            machines: Arc::new(Semaphore::new(machines as usize)),
            count,
        }
    }

    /// A slot for somebody who waits for the answer; `None` when the program is stopping.
    pub(super) async fn for_person(&self) -> Option<Slot> {
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Slot { _of_machines: None, _of_all: of_all })
    }

    /// Waits for a slot for a run or a retry, and takes all that are free with it, `most` at the most.
    /// `None` when the program is stopping.
    pub(super) async fn for_machine(&self, most: usize) -> Option<Vec<Slot>> {
        let of_machines = Arc::clone(&self.machines).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let mut slots = vec![Slot { _of_machines: Some(of_machines), _of_all: of_all }];
        while slots.len() < most
            && let Ok(of_machines) = Arc::clone(&self.machines).try_acquire_owned()
            && let Ok(of_all) = Arc::clone(&self.all).try_acquire_owned()
        {
            slots.push(Slot { _of_machines: Some(of_machines), _of_all: of_all });
        }
        Some(slots)
    }

    /// How many calls there are at once at the most.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether the program is stopping.
    pub(super) fn are_closed(&self) -> bool {
        self.all.is_closed()
    }

    /// Waits until no call is in flight, and lets none begin after.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.all.acquire_many(self.count).await {
            all.forget();
            self.all.close();
            self.machines.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn machines_leave_one_slot_for_people() {
        let slots = Slots::new(3);
        let machines = slots.for_machine(9).await.unwrap();
        assert_eq!(machines.len(), 2);
        let person = slots.for_person().await.unwrap();
        drop(machines);
        assert_eq!(slots.for_machine(9).await.unwrap().len(), 2);
        drop(person);
    }

    #[tokio::test]
    async fn of_one_slot_a_person_is_next() {
        let slots = Slots::new(1);
        let machine = slots.for_machine(1).await.unwrap();
        let person = {
            let slots = slots.clone();
            tokio::spawn(async move { slots.for_person().await.unwrap() })
        };
        tokio::task::yield_now().await;
        let next = {
            let slots = slots.clone();
            tokio::spawn(async move { slots.for_machine(1).await.unwrap() })
        };
        tokio::task::yield_now().await;
        drop(machine);
        let person = person.await.unwrap();
        assert!(!next.is_finished());
        drop(person);
        next.await.unwrap();
    }
}
