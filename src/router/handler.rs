//! Functions as handlers.

use http::Request;

use super::{argument::Content, endpoint::EndpointFuture, tuple::Arguments};
use crate::{
    report::{IntoAck, Outcome},
    verify::VerifiedBody,
};

/// An asynchronous function that handles a notification, for a router with the state `S`.
///
/// It takes up to three arguments, in any order:
///
/// - [`State<T>`](super::State), the router's state or a part of it, also several of them;
/// - [`Attempt`](super::Attempt), which attempt of Nylas this is;
/// - at most one of [`Notification<T>`](crate::Notification), [`VerifiedBody`] and
///   `Request<VerifiedBody>`.
///
/// Its output is an [`IntoAck`]: nothing, an [`Ack`](crate::Ack), or a `Result` of either. A body
/// that does not fit the `T` of a notification does not reach it, but the
/// [fallback](super::TriggerRouter::fallback) or
/// [`on_malformed`](super::TriggerRouter::on_malformed).
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
///
/// use tower_nylas::{Ack, Attempt, Notification, State, TriggerRouter};
///
/// async fn on_message(State(count): State<Arc<AtomicU64>>, attempt: Attempt, mail: Notification) -> Ack {
///     count.fetch_add(1, Ordering::Relaxed);
///     println!("{} at attempt {:?}", mail.trigger(), attempt.number());
///     Ack::Done
/// }
///
/// let router = TriggerRouter::with_state(Arc::<AtomicU64>::default())
///     .on("message.created", on_message);
/// ```
///
/// The function runs under the deadline of the
/// [`AcknowledgeLayer`](crate::AcknowledgeLayer): its future is dropped when that passes.
///
/// A closure needs the types of its arguments (`|n: Notification|`), and one that only panics needs
/// a return type.
///
/// The parameter `Args`, a tuple of the arguments, is there for the compiler, which infers it. This
/// trait is implemented for functions only and cannot be implemented outside this crate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of notifications",
    label = "not a handler",
    note = "a handler is an `async fn` with up to three arguments, or a closure with the types of \
            its arguments, such as `async |n: Notification| {{ … }}`, that can be called several \
            times at once: `Fn + Send + Sync + 'static`"
)]
pub trait Handler<Args, S = ()>: Function<Args> {
    #[doc(hidden)]
    fn call(&self, request: Request<VerifiedBody>, state: &S) -> EndpointFuture;

    #[doc(hidden)]
    fn models(content: Content<'_>) -> Option<bool>;
}

impl<F, Args, S> Handler<Args, S> for F
where
    F: Function<Args>,
    Args: Arguments<S>,
    F::Future: Future<Output: IntoAck> + Send + 'static,
{
    // All that makes arguments is inlined into the one call of a route: 75 instructions.
    #[inline]
    fn call(&self, request: Request<VerifiedBody>, state: &S) -> EndpointFuture {
        let answer = Args::of(request, state).map(|arguments| self.apply(arguments));
        Box::pin(async move { Ok(Outcome::from(answer?.await.into_ack()).into_response()) })
    }

    fn models(content: Content<'_>) -> Option<bool> {
        Args::models(content)
    }
}

/// A function with these arguments. A trait of its own, so that the compiler knows the arguments
/// before it looks at what is required of them, and says which one does not fit.
// Not a bound that anybody writes.
#[allow(unnameable_types)]
pub trait Function<Args>: Send + Sync + 'static {
    type Future;

    fn apply(&self, arguments: Args) -> Self::Future;
}

macro_rules! function {
    ($($argument:ident)*) => {
        impl<F, Fut, $($argument),*> Function<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
        {
            type Future = Fut;

            #[allow(non_snake_case)]
            fn apply(&self, ($($argument,)*): ($($argument,)*)) -> Fut {
                self($($argument),*)
            }
        }
    };
}

function!();
function!(A);
function!(A B);
function!(A B C);
