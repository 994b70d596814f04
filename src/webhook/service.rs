use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, WebhookLayer, layer::Observer, verified::Verified};
use crate::{BoxError, Rejection, ResponseBody, VerifiedBody, challenge, verify::VerifySignature};

/// The service of [`WebhookLayer`]. It never fails.
#[derive(Clone)]
pub struct Webhook<S> {
    verify: VerifySignature<Verified<S>>,
    max_challenge_length: usize,
    observer: Option<Arc<Observer>>,
}

impl<S> Webhook<S> {
    pub(super) fn new(inner: S, layer: &WebhookLayer) -> Self {
        let inner = Verified::new(layer.max_inflated_size, layer.acknowledge.layer(inner));
        Self {
            verify: layer.verify.layer(inner),
            max_challenge_length: layer.max_challenge_length,
            observer: layer.observer.clone(),
        }
    }
}

impl<S, B, R> Service<Request<B>> for Webhook<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = Infallible;
    type Future = ResponseFuture<S, B>;

    /// Always ready: whether the inner service is, is asked after verification.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let observer = self.observer.clone();
        if *request.method() == Method::POST {
            // Verification is always ready, so there is nothing to clone or to wait for.
            return ResponseFuture::verifying(self.verify.call(request), observer);
        }
        let answer = challenge::answer(&request, self.max_challenge_length)
            .unwrap_or_else(|| Rejection::Method.into_response(request.method()));
        ResponseFuture::answered(answer, observer)
    }
}

impl<S> fmt::Debug for Webhook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}
