//! What stands behind the verification.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    BoxError, ResponseBody, VerifiedBody,
    acknowledge::{self, Acknowledge},
    decompression,
    response_body::Answer,
};

/// Decompression and acknowledgement in one step: since acknowledgement is always ready, nothing
/// has to be cloned or waited for between them, which would cost some 300 instructions more.
#[derive(Clone)]
pub struct Verified<S> {
    max_inflated_size: usize,
    acknowledge: Acknowledge<S>,
}

impl<S> Verified<S> {
    pub(super) fn new(max_inflated_size: usize, acknowledge: Acknowledge<S>) -> Self {
        Self {
            max_inflated_size,
            acknowledge,
        }
    }
}

impl<S, R> Service<Request<VerifiedBody>> for Verified<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = Infallible;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<VerifiedBody>) -> Self::Future {
        match decompression::decode(&mut request, self.max_inflated_size) {
            Ok(()) => ResponseFuture::Acknowledging {
                response: self.acknowledge.call(request),
            },
            Err(answer) => ResponseFuture::Undecodable {
                answer: Some(*answer),
            },
        }
    }
}

pin_project! {
    #[project = ResponseFutureProjection]
    pub enum ResponseFuture<S>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Undecodable { answer: Option<Answer> },
        Acknowledging { #[pin] response: acknowledge::ResponseFuture<S, VerifiedBody> },
    }
}

impl<S, R> Future for ResponseFuture<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ResponseFutureProjection::Acknowledging { response } => response.poll(cx),
            ResponseFutureProjection::Undecodable { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer.map(ResponseBody::widen))),
                None => Poll::Pending,
            },
        }
    }
}

impl<S> fmt::Debug for Verified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for ResponseFuture<S>
where
    S: Service<Request<VerifiedBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
