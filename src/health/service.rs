//! Answers for probes and operators.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::Health;

/// Answers `GET` and `HEAD` at any path, and everything else with `405`. Made by [`Health::live`],
/// [`Health::ready`] and [`Health::report`].
#[derive(Clone)]
pub struct HealthService {
    health: Health,
    question: Question,
}

#[derive(Debug, Clone, Copy)]
enum Question {
    Live,
    Ready,
    Report,
}

impl HealthService {
    pub(super) fn live(health: Health) -> Self {
        let question = Question::Live;
        Self { health, question }
    }

    pub(super) fn ready(health: Health) -> Self {
        let question = Question::Ready;
        Self { health, question }
    }

    pub(super) fn report(health: Health) -> Self {
        let question = Question::Report;
        Self { health, question }
    }

    fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
            let allowed = HeaderValue::from_static("GET, HEAD");
            answer.headers_mut().insert(header::ALLOW, allowed);
            return answer;
        }
        let json = accepts_json(headers);
        match self.question {
            Question::Live => yes_or_no(json, "live", true, "not live"),
            Question::Ready => yes_or_no(json, "ready", self.health.is_ready(), "not ready"),
            Question::Report => {
                let status = self.health.status();
                if json {
                    // Texts and numbers, so it does not fail.
                    of_json(
                        StatusCode::OK,
                        serde_json::to_vec(&status).unwrap_or_default(),
                    )
                } else {
                    text(StatusCode::OK, status.to_string())
                }
            }
        }
    }
}

fn yes_or_no(json: bool, name: &'static str, yes: bool, no: &'static str) -> Response<Full<Bytes>> {
    let status = if yes {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if json {
        of_json(status, format!("{{\"{name}\":{yes}}}"))
    } else {
        text(status, if yes { name } else { no })
    }
}

/// Whether a type that is accepted is JSON, and not with a weight of zero. Browsers and curl name
/// it in no request of their own.
fn accepts_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let ranges = accepted.filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
        is_json
            && !parts.any(|part| matches!(part, "q=0" | "q=0." | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn text(status: StatusCode, line: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let line = [&line.into()[..], b"\n"].concat();
    response(status, "text/plain; charset=utf-8", line)
}

fn of_json(status: StatusCode, json: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, "application/json", json)
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl<B> Service<Request<B>> for HealthService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    /// Always ready.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut answer = self.answer(request.method(), request.headers());
        if *request.method() == Method::HEAD {
            // A server omits it over HTTP/1 only.
            let length = answer.body().size_hint().exact().unwrap_or(0);
            answer
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length.into());
            *answer.body_mut() = Full::default();
        }
        ready(Ok(answer))
    }
}

impl fmt::Debug for HealthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthService")
            .field("question", &self.question)
            .finish_non_exhaustive()
    }
}
