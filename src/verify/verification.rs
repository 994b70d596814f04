//! The way of one request from its head to a verdict.

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
    config::{Config, Verdict},
    read::{Reading, Whole},
};
use crate::{Outcome, Secrets, Signature, response_body::Answer};

pin_project! {
    /// A request whose body is being read and verified.
    pub(crate) struct Verification<B> {
        #[pin]
        reading: Reading<B>,
        config: Arc<Config>,
        // Gone once there is a verdict.
        head: Option<Head>,
    }
}

struct Head {
    parts: Parts,
    secrets: Secrets,
}

impl<B: Body> Verification<B> {
    pub(crate) fn new(
        parts: Parts,
        body: B,
        (signature, secrets): (Signature, Secrets),
        config: Arc<Config>,
    ) -> Self {
        Self {
            reading: Reading::new(body, signature),
            config,
            head: Some(Head { parts, secrets }),
        }
    }

    /// The request with its proof, or what to answer instead.
    pub(crate) fn poll_verified(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Request<VerifiedBody>, Answer>> {
        let mut this = self.project();
        let Some(Head { secrets, .. }) = this.head else {
            return Poll::Pending;
        };
        let whole = ready!(this.reading.as_mut().poll_whole(cx, this.config, secrets));
        let Some(Head { parts, secrets }) = this.head.take() else {
            return Poll::Pending;
        };
        let verdict = whole.map_or_else(Verdict::Refused, |Whole { bytes, verdict }| {
            let signature = this.reading.signature();
            this.config.judge(&parts, bytes, signature, verdict)
        });
        Poll::Ready(match verdict {
            Verdict::Genuine(bytes) => Ok(VerifiedBody::proven(bytes, secrets).into_request(parts)),
            Verdict::TestEvent => Err(Outcome::TestEvent.into_response()),
            Verdict::Refused(rejection) => Err(rejection.into_response(&parts.method)),
        })
    }
}
