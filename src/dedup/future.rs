use std::{
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready as ready_or_pending},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Begun, NotificationKey, SeenIds,
    held::{Held, StoreCall},
};
use crate::{
    middleware::{CallReady, ResponseBody, catch, opaque_future},
    report::{BoxError, Outcome, SharedError},
    verify::VerifiedBody,
};

opaque_future! {
    /// The response of [`Deduplicate`](super::Deduplicate).
    pub struct ResponseFuture<S, I>(Deduplicating<S, I>)
    where S: Service<Request<VerifiedBody>>, I: SeenIds;

    impl<S, I, R> Future -> Result<Response<ResponseBody<R>>, S::Error>
    where {
        S: Service<Request<VerifiedBody>, Response = Response<R>>,
        I: SeenIds,
    }
}

pin_project! {
    /// One notification, from the question whether it is new to the answer.
    #[project = DeduplicatingProjection]
    pub(super) enum Deduplicating<S, I>
    where
        S: Service<Request<VerifiedBody>>,
        I: SeenIds,
    {
        Answer { outcome: Ready<Outcome> },
        Begin {
            begin: StoreCall<Begun<I::Claim>>,
            ids: Arc<I>,
            call: Option<CallReady<S, Request<VerifiedBody>>>,
        },
        Call {
            // `None` after the answer.
            #[pin]
            call: Option<CallReady<S, Request<VerifiedBody>>>,
            // Behind the call, which is dropped first.
            held: Option<Held<I>>,
            fault: Option<SharedError>,
        },
        Settle {
            settle: StoreCall<()>,
            response: Option<Result<S::Response, S::Error>>,
        },
    }
}

impl<S, I> Deduplicating<S, I>
where
    S: Service<Request<VerifiedBody>>,
    I: SeenIds,
{
    pub(super) fn answer(outcome: Outcome) -> Self {
        Self::Answer {
            outcome: ready(outcome),
        }
    }

    /// For a notification with this key.
    pub(super) fn begin(
        key: NotificationKey,
        ids: Arc<I>,
        inner: S,
        request: Request<VerifiedBody>,
    ) -> Self {
        let store = ids.clone();
        Self::Begin {
            begin: Box::pin(async move { store.begin(key).await }),
            ids,
            call: Some(CallReady::new(inner, request)),
        }
    }

    /// For one that nothing tells from others.
    pub(super) fn pass(inner: S, request: Request<VerifiedBody>) -> Self {
        Self::call(CallReady::new(inner, request), None, None)
    }

    fn call(
        call: CallReady<S, Request<VerifiedBody>>,
        held: Option<Held<I>>,
        fault: Option<SharedError>,
    ) -> Self {
        Self::Call {
            call: Some(call),
            held,
            fault,
        }
    }
}

impl<S, I, R> Future for Deduplicating<S, I>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>>,
    I: SeenIds,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                DeduplicatingProjection::Answer { outcome } => {
                    let outcome = ready_or_pending!(Pin::new(outcome).poll(cx));
                    return Poll::Ready(Ok(outcome.into_response()));
                }
                DeduplicatingProjection::Begin { begin, ids, call } => {
                    let begun = ready_or_pending!(poll_store(begin, cx));
                    // `None` only if what follows has panicked.
                    let call = call.take().expect("polled after a panic");
                    match begun {
                        Ok(Begun::New(claim)) => {
                            let held = Held::new(ids.clone(), claim);
                            Self::call(call, Some(held), None)
                        }
                        Ok(Begun::InProgress) => Self::answer(Outcome::InProgress),
                        Ok(Begun::Done) => Self::answer(Outcome::Duplicate),
                        // Handled twice is better than not at all.
                        Err(fault) => Self::call(call, None, Some(fault.into())),
                    }
                }
                DeduplicatingProjection::Call {
                    mut call,
                    held,
                    fault,
                } => {
                    let running = call.as_mut().as_pin_mut();
                    let running = running.expect("polled after completion");
                    let mut response = ready_or_pending!(running.poll(cx));
                    // The handler's future may panic as it is dropped, and the claim is still held.
                    call.set(None);
                    let is_done = response
                        .as_ref()
                        .is_ok_and(|response| response.status().is_success());
                    if let (Ok(response), Some(fault)) = (&mut response, fault.take())
                        && is_done
                    {
                        note_fault(response, fault);
                    }
                    let settle = held.take().and_then(|held| {
                        if is_done {
                            held.finish()
                        } else {
                            held.release()
                        }
                    });
                    match settle {
                        Some(settle) => Self::Settle {
                            settle,
                            response: Some(response),
                        },
                        None => return Poll::Ready(widen(response)),
                    }
                }
                DeduplicatingProjection::Settle { settle, response } => {
                    let settled = ready_or_pending!(poll_store(settle, cx));
                    let mut response = response.take().expect("polled after completion");
                    // A claim that is not released ends by itself, and the handler's failure says
                    // more than the store's.
                    if let (Ok(response), Err(fault)) = (&mut response, settled)
                        && response.status().is_success()
                    {
                        note_fault(response, fault.into());
                    }
                    return Poll::Ready(widen(response));
                }
            };
            self.set(next);
        }
    }
}

/// A panic of the store is an error of the store.
fn poll_store<T>(call: &mut StoreCall<T>, cx: &mut Context<'_>) -> Poll<Result<T, BoxError>> {
    catch(|| call.as_mut().poll(cx)).unwrap_or_else(|panic| Poll::Ready(Err(BoxError::from(panic))))
}

/// Reports that a handled notification is not remembered, unless its handler has more to report.
fn note_fault<R>(response: &mut Response<R>, fault: SharedError) {
    let extensions = response.extensions_mut();
    if matches!(
        extensions.get(),
        None | Some(Outcome::Done | Outcome::Discarded)
    ) {
        extensions.insert(Outcome::Unremembered(fault));
    }
}

fn widen<R, E>(response: Result<Response<R>, E>) -> Result<Response<ResponseBody<R>>, E> {
    response.map(|response| response.map(ResponseBody::inner))
}
