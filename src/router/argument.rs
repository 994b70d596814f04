//! What a handler can ask for.

use http::Request;

use crate::{
    notification::{Deltas, Malformed, Notification, Payload, object},
    trigger::TriggerKind,
    verify::VerifiedBody,
};

/// An argument of a handler, over a router with the state `S`.
///
/// - [`State<T>`](super::State): the router's state or a part of it;
/// - [`Attempt`](super::Attempt): which attempt of Nylas this is;
/// - and at most one of [`Notification<T>`](Notification), [`VerifiedBody`],
///   `Request<VerifiedBody>`, and [`Deltas`] for
///   [`on_deltas`](super::TriggerRouter::on_deltas).
///
/// Sealed: what implements it comes from a verified request or from the application itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no argument of a handler",
    label = "this handler has such an argument",
    note = "a handler can take `tower_nylas::State<T>`, `tower_nylas::Attempt`, and one of \
            `Notification<T>`, `VerifiedBody` and `Request<VerifiedBody>`, in any order",
    note = "axum's `State` and `Json` are other types: take `tower_nylas::State<T>` and \
            `Notification<T>`, or add an axum handler by `on_service`"
)]
pub trait FromVerified<S>: Sized + sealed::Sealed {
    /// What it takes of the request: the whole `Request<VerifiedBody>`, or nothing, `()`.
    #[doc(hidden)]
    type Share;

    /// What is read while the request is still there. Arguments are made in two steps, so that
    /// their order does not matter.
    #[doc(hidden)]
    type Borrowed;

    #[doc(hidden)]
    fn borrow(request: &Request<VerifiedBody>, state: &S) -> Self::Borrowed;

    /// # Errors
    ///
    /// [`Malformed`] if the body does not fit.
    #[doc(hidden)]
    fn take(borrowed: Self::Borrowed, share: Self::Share) -> Result<Self, Malformed>;

    /// Whether it can hold such content. A lenient type would otherwise read anything into nothing.
    #[doc(hidden)]
    fn models(_content: Content<'_>) -> bool {
        true
    }
}

/// What a route can bring.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    Notification(&'a TriggerKind),
    Deltas,
}

/// An argument made of the whole request.
macro_rules! whole {
    (
        $argument:ty $(where $T:ident: $Bound:ident)?;
        $request:ident => $make:expr;
        models $content:pat => $models:expr
    ) => {
        impl<S $(, $T: $Bound)?> FromVerified<S> for $argument {
            type Share = Request<VerifiedBody>;
            type Borrowed = ();

            #[inline]
            fn borrow(_request: &Request<VerifiedBody>, _state: &S) {}

            #[inline]
            fn take((): (), $request: Self::Share) -> Result<Self, Malformed> {
                $make
            }

            fn models(content: Content<'_>) -> bool {
                match content {
                    $content => $models,
                    #[allow(unreachable_patterns)]
                    _ => false,
                }
            }
        }

        impl$(<$T>)? sealed::Sealed for $argument {}
    };
}

whole! {
    Request<VerifiedBody>;
    request => Ok(request);
    models _ => true
}

whole! {
    VerifiedBody;
    request => Ok(request.into_body());
    models _ => true
}

whole! {
    Notification<T> where T: Payload;
    request => Self::try_from(request);
    // `None`: a type of the user's own, who knows what it is for.
    models Content::Notification(kind) => object::models::<T>(kind.as_str()).unwrap_or(true)
}

whole! {
    Deltas;
    request => {
        let body = request.into_body();
        Self::from_slice(body.bytes()).map_err(|reason| Malformed::new(reason, None, body))
    };
    models Content::Deltas => true
}

pub(super) mod sealed {
    // Sealed by not having a path.
    #[allow(unnameable_types)]
    pub trait Sealed {}
}
