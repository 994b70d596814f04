//! When the attempts of a notification are made.

use std::time::Duration;

use super::Attempts;
use crate::testing::nylas::random::Random;

const MINUTE: Duration = Duration::from_secs(60);

/// What `Retry-After` can put an attempt off by; the documentation names no limit.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(72 * 60 * 60);

/// The attempts of one notification.
///
/// The last of three is made 10 to 20 minutes after the first
/// ([source](https://developer.nylas.com/docs/v3/notifications/)), that of six 30 to 60 minutes.
/// The waits in between grow exponentially; by how much is not documented, and here it is fourfold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    first_wait: Duration,
}

const GROWTH: u32 = 4;

impl Schedule {
    pub(super) fn draw(attempts: Attempts, random: &mut Random) -> Self {
        let last = match attempts {
            Attempts::Three => random.between(10 * MINUTE, 20 * MINUTE),
            Attempts::Six => random.between(30 * MINUTE, 60 * MINUTE),
        };
        let retries = attempts.count() - 1;
        let waits: u32 = (0..retries).map(|retry| GROWTH.pow(retry)).sum();
        Self {
            first_wait: last / waits,
        }
    }

    /// How long after the one before it this attempt is due.
    pub(super) fn wait_before(self, attempt: u32) -> Duration {
        let retry = attempt.checked_sub(2);
        let factor = retry.map(|retry| GROWTH.saturating_pow(retry));
        self.first_wait.saturating_mul(factor.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_is_made_10_to_20_minutes_after_the_first() {
        for seed in 0..1000 {
            let schedule = Schedule::draw(Attempts::Three, &mut Random::of(seed, []));
            let [first, second, third] = [1, 2, 3].map(|attempt| schedule.wait_before(attempt));
            let last = second + third;
            assert!(first.is_zero() && last >= 10 * MINUTE && last <= 20 * MINUTE);
            assert_eq!(last / 5, second);
        }
    }

    #[test]
    fn four_of_five_retries_come_within_20_minutes_and_all_within_an_hour() {
        for seed in 0..1000 {
            let schedule = Schedule::draw(Attempts::Six, &mut Random::of(seed, []));
            let waits = [2, 3, 4, 5, 6].map(|attempt| schedule.wait_before(attempt));
            assert!(waits[..4].iter().sum::<Duration>() <= 20 * MINUTE);
            assert!(waits.iter().sum::<Duration>() <= 60 * MINUTE);
            assert!(waits.is_sorted());
        }
    }
}
