//! Maps the inner service's status to the one that Nylas needs.

use http::{Extensions, Response, StatusCode, Version, header};

use super::retry_after;
use crate::{middleware::ResponseBody, report::Outcome};

/// Only 200, 429 or 503, and an empty body; see the table in the [module](super).
pub(super) fn settle<R>(
    response: Response<R>,
    pass_client_errors: bool,
) -> Response<ResponseBody<R>> {
    let (mut parts, body) = response.into_parts();
    let status = parts.status;
    // The connection has a version, and not the answer: a server may write this one on the wire
    // (hyper does, and panics for HTTP/0.9).
    parts.version = Version::default();
    keep_outcome(&mut parts.extensions);
    let retry_after = retry_after::take(&mut parts.headers);
    let is_passed_on = match status {
        _ if status.is_success() => {
            parts.status = StatusCode::OK;
            parts.headers.clear();
            return Response::from_parts(parts, ResponseBody::empty());
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            parts.status = StatusCode::TOO_MANY_REQUESTS;
            false
        }
        _ if status.is_client_error() && pass_client_errors => true,
        _ => {
            parts.status = StatusCode::SERVICE_UNAVAILABLE;
            false
        }
    };
    let body = if is_passed_on {
        ResponseBody::inner(body)
    } else {
        // The body is dropped, so headers that describe it would be wrong.
        parts.headers.clear();
        ResponseBody::empty()
    };
    if let Some(retry_after) = retry_after {
        parts.headers.insert(header::RETRY_AFTER, retry_after);
    }
    // That of a router inside is more precise.
    parts
        .extensions
        .get_or_insert_with(|| Outcome::Status(status));
    Response::from_parts(parts, body)
}

/// Removes all else: a server may write parts of an answer that are there, such as hyper's reason
/// phrase, and a `Rejection` would deny that the notification was verified.
fn keep_outcome(extensions: &mut Extensions) {
    if extensions.is_empty() {
        return;
    }
    let outcome = extensions.remove::<Outcome>();
    extensions.clear();
    if let Some(outcome) = outcome {
        extensions.insert(outcome);
    }
}
