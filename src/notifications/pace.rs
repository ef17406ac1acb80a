//! No more than so many messages a second. Pure: the time comes in.

use std::time::{Duration, Instant};

/// What may be made up at once after being late: timers are no finer than that.
const SLACK: Duration = Duration::from_millis(10);

/// Spaces messages out evenly.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// `per_second` messages a second (at least one), from `now` on.
    pub(super) fn per_second(per_second: u32, now: Instant) -> Self {
        Self { interval: Duration::from_secs(1) / per_second.max(1), next: now }
    }

    /// When the next message may go.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// How many messages may go at `now`, once [`next`](Self::next) has come.
    pub(super) fn ready(&mut self, now: Instant) -> usize {
        // What was not used before is not saved up.
        self.next = self.next.max(now.checked_sub(SLACK).unwrap_or(now));
        let spare = now.saturating_duration_since(self.next);
        1 + usize::try_from(spare.as_nanos() / self.interval.as_nanos().max(1)).unwrap_or(0)
    }

    /// So many messages go.
    pub(super) fn spent(&mut self, count: usize) {
        self.next += self.interval * u32::try_from(count).unwrap_or(u32::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages a sender with so many slots gets away in ten seconds, its timer being late
    /// by `late` each time.
    fn sent(per_second: u32, slots: usize, late: Duration) -> usize {
        let start = Instant::now();
        let mut pace = Pace::per_second(per_second, start);
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(10) {
            let count = pace.ready(now).min(slots);
            pace.spent(count);
            sent += count;
            now = now.max(pace.next()) + late;
        }
        sent
    }

    #[test]
    fn no_more_than_so_many_a_second_go_and_a_late_timer_costs_nothing() {
        for (per_second, slots) in [(1, 4), (20, 1), (20, 64), (5000, 256)] {
            for late in [Duration::ZERO, Duration::from_millis(2)] {
                let sent = sent(per_second, slots, late);
                let allowed = per_second as usize * 10;
                assert!(sent <= allowed + 51 && sent + 51 >= allowed, "{per_second}: {sent}");
            }
        }
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let start = Instant::now();
        let mut pace = Pace::per_second(20, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.ready(later), 1);
        pace.spent(1);
        assert!(pace.next() >= later + Duration::from_millis(40));
    }
}
