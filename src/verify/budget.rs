//! How much memory strangers may fill.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::VerifySignatureLayer;

/// How often a waiting body looks at the budget again, and the least time that it gets.
pub(super) const RECHECK: Duration = Duration::from_millis(250);

/// How many bytes bodies may hold while they wait for more, before they are verified; by default 64
/// MiB. What does not fit gets a `503`, which Nylas repeats.
///
/// Clones share one account, and so do the layers that are given them: a server with several
/// endpoints can bound them together.
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
// A limit alone would be the attacker's tool: filled once with bodies that never end, it would
// shut everybody out. So the fuller it is, the sooner those that wait longest have to go.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: usize,
    used: AtomicUsize,
}

/// No room for more bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

impl MemoryBudget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Account {
            limit: bytes,
            used: AtomicUsize::new(0),
        }))
    }

    /// How many bytes it allows.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many bytes are held at present.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// How long a body may wait, all in all: `timeout` up to half of the budget, then less in
    /// proportion, down to [`RECHECK`] when it is full.
    pub(super) fn patience(&self, timeout: Duration) -> Duration {
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
    pub(super) fn is_strained(&self) -> bool {
        self.used() > self.limit() / 2
    }
}

/// A budget of [64 MiB](VerifySignatureLayer::MEMORY_BUDGET).
impl Default for MemoryBudget {
    fn default() -> Self {
        Self::new(VerifySignatureLayer::MEMORY_BUDGET)
    }
}

/// The part of a [`MemoryBudget`] that one body holds; given back on drop.
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

    /// Holds `bytes` in all, which is what was received and never what was announced. What a body
    /// has received never gets less.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else {
            return Ok(());
        };
        let account = &*self.budget.0;
        let grown = |used: usize| {
            let total = used.checked_add(more)?;
            (total <= account.limit).then_some(total)
        };
        // Only a number is shared, no memory that it would have to be in order with.
        account
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
    fn a_reservation_grows_up_to_the_limit_and_is_given_back_once() {
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
    fn patience_shrinks_in_the_upper_half() {
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
            assert_eq!(budget.patience(timeout).as_millis(), millis, "{used}");
        }
        // Never longer than the read timeout, however short or long that is.
        assert_eq!(budget.patience(RECHECK / 5), RECHECK / 5);
        assert_eq!(budget.patience(Duration::MAX), RECHECK);
    }

    #[test]
    fn a_budget_of_nothing_has_no_room() {
        let budget = MemoryBudget::new(0);
        let mut one = Reservation::new(budget.clone(), |_| ());
        assert_eq!(one.hold(0), Ok(()));
        assert_eq!(one.hold(1), Err(Exhausted));
        assert_eq!(budget.patience(RECHECK), RECHECK);
    }
}
