//! Functions as handlers.

use http::Request;

use super::{
    argument::{Content, FromVerified},
    endpoint::EndpointFuture,
};
use crate::{
    report::{IntoAck, Outcome},
    verify::VerifiedBody,
};

/// An asynchronous function that handles a notification.
///
/// Implemented for `Fn() -> impl Future` and for `Fn(A) -> impl Future` where `A` is a
/// [`Notification<T>`](crate::Notification), a [`VerifiedBody`] or a `Request<VerifiedBody>`. The
/// future's output is an [`IntoAck`]: nothing, an [`Ack`](crate::Ack), or a `Result` of either.
///
/// The function runs under the deadline of the
/// [`AcknowledgeLayer`](crate::AcknowledgeLayer): its future is dropped when that passes.
///
/// A closure needs the type of its argument (`|n: Notification|`), and one that only panics needs a
/// return type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of notifications",
    label = "not a handler",
    note = "a handler is an `async fn() -> impl IntoAck` or an `async fn(a: A) -> impl IntoAck`, \
            where `A` is `Notification<T>`, `VerifiedBody` or `Request<VerifiedBody>`, \
            and its future is `Send`"
)]
pub trait Handler<Args>: sealed::Sealed<Args> + Send + Sync + 'static {
    #[doc(hidden)]
    fn call(&self, request: Request<VerifiedBody>) -> EndpointFuture;

    #[doc(hidden)]
    fn models(content: Content<'_>) -> bool;
}

impl<F, Fut> Handler<()> for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoAck> + Send + 'static,
{
    fn call(&self, _request: Request<VerifiedBody>) -> EndpointFuture {
        let answer = self();
        Box::pin(async move { Ok(Outcome::from(answer.await.into_ack()).into_response()) })
    }

    fn models(_content: Content<'_>) -> bool {
        true
    }
}

impl<F, A, Fut> Handler<(A,)> for F
where
    F: Fn(A) -> Fut + Send + Sync + 'static,
    A: FromVerified,
    Fut: Future<Output: IntoAck> + Send + 'static,
{
    fn call(&self, request: Request<VerifiedBody>) -> EndpointFuture {
        let answer = A::from_verified(request).map(self);
        Box::pin(async move { Ok(Outcome::from(answer?.await.into_ack()).into_response()) })
    }

    fn models(content: Content<'_>) -> bool {
        A::models(content)
    }
}

mod sealed {
    use super::{FromVerified, IntoAck};

    // Sealed by not having a path.
    #[allow(unnameable_types)]
    pub trait Sealed<Args> {}

    impl<F, Fut> Sealed<()> for F
    where
        F: Fn() -> Fut,
        Fut: Future<Output: IntoAck>,
    {
    }

    impl<F, A, Fut> Sealed<(A,)> for F
    where
        F: Fn(A) -> Fut,
        A: FromVerified,
        Fut: Future<Output: IntoAck>,
    {
    }
}
