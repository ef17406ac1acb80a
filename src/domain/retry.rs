//! How long to wait before the next attempt at something that did not work out.

use std::time::Duration;

/// The pause after `attempts` fruitless attempts in a row (1 after the first). Its step doubles from
/// `first` to `longest`; the pause is drawn between half and all of the step by `random`, any
/// number, so that what failed together does not come back together.
pub fn pause(first: Duration, longest: Duration, attempts: u32, random: u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    let step = first.saturating_mul(1 << doublings).min(longest);
    let half = step / 2;
    let spread = u64::try_from((step - half).as_millis()).unwrap_or(u64::MAX - 1);
    half + Duration::from_millis(random % (spread + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: Duration = Duration::from_secs(60);
    const LONGEST: Duration = Duration::from_secs(3600);

    #[test]
    fn steps_double_up_to_the_longest() {
        let shortest: Vec<u64> = (1..=9).map(|n| pause(FIRST, LONGEST, n, 0).as_secs()).collect();
        assert_eq!(shortest, [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        let longest: Vec<u64> =
            (1..=3).map(|n| pause(FIRST, LONGEST, n, (30_000 << (n - 1)) as u64).as_secs()).collect();
        assert_eq!(longest, [60, 120, 240]);
    }

    proptest! {
        #[test]
        fn a_pause_lies_between_half_and_all_of_its_step(attempts in 0..u32::MAX, random: u64, first in 1..7200_u64, more in 0..7200_u64) {
            let (first, longest) = (Duration::from_secs(first), Duration::from_secs(first + more));
            let step = first.saturating_mul(1 << attempts.saturating_sub(1).min(31)).min(longest);
            let pause = pause(first, longest, attempts, random);
            prop_assert!(step / 2 <= pause && pause <= step, "{pause:?} of {step:?}");
        }
    }
}
