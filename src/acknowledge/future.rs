use std::{
    convert::Infallible,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
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
        deadline: Deadline,
        timeout: Duration,
        pass_client_errors: bool,
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn new(inner: S, request: Request<B>, layer: &AcknowledgeLayer) -> Self {
        Self {
            inner: Some(CallReady::new(inner, request)),
            deadline: Deadline::new(layer.timer.clone(), layer.timeout),
            timeout: layer.timeout,
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
            return Poll::Pending;
        };
        // Whatever a panic left behind is dropped without being looked at again.
        let response = match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(Poll::Ready(Ok(response))) => settle(response, *this.pass_client_errors),
            Ok(Poll::Ready(Err(error))) => Outcome::failed(error).into_response(),
            Err(_) => Outcome::Panicked.into_response(),
            Ok(Poll::Pending) => match this.deadline.poll_expired(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => Outcome::TimedOut(*this.timeout).into_response(),
            },
        };
        // The inner future ends before the answer is given, and may panic in doing so.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.inner.set(None)));
        Poll::Ready(Ok(match dropped {
            Ok(()) => response,
            Err(_) => Outcome::Panicked.into_response(),
        }))
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
