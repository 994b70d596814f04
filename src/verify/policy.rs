//! What the result of a signature check means for the request.

use http::{StatusCode, request::Parts};

use super::{mismatch::explain, settings::Settings};
use crate::{
    report::{MismatchHint, Rejection},
    signature::{Signature, VerifyError},
};

/// The answer to a body whose signature does not match. See
/// [`VerifySignatureLayer::on_mismatch`](super::VerifySignatureLayer::on_mismatch).
///
/// Whatever is chosen, the answer is `503` while a rotation is expected
/// ([`Secrets::expect_rotation`](crate::Secrets::expect_rotation)), and a body that is signed with
/// the public secret of Nylas' test events gets `401`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mismatch {
    /// `503` until the newest secret has verified a body
    /// ([`Secrets::is_proven`](crate::Secrets::is_proven)), then `401`.
    RetryUntilProven,
    /// `503`.
    Retry,
    /// `401`.
    Refuse,
}

/// The decision on a request whose body no secret has signed.
pub(super) enum Verdict {
    TestEvent,
    Refused(Rejection),
}

impl Settings {
    #[cold]
    pub(super) fn decide(
        &self,
        request: &Parts,
        body: &[u8],
        signature: &Signature,
        why: VerifyError,
    ) -> Verdict {
        let on_mismatch = self.on_mismatch();
        let refuse: fn(Option<MismatchHint>) -> Rejection = match why {
            VerifyError::Pending => return Verdict::Refused(Rejection::SecretPending),
            VerifyError::RotationExpected | VerifyError::Exchanged => {
                |_| Rejection::RotationExpected
            }
            _ if on_mismatch == Mismatch::Refuse => Rejection::SignatureMismatch,
            VerifyError::Unproven => Rejection::SecretUnproven,
            VerifyError::Mismatch if on_mismatch == Mismatch::Retry => Rejection::MismatchRetried,
            VerifyError::Mismatch => Rejection::SignatureMismatch,
        };
        // This costs another HMAC. If it cannot change the status, it is for the hint only, and not
        // to be spent on each forgery of a flood.
        let is_decisive =
            self.acknowledge_test_events || refuse(None).status() != StatusCode::UNAUTHORIZED;
        let is_test_event = (is_decisive || self.test_event_check.is_due(&*self.timer))
            && self.test_event_secret.verify(body, signature);
        if !is_test_event {
            return Verdict::Refused(refuse(explain(request, body)));
        }
        if self.acknowledge_test_events {
            Verdict::TestEvent
        } else {
            let hint = Some(MismatchHint::TestEvent);
            Verdict::Refused(Rejection::SignatureMismatch(hint))
        }
    }
}
