use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::{ResponseFuture, answer};
use crate::ResponseBody;

/// The service of [`ChallengeLayer`](super::ChallengeLayer).
#[derive(Debug, Clone, Copy)]
pub struct Challenge<S> {
    inner: S,
    max_length: usize,
}

impl<S> Challenge<S> {
    pub(super) fn new(inner: S, max_length: usize) -> Self {
        Self { inner, max_length }
    }
}

impl<S, B, R> Service<Request<B>> for Challenge<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    /// Always ready: a busy inner service never holds up a challenge.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match answer::answer(&request, self.max_length) {
            Some(response) => ResponseFuture::answered(response),
            None => ResponseFuture::passed_on(self.inner.clone(), request),
        }
    }
}
