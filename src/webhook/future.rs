use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Report, layer::Observer, verified::Verified};
use crate::{BoxError, Rejection, ResponseBody, VerifiedBody, response_body::Answer, verify};

pin_project! {
    /// The response of [`Webhook`](super::Webhook).
    pub struct ResponseFuture<S, B>
    where
        Verified<S>: Service<Request<VerifiedBody>>,
    {
        #[pin]
        state: State<S, B>,
        observer: Option<Arc<Observer>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        Verified<S>: Service<Request<VerifiedBody>>,
    {
        Answered { answer: Option<Answer> },
        Verifying { #[pin] response: verify::ResponseFuture<Verified<S>, B> },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    Verified<S>: Service<Request<VerifiedBody>>,
{
    pub(super) fn answered(answer: Answer, observer: Option<Arc<Observer>>) -> Self {
        Self {
            state: State::Answered {
                answer: Some(answer),
            },
            observer,
        }
    }

    pub(super) fn verifying(
        response: verify::ResponseFuture<Verified<S>, B>,
        observer: Option<Arc<Observer>>,
    ) -> Self {
        Self {
            state: State::Verifying { response },
            observer,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.state.project() {
            StateProjection::Answered { answer } => {
                let Some(answer) = answer.take() else {
                    return Poll::Pending;
                };
                if let Some(observer) = this.observer {
                    let rejection = answer.extensions().get::<Rejection>();
                    observer(rejection.map_or(Report::Challenged, Report::Rejected));
                }
                answer.map(ResponseBody::widen)
            }
            StateProjection::Verifying { response } => {
                let response = ready!(response.poll(cx))?;
                if let Some(observer) = this.observer {
                    observer(Report::of(&response));
                }
                // One body each for verification and for what stands behind it.
                response.map(ResponseBody::flatten)
            }
        };
        Poll::Ready(Ok(response))
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    Verified<S>: Service<Request<VerifiedBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
