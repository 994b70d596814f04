use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use http::Response;

use super::{
    endpoint::{EndpointFuture, RoutedBody},
    service::OnMalformed,
};
use crate::{Ack, Outcome, error::SharedError, notification::Malformed, trigger::Trigger};

/// The response of [`TriggerRouter`](super::TriggerRouter).
pub struct ResponseFuture(State);

enum State {
    Answered(Option<Response<RoutedBody>>),
    Unrouted(Option<(Trigger, Arc<AtomicU64>)>),
    Routed {
        response: EndpointFuture,
        on_malformed: Option<Arc<OnMalformed>>,
    },
}

impl ResponseFuture {
    /// Counted once it is acknowledged: this future may be dropped before.
    pub(super) fn unrouted(trigger: Trigger, count: Arc<AtomicU64>) -> Self {
        Self(State::Unrouted(Some((trigger, count))))
    }

    pub(super) fn malformed(malformed: Malformed, decide: Option<&OnMalformed>) -> Self {
        Self(State::Answered(Some(answer_malformed(malformed, decide))))
    }

    pub(super) fn routed(response: EndpointFuture, on_malformed: Option<Arc<OnMalformed>>) -> Self {
        Self(State::Routed {
            response,
            on_malformed,
        })
    }
}

fn answer_malformed(malformed: Malformed, decide: Option<&OnMalformed>) -> Response<RoutedBody> {
    let ack = decide.map_or(Ack::Done, |decide| decide(&malformed));
    let outcome = Outcome::Malformed(SharedError::from(Box::from(malformed)));
    let mut response = match ack {
        Ack::Done | Ack::Discard => return outcome.into_response(),
        Ack::Retry => Outcome::Retry.into_response(),
        Ack::RetryAfter(wait) => Outcome::RetryAfter(wait).into_response(),
    };
    response.extensions_mut().insert(outcome);
    response
}

impl Future for ResponseFuture {
    type Output = Result<Response<RoutedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Answered(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            State::Unrouted(unrouted) => match unrouted.take() {
                Some((trigger, count)) => {
                    count.fetch_add(1, Ordering::Relaxed);
                    Poll::Ready(Ok(Outcome::Unrouted(trigger).into_response()))
                }
                None => Poll::Pending,
            },
            State::Routed {
                response,
                on_malformed,
            } => {
                let response = ready!(response.as_mut().poll(cx));
                Poll::Ready(Ok(response.unwrap_or_else(|malformed| {
                    answer_malformed(malformed, on_malformed.as_deref())
                })))
            }
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
