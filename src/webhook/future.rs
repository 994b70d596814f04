use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready as ready_or_pending},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::settings::Settings;
use crate::{
    acknowledge::Acknowledging,
    decompression,
    middleware::{Answer, ResponseBody},
    observe::Observation,
    report::{BoxError, Resolution},
    verify::{Verification, VerifiedBody},
};

pin_project! {
    /// The response of [`Webhook`](super::Webhook).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        #[pin]
        step: Step<S, B>,
        observation: Observation,
        settings: Arc<Settings>,
    }

    impl<S, B> PinnedDrop for ResponseFuture<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What a handler logs when it is dropped belongs to its span.
            {
                let _entered = this.observation.enter();
                this.step.set(Step::Dropped);
            }
            this.observation.dropped(&this.settings.observers);
        }
    }
}

pin_project! {
    // One future for all stages. As services around each other they would move the request between
    // them and count references: 300 instructions more.
    #[project = StepProjection]
    pub(super) enum Step<S, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        Answer { answer: Ready<Answer> },
        Verify { #[pin] verification: Verification<B>, inner: Option<S> },
        Acknowledge { #[pin] acknowledging: Acknowledging<S, Request<VerifiedBody>> },
        Dropped,
    }
}

impl<S, B> Step<S, B>
where
    S: Service<Request<VerifiedBody>>,
{
    pub(super) fn answer(answer: Answer) -> Self {
        Self::Answer {
            answer: ready(answer),
        }
    }

    /// Goes on to the last step, whose call is still to be started.
    fn acknowledge(mut self: Pin<&mut Self>) -> Pin<&mut Acknowledging<S, Request<VerifiedBody>>> {
        self.set(Self::Acknowledge {
            acknowledging: Acknowledging::idle(),
        });
        match self.project() {
            StepProjection::Acknowledge { acknowledging } => acknowledging,
            _ => unreachable!("it was set right before"),
        }
    }

    pub(super) fn verify(verification: Verification<B>, inner: S) -> Self {
        Self::Verify {
            verification,
            inner: Some(inner),
        }
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<VerifiedBody>>,
{
    pub(super) fn new(step: Step<S, B>, observation: Observation, settings: Arc<Settings>) -> Self {
        Self {
            step,
            observation,
            settings,
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
        let settings = &**this.settings;
        let (response, resolution): (_, fn(&_) -> Resolution<'_>) = loop {
            match this.step.as_mut().project() {
                StepProjection::Answer { answer } => {
                    let answer = ready_or_pending!(Pin::new(answer).poll(cx));
                    break (answer.map(ResponseBody::widen), Resolution::of_unread);
                }
                StepProjection::Acknowledge { acknowledging } => {
                    let _entered = this.observation.enter();
                    let polled = acknowledging.poll_acknowledged(cx, &settings.acknowledge);
                    break (ready_or_pending!(polled), Resolution::of);
                }
                StepProjection::Verify {
                    verification,
                    inner,
                } => {
                    let verified =
                        ready_or_pending!(verification.poll_verified(cx, &settings.verify));
                    let mut request = match verified {
                        Ok(request) => request,
                        Err(refusal) => {
                            this.observation.refused_for(refusal.destination);
                            break (refusal.answer.map(ResponseBody::widen), Resolution::of);
                        }
                    };
                    let inner = inner.take().expect("polled after completion");
                    let on_the_wire = request.body().bytes().len();
                    let decoded = decompression::decode(&mut request, settings.max_inflated_size);
                    this.observation.verified(
                        &settings.observers,
                        on_the_wire,
                        &decoded,
                        request.body_mut(),
                    );
                    if let Err(answer) = decoded {
                        break (answer.map(ResponseBody::widen), Resolution::of);
                    }
                    // The request's body is dropped here, before the handler is called.
                    let acknowledging = this.step.as_mut().acknowledge();
                    let _entered = this.observation.enter();
                    if let Err(outcome) = acknowledging.start(inner, request, cx) {
                        break (outcome.into_response(), Resolution::of);
                    }
                }
                StepProjection::Dropped => unreachable!("polled while it is dropped"),
            }
        };
        this.observation.answered(&settings.observers, || {
            (response.status(), resolution(&response))
        });
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
