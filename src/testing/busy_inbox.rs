//! An engine of an inbox under a virtual clock.

use std::{fmt, time::Duration};

use super::VirtualClock;
use crate::{
    inbox::{AppendError, Appended, Claimed, Entry, Inbox, SettleError, Settlement},
    report::BoxError,
    time::Timer,
};

/// How often a claim that waits asks.
const EACH: Duration = Duration::from_secs(1);

/// An inbox whose engine has threads, or a server, that work in real time: virtual time does not
/// pass during its calls ([`VirtualClock::busy`]). When a call is dropped, the engine may still be
/// at work, and time passes: a run with such drops does not repeat.
///
/// The engine's own clock is to be the same virtual one, so that leases and retries end in virtual
/// time. A claim that waits asks the engine once in each virtual second, and so may come up to a
/// second later than that of the engine alone.
///
/// ```
/// use tower_nylas::{inbox::{Inbox, MemoryInbox}, testing::{BusyInbox, VirtualClock}};
///
/// # fn over<I: Inbox>(inbox: I, clock: &VirtualClock) -> impl Inbox {
/// let inbox = BusyInbox::new(inbox, clock.clone());
/// # inbox
/// # }
/// # let clock = VirtualClock::new();
/// # over(MemoryInbox::with_timer(clock.clone()), &clock);
/// ```
#[derive(Clone)]
pub struct BusyInbox<I> {
    inbox: I,
    clock: VirtualClock,
}

impl<I> BusyInbox<I> {
    /// An inbox during whose calls this clock does not let time pass.
    pub fn new(inbox: I, clock: VirtualClock) -> Self {
        Self { inbox, clock }
    }

    /// The inbox itself.
    pub fn get_ref(&self) -> &I {
        &self.inbox
    }

    async fn busy<T>(&self, call: impl Future<Output = T>) -> T {
        let _busy = self.clock.busy();
        call.await
    }
}

impl<I: Inbox> Inbox for BusyInbox<I> {
    type Receipt = I::Receipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        self.busy(self.inbox.append(entry)).await
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<Self::Receipt>>, BoxError> {
        let end = self.clock.elapsed().saturating_add(wait);
        loop {
            // It would wait in real time.
            let claimed = self.busy(self.inbox.claim(max, Duration::ZERO)).await?;
            let left = end.saturating_sub(self.clock.elapsed());
            if !claimed.is_empty() || left.is_zero() {
                return Ok(claimed);
            }
            self.clock.sleep(left.min(EACH)).await;
            // A worker claims again at once.
            if self.clock.elapsed() >= end {
                return Ok(Vec::new());
            }
        }
    }

    async fn extend(&self, receipt: &Self::Receipt) -> Result<(), SettleError> {
        self.busy(self.inbox.extend(receipt)).await
    }

    async fn settle(
        &self,
        receipt: &Self::Receipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.busy(self.inbox.settle(receipt, settlement)).await
    }
}

impl<I: fmt::Debug> fmt::Debug for BusyInbox<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusyInbox")
            .field("inbox", &self.inbox)
            .finish_non_exhaustive()
    }
}
