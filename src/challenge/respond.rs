//! The response to a challenge.

use std::borrow::Cow;

use http::{HeaderValue, Method, Request, Response, header};
use http_body::Body;
use percent_encoding::percent_decode;

use crate::{
    middleware::{Answer, ResponseBody, close_unless_read},
    report::Rejection,
};

/// The answer to `request`, if it is a challenge.
pub(crate) fn respond<B: Body>(request: &Request<B>, max_length: usize) -> Option<Answer> {
    let mut answer = respond_to_head(request, max_length)?;
    close_unless_read(&mut answer, request.version(), request.body());
    Some(answer)
}

fn respond_to_head<B>(request: &Request<B>, max_length: usize) -> Option<Answer> {
    let head_only = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        _ => return None,
    };
    let challenge = challenge(request.uri().query()?)?;
    if challenge.len() > max_length {
        return Some(Rejection::ChallengeTooLong(max_length).into_response(request.method()));
    }
    Some(echo(&challenge, head_only))
}

/// The first parameter `challenge`, form-decoded into bytes: the value need not be UTF-8.
fn challenge(query: &str) -> Option<Vec<u8>> {
    query.split('&').find_map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        form_decode(name)
            .eq_ignore_ascii_case(b"challenge")
            .then(|| form_decode(value))
    })
}

fn form_decode(text: &str) -> Vec<u8> {
    let spaced = if text.contains('+') {
        Cow::from(text.replace('+', " "))
    } else {
        Cow::from(text)
    };
    percent_decode(spaced.as_bytes()).collect()
}

fn echo(challenge: &[u8], head_only: bool) -> Answer {
    let body = if head_only {
        ResponseBody::empty()
    } else {
        ResponseBody::own(challenge.to_vec())
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    // A server derives this from the body's exact size as well, but not for HEAD.
    headers.insert(header::CONTENT_LENGTH, challenge.len().into());
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    // Anybody can choose the value, so no browser may render or cache it.
    set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // And no proxy may compress it, which would send it in chunks (RFC 9111, 5.2.2.6).
    set(header::CACHE_CONTROL, "no-store, no-transform");
    // Compression layers outside leave an encoded response alone. Otherwise they would turn a
    // UUID, which is longer than their threshold, into chunks, and Nylas refuses those.
    set(header::CONTENT_ENCODING, "identity");
    response
}
