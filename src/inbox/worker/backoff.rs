//! How long to wait before the next try.

use std::time::Duration;

use crate::inbox::EntryKey;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// After this number of failures, the last one included: 2 seconds, doubled each time, up to an
/// hour, less up to a quarter, so that entries that failed together do not come together again.
/// That depends on nothing but the entry, so a simulation runs the same way each time.
pub(super) fn after_failure(key: EntryKey, failures: u32) -> Duration {
    let full = doubled(FIRST, failures.saturating_sub(1), LONGEST);
    let share = spread(key, failures) % 1024;
    full.saturating_sub(full / 4 * u32::try_from(share).unwrap_or(0) / 1024)
}

/// After this number of failed calls of the engine in a row: 100 milliseconds, doubled each time,
/// up to 5 seconds.
pub(in crate::inbox) fn of_engine(failures: u32) -> Duration {
    doubled(
        Duration::from_millis(100),
        failures.saturating_sub(1),
        Duration::from_secs(5),
    )
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let factor = 2_u32.checked_pow(times);
    let wait = factor.and_then(|factor| first.checked_mul(factor));
    wait.map_or(longest, |wait| wait.min(longest))
}

/// The key is a hash already; a multiplication spreads the count over it.
fn spread(key: EntryKey, failures: u32) -> u64 {
    let start = key.as_bytes().iter().take(8);
    let start = start.fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    let mixed = (start ^ u64::from(failures)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_an_hour_and_each_entry_has_waits_of_its_own() {
        let keys = [1, 2, 3].map(|byte| EntryKey::from_bytes([byte; 16]));
        for key in keys {
            for (failures, full) in [
                (1, 2),
                (2, 4),
                (3, 8),
                (11, 2048),
                (12, 3600),
                (u32::MAX, 3600),
            ] {
                let (wait, full) = (after_failure(key, failures), Duration::from_secs(full));
                assert!(full * 3 / 4 < wait && wait <= full, "{failures}: {wait:?}");
                assert_eq!(wait, after_failure(key, failures));
            }
        }
        let [a, b, c] = keys.map(|key| after_failure(key, 5));
        assert!(a != b && b != c && a != c);
    }

    #[test]
    fn the_engine_is_asked_again_at_least_each_5_seconds() {
        let waits = [1, 2, 6, 7, u32::MAX].map(|failures| of_engine(failures).as_millis());
        assert_eq!(waits, [100, 200, 3200, 5000, 5000]);
    }
}
