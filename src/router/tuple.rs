//! Several arguments together.

use http::Request;

use super::argument::{Content, FromVerified};
use crate::{notification::Malformed, verify::VerifiedBody};

/// The arguments of a handler: up to three, of which at most one takes the request.
// Not a bound that anybody writes.
#[allow(unnameable_types)]
pub trait Arguments<S>: Sized {
    fn of(request: Request<VerifiedBody>, state: &S) -> Result<Self, Malformed>;

    fn models(content: Content<'_>) -> Option<bool>;
}

/// What the arguments take of the request, of which at most one takes it.
#[diagnostic::on_unimplemented(
    message = "this handler takes the notification more than once",
    label = "takes the notification more than once",
    note = "a handler has at most one of `Notification<T>`, `VerifiedBody`, \
            `Request<VerifiedBody>` and `Deltas`: a notification has its `body()`, `extensions()` \
            and `raw_object()`"
)]
#[allow(unnameable_types)]
pub trait Shares {
    fn divide(request: Request<VerifiedBody>) -> Self;
}

macro_rules! shares {
    ($(($($share:ident)*))*) => {$(
        // They are many, and none is what a user looks for.
        #[diagnostic::do_not_recommend]
        impl Shares for ($(shares!(@type $share),)*) {
            #[allow(unused, clippy::unused_unit)]
            #[inline]
            fn divide(request: Request<VerifiedBody>) -> Self {
                ($(shares!(@value $share request),)*)
            }
        }
    )*};
    (@type all) => { Request<VerifiedBody> };
    (@type none) => { () };
    (@value all $request:ident) => { $request };
    (@value none $request:ident) => { () };
}

shares! {
    ()
    (all) (none)
    (all none) (none all) (none none)
    (all none none) (none all none) (none none all) (none none none)
}

macro_rules! arguments {
    ($($argument:ident: $borrowed:ident $share:ident),*) => {
        impl<S, $($argument),*> Arguments<S> for ($($argument,)*)
        where
            $($argument: FromVerified<S>,)*
            ($($argument::Share,)*): Shares,
        {
            #[allow(unused)]
            #[inline]
            fn of(request: Request<VerifiedBody>, state: &S) -> Result<Self, Malformed> {
                $(let $borrowed = $argument::borrow(&request, state);)*
                let ($($share,)*) = Shares::divide(request);
                Ok(($($argument::take($borrowed, $share)?,)*))
            }

            fn models(_content: Content<'_>) -> Option<bool> {
                None $(.or_else(|| $argument::models(_content)))*
            }
        }
    };
}

arguments!();
arguments!(A: a_borrowed a_share);
arguments!(A: a_borrowed a_share, B: b_borrowed b_share);
arguments!(A: a_borrowed a_share, B: b_borrowed b_share, C: c_borrowed c_share);
