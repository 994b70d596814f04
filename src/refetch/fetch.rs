//! Requests for objects: one for each object at a time, and few at a time.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tokio::sync::{OnceCell, Semaphore};
use tower_service::Service;

use crate::{
    api::{Api, GetRawObject, SendError, send},
    report::BoxError,
    time::{TimerMissing, within},
};

type Answer = Result<Bytes, Arc<SendError>>;
type Sending = Pin<Box<dyn Future<Output = Result<Bytes, SendError>> + Send>>;
type Client = Arc<dyn Fn(Api, GetRawObject) -> Sending + Send + Sync>;

/// Requests that are in progress, by the label of the destination.
type InProgress = HashMap<(Arc<str>, GetRawObject), Weak<OnceCell<Answer>>>;

pub(super) struct Fetcher {
    client: Client,
    permits: Semaphore,
    in_progress: Mutex<InProgress>,
}

impl Fetcher {
    pub(super) fn new<C, B>(client: C, max_in_flight: usize) -> Self
    where
        C: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let client: Client = Arc::new(move |api, object| {
            let client = client.clone();
            Box::pin(async move { send(&object, &api, client).await })
        });
        Self::over(client, max_in_flight)
    }

    fn over(client: Client, max_in_flight: usize) -> Self {
        Self {
            client,
            permits: Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS)),
            in_progress: Mutex::default(),
        }
    }

    pub(super) fn with_max_in_flight(&self, max: usize) -> Self {
        Self::over(self.client.clone(), max)
    }

    /// The object as JSON, within the timeout of the API. Whoever asks for one that is being
    /// fetched waits for that request; if its task is dropped, one of those that wait sends
    /// another.
    pub(super) async fn fetch(&self, label: Arc<str>, api: &Api, object: GetRawObject) -> Answer {
        if !api.timer().can_sleep() {
            return Err(Arc::new(SendError::TimerMissing(TimerMissing)));
        }
        let cell = self.cell((label, object.clone()));
        let answer = cell.get_or_init(|| async {
            let permit = self.permits.acquire().await;
            let answer = (self.client)(api.clone(), object).await.map_err(Arc::new);
            drop(permit);
            answer
        });
        match within(api.timer(), api.limit(), answer).await {
            Some(answer) => answer.clone(),
            None => Err(Arc::new(SendError::TimedOut(api.limit()))),
        }
    }

    fn cell(&self, key: (Arc<str>, GetRawObject)) -> Arc<OnceCell<Answer>> {
        let in_progress = &mut *self
            .in_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // An answer is for those that were waiting for it, and not for a later delivery.
        let waiting = in_progress.get(&key).and_then(Weak::upgrade);
        if let Some(cell) = waiting.filter(|cell| !cell.initialized()) {
            return cell;
        }
        in_progress.retain(|_, cell| cell.strong_count() > 0);
        let cell = Arc::default();
        in_progress.insert(key, Arc::downgrade(&cell));
        cell
    }
}
