//! What was refused to whom, as the audit trail is told of it. Of refusals that are alike (one person, or one
//! address of those who are not signed in; one reason) within fifteen minutes the first is an event of its own,
//! written before the answer goes out; then the tenth, the hundredth, … and the number they came to. They are
//! counted in memory, by each process for itself: who floods the pages makes neither the trail long nor the
//! database work. A kill loses the numbers of these fifteen minutes, never the first of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDateTime;

use super::error::WebError;
use crate::access::guessing::{WINDOW, is_told_at};
use crate::store::audit::NewEvent;

/// Who is counted apart, at most: of all others, whose addresses would fill the memory, one number is kept.
const APART: usize = 10_000;
/// Who all others are.
const OTHERS: &str = "other addresses";

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The role does not carry it.
    Role,
    /// The form was not one of this session's.
    ForeignForm,
    /// It belongs to another ULB.
    OtherUlb,
}

impl Why {
    /// What a fault refuses, if it is a refusal.
    pub const fn of(fault: &WebError) -> Option<Self> {
        match fault {
            WebError::Forbidden(_) => Some(Self::Role),
            WebError::ForeignForm => Some(Self::ForeignForm),
            WebError::OfAnotherUlb(_) => Some(Self::OtherUlb),
            _ => None,
        }
    }

    /// As the audit trail says it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::ForeignForm => "foreign form",
            Self::OtherUlb => "another ULB",
        }
    }
}

/// Refusals that are alike.
#[derive(Debug)]
struct Tally {
    began_at: NaiveDateTime,
    times: i64,
    /// The latest.
    event: NewEvent,
}

impl Tally {
    fn is_over(&self, now: NaiveDateTime) -> bool {
        self.began_at + WINDOW <= now
    }

    /// How many there were.
    fn told(&self, why: Why, at: NaiveDateTime) -> NewEvent {
        NewEvent { at, subject: Some(format!("{}: × {}", why.words(), self.times)), ..self.event.clone() }
    }
}

#[derive(Debug, Default)]
struct Counted {
    tallies: HashMap<(String, Why), Tally>,
    /// What could not be written yet.
    unwritten: Vec<NewEvent>,
}

/// The refusals of the last fifteen minutes.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Counted>);

impl Refusals {
    fn counted(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal of a person or address; the events that are to be written now.
    pub fn count(&self, of: &str, why: Why, event: NewEvent) -> Vec<NewEvent> {
        let tallies = &mut self.counted().tallies;
        let key = (of.to_owned(), why);
        let has_room = tallies.len() < APART || tallies.contains_key(&key);
        let key = if has_room { key } else { (OTHERS.to_owned(), why) };
        let now = event.at;
        match tallies.get_mut(&key) {
            Some(tally) if !tally.is_over(now) => {
                tally.times += 1;
                tally.event = event;
                if is_told_at(tally.times) { vec![tally.told(why, now)] } else { Vec::new() }
            }
            ended => {
                let closing =
                    ended.filter(|tally| !is_told_at(tally.times)).map(|tally| tally.told(why, now));
                tallies.insert(key, Tally { began_at: now, times: 1, event: event.clone() });
                closing.into_iter().chain([event]).collect()
            }
        }
    }

    /// The events that are still to be written at that time: what those came to whose fifteen minutes are over,
    /// and what could not be written before.
    pub fn due(&self, now: NaiveDateTime) -> Vec<NewEvent> {
        let Counted { tallies, unwritten } = &mut *self.counted();
        let mut due = std::mem::take(unwritten);
        tallies.retain(|(_, why), tally| {
            let is_over = tally.is_over(now);
            if is_over && !is_told_at(tally.times) {
                due.push(tally.told(*why, now));
            }
            !is_over
        });
        due
    }

    /// What they have come to so far, whether or not their fifteen minutes are over: for the program's end.
    pub fn at_the_end(&self, now: NaiveDateTime) -> Vec<NewEvent> {
        let Counted { tallies, unwritten } = &mut *self.counted();
        let mut due = std::mem::take(unwritten);
        let open = tallies.drain().filter(|(_, tally)| !is_told_at(tally.times));
        due.extend(open.map(|((_, why), tally)| tally.told(why, now)));
        due
    }

    /// They could not be written, and are due again.
    pub fn put_back(&self, events: Vec<NewEvent>) {
        self.counted().unwritten.extend(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::Action;
    use chrono::TimeDelta;

    fn at(seconds: i64) -> NaiveDateTime {
        chrono::DateTime::UNIX_EPOCH.naive_utc() + TimeDelta::seconds(seconds)
    }

    fn event(seconds: i64) -> NewEvent {
        NewEvent {
            at: at(seconds),
            actor: "bina".to_owned(),
            tenant: None,
            address: None,
            action: Action::Refused,
            subject: Some("role: GET /audit".to_owned()),
        }
    }

    fn subjects(events: Vec<NewEvent>) -> Vec<String> {
        events.into_iter().filter_map(|event| event.subject).collect()
    }

    #[test]
    fn of_a_flood_the_first_each_power_of_ten_and_the_sum_are_told() {
        let refusals = Refusals::default();
        let told = (0..3000).flat_map(|n| subjects(refusals.count("bina", Why::Role, event(n / 10))));
        assert_eq!(
            told.collect::<Vec<_>>(),
            ["role: GET /audit", "role: × 10", "role: × 100", "role: × 1000"]
        );
        assert_eq!(subjects(refusals.count("bina", Why::ForeignForm, event(300))), ["role: GET /audit"]);
        assert!(refusals.due(at(899)).is_empty(), "the fifteen minutes are not over");
        assert_eq!(subjects(refusals.due(at(900))), ["role: × 3000"]);
        assert!(refusals.due(at(5000)).is_empty(), "one alone has been told");
    }

    #[test]
    fn the_next_fifteen_minutes_are_counted_anew() {
        let refusals = Refusals::default();
        refusals.count("bina", Why::Role, event(0));
        refusals.count("bina", Why::Role, event(1));
        assert_eq!(
            subjects(refusals.count("bina", Why::Role, event(900))),
            ["role: × 2", "role: GET /audit"]
        );
        refusals.count("bina", Why::Role, event(901));
        assert_eq!(subjects(refusals.at_the_end(at(902))), ["role: × 2"]);
        refusals.put_back(vec![event(902)]);
        assert_eq!(refusals.due(at(903)).len(), 1);
    }

    #[test]
    fn a_flood_from_everywhere_does_not_fill_the_memory() {
        let refusals = Refusals::default();
        let told: usize =
            (0..20_000).map(|n| refusals.count(&format!("10.0.{n}"), Why::Role, event(1)).len()).sum();
        assert_eq!(refusals.counted().tallies.len(), APART + 1);
        assert_eq!(told, APART + 5, "each of ten thousand, and 1, 10, 100, 1000, 10000 of the others");
    }
}
