//! The body of the router's responses.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

use crate::report::BoxError;

/// The body of a [`TriggerRouter`](super::TriggerRouter)'s responses: empty for handlers, and
/// whatever a [routed service](super::TriggerRouter::on_service) answers.
///
/// It is `Send` and `Sync`, whatever body the service has, and its error is an
/// [`Error`](std::error::Error), so that the router mounts in frameworks that ask for either.
#[derive(Default)]
pub struct RoutedBody(Option<Shareable>);

/// Nobody locks it but `size_hint` and `is_end_stream`: it is there because the bodies of axum's
/// inner services are not `Sync`.
type Shareable = Mutex<UnsyncBoxBody<Bytes, BoxError>>;

/// The error of a routed service's body.
#[derive(Debug)]
pub struct RoutedBodyError(BoxError);

impl RoutedBody {
    pub(super) fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Some(Mutex::new(body.map_err(Into::into).boxed_unsync())))
    }

    fn lock(body: &Shareable) -> MutexGuard<'_, UnsyncBoxBody<Bytes, BoxError>> {
        body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for RoutedBody {
    type Data = Bytes;
    type Error = RoutedBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let body = body.get_mut().unwrap_or_else(PoisonError::into_inner);
        let frame = Pin::new(body).poll_frame(cx);
        frame.map(|frame| frame.map(|frame| frame.map_err(RoutedBodyError)))
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|body| Self::lock(body).is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(body) => Self::lock(body).size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for RoutedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoutedBody(..)")
    }
}

impl fmt::Display for RoutedBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body of a routed service failed: {}", self.0)
    }
}

impl Error for RoutedBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
