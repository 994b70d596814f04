//! One call of the inner service, from its readiness to the answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{settings::Settings, settle::settle};
use crate::{
    middleware::{CallReady, ResponseBody, catch},
    report::{BoxError, Outcome},
    time::Sleep,
};

pin_project! {
    /// A call of which every end, a panic included, becomes a response for Nylas.
    pub(crate) struct Acknowledging<S, T>
    where
        S: Service<T>,
    {
        // `None` before the start and after the answer.
        #[pin]
        call: Option<CallReady<S, T>>,
        sleep: Option<Sleep>,
    }

    impl<S, T> PinnedDrop for Acknowledging<S, T>
    where
        S: Service<T>,
    {
        fn drop(this: Pin<&mut Self>) {
            // When the client disconnects, the inner future is dropped and may panic in doing so.
            // Over HTTP/2 that would end the other requests of the connection.
            let mut call = this.project().call;
            if call.is_some() {
                let _ = catch(|| call.set(None));
            }
        }
    }
}

impl<S: Service<T>, T> Acknowledging<S, T> {
    pub(super) fn new(inner: S, request: T) -> Self {
        Self {
            call: Some(CallReady::new(inner, request)),
            sleep: None,
        }
    }

    /// To be [started](Self::start).
    pub(crate) fn idle() -> Self {
        Self {
            call: None,
            sleep: None,
        }
    }

    /// Calls the inner service right away if it is ready. In place: made first and moved then, the
    /// call costs 100 instructions more.
    pub(crate) fn start(
        self: Pin<&mut Self>,
        inner: S,
        request: T,
        cx: &mut Context<'_>,
    ) -> Result<(), Outcome>
    where
        S::Error: Into<BoxError>,
    {
        let mut call = self.project().call;
        let started = catch(|| {
            let started = CallReady::start(inner, request, cx);
            call.set(Some(started.map_err(Outcome::failed)?));
            Ok(())
        });
        started.unwrap_or_else(|panic| Err(panic.into()))
    }

    pub(crate) fn poll_acknowledged<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        settings: &Settings,
    ) -> Poll<Response<ResponseBody<R>>>
    where
        S: Service<T, Response = Response<R>>,
        S::Error: Into<BoxError>,
    {
        let mut this = self.project();
        let call = this.call.as_mut().as_pin_mut();
        let call = call.expect("polled after completion");
        // After a panic the future is dropped and never polled again.
        let polled = catch(|| {
            call.poll(cx).map(|answer| match answer {
                Ok(response) => settle(response, settings.pass_client_errors),
                Err(error) => Outcome::failed(error).into_response(),
            })
        });
        let response = match polled {
            Ok(Poll::Ready(response)) => response,
            Ok(Poll::Pending) => {
                // Only now, since most requests never wait and need no timer.
                let sleep = this
                    .sleep
                    .get_or_insert_with(|| settings.timer.sleep(settings.timeout));
                match sleep.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => Outcome::TimedOut(settings.timeout).into_response(),
                }
            }
            Err(panic) => Outcome::from(panic).into_response(),
        };
        // The inner future is dropped before the answer is given, and may panic in doing so.
        Poll::Ready(match catch(|| this.call.set(None)) {
            Ok(()) => response,
            Err(panic) => Outcome::from(panic).into_response(),
        })
    }
}
