//! What a handler can ask for.

use http::Request;

use crate::{
    Notification, VerifiedBody,
    notification::{Malformed, Payload},
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
}

mod sealed {
    use super::{Notification, Request, VerifiedBody};

    pub trait Sealed {}
    impl Sealed for Request<VerifiedBody> {}
    impl Sealed for VerifiedBody {}
    impl<T> Sealed for Notification<T> {}
}
