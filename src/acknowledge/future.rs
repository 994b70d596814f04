use std::{
    convert::Infallible,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{AcknowledgeLayer, settle::settle};
use crate::{BoxError, Outcome, ResponseBody, call_ready::CallReady, time::Deadline};

pin_project! {
    /// The response of [`Acknowledge`](super::Acknowledge).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        inner: Option<CallReady<S, Request<B>>>,
        // Where there was an end before there was a call.
        ended: Option<Outcome>,
        deadline: Deadline,
        pass_client_errors: bool,
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn new(inner: S, request: Request<B>, layer: AcknowledgeLayer) -> Self {
        Self::around(Ok(CallReady::new(inner, request)), layer)
    }

    pub(super) fn start(
        inner: S,
        request: Request<B>,
        layer: AcknowledgeLayer,
        cx: &mut Context<'_>,
    ) -> Self
    where
        S::Error: Into<BoxError>,
    {
        let started = catch(|| CallReady::start(inner, request, cx));
        let call = started.map_or(Err(Outcome::Panicked), |call| call.map_err(Outcome::failed));
        Self::around(call, layer)
    }

    fn around(call: Result<CallReady<S, Request<B>>, Outcome>, layer: AcknowledgeLayer) -> Self {
        let (inner, ended) = match call {
            Ok(call) => (Some(call), None),
            Err(outcome) => (None, Some(outcome)),
        };
        Self {
            inner,
            ended,
            deadline: Deadline::new(layer.timer, layer.timeout),
            pass_client_errors: layer.pass_client_errors,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return match this.ended.take() {
                Some(outcome) => Poll::Ready(Ok(outcome.into_response())),
                None => Poll::Pending,
            };
        };
        // Whatever a panic left behind is dropped without being looked at again.
        let polled = catch(|| {
            inner.poll(cx).map(|answer| match answer {
                Ok(response) => settle(response, *this.pass_client_errors),
                Err(error) => Outcome::failed(error).into_response(),
            })
        });
        let response = match polled {
            Some(Poll::Ready(response)) => response,
            Some(Poll::Pending) => match this.deadline.poll_expired(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => Outcome::TimedOut(this.deadline.limit()).into_response(),
            },
            None => Outcome::Panicked.into_response(),
        };
        // The inner future ends before the answer is given, and may panic in doing so.
        Poll::Ready(Ok(match catch(|| this.inner.set(None)) {
            Some(()) => response,
            None => Outcome::Panicked.into_response(),
        }))
    }
}

/// Runs what is not ours; `None` if it panicked.
fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(thrown) => {
            // What was thrown is not ours either. If dropping it throws again, that is leaked.
            mem::forget(catch_unwind(AssertUnwindSafe(|| drop(thrown))));
            None
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
