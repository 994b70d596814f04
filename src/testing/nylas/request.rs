//! The requests of Nylas, and how long it waits for their answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header, uri::InvalidUri};
use http_body_util::Full;

use crate::{
    signature::WebhookSecret,
    testing::{NoAnswer, gzip, signed_request},
    time::{Timer, within},
};

/// How long Nylas waits for an answer
/// ([source](https://developer.nylas.com/docs/dev-guide/best-practices/webhook-best-practices/)).
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// How many times a notification is delivered at most
/// ([source](https://developer.nylas.com/docs/v3/notifications/)).
pub(super) const ATTEMPTS: u32 = 3;

/// The `GET` that an endpoint answers with the value.
pub(super) fn challenge(url: &Uri, value: &str) -> Result<Request<Full<Bytes>>, InvalidUri> {
    let separator = if url.query().is_some() { '&' } else { '?' };
    let mut request = Request::new(Full::default());
    *request.uri_mut() = format!("{url}{separator}challenge={value}").parse()?;
    Ok(request)
}

/// The `POST` of a notification, signed, also where it is compressed.
pub(super) fn delivery(
    url: &Uri,
    secret: &WebhookSecret,
    body: Bytes,
    is_compressed: bool,
) -> Request<Full<Bytes>> {
    let body = if is_compressed {
        gzip(&body).into()
    } else {
        body
    };
    let mut request = signed_request(secret, body);
    *request.uri_mut() = url.clone();
    if is_compressed {
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    request
}

/// Waits for an answer as long as Nylas does.
pub(super) async fn within_deadline<T, E: From<NoAnswer>>(
    timer: &dyn Timer,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let answer = within(timer, DEADLINE, answer).await;
    answer.unwrap_or_else(|| Err(NoAnswer::TimedOut.into()))
}
