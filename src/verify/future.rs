use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{VerifiedBody, verification::Verification};
use crate::{ResponseBody, call_ready::CallReady, response_body::Answer};

pin_project! {
    /// The response of [`VerifySignature`](super::VerifySignature).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Answered { answer: Option<Answer> },
        Verifying { #[pin] verification: Verification<B>, inner: Option<S> },
        Verified { #[pin] response: CallReady<S, Request<VerifiedBody>> },
    }
}

impl<S: Service<Request<VerifiedBody>>, B> ResponseFuture<S, B> {
    pub(super) fn answered(answer: Answer) -> Self {
        Self {
            state: State::Answered {
                answer: Some(answer),
            },
        }
    }

    pub(super) fn verifying(verification: Verification<B>, inner: S) -> Self {
        Self {
            state: State::Verifying {
                verification,
                inner: Some(inner),
            },
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Answered { answer } => {
                    return match answer.take() {
                        Some(answer) => Poll::Ready(Ok(answer.map(ResponseBody::widen))),
                        None => Poll::Pending,
                    };
                }
                StateProjection::Verified { response } => {
                    let response = ready!(response.poll(cx))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjection::Verifying {
                    verification,
                    inner,
                } => match ready!(verification.poll_verified(cx)) {
                    Err(answer) => return Poll::Ready(Ok(answer.map(ResponseBody::widen))),
                    Ok(request) => {
                        let Some(inner) = inner.take() else {
                            return Poll::Pending;
                        };
                        let response = CallReady::start(inner, request, cx)?;
                        let waits = response.is_waiting();
                        // The request's body is dropped here, before the inner future is polled.
                        state.set(State::Verified { response });
                        if waits {
                            return Poll::Pending;
                        }
                    }
                },
            }
        }
    }
}

impl<S: Service<Request<VerifiedBody>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
