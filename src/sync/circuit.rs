//! Keeps a sync from hammering a JIT that is down altogether: after failures to connect, one after
//! another, a circuit opens, and only people and single probes get through until one connects.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// So many failures to connect, with no connection between them, open it.
const FAILURES: u32 = 5;

/// The circuit of this process, in its memory.
#[derive(Debug)]
pub(super) struct Circuit {
    /// Between two probes.
    pause: TimeDelta,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    failed_at: Option<DateTime<Utc>>,
}

impl Circuit {
    /// A closed one.
    pub(super) fn new(pause_between_probes: TimeDelta) -> Self {
        Self { pause: pause_between_probes, state: Mutex::default() }
    }

    /// A panic of another thread leaves a count that is still good enough.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether JIT is not to be called, but by a person or a probe.
    pub(super) fn is_open(&self) -> bool {
        self.state().failures >= FAILURES
    }

    /// Whether it is open and time for a probe.
    pub(super) fn may_probe(&self, now: DateTime<Utc>) -> bool {
        let state = self.state();
        state.failures >= FAILURES && state.failed_at.is_none_or(|at| at + self.pause <= now)
    }

    /// Notes what came of a call.
    pub(super) fn note(&self, unreachable: bool, now: DateTime<Utc>) {
        let mut state = self.state();
        if !unreachable {
            if state.failures >= FAILURES {
                log::info!("JIT can be reached again: calls go on");
            }
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.failed_at = Some(now);
        if state.failures == FAILURES {
            log::warn!("JIT cannot be reached: calls pause until one connects");
        }
    }

    /// A new run tries for itself; its first failure opens the circuit again.
    pub(super) fn try_again(&self) {
        let mut state = self.state();
        state.failures = state.failures.min(FAILURES - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn broken() -> Circuit {
        let circuit = Circuit::new(TimeDelta::seconds(30));
        (0..FAILURES).for_each(|_| circuit.note(true, NOW));
        circuit
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_connection_closes_it() {
        let circuit = Circuit::new(TimeDelta::seconds(30));
        (1..FAILURES).for_each(|_| circuit.note(true, NOW));
        circuit.note(false, NOW);
        (1..FAILURES).for_each(|_| circuit.note(true, NOW));
        assert!(!circuit.is_open(), "a connection between them");
        circuit.note(true, NOW);
        assert!(circuit.is_open());
        circuit.note(false, NOW);
        assert!(!circuit.is_open());
    }

    #[test]
    fn probes_keep_a_distance() {
        let circuit = broken();
        assert!(!circuit.may_probe(NOW + TimeDelta::seconds(29)));
        assert!(circuit.may_probe(NOW + TimeDelta::seconds(30)));
        circuit.note(true, NOW + TimeDelta::seconds(30));
        assert!(!circuit.may_probe(NOW + TimeDelta::seconds(59)));
        assert!(circuit.is_open());
    }

    #[test]
    fn a_new_run_has_one_try() {
        let circuit = broken();
        circuit.try_again();
        assert!(!circuit.is_open());
        circuit.note(true, NOW);
        assert!(circuit.is_open());
    }
}
