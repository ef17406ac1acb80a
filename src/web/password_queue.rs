//! The queue for looking at passwords at the sign-in. Each takes a core and 19 MiB for tens of milliseconds: of those that wait,
//! each address has one, and there are no more of them than are soon looked at. The rest is told so at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Browsers that wait at most in which the name has never signed in.
const STRANGERS: usize = 16;
/// Browsers that wait at most.
const ALL: usize = 32;

/// The queue: who waits for a slot.
#[derive(Debug, Default)]
pub struct PasswordQueue(Mutex<HashSet<Waiter>>);

/// Who waits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Waiter {
    /// Somebody at an address (an IPv6 network).
    Address(String),
    /// A browser in which the name has signed in before, by its number.
    Browser(String),
}

/// A place among those that wait; left when dropped.
#[derive(Debug)]
pub struct Place {
    queue: Arc<PasswordQueue>,
    waiter: Waiter,
}

impl PasswordQueue {
    /// A place in the queue, or none: somebody of the same address waits already, or too many do.
    pub fn enter(self: &Arc<Self>, waiter: Waiter) -> Option<Place> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let strangers = waiting.iter().filter(|waiter| matches!(waiter, Waiter::Address(_))).count();
        let has_room = match waiter {
            Waiter::Address(_) => strangers < STRANGERS && waiting.len() < ALL,
            Waiter::Browser(_) => waiting.len() < ALL,
        };
        (has_room && waiting.insert(waiter.clone())).then(|| Place { queue: Arc::clone(self), waiter })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.waiter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_waits_once_and_known_browsers_still_find_room() {
        let queue = Arc::new(PasswordQueue::default());
        let at = |n: usize| Waiter::Address(format!("192.0.2.{n}"));
        let first = queue.enter(at(0)).unwrap();
        assert!(queue.enter(at(0)).is_none(), "one of an address");
        drop(first);
        let strangers: Vec<Place> = (0..STRANGERS).map(|n| queue.enter(at(n)).unwrap()).collect();
        assert!(queue.enter(at(STRANGERS)).is_none(), "no more of strangers");
        let of = |n: usize| queue.enter(Waiter::Browser(n.to_string()));
        let known: Vec<Option<Place>> = (STRANGERS..ALL).map(of).collect();
        assert!(known.iter().all(Option::is_some));
        assert!(of(ALL).is_none(), "no more of anybody");
        drop(strangers);
        assert!(queue.enter(at(0)).is_some(), "whoever is gone makes room");
    }
}
