//! Why a request was refused before it was verified.

use std::fmt;

use http::{HeaderValue, Method, Response, StatusCode, header};

use super::{Causes, MismatchHint, SharedError};
use crate::{
    middleware::{Answer, ResponseBody},
    signature::InvalidSignature,
    time::TimerMissing,
};

/// Why a layer refused a request, so that it never reached the inner service.
///
/// Every such response carries its `Rejection` in its [extensions](http::Extensions), so that an
/// outer layer can log it or replace the response. [`Display`](fmt::Display) tells the operator
/// what was wrong, with its cause where that is known, and what to do; the client only reads
/// [`text`](Self::text). Neither shows a secret, a signature or a body.
///
/// ```
/// # use tower_nylas::{Rejection, ResponseBody};
/// fn log<B>(response: &http::Response<B>) {
///     if let Some(rejection) = response.extensions().get::<Rejection>() {
///         eprintln!("{}: {rejection}", rejection.status());
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rejection {
    /// `405`: neither a notification (`POST`) nor a challenge (`GET` or `HEAD` with `challenge`).
    Method,
    /// `400`: the value of `challenge` is longer than this many bytes.
    ChallengeTooLong(usize),
    /// `503`: the timer of the layer [cannot sleep](crate::time::Timer::can_sleep), so no request but
    /// a challenge is accepted. The body was not read.
    TimerMissing,
    /// `401`: there is no signature header.
    SignatureMissing,
    /// `401`: there are several signatures that differ, or one is repeated
    /// [too often](crate::Signature). The body was not read.
    SignatureRepeated,
    /// `401`: the signature header is not a signature. The body was not read.
    SignatureMalformed(InvalidSignature),
    /// `401`: the lookup found no secrets for this request. The body was not read, unless unknown
    /// tenants are [concealed](crate::SecretSource::conceal_unknown_tenants).
    TenantUnknown,
    /// `503`: the lookup failed. The body was not read.
    LookupFailed(SharedError),
    /// `503`: no secret is known yet. The body was not read.
    SecretPending,
    /// `503`: unverified bodies hold all of the
    /// [memory budget](crate::VerifySignatureLayer::memory_budget), or so much of it that this one
    /// had waited for more data [longer than allowed](crate::_guide::memory).
    BudgetExhausted,
    /// `413`: the body is larger than this many bytes on the wire.
    BodyTooLarge(usize),
    /// `408`: the body did not arrive completely within the read deadline.
    ReadTimeout,
    /// `503`: the connection failed while the body was read.
    Transport,
    /// `401`: no secret made this signature for this body.
    SignatureMismatch(Option<MismatchHint>),
    /// `503`: no secret made this signature for this body, but the newest secret has not verified
    /// any body yet, so it may be wrong. See [`Mismatch`](crate::verify::Mismatch).
    SecretUnproven(Option<MismatchHint>),
    /// `503`: no secret made this signature for this body, and
    /// [`Mismatch::Retry`](crate::verify::Mismatch::Retry) is chosen.
    MismatchRetried(Option<MismatchHint>),
    /// `503`: no secret made this signature for this body, but a rotation is expected.
    RotationExpected,
}

