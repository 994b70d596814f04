//! The bound on the memory that unverified bodies hold.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::VerifySignatureLayer;

/// How often a waiting body checks the budget, and the least time that it may wait.
pub(super) const RECHECK: Duration = Duration::from_millis(250);

/// How many bytes all unverified bodies together may hold while they wait for more; by default 64
/// MiB. A body that does not fit gets a `503`, which Nylas repeats.
///
/// Clones share one count, and so do the layers that use them: a server with several endpoints can
/// bound them together.
///
/// ```
/// use tower_nylas::{MemoryBudget, Secrets, WebhookLayer};
///
/// let budget = MemoryBudget::new(128 * 1024 * 1024);
/// let layer = WebhookLayer::new(Secrets::pending()).memory_budget(budget.clone());
/// assert_eq!((budget.used(), budget.limit()), (0, 134_217_728));
/// ```
///
/// The [guide](crate::_guide::memory) explains it.
// A limit alone would serve an attacker: once it is filled with bodies that never end, every other
// body is refused. So the fuller the budget is, the shorter a body may wait.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    used: AtomicUsize,
}

/// No room for more bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

impl MemoryBudget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared {
            limit: bytes,
            used: AtomicUsize::new(0),
        }))
    }

    /// How many bytes it allows.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many bytes unverified bodies hold at present.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// How long a body may wait in total: `timeout` while the budget is at most half full, then
    /// less in proportion, down to [`RECHECK`] when it is full.
    pub(super) fn wait_limit(&self, timeout: Duration) -> Duration {
        const STEPS: u32 = 1024;
        let (used, limit) = (self.used(), self.limit());
        if used <= limit / 2 {
            return timeout;
        }
        let upper_half = limit - limit / 2;
        let left = limit.saturating_sub(used) as u128 * u128::from(STEPS) / upper_half as u128;
        let least = RECHECK.min(timeout);
        least + timeout.saturating_sub(least) / STEPS * u32::try_from(left).unwrap_or(STEPS)
    }

    /// Whether more than half is used.
    pub(super) fn is_over_half(&self) -> bool {
        self.used() > self.limit() / 2
    }
}

/// A budget of [64 MiB](VerifySignatureLayer::MEMORY_BUDGET).
impl Default for MemoryBudget {
    fn default() -> Self {
        Self::new(VerifySignatureLayer::MEMORY_BUDGET)
    }
}

/// The part of a [`MemoryBudget`] that one body holds; released on drop.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
    on_change: fn(isize),
}

impl Reservation {
    pub(super) fn new(budget: MemoryBudget, on_change: fn(isize)) -> Self {
        Self {
            budget,
            bytes: 0,
            on_change,
        }
    }

    /// Raises the reservation to `bytes` in total: the bytes received, never an announced length.
    /// A smaller number leaves it as it is.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else {
            return Ok(());
        };
        let shared = &*self.budget.0;
        let grown = |used: usize| {
            let total = used.checked_add(more)?;
            (total <= shared.limit).then_some(total)
        };
        // Relaxed, since no other memory access depends on the count.
        shared
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .map_err(|_| Exhausted)?;
        (self.on_change)(more.cast_signed());
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
        (self.on_change)(-self.bytes.cast_signed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_grows_up_to_the_limit_and_is_released_once() {
        let budget = MemoryBudget::new(100);
        let mut one = Reservation::new(budget.clone(), |_| ());
        let mut other = Reservation::new(budget.clone(), |_| ());
        assert_eq!(one.hold(60), Ok(()));
        assert_eq!(one.hold(60), Ok(()));
        assert_eq!(other.hold(41), Err(Exhausted));
        assert_eq!(budget.used(), 60);
        assert_eq!(other.hold(40), Ok(()));
        assert_eq!(one.hold(61), Err(Exhausted));
        assert_eq!(budget.used(), 100);
        drop(one);
        assert_eq!(budget.used(), 40);
        drop(other);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_wait_limit_shrinks_in_the_upper_half() {
        let timeout = RECHECK + Duration::from_millis(2048);
        let budget = MemoryBudget::new(1000);
        let mut one = Reservation::new(budget.clone(), |_| ());
        for (used, millis) in [
            (0, 2298),
            (500, 2298),
            (625, 1786),
            (750, 1274),
            (1000, 250),
        ] {
            one.hold(used).unwrap();
            assert_eq!(budget.wait_limit(timeout).as_millis(), millis, "{used}");
        }
        // Never longer than the read timeout, however short or long that is.
        assert_eq!(budget.wait_limit(RECHECK / 5), RECHECK / 5);
        assert_eq!(budget.wait_limit(Duration::MAX), RECHECK);
    }

    #[test]
    fn a_budget_of_nothing_has_no_room() {
        let budget = MemoryBudget::new(0);
        let mut one = Reservation::new(budget.clone(), |_| ());
        assert_eq!(one.hold(0), Ok(()));
        assert_eq!(one.hold(1), Err(Exhausted));
        assert_eq!(budget.wait_limit(RECHECK), RECHECK);
    }
}
