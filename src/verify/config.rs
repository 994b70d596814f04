//! What one layer decides by; shared by all the services it makes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, request::Parts};

use super::{
    VerifySignatureLayer,
    budget::Budget,
    hint::{TestEventHint, explain},
    source::Source,
};
use crate::{
    Rejection, Secrets, Signature, VerifyError, WebhookSecret, signature::SIGNATURE_HEADER,
    time::Timer,
};

#[derive(Clone)]
pub(crate) struct Config {
    pub(super) source: Source,
    pub(super) max_body_size: usize,
    pub(super) read_timeout: Duration,
    pub(super) acknowledge_test_events: bool,
    pub(super) budget: Arc<Budget>,
    pub(super) timer: Arc<dyn Timer>,
    test_event_secret: WebhookSecret,
    test_event_hint: TestEventHint,
}

/// What the bytes of a whole body turned out to be.
pub(super) enum Verdict {
    Genuine(Bytes),
    TestEvent,
    Refused(Rejection),
}

impl Config {
    pub(super) fn new(source: Source, timer: Arc<dyn Timer>) -> Self {
        Self {
            source,
            max_body_size: VerifySignatureLayer::MAX_BODY_SIZE,
            read_timeout: VerifySignatureLayer::READ_TIMEOUT,
            acknowledge_test_events: false,
            budget: Budget::new(VerifySignatureLayer::MEMORY_BUDGET),
            test_event_secret: WebhookSecret::of_test_events(),
            test_event_hint: TestEventHint::new(&*timer),
            timer,
        }
    }

    /// Everything that can be decided before the body is polled. `at_least` is the least number of
    /// bytes that it will have.
    pub(crate) fn admit(
        &self,
        request: &mut Parts,
        at_least: u64,
    ) -> Result<(Signature, Secrets), Rejection> {
        let signature = signature(&mut request.headers)?;
        let secrets = self.source.secrets(request)?;
        if at_least > self.max_body_size as u64 {
            return Err(Rejection::BodyTooLarge(self.max_body_size));
        }
        Ok((signature, secrets))
    }

    /// What a verdict on the signature means for the request.
    pub(super) fn judge(
        &self,
        request: &Parts,
        body: Bytes,
        signature: &Signature,
        verdict: Result<(), VerifyError>,
    ) -> Verdict {
        let mismatch = match verdict {
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
            self.test_event_hint
                .explain(&*self.timer, &self.test_event_secret, &body, signature)
        });
        Verdict::Refused(Rejection::SignatureMismatch(hint))
    }
}

/// The one signature among the headers, which are gone through once: looking it up, looking for a
/// second one and looking it up again to mark it took 400 instructions instead of 100.
fn signature(headers: &mut HeaderMap) -> Result<Signature, Rejection> {
    let mut signature = Err(Rejection::SignatureMissing);
    for (name, value) in headers.iter_mut() {
        if *name == SIGNATURE_HEADER {
            // A handler that logs its request does not log the signature.
            value.set_sensitive(true);
            signature = match signature {
                Err(Rejection::SignatureMissing) => {
                    Signature::try_from(&*value).map_err(Rejection::SignatureMalformed)
                }
                _ => Err(Rejection::SignatureRepeated),
            };
        }
    }
    signature
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("source", &self.source)
            .field("max_body_size", &self.max_body_size)
            .field("read_timeout", &self.read_timeout)
            .field("budget", &self.budget)
            .field("acknowledge_test_events", &self.acknowledge_test_events)
            .finish_non_exhaustive()
    }
}
