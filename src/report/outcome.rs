//! What became of a verified notification.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use http::{HeaderValue, Response, StatusCode, header};

use super::{Ack, BoxError, Causes, MalformedReason, Misfit, SharedError, Undecodable, UpTo};
use crate::{middleware::Panic, trigger::Trigger};

/// The largest number of seconds that every recipient can read (RFC 9111, 1.2.2).
pub(crate) const MAX_RETRY_AFTER: u64 = i32::MAX as u64;

/// What became of a verified notification, for the operator.
///
/// Responses to verified notifications carry it in their [extensions](http::Extensions), unless
/// the outcome is [`Done`](Self::Done). [`Display`](fmt::Display) shows no secret and no signature,
/// of the body at most 128 characters of its trigger's name, and the texts of the application's own
/// reasons, panics, and errors with their causes as they are. Whether Nylas sends the notification
/// again also depends on the attempt: see [`Report`](super::Report).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// `200`: the inner service handled it.
    Done,
    /// `200`: a handler answered [`Ack::Discard`].
    Discarded,
    /// `200`: a handler answered [`Ack::GiveUp`], for this reason.
    GivenUp(Cow<'static, str>),
    /// `200`: there is no route for this trigger, or, without a trigger, none for the deltas of API
    /// v2.
    Unrouted(Option<Trigger>),
    /// `503`, and `200` from the third attempt on: the body is no notification or does not fit the
    /// type of its handler, and neither a fallback nor
    /// [`on_malformed`](crate::TriggerRouter::on_malformed) takes it.
    Unread {
        /// The trigger, as far as it could be read.
        trigger: Option<Trigger>,
        /// What is wrong with it.
        reason: MalformedReason,
        /// Whether this was the last attempt, after which Nylas does not send it again.
        is_lost: bool,
    },
    /// `200`: the body is no notification or does not fit the type of its handler, and the handler
    /// [`on_malformed`](crate::TriggerRouter::on_malformed) took it.
    Malformed {
        /// The trigger, as far as it could be read.
        trigger: Option<Trigger>,
        /// What is wrong with it.
        reason: MalformedReason,
    },
    /// `200`: a test event, signed with Nylas' public secret. It was not routed.
    TestEvent,
    /// `200`: it was stored in the inbox, and a worker handles it (module `inbox`).
    Stored,
    /// `200`: the same notification was handled before, so it was not handled again (module
    /// `dedup`), or stored before, so it was not stored again (module `inbox`).
    Duplicate,
    /// `200`: the inner service handled it, but the store of ids (`dedup::SeenIds`) returned this
    /// error, so a repetition will be handled again.
    Unremembered(SharedError),
    /// `503`: another delivery of the same notification is being handled, and may still fail.
    InProgress,
    /// `503`: the secrets that were looked up for its tenant have no label, so notifications of
    /// different tenants cannot be told apart by their ids, and none is handled.
    Unlabelled,
    /// `503`, or `429` with `Retry-After`: it is truncated, and its object could not be fetched
    /// from Nylas' API at this moment (module `refetch`).
    Unfetched {
        /// Why not.
        why: SharedError,
        /// When Nylas' API asks to be asked again, if it does (`429`).
        retry_after: Option<Duration>,
    },
    /// `503`: it is truncated, and no object can be fetched until the program or its API key is
    /// mended (module `refetch`).
    Unfetchable(SharedError),
    /// `503`: a handler answered [`Ack::Retry`].
    Retry,
    /// `429`: a handler answered [`Ack::RetryAfter`].
    RetryAfter(Duration),
    /// `503`: a handler or an inner service returned this error.
    Failed(SharedError),
    /// `503`: a handler or an inner service panicked, with this text. `None` if it panicked with
    /// something else than a text.
    Panicked(Option<Arc<str>>),
    /// `503`: the inner service did not answer within the handler deadline, which includes the time
    /// until it was ready.
    TimedOut(Duration),
    /// The inner service answered with this status. `408` and `429` become `429`; every other that
    /// is not a success becomes `503`, or is passed on as it is (`4xx` only, if configured).
    Status(StatusCode),
    /// `503`: the content could not be decoded.
    Undecodable(Undecodable),
}

