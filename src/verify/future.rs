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
use crate::middleware::{Answer, AnswerOr, CallReady, ResponseBody, opaque_future};

opaque_future! {
    /// The response of [`VerifySignature`](super::VerifySignature).
    pub struct ResponseFuture<S, B>(VerifyAndCall<S, B>)
    where S: Service<Request<VerifiedBody>>;

    impl<S, B, R> Future -> Result<Response<ResponseBody<R>>, S::Error>
    where {
        S: Service<Request<VerifiedBody>, Response = Response<R>>,
        B: Body,
    }
}

pin_project! {
    #[project = VerifyAndCallProjection]
    pub(super) enum VerifyAndCall<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Verify {
            #[pin]
            verification: Verification<B>,
            inner: Option<S>,
            settings: Arc<Settings>,
        },
        Respond {
            #[pin]
            response: AnswerOr<CallReady<S, Request<VerifiedBody>>>,
        },
    }
}

impl<S, B> VerifyAndCall<S, B>
where
    S: Service<Request<VerifiedBody>>,
{
    pub(super) fn new(verification: Verification<B>, inner: S, settings: Arc<Settings>) -> Self {
        Self::Verify {
            verification,
            inner: Some(inner),
            settings,
        }
    }

    pub(super) fn answer(answer: Answer) -> Self {
        Self::Respond {
            response: AnswerOr::answer(answer),
        }
    }
}

impl<S, B, R> Future for VerifyAndCall<S, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let (verification, inner, settings) = match self.as_mut().project() {
                VerifyAndCallProjection::Respond { response } => return response.poll(cx),
                VerifyAndCallProjection::Verify {
                    verification,
                    inner,
                    settings,
                } => (verification, inner, settings),
            };
            let request = match ready!(verification.poll_verified(cx, settings)) {
                Ok(request) => request,
                Err(refusal) => {
                    let answer = refusal.answer.map(ResponseBody::widen);
                    return Poll::Ready(Ok(answer));
                }
            };
            let inner = inner.take().expect("polled after completion");
            let call = CallReady::start(inner, request, cx)?;
            let is_waiting = call.is_waiting();
            // The request's body is dropped here, before the inner future is polled.
            self.set(Self::Respond {
                response: AnswerOr::future(call),
            });
            if is_waiting {
                return Poll::Pending;
            }
        }
    }
}
