//! Why Nylas does not do what it was asked for, in the shape in which its API says so.

use std::fmt;

use http::StatusCode;

use super::DestinationId;
use crate::testing::ChallengeError;

/// Why an operation was refused, as the management API answers it
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
#[derive(Debug)]
#[non_exhaustive]
pub enum ManagementError {
    /// The endpoint did not answer the challenge: `400` with the type `70005`.
    Challenge(ChallengeError),
    /// There is no destination of this id: `404` with the type `70000`.
    UnknownDestination(String),
    /// Another destination of the application has this URL: `409`.
    Conflict(DestinationId),
    /// A field of the request is missing or wrong: `400` with the type `invalid_request_error`.
    Invalid(String),
    /// The API key is missing or wrong: `401`.
    Unauthorized,
    /// There is nothing at this path: `404`.
    NotFound,
    /// There is something at this path, and nothing for this method: `405`.
    MethodNotAllowed,
}

impl ManagementError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Challenge(_) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::UnknownDestination(_) | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// The `type` of the error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Challenge(_) => "70005",
            Self::UnknownDestination(_) => "70000",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) | Self::MethodNotAllowed => "invalid_request_error",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found_error",
        }
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::Invalid(format!("{field} is required"))
    }
}

impl From<ChallengeError> for ManagementError {
    fn from(why: ChallengeError) -> Self {
        Self::Challenge(why)
    }
}

/// The `message` of the error.
impl fmt::Display for ManagementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Challenge(ChallengeError::Status(status)) => write!(
                f,
                "unable.verify.webhook_url : status is not ok, got {}",
                status.as_u16()
            ),
            Self::Challenge(why) => write!(f, "unable.verify.webhook_url : {why}"),
            Self::UnknownDestination(_) => {
                f.write_str("destination.id.not.found : record not found")
            }
            Self::Conflict(_) => f.write_str("there is a destination with this webhook_url"),
            Self::Invalid(why) => f.write_str(why),
            Self::Unauthorized => f.write_str("the API key is missing or wrong"),
            Self::NotFound => f.write_str("there is nothing here"),
            Self::MethodNotAllowed => f.write_str("the method is not allowed here"),
        }
    }
}

impl std::error::Error for ManagementError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Challenge(why) => Some(why),
            _ => None,
        }
    }
}
