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

use super::{body::RoutedBody, endpoint::EndpointFuture, service::OnMalformed};
use crate::{
    notification::Malformed,
    report::{Ack, Outcome},
    trigger::Trigger,
};

/// The response of [`TriggerRouter`](super::TriggerRouter).
pub struct ResponseFuture(State);

enum State {
    Answered(Ready<Response<RoutedBody>>),
    Unrouted(Ready<Trigger>, Arc<AtomicU64>),
    Routed {
        response: EndpointFuture,
        on_malformed: Option<Arc<OnMalformed>>,
    },
}

impl ResponseFuture {
    /// Counted once it is acknowledged: this future may be dropped before.
    pub(super) fn unrouted(trigger: Trigger, count: Arc<AtomicU64>) -> Self {
        Self(State::Unrouted(ready(trigger), count))
    }

    pub(super) fn malformed(malformed: Malformed, decide: Option<&OnMalformed>) -> Self {
        Self(State::Answered(ready(answer_malformed(malformed, decide))))
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
    let outcome = Outcome::from(malformed);
    let mut response = match ack {
        Ack::Done | Ack::Discard | Ack::GiveUp(_) => return outcome.into_response(),
        Ack::Retry => Outcome::Retry.into_response(),
        Ack::RetryAfter(wait) => Outcome::RetryAfter(wait).into_response(),
    };
    response.extensions_mut().insert(outcome);
    response
}

impl Future for ResponseFuture {
    type Output = Result<Response<RoutedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match &mut self.0 {
            State::Answered(response) => ready_or_pending!(Pin::new(response).poll(cx)),
            State::Unrouted(trigger, count) => {
                let trigger = ready_or_pending!(Pin::new(trigger).poll(cx));
                count.fetch_add(1, Ordering::Relaxed);
                Outcome::Unrouted(trigger).into_response()
            }
            State::Routed {
                response,
                on_malformed,
            } => {
                let response = ready_or_pending!(response.as_mut().poll(cx));
                response.unwrap_or_else(|malformed| {
                    answer_malformed(malformed, on_malformed.as_deref())
                })
            }
        }))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
