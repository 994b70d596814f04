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
/// - `Option<inbox::Delivery>` (feature `inbox`): of which entry of an inbox this is, if of any;
/// - and at most one of [`Notification<T>`](Notification), [`VerifiedBody`],
///   `Request<VerifiedBody>`, [`Deltas`] for [`on_deltas`](super::TriggerRouter::on_deltas) and
///   [`Malformed`] for [`on_malformed`](super::TriggerRouter::on_malformed).
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

    /// Whether it can hold such content; `None` if it is not made of the body. A lenient type would
    /// otherwise read anything into nothing.
    #[doc(hidden)]
    fn models(_content: Content<'_>) -> Option<bool> {
        None
    }
}

/// What a route can bring.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A notification with this trigger.
    Notification(&'a TriggerKind),
    /// A notification with any trigger, also one that this version of the crate does not know.
    Unlisted,
    /// A notification that does not fit the handler of its trigger.
    Misfit,
    /// Deltas of API v2.
    Deltas,
    /// A body together with what is wrong with it.
    Malformed,
}

/// An argument made of the whole request.
macro_rules! whole {
    (
        $argument:ty $(where $T:ident: $Bound:ident)?;
        $request:ident => $make:expr;
        models { $($content:pat => $models:expr),+ }
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

            fn models(content: Content<'_>) -> Option<bool> {
                Some(match content {
                    $($content => $models,)+
                    #[allow(unreachable_patterns)]
                    _ => false,
                })
            }
        }

        impl$(<$T>)? sealed::Sealed for $argument {}
    };
}

whole! {
    Request<VerifiedBody>;
    request => Ok(request);
    models { _ => true }
}

whole! {
    VerifiedBody;
    request => Ok(request.into_body());
    models { _ => true }
}

whole! {
    Notification<T> where T: Payload;
    request => Self::try_from(request);
    models {
        // `None`: a type of the user's own, who knows what it is for.
        Content::Notification(kind) => object::models::<T>(kind.as_str()).unwrap_or(true),
        Content::Unlisted => true,
        Content::Misfit => T::is_any()
    }
}

whole! {
    Deltas;
    request => Self::from_slice(request.body().bytes())
        .map_err(|reason| Malformed::new(reason, None, request));
    models { Content::Deltas => true }
}

whole! {
    Malformed;
    request => Ok(Self::from_argument(request));
    models { Content::Malformed => true }
}

pub(crate) mod sealed {
    // Sealed by not having a path.
    #[allow(unnameable_types)]
    pub trait Sealed {}
}
