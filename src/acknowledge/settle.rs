//! Maps the inner service's status to the one that Nylas needs.

use http::{Extensions, Response, StatusCode, Version, header, response::Parts};

use super::retry_after;
use crate::{middleware::ResponseBody, report::Outcome};

/// Only 200, 429 or 503, and an empty body; see the table in the [module](super).
///
/// A server writes more of a response than its status, headers and body: hyper the version (and
/// panics for that of HTTP/0.9), and a reason phrase from the extensions. So these are not kept.
pub(super) fn settle<R>(
    response: Response<R>,
    pass_client_errors: bool,
) -> Response<ResponseBody<R>> {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::default();
    keep_outcome(&mut parts.extensions);
    if parts.status.is_success() {
        parts.status = StatusCode::OK;
        // Most have none, and clearing them takes 30 instructions all the same.
        if !parts.headers.is_empty() {
            parts.headers.clear();
        }
        return Response::from_parts(parts, ResponseBody::empty());
    }
    let is_passed_on = settle_failure(&mut parts, pass_client_errors);
    let body = if is_passed_on {
        ResponseBody::inner(body)
    } else {
        ResponseBody::empty()
    };
    Response::from_parts(parts, body)
}

/// Whether the body is passed on.
fn settle_failure(parts: &mut Parts, pass_client_errors: bool) -> bool {
    let status = parts.status;
    let retry_after = retry_after::take(&mut parts.headers);
    let is_throttled =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let is_passed_on = status.is_client_error() && !is_throttled && pass_client_errors;
    if !is_passed_on {
        parts.status = if is_throttled {
            StatusCode::TOO_MANY_REQUESTS
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        // The body is dropped, so headers that describe it would be wrong.
        parts.headers.clear();
    }
    if let Some(retry_after) = retry_after {
        parts.headers.insert(header::RETRY_AFTER, retry_after);
    }
    // That of a router inside is more precise.
    parts
        .extensions
        .get_or_insert_with(|| Outcome::Status(status));
    is_passed_on
}

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
