//! Truncated notifications and their whole objects.

#![cfg(feature = "api")]

use std::{
    convert::Infallible,
    future::pending,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    Notification, Outcome, RefetchLayer, Secrets, TriggerRouter, VerifiedBody, WebhookLayer,
    api::Api,
    notification::object::Message,
    refetch::{NotRefetched, OnUnauthorized, Refetch},
    testing::{
        self, VirtualClock,
        nylas::{Event, NewDestination, Simulator},
    },
    webhook::Webhook,
};
use tower_nylas_kit::{
    delivery::{SECRET, sign},
    parts::Log,
};

const API_KEY: &str = Simulator::API_KEY;
const PATH: &str = "/v3/grants/g-1/messages/m-1";

fn truncated(attempt: u32) -> Value {
    notification("message.created.truncated", attempt)
}

fn notification(trigger: &str, attempt: u32) -> Value {
    json!({
        "specversion": "1.0", "type": trigger, "id": "n-1", "time": 1_790_252_200,
        "webhook_delivery_attempt": attempt, "of_tomorrow": 1.5,
        "data": {"application_id": "a-1",
            "object": {"id": "m-1", "grant_id": "g-1", "subject": "then", "body": ""}},
    })
}

fn whole() -> Value {
    json!({"id": "m-1", "grant_id": "g-1", "subject": "now", "body": "a very long text"})
}

/// What Nylas' API answers, if anything.
#[derive(Clone)]
struct Nylas {
    requests: Log,
    answer: Option<Response<Full<Bytes>>>,
}

