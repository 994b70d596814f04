//! What an engine of an inbox is.

use std::{sync::Arc, time::Duration};

use super::{AppendError, Appended, Claimed, Entry, SettleError, Settlement};
use crate::report::BoxError;

/// Stores accepted notifications durably, and hands them to workers.
///
/// Clones are handles of the same inbox. What an engine has to do, and
/// `inbox::conformance` (feature `testing`) checks:
///
/// - [`append`](Self::append): key, content and job are one commit. A key is remembered for a
///   window, 72 hours if possible, and for as long as its entry is there.
/// - [`claim`](Self::claim): every entry that is not settled comes again, at least once, after its
///   lease. A lease is 30 seconds.
/// - [`settle`](Self::settle): it is handled, comes again later, or is dead.
/// - The number of crashes and of failures is exact while no lease is lost, and a lower bound else.
/// - A claim that another one has replaced is refused with [`SettleError::LeaseLost`], where the
///   engine can tell. A lease that has run out, but of which nobody has claimed the entry since,
///   still settles.
/// - There is no order.
///
/// The [guide](crate::_guide::inbox) has a whole engine of 100 lines.
///
/// Every future may be dropped but that of [`claim`](Self::claim), which a worker always polls to
/// its end: entries in a dropped one would be claimed by nobody until their leases end.
pub trait Inbox: Clone + Send + Sync + 'static {
    /// One claim of one entry: what [`extend`](Self::extend) and [`settle`](Self::settle) need, for
    /// instance the key and a random number.
    type Receipt: Send + Sync + 'static;

    /// Stores an entry with its key. It is durable when this returns.
    ///
    /// If the future is dropped, the whole entry is stored or nothing.
    ///
    /// # Errors
    ///
    /// [`AppendError`]: nothing is stored, or it is not known whether; the client sees `503`.
    fn append(&self, entry: Entry) -> impl Future<Output = Result<Appended, AppendError>> + Send;

    /// Claims up to `max` entries that are due, those first that have been due for longest.
    ///
    /// If there is none, it waits for the first one for up to `wait` (a worker waits for one second
    /// at most), be it new, put off or one whose lease ends, and does not wait for others then.
    /// Rows that cannot be [restored](Entry::restore) are buried and left out.
    ///
    /// # Errors
    ///
    /// Those of the engine: nothing is claimed, as far as it can tell.
    fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Claimed<Self::Receipt>>, BoxError>> + Send;

    /// Lets the lease count from now. A claim that has ended stays so.
    ///
    /// # Errors
    ///
    /// [`SettleError`]; a worker goes on, and another one may claim the entry as well.
    fn extend(
        &self,
        receipt: &Self::Receipt,
    ) -> impl Future<Output = Result<(), SettleError>> + Send;

    /// Ends a claim.
    ///
    /// It may be called again with the same receipt and the same settlement, for instance after
    /// [`SettleError::Unavailable`]. If the first call has succeeded all the same, the second one
    /// changes nothing, and returns `Ok` or [`SettleError::LeaseLost`].
    ///
    /// # Errors
    ///
    /// [`SettleError`].
    fn settle(
        &self,
        receipt: &Self::Receipt,
        settlement: Settlement,
    ) -> impl Future<Output = Result<(), SettleError>> + Send;
}

impl<I: Inbox> Inbox for Arc<I> {
    type Receipt = I::Receipt;

    fn append(&self, entry: Entry) -> impl Future<Output = Result<Appended, AppendError>> + Send {
        I::append(self, entry)
    }

    fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Claimed<Self::Receipt>>, BoxError>> + Send {
        I::claim(self, max, wait)
    }

    fn extend(
        &self,
        receipt: &Self::Receipt,
    ) -> impl Future<Output = Result<(), SettleError>> + Send {
        I::extend(self, receipt)
    }

    fn settle(
        &self,
        receipt: &Self::Receipt,
        settlement: Settlement,
    ) -> impl Future<Output = Result<(), SettleError>> + Send {
        I::settle(self, receipt, settlement)
    }
}
