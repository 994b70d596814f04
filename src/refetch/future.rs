use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    middleware::{CallReady, ResponseBody, opaque_future},
    report::Outcome,
    verify::VerifiedBody,
};

opaque_future! {
    /// The response of [`Refetch`](super::Refetch).
    pub struct ResponseFuture<S>(Refetching<S>)
    where S: Service<Request<VerifiedBody>>;

    impl<S, R> Future -> Result<Response<ResponseBody<R>>, S::Error>
    where {
        S: Service<Request<VerifiedBody>, Response = Response<R>>,
    }
}

/// The request to go on with, or the answer in its place.
type Completing = Pin<Box<dyn Future<Output = Result<Request<VerifiedBody>, Outcome>> + Send>>;

pin_project! {
    /// One notification: its object if that has to be fetched, then the inner service.
    #[project = RefetchingProjection]
    pub(super) enum Refetching<S>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Fetch { complete: Completing, inner: Option<S> },
        Call { #[pin] call: CallReady<S, Request<VerifiedBody>> },
    }
}

impl<S: Service<Request<VerifiedBody>>> Refetching<S> {
    pub(super) fn call(inner: S, request: Request<VerifiedBody>) -> Self {
        Self::Call {
            call: CallReady::new(inner, request),
        }
    }

    pub(super) fn fetch(
        inner: S,
        complete: impl Future<Output = Result<Request<VerifiedBody>, Outcome>> + Send + 'static,
    ) -> Self {
        Self::Fetch {
            complete: Box::pin(complete),
            inner: Some(inner),
        }
    }
}

impl<S, R> Future for Refetching<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                RefetchingProjection::Fetch { complete, inner } => {
                    let completed = ready!(complete.as_mut().poll(cx));
                    match completed {
                        Ok(request) => {
                            let inner = inner.take().expect("polled after completion");
                            Self::call(inner, request)
                        }
                        Err(outcome) => return Poll::Ready(Ok(outcome.into_response())),
                    }
                }
                RefetchingProjection::Call { call } => {
                    let response = ready!(call.poll(cx))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
            };
            self.set(next);
        }
    }
}
