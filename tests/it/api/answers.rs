//! What is no documented success.

use std::{
    convert::Infallible,
    error::Error,
    future::{pending, ready},
    io,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body::{Body, Frame};
use http_body_util::{Channel, Full};
use serde_json::json;
use tower::service_fn;
use tower_nylas::{
    api::{
        self, Api, ApiError, DeleteWebhook, ErrorKind, GetObject, GetWebhook, InvalidApi,
        ListWebhooks, Operation, RotateSecret, SendError, WebhookId,
    },
    testing::VirtualClock,
    time::{Clock, Sleep, SystemClock, Timer},
};

use super::{API_KEY, answer, id, send};

fn error(status: u16, body: impl Into<Bytes>) -> ApiError {
    match send(&ListWebhooks, answer(status, body)).unwrap_err() {
        SendError::Api(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn every_documented_error_is_known() {
    let refused = |name: &str, message: &str| {
        json!({"request_id": "r-1", "error": {"type": name, "message": message}}).to_string()
    };
    let unverified = "unable.verify.webhook_url : status is not ok, got 404";
    for (status, name, message, kind) in [
        (400, "70005", unverified, ErrorKind::NotVerified),
        (
            400,
            "70001",
            "application_id.required",
            ErrorKind::Unauthorized,
        ),
        (
            400,
            "70000",
            "destination.id.not.found : record not found",
            ErrorKind::NotFound,
        ),
        (
            400,
            "invalid_request_error",
            "no such trigger",
            ErrorKind::InvalidRequest,
        ),
        (401, "unauthorized", "no", ErrorKind::Unauthorized),
        (403, "forbidden", "no", ErrorKind::Forbidden),
        (404, "not_found", "no", ErrorKind::NotFound),
        (409, "conflict", "no", ErrorKind::Conflict),
        (410, "gone", "no", ErrorKind::NotFound),
        (422, "x", "no", ErrorKind::InvalidRequest),
    ] {
        let error = error(status, refused(name, message));
        assert_eq!(*error.kind(), kind, "{status} {name}");
        assert_eq!(error.status(), status);
        assert_eq!((error.code(), error.message()), (Some(name), Some(message)));
        assert_eq!(error.request_id(), Some("r-1"));
        assert!(!error.is_retryable());
        let reason = http::StatusCode::from_u16(status).unwrap();
        let line = format!("Nylas' API answered {reason} ({name}): {message}, request r-1");
        assert_eq!(error.to_string(), line);
    }
    for (status, kind) in [
        (408, ErrorKind::Unavailable),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
    ] {
        // A type does not make one of these final.
        for name in ["api", "70000", "70001", "70005"] {
            let error = error(status, refused(name, "later"));
            assert_eq!(*error.kind(), kind, "{status} {name}");
            assert!(error.is_retryable() && SendError::Api(error).is_retryable());
        }
    }
    // With a wrong key nothing is gone.
    let unauthorized = error(401, refused("70000", "no"));
    assert_eq!(*unauthorized.kind(), ErrorKind::Unauthorized);
    // Older errors are not wrapped.
    let old = error(
        400,
        r#"{"type":"invalid_request_error","message":"no","provider_error":{}}"#,
    );
    assert_eq!(
        (old.code(), old.message()),
        (Some("invalid_request_error"), Some("no"))
    );
    let number = error(400, r#"{"error":{"type":70005,"message":["no"]}}"#);
    assert_eq!(
        (number.kind(), number.message()),
        (&ErrorKind::NotVerified, None)
    );
}

#[test]
fn retry_after_is_read_if_it_is_in_seconds() {
    for (value, expected) in [
        ("30", Some(30)),
        (" 0 ", Some(0)),
        ("99999999999", Some(i32::MAX as u64)),
        ("-1", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ] {
        let mut answer = answer(429, "");
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        let error = send(&ListWebhooks, answer).unwrap_err();
        let wait = error.api().unwrap().retry_after();
        assert_eq!(wait, expected.map(Duration::from_secs), "{value}");
    }
}

/// A proxy answers, or Nylas is broken.
#[test]
fn what_is_no_json_is_an_error_with_its_status() {
    let html = "<html><body>502 Bad Gateway</body></html>";
    let error = error(502, html);
    assert_eq!(
        (error.kind(), error.message()),
        (&ErrorKind::Unavailable, None)
    );
    assert_eq!(error.to_string(), "Nylas' API answered 502 Bad Gateway");
    for body in [
        html,
        "",
        "null",
        "[]",
        r#"{"data":"#,
        r#"{"request_id":"r"}"#,
        r#"{"data":7}"#,
    ] {
        let error = send(&GetWebhook::new(id("wh-1")), answer(200, body)).unwrap_err();
        let kind = error.api().unwrap().kind();
        assert!(matches!(kind, ErrorKind::Unreadable(_)), "{body}: {error}");
        assert!(!error.to_string().contains("html"), "{error}");
    }
    let deep = format!(r#"{{"data":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let error = send(&ListWebhooks, answer(200, deep)).unwrap_err();
    assert!(matches!(
        error.api().unwrap().kind(),
        ErrorKind::Unreadable(_)
    ));
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let mut answer = answer(status, "");
        let headers = answer.headers_mut();
        headers.insert(
            header::LOCATION,
            "https://elsewhere.example/".parse().unwrap(),
        );
        let error = send(&ListWebhooks, answer).unwrap_err();
        assert_eq!(*error.api().unwrap().kind(), ErrorKind::Redirected);
        assert!(!error.is_retryable());
    }
}

#[test]
fn a_response_is_bounded() {
    let list = |length: usize| format!(r#"{{"data":[]{}}}"#, " ".repeat(length - 11));
    assert!(
        send(&ListWebhooks, answer(200, list(1 << 20)))
            .unwrap()
            .is_empty()
    );
    let error = send(&ListWebhooks, answer(200, list((1 << 20) + 1))).unwrap_err();
    assert!(
        matches!(error, SendError::TooLarge(max) if max == 1 << 20),
        "{error}"
    );
    assert!(!error.is_retryable());
    // The status of a failure says enough.
    let error = send(&ListWebhooks, answer(503, list(2 << 20))).unwrap_err();
    assert_eq!(*error.api().unwrap().kind(), ErrorKind::Unavailable);
    // An object may be as large as a mail.
    let large = format!(
        r#"{{"data":{{"id":"m","body":"{}"}}}}"#,
        "x".repeat(2 << 20)
    );
    let get = GetObject::thread("g", "t").unwrap();
    assert_eq!(send(&get, answer(200, large)).unwrap()["id"], "m");
}

/// A body without a length and without an end.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let spaces = Bytes::from_static(&[b' '; 4096]);
        Poll::Ready(Some(Ok(Frame::data(spaces))))
    }
}

#[test]
fn a_response_without_an_end_is_bounded() {
    let clock = VirtualClock::new();
    let api = Api::with_timer(Api::US, API_KEY, clock.clone()).unwrap();
    let client =
        service_fn(async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Endless)));
    let error = clock
        .run_until(api::send(&ListWebhooks, &api, client))
        .unwrap_err();
    assert!(matches!(error, SendError::TooLarge(_)), "{error}");
}

#[test]
fn a_slow_response_ends_with_the_timeout() {
    let clock = VirtualClock::new();
    let api = Api::with_timer(Api::US, API_KEY, clock.clone()).unwrap();
    for (limit, api) in [
        (Api::TIMEOUT, api.clone()),
        (Duration::from_secs(2), api.timeout(Duration::from_secs(2))),
    ] {
        let start = clock.elapsed();
        // The head comes, and nothing else.
        let (_open, body) = Channel::<Bytes>::new(1);
        let body = Mutex::new(Some(body));
        let slow = service_fn(|_: Request<Full<Bytes>>| {
            let body = body.lock().unwrap().take().expect("it is called once");
            ready(Ok::<_, Infallible>(Response::new(body)))
        });
        let error = clock.run_until(api::send(&ListWebhooks, &api, slow));
        let error = error.unwrap_err();
        assert!(
            matches!(error, SendError::TimedOut(it) if it == limit),
            "{error}"
        );
        assert_eq!(clock.elapsed(), start + limit);

        let silent = service_fn(|_: Request<Full<Bytes>>| {
            pending::<Result<Response<Full<Bytes>>, Infallible>>()
        });
        let error = clock.run_until(api::send(&ListWebhooks, &api, silent));
        let error = error.unwrap_err();
        assert!(
            matches!(error, SendError::TimedOut(it) if it == limit),
            "{error}"
        );
        assert!(error.is_retryable());
        assert_eq!(clock.elapsed(), start + 2 * limit);
    }
}

#[test]
fn a_client_that_fails_is_told_with_its_cause() {
    let client = service_fn(async |_: Request<Full<Bytes>>| {
        Err::<Response<Full<Bytes>>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
    });
    let clock = VirtualClock::new();
    let api = Api::with_timer(Api::US, API_KEY, clock.clone()).unwrap();
    let error = clock
        .run_until(api::send(&ListWebhooks, &api, client))
        .unwrap_err();
    assert!(matches!(error, SendError::Transport(_)) && error.is_retryable());
    assert_eq!(error.source().unwrap().to_string(), "connection refused");
}

struct Sleepless;

impl Clock for Sleepless {
    fn now(&self) -> std::time::Instant {
        SystemClock.now()
    }
}

impl Timer for Sleepless {
    fn sleep(&self, _: Duration) -> Sleep {
        panic!("it cannot")
    }

    fn can_sleep(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn nothing_is_sent_without_a_timer() {
    let api = Api::with_timer(Api::US, API_KEY, Sleepless).unwrap();
    let client = service_fn(
        async |_: Request<Full<Bytes>>| -> Result<Response<Full<Bytes>>, Infallible> {
            panic!("nothing is sent")
        },
    );
    let error = api::send(&DeleteWebhook::new(id("wh-1")), &api, client).await;
    assert!(matches!(error, Err(SendError::TimerMissing(_))));
}

#[test]
fn an_api_that_can_only_be_a_mistake_is_none() {
    for key in ["", " k", "k\n", "\"k\"", "a key", "schlüssel"] {
        assert_eq!(Api::us(key).unwrap_err(), InvalidApi::Key, "{key:?}");
    }
    let long = format!("https://{}.example", "a".repeat(2000));
    for base in [
        "",
        "api.us.nylas.com",
        "/v3",
        "no url",
        "ftp://a.example",
        "https://",
        &long,
        "https://key@a.example",
        "https://a.example/?x=y",
    ] {
        assert_eq!(
            Api::at(base, "k").unwrap_err(),
            InvalidApi::Base,
            "{base:?}"
        );
    }
    for base in ["http://api.us.nylas.com", "http://10.0.0.1"] {
        assert_eq!(Api::at(base, "k").unwrap_err(), InvalidApi::Insecure);
    }
    for (base, url) in [
        ("https://a.example", "https://a.example/v3/webhooks"),
        ("https://a.example/", "https://a.example/v3/webhooks"),
        (
            "https://a.example:8443/nylas/",
            "https://a.example:8443/nylas/v3/webhooks",
        ),
        ("http://127.0.0.1:1", "http://127.0.0.1:1/v3/webhooks"),
        ("http://[::1]:1", "http://[::1]:1/v3/webhooks"),
        ("http://localhost", "http://localhost/v3/webhooks"),
    ] {
        let api = Api::at(base, "k").unwrap();
        assert_eq!(ListWebhooks.request(&api).uri(), url);
    }
    assert!(WebhookId::new("wh-1").is_ok() && "..".parse::<WebhookId>().is_err());
}

/// Also if the other side repeats the key.
#[test]
fn nothing_shows_the_key_or_a_secret() {
    let secret = "an-invented-secret";
    let repeated = format!("{API_KEY} is wrong\r\n\u{7}");
    let bodies = [
        json!({"request_id": API_KEY, "error": {"type": API_KEY, "message": repeated}}),
        json!({"data": {"id": 7, "webhook_secret": [secret]}}),
        json!({"data": {"id": [], "webhook_secret": secret}}),
        json!({"data": {"id": "wh-1", "webhook_secret": secret}}),
    ];
    let mut shown = vec![
        format!("{:?} {:#?}", super::access(), super::access()),
        format!("{:?}", ListWebhooks.request(&super::access())),
    ];
    for (status, body) in [401, 200, 200, 200].into_iter().zip(bodies) {
        let sent = send(
            &RotateSecret::new(id("wh-1")),
            answer(status, body.to_string()),
        );
        shown.push(match sent {
            Ok(issued) => {
                assert_eq!(issued.secret.expose(), secret);
                format!("{issued:?} {:?}", issued.secret)
            }
            Err(error) => format!("{error} {error:#?}"),
        });
    }
    let shown = shown.concat();
    assert!(
        !shown.contains("nyk_") && !shown.contains("invented"),
        "{shown}"
    );
    assert!(!shown.contains('\r') && !shown.contains('\u{7}'));

    let long = "x".repeat(1000) + "\n";
    let message = error(400, json!({"error": {"message": long}}).to_string());
    assert_eq!(message.message().unwrap().len(), 300);
}

/// What is left of a long text ends within the key.
#[test]
fn nothing_shows_a_part_of_the_key() {
    for shown in [4, 8, API_KEY.len() - 1, API_KEY.len()] {
        let long = "x".repeat(300 - shown) + API_KEY;
        let error = error(401, json!({"error": {"message": long}}).to_string());
        assert_eq!(error.message(), None, "{shown}");
    }
    let cut_before = "x".repeat(300) + API_KEY;
    let error = error(401, json!({"error": {"message": cut_before}}).to_string());
    assert_eq!(error.message(), Some(&*"x".repeat(300)));
}
