use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, VerifiedBody, config::Config, verification::Verification};
use crate::ResponseBody;

/// The service of [`VerifySignatureLayer`](super::VerifySignatureLayer).
#[derive(Debug, Clone)]
pub struct VerifySignature<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> VerifySignature<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

impl<S, B, R> Service<Request<B>> for VerifySignature<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    B: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    /// Always ready: whether the inner service is, is asked after verification.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match self.config.admit(&mut parts, body.size_hint().lower()) {
            Ok(admitted) => {
                let verification = Verification::new(parts, body, admitted, self.config.clone());
                ResponseFuture::verifying(verification, self.inner.clone())
            }
            Err(rejection) => ResponseFuture::answered(rejection.into_response(&parts.method)),
        }
    }
}
