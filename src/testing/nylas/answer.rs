//! What Nylas makes of an answer.

use http::{Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;

use crate::{
    report::BoxError,
    testing::{ChallengeError, NoAnswer},
};

/// Checks the answer to a challenge as strictly as Nylas does
/// ([source](https://developer.nylas.com/docs/v3/notifications/)).
pub(super) async fn check_challenge<B>(
    response: Response<B>,
    value: &str,
) -> Result<(), ChallengeError>
where
    B: Body<Error: Into<BoxError>>,
{
    if response.status() != StatusCode::OK {
        return Err(ChallengeError::Status(response.status()));
    }
    let length = response.body().size_hint().exact();
    if length.is_none() || response.headers().contains_key(header::TRANSFER_ENCODING) {
        return Err(ChallengeError::Chunked);
    }
    if length != Some(value.len() as u64) {
        return Err(ChallengeError::Value);
    }
    let body = response.into_body().collect().await;
    if body.map_err(NoAnswer::of)?.to_bytes() != value {
        return Err(ChallengeError::Value);
    }
    Ok(())
}

/// Whether Nylas sends a notification again after this status
/// ([source](https://developer.nylas.com/docs/v3/notifications/)).
pub(in crate::testing) fn is_repeated(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504 | 507)
}
