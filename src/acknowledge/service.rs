use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{AcknowledgeLayer, ResponseFuture};
use crate::{BoxError, ResponseBody};

/// The service of [`AcknowledgeLayer`]. It never fails.
#[derive(Debug, Clone)]
pub struct Acknowledge<S> {
    inner: S,
    layer: AcknowledgeLayer,
}

impl<S> Acknowledge<S> {
    pub(super) fn new(inner: S, layer: AcknowledgeLayer) -> Self {
        Self { inner, layer }
    }

    /// Begins right away, and hands over what it would otherwise have to clone.
    pub(crate) fn start<B>(self, request: Request<B>, cx: &mut Context<'_>) -> ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
        S::Error: Into<BoxError>,
    {
        ResponseFuture::start(self.inner, request, self.layer, cx)
    }
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
        ResponseFuture::new(self.inner.clone(), request, self.layer.clone())
    }
}
