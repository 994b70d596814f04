//! When the attempts of a notification are made.

use std::time::Duration;

use crate::testing::nylas::random::Random;

const MINUTE: Duration = Duration::from_secs(60);

/// What `Retry-After` can put an attempt off by; the documentation names no limit.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(72 * 60 * 60);

/// The attempts of one notification.
///
/// The last one is made 10 to 20 minutes after the first
/// ([source](https://developer.nylas.com/docs/v3/notifications/)). The waits in between grow
/// exponentially; by how much is not documented, and here it is fourfold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    last: Duration,
}

impl Schedule {
    pub(super) fn draw(random: &mut Random) -> Self {
        Self {
            last: random.between(10 * MINUTE, 20 * MINUTE),
        }
    }

    /// How long after the one before it this attempt is due.
    pub(super) fn wait_before(self, attempt: u32) -> Duration {
        match attempt {
            0 | 1 => Duration::ZERO,
            2 => self.last / 5,
            _ => self.last / 5 * 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_is_made_10_to_20_minutes_after_the_first() {
        for seed in 0..1000 {
            let schedule = Schedule::draw(&mut Random::of(seed, &[]));
            let [first, second, third] = [1, 2, 3].map(|attempt| schedule.wait_before(attempt));
            let last = second + third;
            assert!(first.is_zero() && last >= 10 * MINUTE && last <= 20 * MINUTE);
            assert_eq!(last / 5, second);
        }
    }
}
