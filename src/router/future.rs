use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready as ready_or_pending},
};

use http::Response;

use super::{body::RoutedBody, endpoint::EndpointFuture, unread::Unread};
use crate::{notification::Malformed, report::Outcome, trigger::Trigger};

/// The response of [`TriggerRouter`](super::TriggerRouter).
pub struct ResponseFuture(State);

enum State {
    Unrouted(Ready<Option<Trigger>>, Arc<AtomicU64>),
    Routed {
        response: EndpointFuture,
        unread: Option<Arc<Unread>>,
    },
    Unread(Pin<Box<dyn Future<Output = Response<RoutedBody>> + Send>>),
}

impl State {
    fn unread(malformed: Malformed, unread: Option<Arc<Unread>>) -> Self {
        Self::Unread(Box::pin(async move {
            match unread {
                Some(unread) => unread.answer(malformed).await,
                None => malformed.into_unread().into_response(),
            }
        }))
    }
}

impl ResponseFuture {
    /// Counted once it is acknowledged: this future may be dropped before.
    pub(super) fn unrouted(trigger: Option<Trigger>, count: Arc<AtomicU64>) -> Self {
        Self(State::Unrouted(ready(trigger), count))
    }

    pub(super) fn unread(malformed: Malformed, unread: Option<Arc<Unread>>) -> Self {
        Self(State::unread(malformed, unread))
    }

    pub(super) fn routed(response: EndpointFuture, unread: Option<Arc<Unread>>) -> Self {
        Self(State::Routed { response, unread })
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<RoutedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                State::Routed { response, unread } => {
                    match ready_or_pending!(response.as_mut().poll(cx)) {
                        Ok(response) => return Poll::Ready(Ok(response)),
                        Err(malformed) => {
                            let unread = unread.take();
                            self.0 = State::unread(malformed, unread);
                        }
                    }
                }
                State::Unrouted(trigger, count) => {
                    let trigger = ready_or_pending!(Pin::new(trigger).poll(cx));
                    count.fetch_add(1, Ordering::Relaxed);
                    return Poll::Ready(Ok(Outcome::Unrouted(trigger).into_response()));
                }
                State::Unread(response) => return response.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
