use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, WebhookLayer, future::Behind, layer::Observer};
use crate::{
    BoxError, Rejection, ResponseBody, VerifiedBody, VerifySignatureLayer, challenge,
    observe::Monitor, verify::Verification,
};

/// The service of [`WebhookLayer`]. It never fails.
#[derive(Clone)]
pub struct Webhook<S> {
    max_challenge_length: usize,
    verify: VerifySignatureLayer,
    behind: Behind<S>,
    observer: Option<Arc<Observer>>,
    monitor: Monitor,
}

impl<S> Webhook<S> {
    pub(super) fn new(inner: S, layer: &WebhookLayer) -> Self {
        Self {
            max_challenge_length: layer.max_challenge_length,
            verify: layer.verify.clone(),
            behind: Behind {
                max_inflated_size: layer.max_inflated_size,
                acknowledge: layer.acknowledge.layer(inner),
            },
            observer: layer.observer.clone(),
            monitor: layer.monitor.clone(),
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
        let watch = self.monitor.watch();
        if *request.method() == Method::POST {
            let (mut parts, body) = request.into_parts();
            let config = self.verify.config();
            return match config.admit(&mut parts, body.size_hint().lower()) {
                Ok(admitted) => {
                    let verification = Verification::new(parts, body, admitted, config.clone());
                    ResponseFuture::verifying(verification, self.behind.clone(), observer, watch)
                }
                Err(rejection) => ResponseFuture::answered(
                    rejection.into_response(&parts.method),
                    observer,
                    watch,
                ),
            };
        }
        let answer = challenge::answer(&request, self.max_challenge_length)
            .unwrap_or_else(|| Rejection::Method.into_response(request.method()));
        ResponseFuture::answered(answer, observer, watch)
    }
}

impl<S> fmt::Debug for Webhook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}