impl Rejection {
    /// The status that the client sees.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ChallengeTooLong(_) => StatusCode::BAD_REQUEST,
            Self::SignatureMissing
            | Self::SignatureRepeated
            | Self::SignatureMalformed(_)
            | Self::TenantUnknown
            | Self::SignatureMismatch(_) => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ReadTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TimerMissing
            | Self::LookupFailed(_)
            | Self::SecretPending
            | Self::BudgetExhausted
            | Self::Transport
            | Self::SecretUnproven(_)
            | Self::MismatchRetried(_)
            | Self::RotationExpected => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The text that the client reads. It depends on the status alone, so it does not reveal, for
    /// instance, which tenants exist.
    pub fn text(&self) -> &'static str {
        match self.status() {
            StatusCode::METHOD_NOT_ALLOWED => "method not allowed",
            StatusCode::BAD_REQUEST => "challenge too long",
            StatusCode::UNAUTHORIZED => "signature not accepted",
            StatusCode::PAYLOAD_TOO_LARGE => "body too large",
            StatusCode::REQUEST_TIMEOUT => "body not received in time",
            _ => "try again later",
        }
    }

    /// The answer to a request of this method.
    pub(crate) fn into_response(self, method: &Method) -> Answer {
        // Over HTTP/1, servers omit the body of a response to HEAD themselves. Over HTTP/2 they
        // send it, and the client treats that as a protocol error.
        let head_only = *method == Method::HEAD;
        let body = if head_only { "" } else { self.text() };
        let mut response = Response::new(ResponseBody::own(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if head_only {
            headers.insert(header::CONTENT_LENGTH, self.text().len().into());
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if let Self::Method = self {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str(
                "neither a notification (POST) nor a challenge (GET or HEAD with `challenge`): if \
                 Nylas sent it, look for a redirect or a proxy that changes the method",
            ),
            Self::ChallengeTooLong(limit) => write!(
                f,
                "the challenge is longer than {limit} bytes: if Nylas sent it, raise \
                 `max_challenge_length`"
            ),
            Self::TimerMissing => TimerMissing.fmt(f),
            Self::SignatureMissing => f.write_str(
                "there is no X-Nylas-Signature header: if Nylas sent it, have proxies pass that \
                 header on",
            ),
            Self::SignatureRepeated => f.write_str(
                "X-Nylas-Signature has several values that differ, or too many: if Nylas sent it, \
                 look for a proxy that adds one",
            ),
            Self::SignatureMalformed(why) => {
                write!(
                    f,
                    "{why}: if Nylas sent it, look for a proxy that changes headers"
                )
            }
            Self::TenantUnknown => f.write_str(
                "the lookup found no webhook secret for the request: compare its path and host with \
                 the `webhook_url` of the destination",
            ),
            Self::LookupFailed(why) => {
                write!(
                    f,
                    "the lookup of the webhook secret failed; it must succeed before the third \
                     attempt: {}",
                    Causes(why)
                )
            }
            Self::SecretPending => f.write_str(
                "no webhook secret is known yet: call `Secrets::set` as soon as the destination is \
                 created",
            ),
            Self::BudgetExhausted => f.write_str(
                "unverified bodies use up the memory budget: this is an attack, or senders are \
                 slow, or `memory_budget` is too small for the traffic",
            ),
            Self::BodyTooLarge(limit) => write!(
                f,
                "the body is larger than {limit} bytes: if Nylas sent it, raise `max_body_size`"
            ),
            Self::ReadTimeout => f.write_str(
                "the body did not arrive within the read deadline: if Nylas sent it, have a proxy \
                 in front buffer requests, or raise `read_timeout`",
            ),
            Self::Transport => f.write_str(
                "the connection failed while the body was read: if it happens often, compare the \
                 timeouts of the proxies in front",
            ),
            Self::SignatureMismatch(hint) => {
                f.write_str("the signature does not match the body")?;
                explain(f, hint.as_ref(), "if nothing at all is verified, ")
            }
            Self::SecretUnproven(hint) => {
                f.write_str(
                    "the signature does not match the body, and the newest secret has not verified \
                     any body yet",
                )?;
                explain(f, hint.as_ref(), "")
            }
            Self::MismatchRetried(hint) => {
                f.write_str(
                    "the signature does not match the body, and `Mismatch::Retry` is chosen",
                )?;
                explain(f, hint.as_ref(), "")
            }
            Self::RotationExpected => f.write_str(
                "the signature does not match the body, but a rotation is expected: call \
                 `Secrets::rotate` with the new secret before the third attempt",
            ),
        }
    }
}

/// The hint, or without one what is to be done, on this condition.
fn explain(
    f: &mut fmt::Formatter<'_>,
    hint: Option<&MismatchHint>,
    condition: &str,
) -> fmt::Result {
    match hint {
        Some(hint) => write!(f, ": {hint}"),
        None => write!(
            f,
            ": {condition}compare the secret with the `webhook_secret` of this destination"
        ),
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SignatureMalformed(why) => Some(why),
            Self::LookupFailed(why) => Some(&**why),
            _ => None,
        }
    }
}
