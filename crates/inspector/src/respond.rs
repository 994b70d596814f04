//! Answers, with the headers that all of them have.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

use crate::{page::csp, params::Link};

/// An answer as a whole: nothing of the inbox is held while a client reads it.
pub(crate) type Answer = Response<Full<Bytes>>;

/// What a client reads: a browser, or a program that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Json,
}

impl Form {
    /// JSON, if it is named as acceptable, and HTML not as preferable. Browsers name it in no
    /// request for a page.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter();
        let ranges = accepted.filter_map(|value| value.to_str().ok());
        let (mut json, mut html) = (0.0_f32, 0.0_f32);
        for range in ranges.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let weight: f32 = weight.unwrap_or(1.0);
            if name.eq_ignore_ascii_case("application/json") {
                json = json.max(weight);
            } else if name.eq_ignore_ascii_case("text/html") {
                html = html.max(weight);
            }
        }
        if json > 0.0 && json >= html {
            Self::Json
        } else {
            Self::Html
        }
    }
}

pub(crate) fn html(status: StatusCode, page: String) -> Answer {
    answer(status, "text/html; charset=utf-8", page)
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(text) => answer(status, "application/json", text),
        // Texts and numbers, so it does not fail.
        Err(why) => plain(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
    }
}

/// For whoever sees no page.
pub(crate) fn plain(status: StatusCode, text: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// What is wrong, for a program.
pub(crate) fn json_error(status: StatusCode, why: &str) -> Answer {
    json(status, &serde_json::json!({ "error": why }))
}

/// To a page, after an action: to load that again does not repeat it.
pub(crate) fn see_other(link: &Link) -> Answer {
    let mut answer = plain(StatusCode::SEE_OTHER, "see the page");
    // A link is made of what a URL may contain.
    if let Ok(link) = HeaderValue::from_str(link.as_str()) {
        answer.headers_mut().insert(header::LOCATION, link);
    }
    answer
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, csp());
    answer
}
