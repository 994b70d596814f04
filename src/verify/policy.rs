//! What the result of a signature check means for the request.

use bytes::Bytes;
use http::request::Parts;

use super::{mismatch::explain, settings::Settings};
use crate::{
    report::Rejection,
    signature::{Signature, VerifyError},
};

/// The decision on a request whose body was read.
pub(super) enum Verdict {
    Genuine(Bytes),
    TestEvent,
    Refused(Rejection),
}

impl Settings {
    pub(super) fn decide(
        &self,
        request: &Parts,
        body: Bytes,
        signature: &Signature,
        verified: Result<(), VerifyError>,
    ) -> Verdict {
        let mismatch = match verified {
            Ok(()) => return Verdict::Genuine(body),
            Err(VerifyError::Pending) => return Verdict::Refused(Rejection::SecretPending),
            Err(VerifyError::RotationExpected | VerifyError::Exchanged) => {
                Rejection::RotationExpected
            }
            Err(VerifyError::Mismatch) => Rejection::SignatureMismatch(None),
        };
        if self.acknowledge_test_events && self.test_event_secret.verify(&body, signature) {
            return Verdict::TestEvent;
        }
        if let Rejection::RotationExpected = mismatch {
            return Verdict::Refused(mismatch);
        }
        let hint = explain(request, &body).or_else(|| {
            self.test_event_check
                .explain(&*self.timer, &self.test_event_secret, &body, signature)
        });
        Verdict::Refused(Rejection::SignatureMismatch(hint))
    }
}
