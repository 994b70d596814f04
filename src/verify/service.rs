use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, VerifiedBody, begin, future::VerifyAndCall, settings::Settings};
use crate::middleware::{ResponseBody, inner_service_accessors};

/// The service of [`VerifySignatureLayer`](super::VerifySignatureLayer).
#[derive(Debug, Clone)]
pub struct VerifySignature<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> VerifySignature<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }

    inner_service_accessors!();
}

impl<S, B, R> Service<Request<B>> for VerifySignature<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    B: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    /// Always ready: the inner service is driven ready after verification.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    // Without it, what else is in the program decides whether this is inlined: 137 instructions.
    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::new(match begin(request, &self.settings) {
            Ok(verification) => {
                let (inner, settings) = (self.inner.clone(), self.settings.clone());
                VerifyAndCall::new(verification, inner, settings)
            }
            Err(refusal) => VerifyAndCall::answer(refusal.answer),
        })
    }
}
