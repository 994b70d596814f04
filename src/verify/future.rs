use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    VerifiedBody,
    config::{Config, Verdict},
    read::Reading,
};
use crate::{Outcome, ResponseBody, Secrets, call_ready::CallReady, response_body::Answer};

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
        Reading {
            #[pin]
            reading: Reading<B>,
            config: Arc<Config>,
            next: Option<Next<S>>,
        },
        Verified { #[pin] response: CallReady<S, Request<VerifiedBody>> },
    }
}

/// What is needed once the body is there.
pub(super) struct Next<S> {
    pub(super) parts: Parts,
    pub(super) secrets: Secrets,
    pub(super) inner: S,
}

impl<S: Service<Request<VerifiedBody>>, B> ResponseFuture<S, B> {
    pub(super) fn answered(answer: Answer) -> Self {
        Self {
            state: State::Answered {
                answer: Some(answer),
            },
        }
    }

    pub(super) fn reading(reading: Reading<B>, config: Arc<Config>, next: Next<S>) -> Self {
        Self {
            state: State::Reading {
                reading,
                config,
                next: Some(next),
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
            let next = match state.as_mut().project() {
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
                StateProjection::Reading {
                    mut reading,
                    config,
                    next,
                } => {
                    let Some(Next { secrets, .. }) = next else {
                        return Poll::Pending;
                    };
                    let whole = ready!(reading.as_mut().poll_whole(cx, config, secrets));
                    let Some(Next {
                        parts,
                        secrets,
                        inner,
                    }) = next.take()
                    else {
                        return Poll::Pending;
                    };
                    match whole {
                        Err(rejection) => answered(rejection.into_response(&parts.method)),
                        Ok(whole) => {
                            let signature = reading.signature();
                            match config.judge(&parts, &whole.bytes, signature, whole.verdict) {
                                Verdict::Refused(rejection) => {
                                    answered(rejection.into_response(&parts.method))
                                }
                                Verdict::TestEvent => answered(Outcome::TestEvent.into_response()),
                                Verdict::Genuine => {
                                    let body = VerifiedBody::proven(whole.bytes, secrets);
                                    let request = body.into_request(parts);
                                    let response = CallReady::start(inner, request, cx)?;
                                    let waits = response.is_waiting();
                                    state.set(State::Verified { response });
                                    if waits {
                                        return Poll::Pending;
                                    }
                                    continue;
                                }
                            }
                        }
                    }
                }
            };
            // The request's body is dropped here, before the inner service is called.
            state.set(next);
        }
    }
}

fn answered<S: Service<Request<VerifiedBody>>, B>(answer: Answer) -> State<S, B> {
    State::Answered {
        answer: Some(answer),
    }
}

impl<S: Service<Request<VerifiedBody>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