impl Nylas {
    fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let mut answer = Response::new(Full::new(body.into()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        Self {
            requests: Log::default(),
            answer: Some(answer),
        }
    }

    fn of(object: &Value) -> Self {
        let answer = json!({"request_id": "r-1", "data": object});
        Self::new(200, answer.to_string())
    }

    fn retry_after(mut self, value: &'static str) -> Self {
        let headers = self.answer.as_mut().unwrap().headers_mut();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        self
    }

    fn silent() -> Self {
        Self {
            requests: Log::default(),
            answer: None,
        }
    }

    fn layer(&self, clock: &VirtualClock) -> RefetchLayer {
        let nylas = self.clone();
        let client = service_fn(move |request: Request<Full<Bytes>>| {
            let authorization = request.headers()[header::AUTHORIZATION].to_str().unwrap();
            assert_eq!(authorization, format!("Bearer {API_KEY}"));
            nylas.requests.note(request.uri().path());
            let answer = nylas.answer.clone();
            async {
                match answer {
                    Some(answer) => Ok::<_, Infallible>(answer),
                    None => pending().await,
                }
            }
        });
        RefetchLayer::new(api(clock), client)
    }
}

fn api(clock: &VirtualClock) -> Api {
    Api::with_timer(Api::US, API_KEY, clock.clone()).unwrap()
}

/// What the handler of `message.created` and its like has seen.
fn router(seen: &Log) -> TriggerRouter {
    let seen = seen.clone();
    TriggerRouter::new().on("message.*", move |mail: Notification<Value>| {
        let reason = mail.extensions().get::<NotRefetched>().copied();
        let line = format!(
            "{} {} {} {} {reason:?}",
            mail.trigger(),
            mail.attempt().unwrap_or_default(),
            mail.object["body"],
            mail.refetched(),
        );
        seen.note(line);
        async {}
    })
}

/// The status, `Retry-After`, and the outcome.
fn deliver<S, R>(
    clock: &VirtualClock,
    service: &S,
    body: &Value,
) -> (u16, Option<String>, Option<Outcome>)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible> + Clone,
{
    let body = body.to_string();
    let request = Request::post("/").header("x-nylas-signature", sign(body.as_bytes()).to_hex());
    let request = request.body(Full::from(body)).unwrap();
    let response = clock.run_until(service.clone().oneshot(request)).unwrap();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    (
        response.status().as_u16(),
        retry_after.map(|value| value.to_str().unwrap().to_owned()),
        response.extensions().get().cloned(),
    )
}

fn endpoint(
    clock: &VirtualClock,
    layer: &RefetchLayer,
    seen: &Log,
) -> Webhook<Refetch<TriggerRouter>> {
    let secrets = Secrets::builder()
        .clock(clock.clone())
        .secret(SECRET)
        .unwrap();
    WebhookLayer::with_timer(secrets, clock.clone()).layer(layer.layer(router(seen)))
}

#[test]
fn the_handler_gets_the_whole_message() {
    let (clock, nylas) = (VirtualClock::new(), Nylas::of(&whole()));
    let mails = Arc::new(Mutex::new(Vec::new()));
    let noted = mails.clone();
    let router = TriggerRouter::new().on("message.created", move |mail: Notification<Message>| {
        noted.lock().unwrap().push(mail);
        async {}
    });
    let secrets = Secrets::builder()
        .clock(clock.clone())
        .secret(SECRET)
        .unwrap();
    let layer = WebhookLayer::with_timer(secrets, clock.clone());
    let endpoint = layer.layer(nylas.layer(&clock).layer(router));
    assert_eq!(deliver(&clock, &endpoint, &truncated(1)).0, 200);
    assert_eq!(nylas.requests.take(), [PATH]);

    let mails = mails.lock().unwrap();
    let mail = &mails[0];
    assert!(mail.refetched() && mail.body().is_refetched() && !mail.is_truncated());
    assert_eq!(mail.object.body.as_deref(), Some("a very long text"));
    assert_eq!(mail.object.subject.as_deref(), Some("now"));
    assert_eq!(mail.trigger().to_string(), "message.created");
    // The envelope is that of the notification.
    assert_eq!(
        (mail.id(), mail.attempt(), mail.time()),
        (Some("n-1"), Some(1), Some(1_790_252_200))
    );
    assert_eq!(
        (mail.application_id(), mail.extra()["of_tomorrow"].as_f64()),
        (Some("a-1"), Some(1.5))
    );
    assert_eq!(mail.body().verified_by(), "default");
}

#[test]
fn only_what_the_api_has_is_fetched() {
    let (clock, nylas, seen) = (VirtualClock::new(), Nylas::of(&whole()), Log::default());
    let endpoint = endpoint(&clock, &nylas.layer(&clock), &seen);
    for (trigger, became) in [
        ("message.created.truncated", Some("message.created")),
        (
            "message.created.transformed.truncated",
            Some("message.created.transformed"),
        ),
        (
            "message.created.truncated.transformed",
            Some("message.created.transformed"),
        ),
        (
            "message.created.metadata.truncated",
            Some("message.created.metadata"),
        ),
        ("message.updated.truncated", Some("message.updated")),
        // Of these the API has something else.
        ("message.created.cleaned.truncated", None),
        ("message.opened.truncated", None),
        ("message.created", None),
        ("message.created.transformed", None),
        ("message.truncated", None),
    ] {
        assert_eq!(
            deliver(&clock, &endpoint, &notification(trigger, 1)).0,
            200,
            "{trigger}"
        );
        let line = match became {
            Some(became) => format!("{became} 1 \"a very long text\" true None"),
            None => format!("{trigger} 1 \"\" false None"),
        };
        assert_eq!(seen.take(), [line]);
        assert_eq!(
            nylas.requests.take().len(),
            usize::from(became.is_some()),
            "{trigger}"
        );
    }
    // Without an id there is no path, and it is not lost.
    let mut body = truncated(1);
    body["data"]["object"]["id"] = "..".into();
    assert_eq!(deliver(&clock, &endpoint, &body).0, 200);
    assert!(seen.take()[0].ends_with("false Some(NoObject(Missing(\"id\")))"));
    // What else is wrong is the router's to judge.
    let no_data = json!({"type": "message.created.truncated", "data": 7});
    assert_eq!(deliver(&clock, &endpoint, &no_data).0, 200);
    let line = "message.created.truncated 0 null false Some(NoObject(Missing(\"grant_id\")))";
    assert_eq!(seen.take(), [line]);
    assert!(nylas.requests.take().is_empty());
}

#[test]
fn the_grant_may_be_missing_in_the_object_and_beside_it() {
    let (clock, seen) = (VirtualClock::new(), Log::default());
    let nylas = Nylas::of(&json!({"id": "m-1", "body": "long"}));
    let endpoint = endpoint(&clock, &nylas.layer(&clock), &seen);
    assert_eq!(deliver(&clock, &endpoint, &truncated(1)).0, 200);
    assert_eq!(seen.take(), ["message.created 1 \"long\" true None"]);
}

/// An empty one counts as none, as in notifications.
#[test]
fn a_grant_that_is_none_is_that_of_the_notification() {
    for grant_id in [json!(null), json!(""), json!([])] {
        let clock = VirtualClock::new();
        let mut object = whole();
        object["grant_id"] = grant_id;
        let grants = Log::default();
        let seen = grants.clone();
        let triggers =
            TriggerRouter::new().on("message.created", move |mail: Notification<Message>| {
                seen.note(&mail.object.grant_id);
                async {}
            });
        let service = Nylas::of(&object).layer(&clock).layer(triggers);
        let within = truncated(1);
        let mut beside = within.clone();
        beside["data"]["grant_id"] = beside["data"]["object"]["grant_id"].take();
        for body in [within, beside] {
            let request = Request::new(testing::verified(body.to_string()));
            let response = clock.run_until(service.clone().oneshot(request)).unwrap();
            assert_eq!(response.status(), 200);
        }
        assert_eq!(grants.take(), ["g-1"; 2], "{object}");
    }
}

/// A stranger has written it.
#[test]
fn a_notification_that_is_no_proper_json_gets_its_object_too() {
    let (clock, seen) = (VirtualClock::new(), Log::default());
    let (before, after) = (r#""subject":"then""#, br#""subject":"\ud83d "#);
    let body = truncated(1).to_string();
    let (head, tail) = body.split_once(before).unwrap();
    let body = [
        b"\xef\xbb\xbf",
        head.as_bytes(),
        after,
        b"\xff\x01\"",
        tail.as_bytes(),
    ]
    .concat();
    let service = Nylas::of(&whole()).layer(&clock).layer(router(&seen));
    let request = Request::new(testing::verified(body));
    clock.run_until(service.oneshot(request)).unwrap();
    assert_eq!(
        seen.take(),
        ["message.created 1 \"a very long text\" true None"]
    );
}

/// A stranger has written it.
#[test]
fn an_object_that_is_no_proper_json_is_repaired() {
    let (clock, seen) = (VirtualClock::new(), Log::default());
    let mut body = br#"{"data":{"id":"m-1","grant_id":"g-1","size":1e999,"body":"\ud83d "#.to_vec();
    body.extend(b"\xff\"}}");
    let endpoint = endpoint(&clock, &Nylas::new(200, body).layer(&clock), &seen);
    assert_eq!(deliver(&clock, &endpoint, &truncated(1)).0, 200);
    assert_eq!(
        seen.take(),
        ["message.created 1 \"\u{fffd} \u{fffd}\" true None"]
    );
}

/// axum reads the body that the proof in the extensions has.
#[cfg(feature = "axum")]
#[test]
fn extractors_of_axum_get_the_whole_message_too() {
    let (clock, nylas) = (VirtualClock::new(), Nylas::of(&whole()));
    let handler = async |mail: Notification<Message>, body: axum::body::Bytes| {
        assert!(mail.refetched());
        assert_eq!(mail.object.body.as_deref(), Some("a very long text"));
        assert_eq!(body, *mail.body().bytes());
    };
    let secrets = Secrets::builder()
        .clock(clock.clone())
        .secret(SECRET)
        .unwrap();
    let layer = WebhookLayer::with_timer(secrets, clock.clone());
    let route = axum::routing::post(handler);
    let endpoint = layer.layer(nylas.layer(&clock).layer(route));
    let (status, _, outcome) = deliver(&clock, &endpoint, &truncated(1));
    assert_eq!((status, outcome.is_none()), (200, true));
}

/// What goes on as it came.
#[test]
fn what_is_gone_or_too_large_goes_on_truncated() {
    let clock = VirtualClock::new();
    let large = json!({"data": {"id": "m-1", "body": "x".repeat(1000)}}).to_string();
    let record = json!({"error": {"type": "70000", "message": "record not found"}}).to_string();
    for (nylas, reason) in [
        (Nylas::new(404, ""), NotRefetched::Gone),
        (Nylas::new(410, ""), NotRefetched::Gone),
        (Nylas::new(400, record), NotRefetched::Gone),
        (Nylas::new(200, large), NotRefetched::TooLarge(1000)),
    ] {
        let seen = Log::default();
        let layer = nylas.layer(&clock).max_size(1000);
        let endpoint = endpoint(&clock, &layer, &seen);
        assert_eq!(deliver(&clock, &endpoint, &truncated(1)).0, 200);
        let line = format!("message.created.truncated 1 \"\" false Some({reason:?})");
        assert_eq!(seen.take(), [line]);
    }
}

#[test]
fn what_cannot_be_fetched_now_is_sent_again() {
    let clock = VirtualClock::new();
    let other = |object: Value| Nylas::of(&object);
    for (nylas, retry_after, reason) in [
        (Nylas::new(429, "").retry_after("7"), Some("7"), "429"),
        (Nylas::new(429, "").retry_after("soon"), Some("30"), "429"),
        (Nylas::new(503, "").retry_after("7"), Some("7"), "503"),
        (Nylas::new(429, "").retry_after("0"), Some("30"), "429"),
        (Nylas::new(503, "").retry_after("0"), None, "503"),
        (Nylas::new(500, "<html>"), None, "500"),
        (Nylas::new(503, ""), None, "503"),
        (Nylas::silent(), None, "not answered within 4s"),
        (Nylas::new(401, ""), None, "401"),
        (Nylas::new(403, ""), None, "403"),
        (Nylas::new(302, ""), None, "redirect"),
        (Nylas::new(400, ""), None, "400"),
        (Nylas::new(200, "<html>"), None, "unreadable"),
        (Nylas::new(200, r#"{"data":"m-1"}"#), None, "another object"),
        (
            other(json!({"id": "m-2", "grant_id": "g-1"})),
            None,
            "another object",
        ),
        (
            other(json!({"id": "m-1", "grant_id": "g-2"})),
            None,
            "that of another grant",
        ),
        (other(json!({"grant_id": "g-1"})), None, "another object"),
    ] {
        let seen = Log::default();
        let layer = nylas.layer(&clock);
        let served = endpoint(&clock, &layer, &seen);
        let status = if retry_after.is_some() { 429 } else { 503 };
        let (answered, waits, outcome) = deliver(&clock, &served, &truncated(1));
        assert_eq!(
            (answered, waits.as_deref()),
            (status, retry_after),
            "{reason}"
        );
        let outcome = outcome.unwrap();
        let is_for_now = ["429", "500", "503", "not answered within 4s"].contains(&reason);
        let expected = match outcome {
            Outcome::Unfetched { .. } => is_for_now,
            Outcome::Unfetchable(_) => !is_for_now,
            _ => false,
        };
        assert!(expected, "{outcome:?}");
        assert!(outcome.to_string().contains(reason), "{outcome}");
        assert!(!outcome.to_string().contains("nyk_"), "{outcome}");
        assert!(seen.take().is_empty());

        // It would be lost now.
        assert_eq!(deliver(&clock, &served, &truncated(3)).0, 200);
        let line = "message.created.truncated 3 \"\" false Some(LastAttempt)";
        assert_eq!(seen.take(), [line]);
        // A worker has attempts of its own.
        let served = endpoint(&clock, &layer.pass_last_attempt(false), &seen);
        assert_eq!(deliver(&clock, &served, &truncated(3)).0, status);
        assert!(seen.take().is_empty());
    }
}

#[test]
fn a_client_that_fails_is_asked_again() {
    let clock = VirtualClock::new();
    let client = service_fn(async |_: Request<Full<Bytes>>| {
        Err::<Response<Full<Bytes>>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
    });
    let layer = RefetchLayer::new(api(&clock), client);
    let endpoint = endpoint(&clock, &layer, &Log::default());
    let (status, _, outcome) = deliver(&clock, &endpoint, &truncated(1));
    assert_eq!(status, 503);
    assert!(outcome.unwrap().to_string().ends_with("connection refused"));
}

#[test]
fn a_refused_key_may_pass_the_truncated_one() {
    for status in [401, 403] {
        let (clock, nylas, seen) = (VirtualClock::new(), Nylas::new(status, ""), Log::default());
        let layer = nylas
            .layer(&clock)
            .on_unauthorized(OnUnauthorized::PassTruncated);
        let endpoint = endpoint(&clock, &layer, &seen);
        assert_eq!(deliver(&clock, &endpoint, &truncated(1)).0, 200);
        let line = "message.created.truncated 1 \"\" false Some(Unauthorized)";
        assert_eq!(seen.take(), [line]);
    }
}

/// One of them might name a grant of another.
#[test]
fn every_destination_has_its_own_api() {
    let clock = VirtualClock::new();
    let keys = Log::default();
    let noted = keys.clone();
    let client = service_fn(move |request: Request<Full<Bytes>>| {
        noted.note(request.headers()[header::AUTHORIZATION].to_str().unwrap());
        let answer = json!({"data": whole()}).to_string();
        async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(answer))) }
    });
    let of_time = clock.clone();
    let access = move |body: &VerifiedBody| {
        let key = format!("key-of-{}", body.verified_by());
        let api = Api::with_timer(Api::EU, key, of_time.clone()).unwrap();
        (body.verified_by() != "nobody").then_some(api)
    };
    let layer = RefetchLayer::by_destination(access, client);
    let service = layer.layer(router(&Log::default()));
    for (label, status) in [("acme", 200), ("globex", 200), ("nobody", 503)] {
        let body = testing::verified_by(label, truncated(1).to_string());
        let response = clock
            .run_until(service.clone().oneshot(Request::new(body)))
            .unwrap();
        assert_eq!(response.status(), status, "{label}");
    }
    assert_eq!(keys.take(), ["Bearer key-of-acme", "Bearer key-of-globex"]);
}

/// Requests wait at a gate.
struct Gate {
    open: Notify,
    requests: AtomicUsize,
}

impl Gate {
    fn layer(self: &Arc<Self>, clock: &VirtualClock) -> RefetchLayer {
        let gate = self.clone();
        let client = service_fn(move |request: Request<Full<Bytes>>| {
            let gate = gate.clone();
            async move {
                gate.requests.fetch_add(1, Ordering::SeqCst);
                gate.open.notified().await;
                let (_, id) = request.uri().path().rsplit_once('/').unwrap();
                let answer = json!({"data": {"id": id, "body": "long"}}).to_string();
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(answer)))
            }
        });
        RefetchLayer::new(api(clock), client)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Delivers a message in a task of its own.
fn spawn(clock: &VirtualClock, service: &Refetch<TriggerRouter>, label: &str, id: &str) {
    let mut body = truncated(1);
    body["data"]["object"]["id"] = id.into();
    let request = Request::new(testing::verified_by(label, body.to_string()));
    let response = service.clone().oneshot(request);
    clock.spawn(async move {
        assert_eq!(response.await.unwrap().status(), 200);
    });
    clock.run_for(Duration::ZERO);
}

fn gate() -> Arc<Gate> {
    Arc::new(Gate {
        open: Notify::new(),
        requests: AtomicUsize::new(0),
    })
}

#[test]
fn an_object_is_fetched_once_for_all_that_wait_for_it() {
    let (clock, gate, seen) = (VirtualClock::new(), gate(), Log::default());
    let service = gate.layer(&clock).layer(router(&seen));
    for _ in 0..5 {
        spawn(&clock, &service, "acme", "m-1");
    }
    assert_eq!(gate.requests(), 1);
    // Neither another object nor another destination waits with them.
    spawn(&clock, &service, "acme", "m-2");
    spawn(&clock, &service, "globex", "m-1");
    assert_eq!(gate.requests(), 3);
    gate.open.notify_waiters();
    clock.run_for(Duration::ZERO);
    assert_eq!(seen.take(), vec!["message.created 1 \"long\" true None"; 7]);

    // A later one is as of later.
    spawn(&clock, &service, "acme", "m-1");
    assert_eq!(gate.requests(), 4);
    gate.open.notify_waiters();
    clock.run_for(Duration::ZERO);
    assert_eq!(seen.take().len(), 1);
}

#[test]
fn requests_at_a_time_are_bounded() {
    let (clock, gate, seen) = (VirtualClock::new(), gate(), Log::default());
    let service = gate.layer(&clock).max_in_flight(2).layer(router(&seen));
    for id in ["m-1", "m-2", "m-3", "m-4", "m-5"] {
        spawn(&clock, &service, "acme", id);
    }
    for (sent, handled) in [(2, 0), (4, 2), (5, 2)] {
        assert_eq!(gate.requests(), sent);
        assert_eq!(seen.take().len(), handled);
        gate.open.notify_waiters();
        clock.run_for(Duration::ZERO);
    }
    assert_eq!(seen.take().len(), 1);
}

/// Where all requests at a time are taken, a third attempt must not end with the handler's
/// deadline.
#[test]
fn the_wait_for_others_is_bounded_too() {
    let (clock, seen) = (VirtualClock::new(), Log::default());
    let layer = Nylas::silent().layer(&clock).max_in_flight(1);
    let service = layer.layer(router(&seen));
    for (id, attempt) in [("m-1", 1), ("m-2", 3), ("m-2", 3), ("m-3", 1)] {
        let mut body = truncated(attempt);
        body["data"]["object"]["id"] = id.into();
        let response = service
            .clone()
            .oneshot(Request::new(testing::verified(body.to_string())));
        let status = if attempt == 3 { 200 } else { 503 };
        clock.spawn(async move {
            assert_eq!(response.await.unwrap().status(), status, "{id}");
        });
    }
    clock.run_for(RefetchLayer::TIMEOUT);
    let line = "message.created.truncated 3 \"\" false Some(LastAttempt)";
    assert_eq!(seen.take(), [line, line]);
    assert_eq!(clock.sleepers(), 0);
}

/// As when a client disconnects: those that wait with it go on.
#[test]
fn a_delivery_that_is_dropped_leaves_its_object_to_others() {
    let (clock, gate, seen) = (VirtualClock::new(), gate(), Log::default());
    let service = gate.layer(&clock).max_in_flight(1).layer(router(&seen));
    let request = || Request::new(testing::verified_by("acme", truncated(1).to_string()));
    let mut first = Box::pin(service.clone().oneshot(request()));
    let polled = clock.run_until(async {
        tokio::select! {
            biased;
            _ = &mut first => panic!("it waits"),
            () = std::future::ready(()) => "waits",
        }
    });
    assert_eq!((polled, gate.requests()), ("waits", 1));
    spawn(&clock, &service, "acme", "m-1");
    assert_eq!(gate.requests(), 1);
    drop(first);
    clock.run_for(Duration::ZERO);
    assert_eq!(gate.requests(), 2);
    gate.open.notify_waiters();
    clock.run_for(Duration::ZERO);
    assert_eq!(seen.take().len(), 1);
}

/// Neither its permit nor those that wait with it are lost.
#[test]
fn a_client_that_panics_leaves_its_object_to_others() {
    let (clock, gate, seen) = (VirtualClock::new(), gate(), Log::default());
    let (waiting, calls) = (gate.clone(), AtomicUsize::new(0));
    let calls = Arc::new(calls);
    let client = service_fn(move |_: Request<Full<Bytes>>| {
        let (gate, is_first) = (waiting.clone(), calls.fetch_add(1, Ordering::SeqCst) == 0);
        async move {
            gate.open.notified().await;
            assert!(!is_first, "the client is broken");
            Ok::<_, Infallible>(Response::new(json!({"data": whole()}).to_string()))
        }
    });
    let layer = RefetchLayer::new(api(&clock), client).max_in_flight(1);
    let endpoint = endpoint(&clock, &layer, &seen);
    for status in [503, 200] {
        let body = truncated(1).to_string();
        let signature = sign(body.as_bytes()).to_hex();
        let request = Request::post("/").header("x-nylas-signature", signature);
        let response = endpoint
            .clone()
            .oneshot(request.body(Full::<Bytes>::from(body)).unwrap());
        clock.spawn(async move { assert_eq!(response.await.unwrap().status(), status) });
    }
    for _ in 0..2 {
        clock.run_for(Duration::ZERO);
        gate.open.notify_waiters();
    }
    clock.run_for(Duration::ZERO);
    assert_eq!(
        seen.take(),
        ["message.created 1 \"a very long text\" true None"]
    );
}

/// The one that waits has a bound of its own.
#[test]
fn a_smaller_bound_is_not_that_of_others() {
    let (clock, gate, seen) = (VirtualClock::new(), gate(), Log::default());
    let layer = gate.layer(&clock);
    let small = layer.clone().max_size(8).layer(router(&seen));
    spawn(&clock, &small, "acme", "m-1");
    spawn(&clock, &layer.layer(router(&seen)), "acme", "m-1");
    gate.open.notify_waiters();
    clock.run_for(Duration::ZERO);
    let expected = [
        "message.created.truncated 1 \"\" false Some(TooLarge(8))",
        "message.created 1 \"long\" true None",
    ];
    assert_eq!(seen.take(), expected);
}

#[cfg(feature = "tokio")]
#[test]
fn nothing_is_fetched_without_a_timer() {
    let client = service_fn(
        async |_: Request<Full<Bytes>>| -> Result<Response<String>, Infallible> {
            panic!("nothing is sent")
        },
    );
    // tokio's timer, outside its runtime.
    let layer = RefetchLayer::new(Api::us(API_KEY).unwrap(), client);
    let service = layer.layer(router(&Log::default()));
    let request = Request::new(testing::verified(truncated(1).to_string()));
    let response = VirtualClock::new()
        .run_until(service.oneshot(request))
        .unwrap();
    assert_eq!(response.status(), 503);
}

/// In front of the router of a worker, the delivery is answered without it, and what cannot be
/// fetched comes again from the inbox, whatever attempt of Nylas it was.
#[cfg(feature = "inbox")]
#[test]
fn in_a_worker_it_is_fetched_until_it_can_be() {
    use tower_nylas::{
        inbox::{Enqueue, MemoryInbox, Worker},
        time::{Clock, Timer},
    };

    let (clock, seen, requests) = (VirtualClock::new(), Log::default(), Log::default());
    let (noted, began) = (requests.clone(), clock.unix_time());
    let time = clock.clone();
    let nylas = service_fn(move |_: Request<Full<Bytes>>| {
        let after = time.unix_time().saturating_sub(began);
        noted.note(format!("after {} s", after.as_secs()));
        // Away for an hour, which is longer than Nylas repeats anything.
        let answer = if after < Duration::from_secs(3600) {
            Nylas::new(503, "").answer
        } else {
            Nylas::of(&whole()).answer
        };
        async move { Ok::<_, Infallible>(answer.unwrap()) }
    });
    let layer = RefetchLayer::new(api(&clock), nylas).pass_last_attempt(false);

    let inbox = MemoryInbox::with_timer(clock.clone());
    let secrets = Secrets::builder().clock(clock.clone());
    let webhooks = WebhookLayer::with_timer(secrets.secret(SECRET).unwrap(), clock.clone());
    let endpoint = webhooks.layer(Enqueue::with_timer(inbox.clone(), clock.clone()));
    let (status, _, outcome) = deliver(&clock, &endpoint, &truncated(3));
    assert!(matches!(outcome, Some(Outcome::Stored)), "{outcome:?}");
    assert_eq!(status, 200);
    assert!(requests.take().is_empty(), "it was answered first");

    let tasks = clock.clone();
    let worker = Worker::on_runtime(
        inbox,
        layer.layer(router(&seen)),
        clock.clone(),
        move |task| tasks.spawn(task),
    );
    let day = clock.sleep(Duration::from_secs(24 * 3600));
    clock.run_until(worker.run_until(day)).unwrap();
    let requests = requests.take();
    assert!(requests.len() > 5, "{requests:?}");
    // Whole, and once.
    assert_eq!(
        seen.take(),
        ["message.created 3 \"a very long text\" true None"]
    );
}

/// From the event to the handler: truncated on its way, and fetched whole from the API, unless the
/// mail is deleted meanwhile.
#[test]
fn a_message_of_the_simulated_nylas_is_whole_again() {
    const URL: &str = "https://app.example.com/webhooks/nylas";
    let (clock, seen) = (VirtualClock::new(), Log::default());
    let nylas = Simulator::builder().clock(clock.clone()).build();
    let secrets = Secrets::builder().clock(clock.clone()).pending();
    let refetching = RefetchLayer::new(api(&clock), nylas.management()).layer(router(&seen));
    let endpoint = WebhookLayer::with_timer(secrets.clone(), clock.clone()).layer(refetching);
    nylas.host(URL, endpoint);
    let new = NewDestination::new(URL, ["message.created"]);
    let created = clock.run_until(nylas.create(&new)).unwrap();
    secrets.set(created.secret()).unwrap();

    let sample: Value = serde_json::from_str(testing::sample("message.created").unwrap()).unwrap();
    let grant = sample["data"]["object"]["grant_id"].as_str().unwrap();
    let large = |id: &str| Event::new("message.created").object_id(id).size(2 << 20);
    nylas.emit(large("m-1"));
    clock.run_until(nylas.settled());
    let [whole] = &seen.take()[..] else {
        panic!("it is handled once");
    };
    assert!(whole.starts_with("message.created 1 \""), "{whole:.100}");
    assert!(whole.len() > 1 << 20 && whole.ends_with(" true None"));

    nylas.emit(large("m-2"));
    nylas.remove_object(grant, "messages", "m-2");
    clock.run_until(nylas.settled());
    let truncated = r#"message.created.truncated 1 "" false Some(Gone)"#;
    assert_eq!(seen.take(), [truncated]);
    nylas.ledger().no_event_lost();
}
