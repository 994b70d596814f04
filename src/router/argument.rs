//! What a handler can ask for.

use http::Request;

use crate::{
    notification::{Deltas, Malformed, Notification, Payload, object},
    trigger::TriggerKind,
    verify::VerifiedBody,
};

/// The argument of a handler: the verified request, its body, or the notification read from it.
///
/// Sealed: everything that implements it carries the proof of verification.
pub trait FromVerified: Sized + sealed::Sealed {
    /// # Errors
    ///
    /// [`Malformed`] if the body does not fit.
    #[doc(hidden)]
    fn from_verified(request: Request<VerifiedBody>) -> Result<Self, Malformed>;

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

impl FromVerified for Request<VerifiedBody> {
    fn from_verified(request: Request<VerifiedBody>) -> Result<Self, Malformed> {
        Ok(request)
    }
}

impl FromVerified for VerifiedBody {
    fn from_verified(request: Request<VerifiedBody>) -> Result<Self, Malformed> {
        Ok(request.into_body())
    }
}

impl<T: Payload> FromVerified for Notification<T> {
    fn from_verified(request: Request<VerifiedBody>) -> Result<Self, Malformed> {
        Self::try_from(request)
    }

    fn models(content: Content<'_>) -> bool {
        match content {
            // `None`: a type of the user's own, who knows what it is for.
            Content::Notification(kind) => object::models::<T>(kind.as_str()).unwrap_or(true),
            Content::Deltas => false,
        }
    }
}

impl FromVerified for Deltas {
    fn from_verified(request: Request<VerifiedBody>) -> Result<Self, Malformed> {
        let body = request.into_body();
        Self::from_slice(body.bytes()).map_err(|reason| Malformed::new(reason, None, body))
    }

    fn models(content: Content<'_>) -> bool {
        matches!(content, Content::Deltas)
    }
}

mod sealed {
    use super::{Deltas, Notification, Request, VerifiedBody};

    // Sealed by not having a path.
    #[allow(unnameable_types)]
    pub trait Sealed {}
    impl Sealed for Request<VerifiedBody> {}
    impl Sealed for VerifiedBody {}
    impl<T> Sealed for Notification<T> {}
    impl Sealed for Deltas {}
}
