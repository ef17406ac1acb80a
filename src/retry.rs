//! How long to wait before trying again.

use std::time::Duration;

use aws_lc_rs::rand;

/// The pause after `failures` attempts in a row (at least one): its step doubles from `first` up to
/// `longest`, and the pause is drawn between half and all of the step by `random` (0 to 1), so that
/// what failed together is not tried together.
pub fn pause(first: Duration, longest: Duration, failures: u32, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    let step = first.saturating_mul(1 << doublings).min(longest);
    step.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
}

/// A random number from 0 to 1. Without randomness, which does not happen, the middle.
pub fn random() -> f64 {
    let mut bytes = [0; 4];
    match rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const LONGEST: Duration = Duration::from_secs(21_600);

    #[test]
    fn the_step_doubles_up_to_the_longest() {
        let whole = |failures| pause(MINUTE, LONGEST, failures, 1.0).as_secs();
        assert_eq!(
            [1, 2, 3, 9, 10, 1000, u32::MAX].map(whole),
            [60, 120, 240, 15_360, 21_600, 21_600, 21_600]
        );
        assert_eq!(pause(MINUTE, LONGEST, 1, 0.0), MINUTE / 2);
        assert_eq!(pause(LONGEST, MINUTE, 1, 1.0), MINUTE);
    }

    proptest! {
        #[test]
        fn a_pause_lies_between_half_and_all_of_its_step(
            first in 1u64..86_400, longest in 1u64..86_400, failures in any::<u32>(), random in 0.0f64..=1.0
        ) {
            let (first, longest) = (Duration::from_secs(first), Duration::from_secs(longest));
            let step = pause(first, longest, failures, 1.0);
            let drawn = pause(first, longest, failures, random);
            prop_assert!(drawn <= step && drawn >= step / 2 && step <= longest);
        }
    }
}
