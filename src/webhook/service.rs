use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, future::Step, settings::Settings};
use crate::{
    challenge,
    middleware::{ResponseBody, close_unless_read, inner_service_accessors},
    report::{BoxError, Rejection},
    verify::{self, VerifiedBody},
};

/// The service of [`WebhookLayer`](super::WebhookLayer). It never fails.
#[derive(Clone)]
pub struct Webhook<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Webhook<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }

    inner_service_accessors!();
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

    /// Always ready: the inner service is driven ready after verification.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = self.settings.clone();
        let mut observation = settings.observers.received();
        let step = if *request.method() == Method::POST {
            match verify::begin(request, &settings.verify) {
                Ok(verification) => Step::verify(verification, self.inner.clone()),
                Err(refusal) => {
                    observation.refused_for(refusal.destination);
                    Step::answer(refusal.answer)
                }
            }
        } else {
            let challenged = challenge::respond(&request, settings.max_challenge_length);
            Step::answer(challenged.unwrap_or_else(|| {
                let timer_missing = settings.verify.examine_timer().err();
                let rejection = timer_missing.unwrap_or(Rejection::Method);
                let mut answer = rejection.into_response(request.method());
                close_unless_read(&mut answer, request.version(), request.body());
                answer
            }))
        };
        ResponseFuture::new(step, observation, settings)
    }
}

impl<S> fmt::Debug for Webhook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}
