//! Limits how many events a flood of requests emits, and counts the suppressed ones.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) const WINDOW: Duration = Duration::from_secs(10);

/// Room for all reasons and outcomes that are emitted, so that a flood allocates nothing.
const KINDS: usize = 64;

/// Admits a few events of each kind in each window of time, and counts the rest.
///
/// Each kind has a limit of its own: in a flood of forgeries, a failed lookup is still emitted.
pub(crate) struct Flood<K> {
    start: Instant,
    /// When suppressed events are to be summarized, in milliseconds from the start; `u64::MAX` if
    /// there are none. So a request that emits nothing takes no lock.
    due: AtomicU64,
    windows: Mutex<Window<K>>,
}

struct Window<K> {
    end: Instant,
    /// One for each kind that has occurred; there are few.
    shares: Vec<Share<K>>,
}

struct Share<K> {
    kind: K,
    emitted: u32,
    suppressed: u64,
}

/// How many of a kind were suppressed in a window that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Suppressed<K> {
    pub(crate) kind: K,
    pub(crate) count: u64,
}

impl<K: Copy + PartialEq> Flood<K> {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            start: now,
            due: AtomicU64::new(u64::MAX),
            windows: Mutex::new(Window {
                end: now,
                shares: Vec::with_capacity(KINDS),
            }),
        }
    }

    /// Whether this event is to be emitted, and the summaries to be emitted before it.
    pub(crate) fn admit(&self, kind: K, limit: u32, now: Instant) -> (bool, Vec<Suppressed<K>>) {
        let mut window = self.lock();
        let before = self.renew(&mut window, now);
        let shares = &mut window.shares;
        let at = shares.iter().position(|share| share.kind == kind);
        let at = at.unwrap_or_else(|| {
            shares.push(Share {
                kind,
                emitted: 0,
                suppressed: 0,
            });
            shares.len() - 1
        });
        let Some(share) = shares.get_mut(at) else {
            return (true, before);
        };
        let admitted = share.emitted < limit;
        if admitted {
            share.emitted += 1;
        } else {
            share.suppressed += 1;
            let due = self.millis(window.end);
            self.due.store(due, Ordering::Relaxed);
        }
        (admitted, before)
    }

    /// The summaries of a window that has ended, if they were not emitted yet.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<Suppressed<K>> {
        if self.millis(now) < self.due.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut window = self.lock();
        self.renew(&mut window, now)
    }

    /// The summaries that remain when the log is dropped.
    pub(crate) fn rest(&mut self) -> Vec<Suppressed<K>> {
        let window = self.windows.get_mut();
        take(&mut window.unwrap_or_else(PoisonError::into_inner).shares)
    }

    /// Begins a new window if the last one is over.
    fn renew(&self, window: &mut Window<K>, now: Instant) -> Vec<Suppressed<K>> {
        if now < window.end {
            return Vec::new();
        }
        window.end = now.checked_add(WINDOW).unwrap_or(now);
        self.due.store(u64::MAX, Ordering::Relaxed);
        take(&mut window.shares)
    }

    fn millis(&self, moment: Instant) -> u64 {
        let passed = moment.saturating_duration_since(self.start);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Window<K>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<K>(shares: &mut Vec<Share<K>>) -> Vec<Suppressed<K>> {
    let suppressed = shares.drain(..).filter(|share| share.suppressed > 0);
    suppressed
        .map(
            |Share {
                 kind,
                 suppressed: count,
                 ..
             }| Suppressed { kind, count },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u32 = 3;

    #[test]
    fn each_kind_has_its_limit_and_the_rest_is_summarized_in_the_next_window() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        let mut emitted = 0;
        for millis in 0..100 {
            let now = start + Duration::from_millis(millis);
            assert_eq!(flood.overdue(now), []);
            let (admitted, before) = flood.admit("forged", LIMIT, now);
            emitted += u32::from(admitted);
            assert_eq!(before, []);
        }
        assert_eq!(emitted, LIMIT);
        assert_eq!(flood.admit("pending", LIMIT, start), (true, vec![]));

        let almost = start + Duration::from_nanos(9_999_999_999);
        assert_eq!(flood.overdue(almost), []);
        let suppressed = |count| {
            vec![Suppressed {
                kind: "forged",
                count,
            }]
        };
        assert_eq!(flood.overdue(start + WINDOW), suppressed(97));
        assert_eq!(flood.overdue(start + WINDOW), []);

        // The next window, which has a share of its own.
        let next = start + WINDOW;
        for _ in 0..5 {
            flood.admit("forged", LIMIT, next);
        }
        let after = next + WINDOW;
        assert_eq!(flood.admit("forged", LIMIT, after), (true, suppressed(2)));
        for _ in 0..7 {
            flood.admit("forged", LIMIT, after);
        }
        assert_eq!(flood.rest(), suppressed(5));
        assert_eq!(flood.rest(), []);
    }

    #[test]
    fn without_a_flood_everything_is_emitted() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        for seconds in (0..1000).step_by(4) {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(flood.overdue(now), []);
            assert_eq!(flood.admit("forged", LIMIT, now), (true, vec![]));
        }
        assert_eq!(flood.rest(), []);
    }

    #[test]
    fn threads_together_emit_no_more_and_lose_nothing() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        let emitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let (admitted, _) = flood.admit("forged", LIMIT, start);
                        emitted.fetch_add(u64::from(admitted), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(emitted.into_inner(), u64::from(LIMIT));
        let count = 4000 - u64::from(LIMIT);
        assert_eq!(
            flood.rest(),
            [Suppressed {
                kind: "forged",
                count
            }]
        );
    }
}
