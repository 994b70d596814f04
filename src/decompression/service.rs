use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::{ResponseFuture, decode};
use crate::{
    middleware::{AnswerOr, CallReady, ResponseBody, inner_service_accessors},
    verify::VerifiedBody,
};

/// The service of [`DecompressionLayer`](super::DecompressionLayer).
#[derive(Debug, Clone, Copy)]
pub struct Decompression<S> {
    inner: S,
    max_size: usize,
}

impl<S> Decompression<S> {
    pub(super) fn new(inner: S, max_size: usize) -> Self {
        Self { inner, max_size }
    }

    inner_service_accessors!();
}

impl<S, R> Service<Request<VerifiedBody>> for Decompression<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S>;

    /// Always ready, as every layer of this crate.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<VerifiedBody>) -> Self::Future {
        ResponseFuture::new(match decode(&mut request, self.max_size) {
            Ok(_) => AnswerOr::future(CallReady::new(self.inner.clone(), request)),
            Err(answer) => AnswerOr::answer(*answer),
        })
    }
}
