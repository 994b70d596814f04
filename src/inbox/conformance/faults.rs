//! An engine in trouble.

use std::{
    collections::HashMap,
    fmt,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    inbox::{
        AppendError, Appended, Browse, Claimed, Entry, EntryKey, Inbox, SettleError, Settlement,
        Stats, StoredEntry,
    },
    report::BoxError,
    time::Timer,
};

/// An inbox around another one, whose calls fail, hang or answer late on demand. Clones are in the
/// same trouble.
#[derive(Clone)]
pub struct Faults<I> {
    inner: I,
    timer: Arc<dyn Timer>,
    of_calls: Arc<Mutex<HashMap<Call, Fault>>>,
}

/// A method of [`Inbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// [`Inbox::append`].
    Append,
    /// [`Inbox::claim`].
    Claim,
    /// [`Inbox::extend`].
    Extend,
    /// [`Inbox::settle`].
    Settle,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Append, Self::Claim, Self::Extend, Self::Settle];
}

/// What is wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, and has changed nothing.
    Fails,
    /// It fails, and has succeeded all the same.
    LosesAnswer,
    /// It never returns, and has changed nothing.
    Hangs,
    /// It returns so much later.
    IsLate(Duration),
    /// It panics, and has changed nothing.
    Panics,
}

impl<I> Faults<I> {
    /// Without a fault at first. The timer is for [`Fault::IsLate`].
    pub fn new(inner: I, timer: impl Timer) -> Self {
        Self {
            inner,
            timer: Arc::new(timer),
            of_calls: Arc::default(),
        }
    }

    /// Gives these calls a fault from now on, or none. Calls that hang already go on hanging.
    pub fn set(&self, calls: &[Call], fault: impl Into<Option<Fault>>) {
        let fault = fault.into();
        let mut faults = self.of_calls.lock().unwrap_or_else(PoisonError::into_inner);
        for call in calls {
            match fault {
                Some(fault) => faults.insert(*call, fault),
                None => faults.remove(call),
            };
        }
    }

    fn fault(&self, call: Call) -> Option<Fault> {
        let faults = self.of_calls.lock().unwrap_or_else(PoisonError::into_inner);
        faults.get(&call).copied()
    }

    async fn call<T, E>(
        &self,
        call: Call,
        failed: impl FnOnce(BoxError) -> E,
        inner: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.fault(call) {
            None => inner.await,
            Some(Fault::Fails) => Err(failed("it fails".into())),
            Some(Fault::LosesAnswer) => match inner.await {
                Ok(_) => Err(failed("its answer is lost".into())),
                Err(other) => Err(other),
            },
            Some(Fault::Hangs) => pending().await,
            Some(Fault::IsLate(duration)) => {
                let result = inner.await;
                self.timer.sleep(duration).await;
                result
            }
            Some(Fault::Panics) => panic!("{call:?} panics"),
        }
    }
}

impl<I: Inbox> Inbox for Faults<I> {
    type Receipt = I::Receipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        let inner = self.inner.append(entry);
        self.call(Call::Append, AppendError::Unavailable, inner)
            .await
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<Self::Receipt>>, BoxError> {
        let inner = self.inner.claim(max, wait);
        self.call(Call::Claim, |why| why, inner).await
    }

    async fn extend(&self, receipt: &Self::Receipt) -> Result<(), SettleError> {
        let inner = self.inner.extend(receipt);
        self.call(Call::Extend, SettleError::Unavailable, inner)
            .await
    }

    async fn settle(
        &self,
        receipt: &Self::Receipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        let inner = self.inner.settle(receipt, settlement);
        self.call(Call::Settle, SettleError::Unavailable, inner)
            .await
    }
}

/// Without faults.
impl<I: Browse> Browse for Faults<I> {
    async fn stats(&self) -> Result<Stats, BoxError> {
        self.inner.stats().await
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        self.inner.dead(before, max).await
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.inner.replay(keys).await
    }

    async fn replay_dead(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.inner.replay_dead(keys).await
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.inner.discard(keys).await
    }
}

impl<I> fmt::Debug for Faults<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("of_calls", &self.of_calls)
            .finish_non_exhaustive()
    }
}
