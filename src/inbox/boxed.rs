//! An inbox whose engine is chosen at run time.

use std::{any::Any, fmt, pin::Pin, sync::Arc, time::Duration};

use super::{AppendError, Appended, Claimed, Entry, Inbox, SettleError, Settlement};
use crate::report::BoxError;

/// Any [`Inbox`], with its type erased. Each call costs an allocation, and so does each claim.
#[derive(Clone)]
pub struct BoxInbox(Arc<dyn Erased>);

/// A claim of [`BoxInbox`].
pub struct BoxReceipt(Box<dyn Any + Send + Sync>);

type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Erased: Send + Sync {
    fn append(&self, entry: Entry) -> Call<'_, Result<Appended, AppendError>>;

    fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Call<'_, Result<Vec<Claimed<BoxReceipt>>, BoxError>>;

    fn extend<'a>(&'a self, receipt: &'a BoxReceipt) -> Call<'a, Result<(), SettleError>>;

    fn settle<'a>(
        &'a self,
        receipt: &'a BoxReceipt,
        settlement: Settlement,
    ) -> Call<'a, Result<(), SettleError>>;
}

impl BoxInbox {
    /// Erases the type of an inbox.
    pub fn new(inbox: impl Inbox) -> Self {
        Self(Arc::new(inbox))
    }
}

impl BoxReceipt {
    /// A receipt of another inbox settles nothing here.
    fn of<R: 'static>(&self) -> Result<&R, SettleError> {
        self.0.downcast_ref().ok_or(SettleError::LeaseLost)
    }
}

impl<I: Inbox> Erased for I {
    fn append(&self, entry: Entry) -> Call<'_, Result<Appended, AppendError>> {
        Box::pin(Inbox::append(self, entry))
    }

    fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Call<'_, Result<Vec<Claimed<BoxReceipt>>, BoxError>> {
        Box::pin(async move {
            let claimed = Inbox::claim(self, max, wait).await?;
            let erase = |receipt| BoxReceipt(Box::new(receipt));
            Ok(claimed
                .into_iter()
                .map(|claimed| claimed.map(erase))
                .collect())
        })
    }

    fn extend<'a>(&'a self, receipt: &'a BoxReceipt) -> Call<'a, Result<(), SettleError>> {
        Box::pin(async move { Inbox::extend(self, receipt.of()?).await })
    }

    fn settle<'a>(
        &'a self,
        receipt: &'a BoxReceipt,
        settlement: Settlement,
    ) -> Call<'a, Result<(), SettleError>> {
        Box::pin(async move { Inbox::settle(self, receipt.of()?, settlement).await })
    }
}

impl Inbox for BoxInbox {
    type Receipt = BoxReceipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        self.0.append(entry).await
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<BoxReceipt>>, BoxError> {
        self.0.claim(max, wait).await
    }

    async fn extend(&self, receipt: &BoxReceipt) -> Result<(), SettleError> {
        self.0.extend(receipt).await
    }

    async fn settle(
        &self,
        receipt: &BoxReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.0.settle(receipt, settlement).await
    }
}

impl fmt::Debug for BoxInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxInbox(..)")
    }
}

impl fmt::Debug for BoxReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxReceipt(..)")
    }
}
