use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Acknowledging, settings::Settings};
use crate::{
    middleware::{ResponseBody, opaque_future},
    report::{BoxError, Outcome},
};

pin_project! {
    pub(super) struct WithSettings<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        acknowledging: Acknowledging<S, Request<B>>,
        settings: Arc<Settings>,
    }
}

opaque_future! {
    /// The response of [`Acknowledge`](super::Acknowledge).
    pub struct ResponseFuture<S, B>(WithSettings<S, B>)
    where S: Service<Request<B>>;

    impl<S, B, R> Future -> Result<Response<ResponseBody<R>>, Infallible>
    where {
        S: Service<Request<B>, Response = Response<R>>,
        S::Error: Into<BoxError>,
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn calling(inner: S, request: Request<B>, settings: Arc<Settings>) -> Self {
        Self::new(WithSettings {
            acknowledging: Acknowledging::new(inner, request),
            settings,
        })
    }
}

impl<S, B, R> Future for WithSettings<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Err(missing) = this.settings.timer_check.examine(&this.settings.timer) {
            return Poll::Ready(Ok(Outcome::failed(missing).into_response()));
        }
        this.acknowledging
            .poll_acknowledged(cx, this.settings)
            .map(Ok)
    }
}
