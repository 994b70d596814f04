use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{ResponseFuture, settings::Settings};
use crate::{
    middleware::{ResponseBody, inner_service_accessors},
    report::BoxError,
};

/// The service of [`AcknowledgeLayer`](super::AcknowledgeLayer). It never fails.
#[derive(Debug, Clone)]
pub struct Acknowledge<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Acknowledge<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }

    inner_service_accessors!();
}

impl<S, B, R> Service<Request<B>> for Acknowledge<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = Infallible;
    type Future = ResponseFuture<S, B>;

    /// Always ready: waiting for the inner service counts towards the handler deadline.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::calling(self.inner.clone(), request, self.settings.clone())
    }
}
