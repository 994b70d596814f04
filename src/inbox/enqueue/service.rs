use std::{
    convert::Infallible,
    fmt,
    future::ready,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tower_service::Service;

use super::{EnqueueError, ResponseFuture};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{
    inbox::{AppendError, Appended, BoxInbox, Delivery, Entry, Inbox, observe},
    report::Outcome,
    router::RoutedBody,
    time::{Timer, within},
    verify::VerifiedBody,
};

/// A service that stores each notification in an [`Inbox`] and answers `200` once it is durable.
///
/// It stands where a [`TriggerRouter`](crate::TriggerRouter) does, or is one of the router's routes
/// ([`on_service`](crate::TriggerRouter::on_service)). See the [module](crate::inbox).
///
/// | the inbox | the answer |
/// |---|---|
/// | has stored it | `200`, and [`Outcome::Stored`](crate::Outcome::Stored) |
/// | has stored it before | `200`, and [`Outcome::Duplicate`](crate::Outcome::Duplicate) |
/// | is full, has failed, has not answered in time, or never stores anything so large | `503`, and an [`EnqueueError`] |
/// | is not asked, since a worker of an inbox sends it | `503`, and [`EnqueueError::Loop`] |
/// | is not asked, since it is a tenant's, by secrets without a label | `503`, and [`Outcome::Unlabelled`](crate::Outcome::Unlabelled) |
pub struct Enqueue<I> {
    inbox: I,
    settings: Arc<Settings>,
}

#[derive(Clone)]
struct Settings {
    timer: Arc<dyn Timer>,
    timeout: Duration,
    forwards: bool,
    other: Option<BoxInbox>,
}

impl<I: Inbox> Enqueue<I> {
    /// How long the inbox may take by default to store a notification: 5 seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Stores in this inbox, and takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new(inbox: I) -> Self {
        Self::with_timer(inbox, TokioTimer)
    }

    /// Stores in this inbox, on any runtime.
    pub fn with_timer(inbox: I, timer: impl Timer) -> Self {
        Self {
            inbox,
            settings: Arc::new(Settings {
                timer: Arc::new(timer),
                timeout: Self::TIMEOUT,
                forwards: false,
                other: None,
            }),
        }
    }

    /// How long the inbox may take; after that the answer is `503`. By default
    /// [5 seconds](Self::TIMEOUT), less than the
    /// [handler timeout](crate::WebhookLayer::handler_timeout).
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|settings| settings.timeout = timeout)
    }

    /// Stores in this other inbox what the first one does not store: it is full, has failed, or has
    /// not answered within the first half of the [timeout](Self::timeout).
    ///
    /// A worker moves the entries back as soon as the first one stores again, with their keys and
    /// times:
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # fn main() {
    /// # use tower_nylas::inbox::{Enqueue, MemoryInbox, Worker};
    /// # let (shared, local) = (MemoryInbox::new(), MemoryInbox::new());
    /// let accept = Enqueue::new(shared.clone()).or(local.clone());
    /// let move_back = Worker::new(local, Enqueue::new(shared).forwarding());
    /// # let _ = (accept, move_back);
    /// # }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn or(self, other: impl Inbox) -> Self {
        self.change(|settings| settings.other = Some(BoxInbox::new(other)))
    }

    /// Stores what a worker of **another** inbox sends as well, with its key and the time when it
    /// was received. Without it, such requests are refused: in the worker's own inbox the entry
    /// would be a duplicate, so it would be done, and no handler would have run.
    #[must_use]
    pub fn forwarding(self) -> Self {
        self.change(|settings| settings.forwards = true)
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    fn entry(&self, request: &Request<VerifiedBody>) -> Result<Entry, Outcome> {
        if request.body().is_of_unlabelled_tenant() {
            return Err(Outcome::Unlabelled);
        }
        match request.extensions().get::<Delivery>() {
            None => {
                let received_at = self.settings.timer.unix_time();
                Ok(Entry::of_request(request, received_at))
            }
            Some(delivery) if self.settings.forwards => Ok(delivery.entry().clone()),
            Some(_) => Err(Outcome::failed(EnqueueError::Loop)),
        }
    }
}

async fn store<I: Inbox>(inbox: I, settings: Arc<Settings>, entry: Entry) -> Outcome {
    let stored = match &settings.other {
        None => append(&inbox, &settings, settings.timeout, entry).await,
        Some(other) => {
            let half = settings.timeout / 2;
            match append(&inbox, &settings, half, entry.clone()).await {
                Err(_) => append(other, &settings, half, entry).await,
                stored => stored,
            }
        }
    };
    match stored {
        Ok(Appended::New) => Outcome::Stored,
        Ok(Appended::Duplicate) => Outcome::Duplicate,
        Err(why) => Outcome::failed(why),
    }
}

async fn append<I: Inbox>(
    inbox: &I,
    settings: &Settings,
    limit: Duration,
    entry: Entry,
) -> Result<Appended, EnqueueError> {
    let key = entry.key();
    let appended = within(&*settings.timer, limit, inbox.append(entry)).await;
    let appended = appended.ok_or(EnqueueError::TimedOut(limit))?;
    appended.map_err(|why| {
        if let AppendError::TooLarge { .. } = why {
            observe::too_large(key, &why);
        }
        EnqueueError::Append(why)
    })
}

impl<I: Inbox> Service<Request<VerifiedBody>> for Enqueue<I> {
    type Response = Response<RoutedBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    /// Always ready, as every layer of this crate.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        match self.entry(&request) {
            Ok(entry) => {
                ResponseFuture::new(store(self.inbox.clone(), self.settings.clone(), entry))
            }
            Err(outcome) => ResponseFuture::new(ready(outcome)),
        }
    }
}

impl<I: Clone> Clone for Enqueue<I> {
    fn clone(&self) -> Self {
        Self {
            inbox: self.inbox.clone(),
            settings: self.settings.clone(),
        }
    }
}

impl<I> fmt::Debug for Enqueue<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueue")
            .field("timeout", &self.settings.timeout)
            .field("forwards", &self.settings.forwards)
            .field("has_other", &self.settings.other.is_some())
            .finish_non_exhaustive()
    }
}
