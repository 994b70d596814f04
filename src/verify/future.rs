use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{VerifiedBody, settings::Settings, verification::Verification};
use crate::middleware::{AnswerOr, CallReady, ResponseBody, opaque_future};

opaque_future! {
    /// The response of [`VerifySignature`](super::VerifySignature).
    pub struct ResponseFuture<S, B>(AnswerOr<VerifyAndCall<S, B>>)
    where S: Service<Request<VerifiedBody>>;

    impl<S, B, R> Future -> Result<Response<ResponseBody<R>>, S::Error>
    where {
        S: Service<Request<VerifiedBody>, Response = Response<R>>,
        B: Body,
    }
}

pin_project! {
    pub(super) struct VerifyAndCall<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        #[pin]
        step: Step<S, B>,
        settings: Arc<Settings>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Verify { #[pin] verification: Verification<B>, inner: Option<S> },
        Call { #[pin] call: CallReady<S, Request<VerifiedBody>> },
    }
}

impl<S, B> VerifyAndCall<S, B>
where
    S: Service<Request<VerifiedBody>>,
{
    pub(super) fn new(verification: Verification<B>, inner: S, settings: Arc<Settings>) -> Self {
        let inner = Some(inner);
        Self {
            step: Step::Verify {
                verification,
                inner,
            },
            settings,
        }
    }
}

impl<S, B, R> Future for VerifyAndCall<S, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let (verification, inner) = match this.step.as_mut().project() {
                StepProjection::Call { call } => return call.poll(cx),
                StepProjection::Verify {
                    verification,
                    inner,
                } => (verification, inner),
            };
            let request = match ready!(verification.poll_verified(cx, this.settings)) {
                Ok(request) => request,
                Err(answer) => return Poll::Ready(Ok(answer.map(ResponseBody::widen))),
            };
            let inner = inner.take().expect("polled after completion");
            let call = CallReady::start(inner, request, cx)?;
            let waits = call.is_waiting();
            // The request's body is dropped here, before the inner future is polled.
            this.step.set(Step::Call { call });
            if waits {
                return Poll::Pending;
            }
        }
    }
}
