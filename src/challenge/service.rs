use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, respond};
use crate::middleware::{AnswerOr, CallReady, ResponseBody, inner_service_accessors};

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

    inner_service_accessors!();
}

impl<S, B, R> Service<Request<B>> for Challenge<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    /// Always ready: a busy inner service never holds up a challenge.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::new(match respond(&request, self.max_length) {
            Some(answer) => AnswerOr::answer(answer),
            None => AnswerOr::future(CallReady::new(self.inner.clone(), request)),
        })
    }
}
