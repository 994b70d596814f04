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

use super::{EnqueueError, ResponseFuture, moves::Moves};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{
    inbox::{
        AppendError, Appended, BoxInbox, Delivery, Entry, Inbox,
        observe::{self, Observers, Witness},
    },
    middleware::caught,
    report::Outcome,
    router::RoutedBody,
    time::{Timer, within},
    verify::VerifiedBody,
};

/// How long a forwarded entry waits for its inbox after each try.
const FORWARDING_PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// When it is tried again after the last one.
const FORWARD_AFTER: Duration = Duration::from_secs(5);

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
/// | does not store what it is to take over from another inbox ([`forwarding`](Enqueue::forwarding)) | `429`, after some seconds: it stays in the other inbox |
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
    observers: Arc<Observers>,
    moves: Arc<Moves>,
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
        let observers = Arc::new(Observers::new(timer.now()));
        Self {
            inbox,
            settings: Arc::new(Settings {
                observers,
                moves: Arc::default(),
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
    /// not answered within the first half of the [timeout](Self::timeout). Each such entry is an
    /// event with the reason, and counted (`nylas_inbox_spilled_total`). What is too large for the
    /// first one is refused, since it could never be moved there.
    ///
    /// A worker moves the entries back, with their keys and times; it begins within some 15 seconds
    /// from when the first one stores again:
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
    ///
    /// A first one whose servers may be away when the program starts is a
    /// [`LazyInbox`](crate::inbox::LazyInbox).
    #[must_use]
    pub fn or(self, other: impl Inbox) -> Self {
        self.change(|settings| settings.other = Some(BoxInbox::new(other)))
    }

    /// Stores what a worker of **another** inbox sends as well, with its key and the time when it
    /// was received. While this inbox does not store, it tries again for some seconds and answers
    /// `429` then, so that the entry waits in the other one: that is no failure of it, and it does
    /// not expire. What this inbox never stores has failed, and so has what it does not store
    /// while it stores others; after 72 hours of that, it is a dead letter of the other inbox.
    ///
    /// Without it, such requests are refused: in the worker's own inbox the entry
    /// would be a duplicate, so it would be done, and no handler would have run.
    #[must_use]
    pub fn forwarding(self) -> Self {
        self.change(|settings| settings.forwards = true)
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    fn entry(&self, request: &Request<VerifiedBody>) -> Result<Incoming, Outcome> {
        if request.body().is_of_unlabelled_tenant() {
            return Err(Outcome::Unlabelled);
        }
        match request.extensions().get::<Delivery>() {
            None => {
                let received_at = self.settings.timer.unix_time();
                Ok(Incoming::Received(Entry::of_request(request, received_at)))
            }
            Some(delivery) if self.settings.forwards => {
                let has_failed_before = delivery.failures() > 0;
                Ok(Incoming::Forwarded(
                    delivery.entry().clone(),
                    has_failed_before,
                ))
            }
            Some(_) => Err(Outcome::failed(EnqueueError::Loop)),
        }
    }
}

/// Where an entry comes from.
enum Incoming {
    Received(Entry),
    /// From another inbox, which has it until this one does, and whether it has failed before.
    Forwarded(Entry, bool),
}

async fn receive<I: Inbox>(inbox: I, settings: Arc<Settings>, entry: Entry) -> Outcome {
    store(&inbox, &settings, entry)
        .await
        .map_or_else(Outcome::failed, outcome)
}

/// Waits in here for an inbox that is away: given back at once, all entries of the other one would
/// go round without end.
async fn forward<I: Inbox>(
    inbox: I,
    settings: Arc<Settings>,
    entry: Entry,
    has_failed_before: bool,
) -> Outcome {
    let mut last = None;
    for pause in FORWARDING_PAUSES {
        match store(&inbox, &settings, entry.clone()).await {
            Ok(appended) => {
                settings.moves.stored(settings.timer.now());
                return outcome(appended);
            }
            Err(why @ EnqueueError::Append(AppendError::TooLarge { .. })) => {
                return Outcome::failed(why);
            }
            Err(why) => last = Some(why),
        }
        settings.timer.sleep(pause).await;
    }
    let Some(why) = last else {
        return Outcome::RetryAfter(FORWARD_AFTER);
    };
    let now = settings.timer.now();
    settings.observers.engine_failed("append", &why, now);
    // Smaller entries may find room where this one does not.
    let is_full = matches!(why, EnqueueError::Append(AppendError::Full));
    if !is_full && settings.moves.not_stored(has_failed_before, now) {
        Outcome::failed(why)
    } else {
        Outcome::RetryAfter(FORWARD_AFTER)
    }
}

fn outcome(appended: Appended) -> Outcome {
    match appended {
        Appended::New => Outcome::Stored,
        Appended::Duplicate => Outcome::Duplicate,
    }
}

async fn store<I: Inbox>(
    inbox: &I,
    settings: &Settings,
    entry: Entry,
) -> Result<Appended, EnqueueError> {
    let Some(other) = &settings.other else {
        return append(inbox, settings, settings.timeout, entry).await;
    };
    let half = settings.timeout / 2;
    let first = match append(inbox, settings, half, entry.clone()).await {
        Ok(appended) => return Ok(appended),
        Err(why @ EnqueueError::Append(AppendError::TooLarge { .. })) => return Err(why),
        Err(why) => why,
    };
    let key = entry.key();
    let stored = append(other, settings, half, entry).await;
    let (observers, now) = (&settings.observers, settings.timer.now());
    match &stored {
        Ok(_) => observers.spilled(key, &first, now),
        // The answer has the reason of the other one.
        Err(_) => observers.engine_failed("append", &first, now),
    }
    stored
}

async fn append<I: Inbox>(
    inbox: &I,
    settings: &Settings,
    limit: Duration,
    entry: Entry,
) -> Result<Appended, EnqueueError> {
    let key = entry.key();
    let appended = caught(async { inbox.append(entry).await });
    let appended = within(&*settings.timer, limit, appended).await;
    let appended = appended.ok_or(EnqueueError::TimedOut(limit))?;
    let appended = appended.unwrap_or_else(|panic| Err(AppendError::Unavailable(panic.into())));
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
            Ok(Incoming::Received(entry)) => {
                ResponseFuture::new(receive(self.inbox.clone(), self.settings.clone(), entry))
            }
            Ok(Incoming::Forwarded(entry, has_failed_before)) => {
                let (inbox, settings) = (self.inbox.clone(), self.settings.clone());
                ResponseFuture::new(forward(inbox, settings, entry, has_failed_before))
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
