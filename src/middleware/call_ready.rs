//! Calling an inner service inside a future.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// Drives a service ready and then calls it.
    ///
    /// This is why every layer of this crate can answer `poll_ready` at once: the clone that is
    /// called is driven ready here, after verification. (If a layer passed on the readiness of its
    /// inner service instead, one forged, slow body could hold the only permit of a
    /// `ConcurrencyLimit`, and one busy handler could delay a challenge.)
    #[project = CallReadyProjection]
    pub(crate) enum CallReady<S, T>
    where
        S: Service<T>,
    {
        Waiting { service: S, request: Option<T> },
        Called { #[pin] response: S::Future },
    }
}

impl<S: Service<T>, T> CallReady<S, T> {
    pub(crate) fn new(service: S, request: T) -> Self {
        Self::Waiting {
            service,
            request: Some(request),
        }
    }

    /// Calls at once if the service is ready, which saves moving the request in and out again. If
    /// not, the result [is waiting](Self::is_waiting), and the task will be woken.
    pub(crate) fn start(
        mut service: S,
        request: T,
        cx: &mut Context<'_>,
    ) -> Result<Self, S::Error> {
        Ok(match service.poll_ready(cx)? {
            Poll::Ready(()) => Self::Called {
                response: service.call(request),
            },
            Poll::Pending => Self::new(service, request),
        })
    }

    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }
}

impl<S: Service<T>, T> Future for CallReady<S, T> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match self.as_mut().project() {
                CallReadyProjection::Called { response } => return response.poll(cx),
                CallReadyProjection::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    // `None` only if `call` has panicked.
                    let request = request.take().expect("polled after a panic");
                    service.call(request)
                }
            };
            self.set(Self::Called { response });
        }
    }
}