impl Outcome {
    pub(crate) fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(SharedError::from(error.into()))
    }

    /// The response for this outcome. `B::default()` is an empty body.
    pub(crate) fn into_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = match &self {
            Self::Done
            | Self::Discarded
            | Self::GivenUp(_)
            | Self::Unrouted(_)
            | Self::Unread { is_lost: true, .. }
            | Self::Malformed { .. }
            | Self::TestEvent
            | Self::Stored
            | Self::Duplicate
            | Self::Unremembered(_) => StatusCode::OK,
            Self::RetryAfter(_)
            | Self::Unfetched {
                retry_after: Some(_),
                ..
            } => StatusCode::TOO_MANY_REQUESTS,
            Self::InProgress
            | Self::Unlabelled
            | Self::Retry
            | Self::Unread { is_lost: false, .. }
            | Self::Unfetched {
                retry_after: None, ..
            }
            | Self::Unfetchable(_)
            | Self::Failed(_)
            | Self::Panicked(_)
            | Self::TimedOut(_)
            | Self::Status(_)
            | Self::Undecodable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        if let Self::RetryAfter(wait)
        | Self::Unfetched {
            retry_after: Some(wait),
            ..
        } = &self
        {
            let fraction = u64::from(wait.subsec_nanos() > 0);
            let seconds = wait.as_secs().saturating_add(fraction);
            let headers = response.headers_mut();
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(seconds.min(MAX_RETRY_AFTER)),
            );
        }
        // The extensions of a response cost three allocations, so the common case has none.
        if !matches!(self, Self::Done) {
            response.extensions_mut().insert(self);
        }
        response
    }
}

impl From<Panic> for Outcome {
    fn from(Panic(text): Panic) -> Self {
        Self::Panicked(text)
    }
}

impl From<Result<Ack, BoxError>> for Outcome {
    fn from(answer: Result<Ack, BoxError>) -> Self {
        match answer {
            Ok(Ack::Done) => Self::Done,
            Ok(Ack::Discard) => Self::Discarded,
            Ok(Ack::GiveUp(reason)) => Self::GivenUp(reason),
            Ok(Ack::Retry) => Self::Retry,
            Ok(Ack::RetryAfter(wait)) => Self::RetryAfter(wait),
            Err(error) => Self::failed(error),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("handled"),
            Self::Discarded => f.write_str("discarded by its handler"),
            Self::GivenUp(reason) => write!(f, "given up by its handler: {reason}"),
            Self::Unrouted(Some(trigger)) => write!(
                f,
                "no route for {}: add one, or do not subscribe to it",
                UpTo::name(trigger)
            ),
            Self::Unrouted(None) => f.write_str(
                "no route for the deltas of Nylas API v2: add one with `TriggerRouter::on_deltas`",
            ),
            Self::Unread {
                trigger, reason, ..
            } => {
                f.write_str("nothing reads it: ")?;
                Misfit(trigger.as_ref(), reason).fmt(f)
            }
            Self::Malformed { trigger, reason } => {
                f.write_str("malformed: ")?;
                Misfit(trigger.as_ref(), reason).fmt(f)
            }
            Self::TestEvent => f.write_str("a test event, not routed"),
            Self::Stored => f.write_str("stored"),
            Self::Duplicate => f.write_str("accepted before, so not handled again"),
            Self::Unremembered(why) => write!(
                f,
                "handled, and a repetition will be handled again, since the store of ids failed: {}",
                Causes(why)
            ),
            Self::InProgress => f.write_str("another delivery of it is being handled"),
            Self::Unlabelled => f.write_str(
                "the ids of different tenants cannot be told apart: label the secrets that the \
                 lookup returns, with `Secrets::builder().label(…)`",
            ),
            Self::Unfetched { why, .. } => write!(
                f,
                "truncated, and its object could not be fetched: {}",
                Causes(why)
            ),
            Self::Unfetchable(why) => write!(
                f,
                "truncated, and its object cannot be fetched until this is mended: {}",
                Causes(why)
            ),
            Self::Retry => f.write_str("its handler asked for it again"),
            Self::RetryAfter(wait) => write!(f, "its handler asked for it again after {wait:?}"),
            Self::Failed(why) => write!(f, "its handler failed: {}", Causes(why)),
            Self::Panicked(Some(text)) => write!(f, "its handler panicked: {text}"),
            Self::Panicked(None) => f.write_str("its handler panicked"),
            Self::TimedOut(limit) => write!(f, "its handler was not done within {limit:?}"),
            Self::Status(status) => {
                write!(f, "the inner service answered {status}")?;
                match *status {
                    StatusCode::PAYLOAD_TOO_LARGE => f.write_str(if cfg!(feature = "axum") {
                        ": a limit on bodies inside is lower than that of the verification"
                    } else {
                        ": if that is axum's `DefaultBodyLimit` of 2 MB, enable the feature `axum` \
                         of tower-nylas, which switches it off for verified bodies"
                    }),
                    _ => Ok(()),
                }
            }
            Self::Undecodable(why) => write!(f, "undecodable: {why}"),
        }
    }
}
