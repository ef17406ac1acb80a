//! No more than so many messages a second.

use std::time::Duration;

use tokio::time::Instant;

/// What may be made up at once after being late: timers are no finer than that.
const SLACK: Duration = Duration::from_millis(10);

/// Spaces messages out evenly.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// `per_second` messages a second; at least one.
    pub(super) fn per_second(per_second: u32) -> Self {
        Self { interval: Duration::from_secs(1) / per_second.max(1), next: Instant::now() }
    }

    /// Waits until a message may go; how many, at most `most`. Spends nothing.
    pub(super) async fn ready(&mut self, most: usize) -> usize {
        tokio::time::sleep_until(self.next).await;
        self.available(Instant::now()).min(most)
    }

    fn available(&mut self, now: Instant) -> usize {
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

    async fn sent_within(seconds: u64, per_second: u32, slots: usize) -> usize {
        let mut pace = Pace::per_second(per_second);
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut sent = 0;
        loop {
            let count = pace.ready(slots).await;
            if Instant::now() >= end {
                return sent;
            }
            pace.spent(count);
            sent += count;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_a_second_go() {
        for (per_second, slots) in [(1, 4), (20, 1), (20, 64), (5000, 256)] {
            let sent = sent_within(10, per_second, slots).await;
            let allowed = per_second as usize * 10;
            assert!(sent <= allowed + slots.min(50) && sent + slots >= allowed, "{per_second}: {sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_is_not_saved_up() {
        let mut pace = Pace::per_second(20);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(pace.ready(64).await, 1);
        pace.spent(1);
        let before = Instant::now();
        pace.ready(64).await;
        assert!(before.elapsed() >= Duration::from_millis(39));
    }
}
