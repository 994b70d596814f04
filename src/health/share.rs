//! The share of failures, and the levels that it means.

use serde::Serialize;

use super::Level;

/// Genuine notifications in a window of time, and how many of them were not answered `200`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Share {
    /// All of them, each attempt by itself.
    pub requests: u64,
    /// Those that were answered with another status than `200`, or not at all.
    pub failed: u64,
}

/// At which share of failures a level is raised, and at which it is kept: 50, 70, 90 and 100 % of
/// the 95 % at which Nylas calls a destination failing, and four fifths of these.
const THRESHOLDS: [(Level, f64, f64); 4] = [
    (Level::Notice, 0.475, 0.38),
    (Level::Warning, 0.665, 0.532),
    (Level::Error, 0.855, 0.684),
    (Level::Critical, 0.95, 0.76),
];

impl Share {
    /// From 0 to 1; `None` if there was no request.
    #[allow(clippy::cast_precision_loss)] // no window has 2^53 requests
    pub fn ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failed as f64 / self.requests as f64)
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            failed: self.failed + other.failed,
        }
    }
}

/// The level of a destination that had `present` until now, by its shares in two windows.
///
/// It rises if both windows agree: the long one has seen enough, and the short one says that it
/// goes on. It falls once both are clearly below.
pub(super) fn level(present: Level, short: Share, long: Share) -> Level {
    let (Some(short), Some(long)) = (short.ratio(), long.ratio()) else {
        return Level::Ok;
    };
    let (both, either) = (short.min(long), short.max(long));
    let levels = THRESHOLDS.iter().rev();
    let reached = levels
        .filter(|(level, raised, kept)| both >= *raised || (*level <= present && either >= *kept));
    reached.map(|(level, ..)| *level).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(failed: u64) -> Share {
        Share {
            requests: 1000,
            failed,
        }
    }

    #[test]
    fn a_level_is_raised_at_its_share_of_the_95_percent() {
        for (failed, expected) in [
            (0, Level::Ok),
            (474, Level::Ok),
            (475, Level::Notice),
            (664, Level::Notice),
            (665, Level::Warning),
            (854, Level::Warning),
            (855, Level::Error),
            (949, Level::Error),
            (950, Level::Critical),
            (1000, Level::Critical),
        ] {
            assert_eq!(
                level(Level::Ok, of(failed), of(failed)),
                expected,
                "{failed}"
            );
        }
    }

    #[test]
    fn both_windows_must_agree_to_raise_it() {
        assert_eq!(level(Level::Ok, of(1000), of(474)), Level::Ok);
        assert_eq!(level(Level::Ok, of(474), of(1000)), Level::Ok);
        assert_eq!(level(Level::Notice, of(1000), of(665)), Level::Warning);
        assert_eq!(level(Level::Ok, Share::default(), of(1000)), Level::Ok);
    }

    #[test]
    fn it_falls_when_both_are_below_four_fifths_of_it() {
        for (present, kept) in [
            (Level::Critical, 760),
            (Level::Error, 684),
            (Level::Warning, 532),
            (Level::Notice, 380),
        ] {
            assert_eq!(level(present, of(kept), of(0)), present);
            assert_eq!(level(present, of(0), of(kept)), present);
            assert!(level(present, of(kept - 1), of(kept - 1)) < present);
        }
        // Not above what it was.
        assert_eq!(level(Level::Warning, of(100), of(900)), Level::Warning);
    }
}
