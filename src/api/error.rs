//! What Nylas answers instead of a result.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::report::{MAX_RETRY_AFTER, MalformedReason};

/// A response that is no success, or that cannot be read.
///
/// It shows Nylas' own message, up to 300 characters of it on one line, and nothing else of the
/// response.
#[derive(Clone, PartialEq)]
pub struct ApiError {
    answer: Box<Answer>,
}

#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: StatusCode,
    kind: ErrorKind,
    code: Option<Arc<str>>,
    message: Option<Arc<str>>,
    request_id: Option<Arc<str>>,
    retry_after: Option<Duration>,
}

/// What kind of error a response is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The endpoint has not answered the challenge as it must (Nylas' type `70005`).
    NotVerified,
    /// There is no such destination or object (`70000`, `404`, `410`).
    NotFound,
    /// The key is wrong (`401`), or belongs to no application (`70001`).
    Unauthorized,
    /// The key may not do this (`403`).
    Forbidden,
    /// There is such a destination already (`409`).
    Conflict,
    /// Too many requests (`429`): 50 a second for an application's webhooks.
    RateLimited,
    /// Nylas refuses the request as it is (any other `4xx`).
    InvalidRequest,
    /// Nylas fails at the moment (`408`, `5xx`).
    Unavailable,
    /// A redirect (`3xx`), which is never followed: the base of the API is wrong, or something in
    /// between answers.
    Redirected,
    /// A success, but of another form than documented, for this reason.
    Unreadable(MalformedReason),
}

impl ApiError {
    pub(super) fn of(response: &Response<Bytes>) -> Self {
        let status = response.status();
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        // Older errors stand at the top.
        let error = body.get("error").filter(|error| error.is_object());
        let error = error.unwrap_or(&body);
        let code = text(&error["type"]);
        let kind = ErrorKind::of(status, code.as_deref());
        Self::new(response, kind, &body, code, text(&error["message"]))
    }

    pub(super) fn unreadable(response: &Response<Bytes>, reason: MalformedReason) -> Self {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        Self::new(response, ErrorKind::Unreadable(reason), &body, None, None)
    }

    fn new(
        response: &Response<Bytes>,
        kind: ErrorKind,
        body: &Value,
        code: Option<Arc<str>>,
        message: Option<Arc<str>>,
    ) -> Self {
        let answer = Answer {
            status: response.status(),
            kind,
            code,
            message,
            request_id: text(&body["request_id"]),
            retry_after: retry_after(response),
        };
        Self {
            answer: Box::new(answer),
        }
    }

    /// The same error without texts that show the key, should the other side repeat it.
    pub(super) fn without(mut self, key: &str) -> Self {
        let answer = &mut *self.answer;
        for text in [
            &mut answer.code,
            &mut answer.message,
            &mut answer.request_id,
        ] {
            text.take_if(|text| shows(text, key));
        }
        self
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.answer.status
    }

    /// What kind of error it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.answer.kind
    }

    /// Nylas' name for it: `error.type`, a number in a string mostly.
    pub fn code(&self) -> Option<&str> {
        self.answer.code.as_deref()
    }

    /// Nylas' explanation.
    pub fn message(&self) -> Option<&str> {
        self.answer.message.as_deref()
    }

    /// What Nylas' support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.answer.request_id.as_deref()
    }

    /// How long Nylas asks to wait, if it does so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.answer.retry_after
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.answer.kind,
            ErrorKind::RateLimited | ErrorKind::Unavailable
        )
    }
}

impl ErrorKind {
    fn of(status: StatusCode, code: Option<&str>) -> Self {
        match (code, status.as_u16()) {
            (_, 300..=399) => Self::Redirected,
            (_, 401) => Self::Unauthorized,
            (_, 403) => Self::Forbidden,
            (_, 429) => Self::RateLimited,
            (_, 408 | 500..) => Self::Unavailable,
            (Some("70005"), _) => Self::NotVerified,
            (Some("70000"), _) | (_, 404 | 410) => Self::NotFound,
            (Some("70001"), _) => Self::Unauthorized,
            (_, 409) => Self::Conflict,
            _ => Self::InvalidRequest,
        }
    }
}

/// How much of a text of Nylas is kept.
const TEXT_LENGTH: usize = 300;

fn text(value: &Value) -> Option<Arc<str>> {
    let text = match value {
        Value::String(text) => text.chars().take(TEXT_LENGTH),
        Value::Number(number) => return Some(number.to_string().into()),
        _ => return None,
    };
    let text = text.map(|char| if char.is_control() { ' ' } else { char });
    Some(text.collect::<String>().into())
}

/// Fewer characters of the key may stand at the end of a text by chance.
const KEY_PART: usize = 4;

/// Whether the key is in a text, or the beginning of the key where the text was cut off.
fn shows(text: &str, key: &str) -> bool {
    let is_cut = text.chars().count() == TEXT_LENGTH;
    let is_shown = |end| key.get(..end).is_some_and(|part| text.ends_with(part));
    text.contains(key) || is_cut && (KEY_PART..key.len()).any(is_shown)
}

fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    let seconds: u64 = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER)))
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer { status, kind, .. } = &*self.answer;
        match kind {
            ErrorKind::Unreadable(reason) => {
                write!(f, "the response of Nylas' API is unreadable: {reason}")?;
            }
            ErrorKind::Redirected => write!(
                f,
                "Nylas' API answered {status}, a redirect, which is not followed: look at the base"
            )?,
            _ => write!(f, "Nylas' API answered {status}")?,
        }
        if let Some(code) = self.code() {
            write!(f, " ({code})")?;
        }
        if let Some(message) = self.message() {
            write!(f, ": {message}")?;
        }
        match self.request_id() {
            Some(id) => write!(f, ", request {id}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)
    }
}

impl Error for ApiError {}
