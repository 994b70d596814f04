use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;

use crate::{report::Outcome, router::RoutedBody};

/// The response of [`Enqueue`](super::Enqueue).
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Outcome> + Send>>);

impl ResponseFuture {
    pub(super) fn new(outcome: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self(Box::pin(outcome))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<RoutedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.0.as_mut().poll(cx);
        outcome.map(|outcome| Ok(outcome.into_response()))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
