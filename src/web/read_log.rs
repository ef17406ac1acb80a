//! Who opened which payment instruction: once for each person, instruction and day (IST). It is kept in memory
//! and written each second, many at a time, so that looking at a page costs no write. A kill may lose the last
//! second.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;

use crate::domain::date::ist_date;
use crate::store::audit::NewEvent;

#[derive(Debug, Default)]
struct Openings {
    /// The day of what is known.
    day: NaiveDate,
    /// Who opened what on that day.
    known: HashSet<(String, Option<String>)>,
    /// What is to be written.
    waiting: Vec<NewEvent>,
}

/// The openings that this process has seen today.
#[derive(Debug, Default)]
pub struct ReadLog(Mutex<Openings>);

impl ReadLog {
    fn openings(&self) -> MutexGuard<'_, Openings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an opening, if it is the first of this person, instruction and day here.
    pub fn opened(&self, event: NewEvent) {
        let openings = &mut *self.openings();
        let day = ist_date(event.at.and_utc());
        if openings.day != day {
            openings.day = day;
            openings.known.clear();
        }
        if openings.known.insert((event.actor.clone(), event.subject.clone())) {
            openings.waiting.push(event);
        }
    }

    /// Takes those that wait to be written, the first ones, at most so many.
    pub fn take(&self, most: usize) -> Vec<NewEvent> {
        let waiting = &mut self.openings().waiting;
        let most = most.min(waiting.len());
        waiting.drain(..most).collect()
    }

    /// They could not be written, and wait again.
    pub fn put_back(&self, events: Vec<NewEvent>) {
        self.openings().waiting.splice(0..0, events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::Action;

    fn opened(log: &ReadLog, actor: &str, number: &str, at: &str) {
        log.opened(NewEvent {
            at: at.parse().unwrap(),
            actor: actor.to_owned(),
            tenant: None,
            address: None,
            action: Action::PiOpened,
            subject: Some(number.to_owned()),
        });
    }

    #[test]
    fn an_opening_waits_once_for_each_person_instruction_and_day() {
        let log = ReadLog::default();
        for _ in 0..3 {
            opened(&log, "asha", "PI-1/1", "2024-03-31T10:00:00");
        }
        opened(&log, "bina", "PI-1/1", "2024-03-31T10:00:00");
        opened(&log, "asha", "PI-1/2", "2024-03-31T10:00:00");
        let first = log.take(2);
        assert_eq!((first.len(), log.take(10).len()), (2, 1));
        log.put_back(first);
        assert_eq!(log.take(10).len(), 2);
        opened(&log, "asha", "PI-1/1", "2024-03-31T18:29:59");
        assert!(log.take(10).is_empty(), "it is the same day in Odisha");
        opened(&log, "asha", "PI-1/1", "2024-03-31T18:30:00");
        assert_eq!(log.take(10).len(), 1, "a new day");
    }
}
