//! An inbox whose engine is reached while the program runs already.

mod attempts;
mod calls;
mod error;
mod state;

use std::{fmt, sync::Arc, time::Duration};

use self::{
    attempts::{Patience, Shared},
    error::NotOpen,
};
use super::{
    Inbox,
    engine::Failure,
    runtime::{Runtime, Task},
};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{report::BoxError, time::Timer};

/// An inbox that is opened by a function, which is called until it succeeds.
///
/// An engine over a network reaches its servers when it is opened, so a receiver that is started
/// while they are away would not start at all. With this one it starts, and
/// [`Enqueue::or`](super::Enqueue::or) stores in another inbox until the servers are back:
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # fn main() {
/// use tower_nylas::inbox::{Enqueue, LazyInbox, Worker};
/// # use tower_nylas::{BoxError, TriggerRouter, inbox::MemoryInbox as NatsInbox};
/// # async fn open(_: &str) -> Result<NatsInbox, BoxError> { Ok(NatsInbox::new()) }
/// # let (local, triggers) = (NatsInbox::new(), TriggerRouter::new());
///
/// let url = "nats://a.internal,nats://b.internal";
/// let main = LazyInbox::new(move || async move { open(url).await }); // say, NatsInbox::open
/// let accept = Enqueue::new(main.clone()).or(local.clone());
/// let move_back = Worker::new(local, Enqueue::new(main.clone()).forwarding());
/// let handle = Worker::new(main, triggers);
/// # let _ = (accept, move_back, handle);
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
///
/// Nothing happens until the first call of an [`Inbox`], of [`Browse`](super::Browse) or of
/// [`Inspect`](super::Inspect), or of [`open`](Self::open). A call that finds no open inbox starts
/// an attempt, or waits for the one that is under way: there is one at a time, for all handles, and
/// in a task of its own. A [`Worker`](super::Worker) claims again and again, so that with one the
/// inbox opens without a request. As long as it is not open, calls fail:
///
/// | the attempt | the call |
/// |---|---|
/// | fails | fails with its reason: an [`append`](Inbox::append) as [`Unavailable`](super::AppendError::Unavailable), so that the sender sees `503` |
/// | has failed less than 100 milliseconds ago; twice as long each time it fails again, up to a second | fails at once with that reason |
/// | takes longer than 2 seconds | fails at once; the attempt goes on, and another call finds the inbox open |
/// | takes longer than its [timeout](Self::timeout) | the attempt is dropped, and has failed |
///
/// Once it is open, every call is passed on, and fails and waits as the inbox itself does; it is
/// never opened again. Clones are handles of the same inbox.
///
/// With the feature `tracing`, the first attempt that fails is an event `WARN` with the reason; as
/// long as others fail, an event `ERROR` follows at most each minute, since a mistake in the
/// settings never mends itself; and `INFO` says that it is open at last. A program that is to end
/// at such a mistake calls [`open`](Self::open) first.
pub struct LazyInbox<I> {
    shared: Arc<Shared<I>>,
    timeout: Duration,
}

impl<I: Inbox> LazyInbox<I> {
    /// How long an attempt may take by default: 30 seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// An inbox that this function opens, in tasks of tokio. It is called for each attempt.
    #[cfg(feature = "tokio")]
    pub fn new<F, E>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<I, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::on_runtime(open, TokioTimer, |task| drop(tokio::spawn(task)))
    }

    /// An inbox that this function opens, on any runtime. `spawn` runs a task to its end, for
    /// instance on a [`VirtualClock`](crate::_guide::testing).
    pub fn on_runtime<F, E>(
        open: impl Fn() -> F + Send + Sync + 'static,
        timer: impl Timer,
        spawn: impl Fn(Task) + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<I, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let open = move || {
            let opening = open();
            Box::pin(async move { opening.await.map_err(Into::into) }) as _
        };
        Self {
            shared: Arc::new(Shared::new(open, Runtime::new(timer, spawn))),
            timeout: Self::TIMEOUT,
        }
    }

    /// How long an attempt may take that this handle starts, or one that is cloned from it; by
    /// default [30 seconds](Self::TIMEOUT). It has to be longer than opening ever takes, migrations
    /// of a schema included: what is dropped starts anew.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The inbox, if it is open: for what an engine has beside the traits, such as `close` at the
    /// end of the program.
    pub fn get(&self) -> Option<I> {
        self.shared.get().cloned()
    }

    /// The inbox, opened now if it is not open: without a pause, and waiting for the end of the
    /// attempt. The program can go on after an error, or end where
    /// [`downcast_ref`](Failure::downcast_ref) shows one that no further attempt mends.
    ///
    /// # Errors
    ///
    /// Why the attempt failed.
    pub async fn open(&self) -> Result<I, Failure> {
        if let Some(inbox) = self.get() {
            return Ok(inbox);
        }
        let opened = self.shared.try_to_open(self.timeout, Patience::UntilEnd);
        Ok(opened.await?.clone())
    }

    async fn opened(&self) -> Result<&I, NotOpen> {
        if let Some(inbox) = self.shared.get() {
            return Ok(inbox);
        }
        // Boxed, or every call would have the room for it.
        Box::pin(self.shared.try_to_open(self.timeout, Patience::OfCall)).await
    }
}

impl<I> Clone for LazyInbox<I> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            timeout: self.timeout,
        }
    }
}

/// Neither the inbox nor a reason, which may have what belongs to the engine alone.
impl<I> fmt::Debug for LazyInbox<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyInbox")
            .field("state", &self.shared.state_name())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
