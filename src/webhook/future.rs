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

use super::{Report, layer::Observer};
use crate::{
    BoxError, ResponseBody, VerifiedBody,
    acknowledge::{self, Acknowledge},
    decompression,
    observe::{Watch, Watched},
    response_body::Answer,
    verify::Verification,
};

pin_project! {
    /// The response of [`Webhook`](super::Webhook).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        #[pin]
        state: State<S, B>,
        observer: Option<Arc<Observer>>,
        watch: Watch,
    }
}

pin_project! {
    // One future for the whole way. As services, each around the next, the parts would move the
    // request between them and count references for each other: 300 instructions more.
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Answered { answer: Option<Answer> },
        Verifying { #[pin] verification: Verification<B>, behind: Option<Behind<S>> },
        Acknowledging { #[pin] response: Watched<acknowledge::ResponseFuture<S, VerifiedBody>> },
    }
}

/// What stands behind the verification.
#[derive(Clone)]
pub(super) struct Behind<S> {
    pub(super) max_inflated_size: usize,
    pub(super) acknowledge: Acknowledge<S>,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<VerifiedBody>>,
{
    pub(super) fn answered(answer: Answer, observer: Option<Arc<Observer>>, watch: Watch) -> Self {
        Self {
            state: State::Answered {
                answer: Some(answer),
            },
            observer,
            watch,
        }
    }

    pub(super) fn verifying(
        verification: Verification<B>,
        behind: Behind<S>,
        observer: Option<Arc<Observer>>,
        watch: Watch,
    ) -> Self {
        Self {
            state: State::Verifying {
                verification,
                behind: Some(behind),
            },
            observer,
            watch,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (response, report): (_, fn(&_) -> Report<'_>) = loop {
            match this.state.as_mut().project() {
                StateProjection::Answered { answer } => match answer.take() {
                    Some(answer) => break (answer.map(ResponseBody::widen), Report::of_unread),
                    None => return Poll::Pending,
                },
                StateProjection::Acknowledging { response } => {
                    break (ready!(response.poll(cx))?, Report::of);
                }
                StateProjection::Verifying {
                    verification,
                    behind,
                } => {
                    let verified = ready!(verification.poll_verified(cx));
                    let Some(behind) = behind.take() else {
                        return Poll::Pending;
                    };
                    let mut request = match verified {
                        Ok(request) => request,
                        Err(answer) => break (answer.map(ResponseBody::widen), Report::of),
                    };
                    let on_the_wire = request.body().bytes().len();
                    if let Err(answer) =
                        decompression::decode(&mut request, behind.max_inflated_size)
                    {
                        this.watch.verified(on_the_wire, None).end(&answer);
                        break (answer.map(ResponseBody::widen), Report::of);
                    }
                    let delivery = this.watch.verified(on_the_wire, Some(request.body()));
                    let response = delivery.watch(|| behind.acknowledge.start(request, cx));
                    // The request's body is dropped here, before the handler's future is polled.
                    this.state.set(State::Acknowledging { response });
                }
            }
        };
        this.watch.end(|| report(&response));
        if let Some(observer) = this.observer {
            observer(report(&response));
        }
        Poll::Ready(Ok(response))
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<VerifiedBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
