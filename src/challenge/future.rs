use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{ResponseBody, call_ready::CallReady, response_body::Answer};

pin_project! {
    /// The response of [`Challenge`](super::Challenge).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Answered { answer: Option<Answer> },
        PassedOn { #[pin] response: CallReady<S, Request<B>> },
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn answered(answer: Answer) -> Self {
        Self {
            state: State::Answered {
                answer: Some(answer),
            },
        }
    }

    pub(super) fn passed_on(inner: S, request: Request<B>) -> Self {
        Self {
            state: State::PassedOn {
                response: CallReady::new(inner, request),
            },
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Answered { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer.map(ResponseBody::widen))),
                None => Poll::Pending,
            },
            StateProjection::PassedOn { response } => {
                let response = ready!(response.poll(cx))?;
                Poll::Ready(Ok(response.map(ResponseBody::inner)))
            }
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
