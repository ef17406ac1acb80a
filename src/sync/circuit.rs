//! Keeps runs and retries from calling a JIT that is away or hangs: after failures one after another a
//! circuit opens, and only people and single probes get through until one is answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::jit::Contact;

/// So many failures of one kind, with nothing better between them, open it.
const FAILURES: u32 = 5;
/// Pauses between probes: they double up to the longest.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(10);
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(300);

/// Why it is open, and so how it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Away {
    /// No connection can be made: the first that can closes it.
    Unreachable,
    /// Connections are made and nothing is answered: a whole reply closes it.
    Hanging,
}

/// Whether JIT may be called about what nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Yes.
    Open,
    /// Only to find out whether it is back.
    Probe(Away),
    /// Not before that instant.
    Closed(DateTime<Utc>),
}

/// What may be done about a claim that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// Call JIT, while it is there.
    Call,
    /// Call a JIT that is away, to find out whether it is back.
    Probe,
}

/// The circuit of this process, in its memory.
#[derive(Debug, Default)]
pub(super) struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    unreachable: u32,
    timed_out: u32,
    /// Since when it is open, and when the next probe is due.
    open: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pause: TimeDelta,
}

impl State {
    fn away(&self) -> Away {
        if self.timed_out >= FAILURES { Away::Hanging } else { Away::Unreachable }
    }
}

impl Circuit {
    /// A panic of another thread leaves counts that are still good enough.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when JIT is away, if it is.
    pub(super) fn away_since(&self) -> Option<DateTime<Utc>> {
        self.state().open.map(|(since, _)| since)
    }

    /// Whether JIT may be called at `now`. Whoever is told to probe does so: the next probe is put off.
    pub(super) fn way(&self, now: DateTime<Utc>) -> Way {
        let mut state = self.state();
        match state.open {
            None => Way::Open,
            Some((since, probe_at)) if probe_at <= now || probe_at > now + LONGEST_PAUSE => {
                state.pause = (state.pause * 2).min(LONGEST_PAUSE);
                state.open = Some((since, now + state.pause));
                Way::Probe(state.away())
            }
            Some((_, probe_at)) => Way::Closed(probe_at),
        }
    }

    /// Has the next probe made at once: somebody has just begun a run.
    pub(super) fn probe_soon(&self, now: DateTime<Utc>) {
        if let Some((_, probe_at)) = &mut self.state().open {
            *probe_at = now;
        }
    }

    /// Notes what came of a call, or of a mere connection.
    pub(super) fn note(&self, contact: Contact, now: DateTime<Utc>) {
        let mut state = self.state();
        match contact {
            // Somebody else's failure, which that one has noted.
            Contact::NotTried => return,
            // Whoever hangs may still end a connection, or let somebody sign in.
            Contact::Reached if state.open.is_some() && state.away() == Away::Hanging => return,
            Contact::Reached | Contact::Replied => {
                if state.open.is_some() {
                    log::info!("JIT answers again: calls go on");
                }
                *state = State::default();
                return;
            }
            Contact::Unreachable => (state.unreachable, state.timed_out) = (state.unreachable + 1, 0),
            Contact::TimedOut => (state.unreachable, state.timed_out) = (0, state.timed_out + 1),
        }
        if state.open.is_none() && state.unreachable.max(state.timed_out) >= FAILURES {
            log::warn!(
                "JIT {}: calls pause",
                match state.away() {
                    Away::Unreachable => "cannot be reached",
                    Away::Hanging => "does not answer in time",
                }
            );
            state.pause = FIRST_PAUSE;
            state.open = Some((now, now + FIRST_PAUSE));
        }
    }

    /// A connection was made without a call: enough, unless it is answers that are missing.
    pub(super) fn note_connection(&self, now: DateTime<Utc>) {
        if self.state().away() == Away::Unreachable {
            self.note(Contact::Reached, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn at(seconds: i64) -> DateTime<Utc> {
        NOW + TimeDelta::seconds(seconds)
    }

    fn broken(contact: Contact) -> Circuit {
        let circuit = Circuit::default();
        (0..FAILURES).for_each(|_| circuit.note(contact, NOW));
        circuit
    }

    #[test]
    fn failures_of_one_kind_in_a_row_open_it_and_anothers_count_nothing() {
        let circuit = Circuit::default();
        (1..FAILURES).for_each(|_| circuit.note(Contact::Unreachable, NOW));
        circuit.note(Contact::Reached, NOW);
        (1..FAILURES).for_each(|_| circuit.note(Contact::Unreachable, NOW));
        (0..60).for_each(|_| circuit.note(Contact::NotTried, NOW));
        (1..FAILURES).for_each(|_| circuit.note(Contact::TimedOut, NOW));
        assert_eq!(circuit.way(NOW), Way::Open, "never five of one kind");
        circuit.note(Contact::TimedOut, NOW);
        assert_eq!(circuit.away_since(), Some(NOW));
    }

    #[test]
    fn probes_keep_a_distance_that_grows_to_five_minutes() {
        let circuit = broken(Contact::Unreachable);
        assert_eq!(circuit.way(at(9)), Way::Closed(at(10)));
        assert_eq!(circuit.way(at(10)), Way::Probe(Away::Unreachable));
        assert_eq!(circuit.way(at(10)), Way::Closed(at(30)), "one probe at a time");
        let mut now = at(30);
        for pause in [40, 80, 160, 300, 300] {
            assert_eq!(circuit.way(now), Way::Probe(Away::Unreachable));
            circuit.note(Contact::Unreachable, now);
            let next = now + TimeDelta::seconds(pause);
            assert_eq!(circuit.way(now), Way::Closed(next));
            now = next;
        }
        assert_eq!(circuit.way(at(0)), Way::Probe(Away::Unreachable), "a clock that was set back");
    }

    #[test]
    fn a_connection_closes_it_unless_answers_are_missing() {
        let circuit = broken(Contact::Unreachable);
        circuit.note_connection(at(10));
        assert_eq!(circuit.way(at(10)), Way::Open);
        let circuit = broken(Contact::TimedOut);
        circuit.note_connection(at(10));
        assert_eq!(circuit.way(at(10)), Way::Probe(Away::Hanging));
        circuit.note(Contact::Reached, at(10));
        assert_eq!(circuit.away_since(), Some(NOW), "a connection that ended is no reply");
        circuit.note(Contact::Replied, at(10));
        assert_eq!(circuit.way(at(10)), Way::Open);
    }
}
