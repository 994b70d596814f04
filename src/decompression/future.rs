use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{ResponseBody, VerifiedBody, call_ready::CallReady, response_body::Answer};

pin_project! {
    /// The response of [`Decompression`](super::Decompression).
    pub struct ResponseFuture<S>
    where
        S: Service<Request<VerifiedBody>>,
    {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Answered { answer: Option<Answer> },
        Decoded { #[pin] response: CallReady<S, Request<VerifiedBody>> },
    }
}

impl<S: Service<Request<VerifiedBody>>> ResponseFuture<S> {
    pub(super) fn answered(answer: Answer) -> Self {
        Self {
            state: State::Answered {
                answer: Some(answer),
            },
        }
    }

    pub(super) fn decoded(inner: S, request: Request<VerifiedBody>) -> Self {
        Self {
            state: State::Decoded {
                response: CallReady::new(inner, request),
            },
        }
    }
}

impl<S, R> Future for ResponseFuture<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Answered { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer.map(ResponseBody::widen))),
                None => Poll::Pending,
            },
            StateProjection::Decoded { response } => {
                let response = ready!(response.poll(cx))?;
                Poll::Ready(Ok(response.map(ResponseBody::inner)))
            }
        }
    }
}

impl<S: Service<Request<VerifiedBody>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
