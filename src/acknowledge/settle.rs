//! Maps the inner service's status to the one that Nylas needs.

use http::{Response, StatusCode, header};

use crate::{middleware::ResponseBody, report::Outcome};

/// Only 200, 429 or 503, and an empty body; see the table in the [module](super).
pub(super) fn settle<R>(
    response: Response<R>,
    pass_client_errors: bool,
) -> Response<ResponseBody<R>> {
    let status = response.status();
    let settled = match status {
        _ if status.is_success() => StatusCode::OK,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            StatusCode::TOO_MANY_REQUESTS
        }
        _ if status.is_client_error() && pass_client_errors => {
            let mut response = response.map(ResponseBody::inner);
            record(&mut response, status);
            return response;
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let (mut parts, _) = response.into_parts();
    parts.status = settled;
    // The body is dropped, so headers that describe it would be wrong.
    let retry_after = parts.headers.remove(header::RETRY_AFTER);
    parts.headers.clear();
    if let Some(retry_after) = retry_after.filter(|_| settled != StatusCode::OK) {
        parts.headers.insert(header::RETRY_AFTER, retry_after);
    }
    let mut response = Response::from_parts(parts, ResponseBody::empty());
    if settled != StatusCode::OK {
        record(&mut response, status);
    }
    response
}

/// Keeps the outcome that a router inside has recorded, which is more precise.
fn record<R>(response: &mut Response<R>, status: StatusCode) {
    response
        .extensions_mut()
        .get_or_insert_with(|| Outcome::Status(status));
}
