//! The verification of one request, from its head to the verdict.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{
    VerifiedBody,
    claim::Claim,
    policy::Verdict,
    read::{Reading, Whole},
    settings::Settings,
};
use crate::{
    middleware::{Answer, close_unless_read},
    report::{Outcome, Rejection},
    signature::VerifyError,
};

/// The answer to a request that is not verified.
pub(crate) struct Refusal {
    pub(crate) answer: Answer,
    /// The label of the secrets that apply to the request, if they were found.
    pub(crate) destination: Option<Arc<str>>,
}

pin_project! {
    /// A request whose body is being read and verified.
    pub(crate) struct Verification<B> {
        #[pin]
        reading: Reading<B>,
        claim: Claim,
        // `None` after the verdict.
        head: Option<Parts>,
    }
}

/// Begins to verify a request, unless its head is enough to refuse it.
///
/// Inlined, so that the result is made where it is kept: moving it took 60 instructions.
#[inline(always)]
#[allow(clippy::inline_always, clippy::result_large_err)]
pub(crate) fn begin<B: Body>(
    request: Request<B>,
    settings: &Settings,
) -> Result<Verification<B>, Refusal> {
    let (mut head, body) = request.into_parts();
    let min_length = body.size_hint().lower();
    let (rejection, destination) = match Claim::find(&mut head, settings) {
        Ok(claim) => match claim.examine(min_length, settings) {
            Ok(()) => {
                return Ok(Verification {
                    reading: Reading::new(body),
                    claim,
                    head: Some(head),
                });
            }
            Err(rejection) => (rejection, claim.destination(settings)),
        },
        Err(rejection) => (rejection, settings.source.fixed_label()),
    };
    Err(Refusal::unread(rejection, destination, &head, &body))
}

impl Refusal {
    /// That of a request whose body may not have been read to its end.
    #[cold]
    fn unread(
        rejection: Rejection,
        destination: Option<Arc<str>>,
        head: &Parts,
        body: &impl Body,
    ) -> Self {
        let mut answer = rejection.into_response(&head.method);
        close_unless_read(&mut answer, head.version, body);
        Self {
            answer,
            destination,
        }
    }
}

impl<B: Body> Verification<B> {
    /// The request with its proof, or the response to give instead.
    pub(crate) fn poll_verified(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        settings: &Settings,
    ) -> Poll<Result<Request<VerifiedBody>, Refusal>> {
        let mut this = self.project();
        let whole = ready!(this.reading.as_mut().poll_whole(cx, this.claim, settings));
        let head = this.head.take().expect("polled after completion");
        let Whole { bytes, verified } = match whole {
            Ok(whole) => whole,
            Err(rejection) => {
                let destination = this.claim.destination(settings);
                let body = this.reading.body();
                return Poll::Ready(Err(Refusal::unread(rejection, destination, &head, body)));
            }
        };
        let why = match verified {
            Ok(()) if !this.claim.is_unknown => {
                let secrets = this.claim.secrets(settings);
                let body = VerifiedBody::proven(bytes, secrets, this.claim.by_lookup());
                return Poll::Ready(Ok(body.into_request(head)));
            }
            // A match of the decoy, which is no secret, must not save the time of a refusal.
            Ok(()) => VerifyError::Mismatch,
            Err(why) => why,
        };
        let verdict = settings.decide(&head, &bytes, &this.claim.signature, why);
        let answer = match verdict {
            Verdict::TestEvent => Outcome::TestEvent.into_response(),
            Verdict::Refused(_) if this.claim.is_unknown => {
                Rejection::TenantUnknown.into_response(&head.method)
            }
            Verdict::Refused(rejection) => rejection.into_response(&head.method),
        };
        Poll::Ready(Err(Refusal {
            answer,
            destination: this.claim.destination(settings),
        }))
    }
}
