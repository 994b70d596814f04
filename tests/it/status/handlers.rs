//! What a handler says or does, and the answer on the wire.

use std::{
    future::{pending, ready},
    sync::Mutex,
};

use super::*;
use tower_nylas::{
    Attempt, MalformedReason, Notification, State,
    notification::{Malformed, object::Object},
};
use tower_nylas_kit::{
    delivery::{notification, notification_of},
    faulty::PanicsOnDrop,
};

async fn answer_of<Args: 'static>(handler: impl Handler<Args>) -> (Answer, String) {
    let endpoint = endpoint_of(handler).await;
    let answer = endpoint.send(&delivery(&notification("a.b", "n-1"))).await;
    (answer, endpoint.reports().concat())
}

#[tokio::test]
async fn done_and_discard_are_200() {
    let (answer, report) = answer_of(async || ()).await;
    assert_settled(&answer, 200, None);
    assert_eq!(report, "notification a.b n-1 acknowledged: handled");
    let (answer, _) = answer_of(async || Ack::Done).await;
    assert_settled(&answer, 200, None);
    let (answer, _) = answer_of(async || Ok::<_, String>(())).await;
    assert_settled(&answer, 200, None);
    let (answer, report) = answer_of(async || Ok::<_, String>(Ack::Discard)).await;
    assert_settled(&answer, 200, None);
    assert!(
        report.ends_with("acknowledged: discarded by its handler"),
        "{report}"
    );
}

#[tokio::test]
async fn a_retry_after_a_time_is_429_with_the_time_rounded_up() {
    for (wait, retry_after) in [
        (Duration::ZERO, "0"),
        (Duration::from_nanos(1), "1"),
        (Duration::from_secs(90), "90"),
        (Duration::from_millis(1001), "2"),
        (Duration::MAX, "2147483647"),
    ] {
        let (answer, report) = answer_of(move || async move { Ack::RetryAfter(wait) }).await;
        assert_settled(&answer, 429, Some(retry_after));
        assert!(
            report.contains("its handler asked for it again"),
            "{report}"
        );
    }
}

#[tokio::test]
async fn a_retry_and_an_error_are_503() {
    let (answer, report) = answer_of(async || Ack::Retry).await;
    assert_settled(&answer, 503, None);
    assert!(
        report.contains("its handler asked for it again"),
        "{report}"
    );

    let (answer, report) = answer_of(async || Err::<(), _>("the disk is full")).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("the disk is full"), "{report}");
}

#[tokio::test]
async fn a_panic_is_503_wherever_it_happens() {
    const PANICKED: &str =
        "notification a.b n-1 answered 503, to be sent again: its handler panicked";

    fn in_call() -> std::future::Ready<()> {
        panic!("in call")
    }
    async fn in_future() {
        tokio::task::yield_now().await;
        panic!("in the future")
    }
    async fn at_the_end() -> Ack {
        let _local = PanicsOnDrop;
        Ack::Done
    }
    async fn with_a_payload_that_panics() {
        panic_any(PanicsOnDrop)
    }

    let answers = [
        (answer_of(in_call).await, ": in call"),
        (answer_of(in_future).await, ": in the future"),
        (answer_of(at_the_end).await, ": on purpose, in drop"),
        // It is no text.
        (answer_of(with_a_payload_that_panics).await, ""),
    ];
    for ((answer, report), text) in answers {
        assert_settled(&answer, 503, None);
        assert_eq!(report, [PANICKED, text].concat());
    }
}

#[tokio::test]
async fn a_server_survives_a_panic_on_the_same_connection() {
    let router = TriggerRouter::new()
        .on_unlisted("do.panic", async || -> () { panic!("on request") })
        .fallback(async || ());
    let endpoint = Endpoint::serve(layer(), router).await;
    let mut connection = Connection::open(endpoint.address).await;
    for (trigger, status) in [("do.panic", 503), ("do.work", 200), ("do.panic", 503)] {
        connection
            .write(&delivery(&notification(trigger, "n-1")))
            .await;
        assert_settled(&connection.read(false).await, status, None);
    }
}

/// A handler that tells when it started and when its future was dropped, and never ends.
struct Endless {
    started: Arc<Semaphore>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn one_that_is_not_done_in_time_is_503_and_dropped() {
    let timer = VirtualClock::new();
    let started = Arc::new(Semaphore::new(0));
    let dropped = Arc::new(AtomicUsize::new(0));
    let router = TriggerRouter::new().fallback({
        let (started, dropped) = (started.clone(), dropped.clone());
        move || {
            let endless = Endless {
                started: started.clone(),
                dropped: dropped.clone(),
            };
            async move {
                endless.started.add_permits(1);
                std::future::pending::<()>().await;
            }
        }
    });
    let layer = WebhookLayer::with_timer(secrets(), timer.clone());
    let endpoint = Endpoint::serve(layer, router).await;
    let mut connection = Connection::open(endpoint.address).await;
    connection
        .write(&delivery(&notification("a.b", "n-1")))
        .await;
    let _permit = started.acquire().await.unwrap();
    timer.wait_for_sleeper().await;
    timer.advance(Duration::from_millis(5999));
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    timer.advance(Duration::from_millis(1));
    assert_settled(&connection.read(false).await, 503, None);
    assert_reported(&endpoint, "not done within 6s");
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(timer.sleepers(), 0);
}

#[tokio::test]
async fn one_that_answers_at_once_arms_no_timer() {
    let timer = VirtualClock::new();
    let webhook = WebhookLayer::with_timer(secrets(), timer.clone()).layer(counting_router().0);
    let body = notification("a.b", "n-1");
    let request = Request::post(PATH)
        .header("x-nylas-signature", sign(&body).to_hex())
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    assert_eq!(webhook.oneshot(request).await.unwrap().status(), 200);
    assert_eq!(timer.longest_sleep(), None);
}

#[tokio::test]
async fn no_route_is_200_counted_and_reported() {
    let router = TriggerRouter::new().on("message.created", async || Ack::Retry);
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    for (count, trigger) in ["folder.created", "message.created.cleaned", ""]
        .into_iter()
        .enumerate()
    {
        assert_eq!(router.unrouted_count(), count as u64);
        let answer = endpoint
            .send(&delivery(&notification(trigger, "n-1")))
            .await;
        assert_settled(&answer, 200, None);
        assert_reported(&endpoint, &format!("no route for {trigger}"));
    }
    assert_eq!(router.unrouted_count(), 3);
}

/// What no route is for is `200`, and what nobody can read `503`.
#[tokio::test]
async fn deltas_without_a_route_are_200_and_counted() {
    let router = TriggerRouter::new().fallback(async |_: Notification| Ack::Retry);
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    let answer = endpoint.send(&delivery(br#"{"deltas":[]}"#)).await;
    assert_settled(&answer, 200, None);
    assert_reported(&endpoint, "no route for the deltas");
    assert_eq!(router.unrouted_count(), 1);
}

/// No attempt can be read of them, so none is known to be the last.
const NO_NOTIFICATIONS: [&[u8]; 5] = [b"", b"no JSON", b"\xff\xfe\x00", b"[]", br#"{"type":7}"#];

#[tokio::test]
async fn what_is_no_notification_is_answered_as_the_operator_decides() {
    for (ack, status, retry_after, report) in [
        (Ack::Done, 200, None, "malformed: "),
        (Ack::Discard, 200, None, "malformed: "),
        (
            Ack::give_up("no use"),
            200,
            None,
            "given up by its handler: no use",
        ),
        (Ack::Retry, 503, None, "its handler asked for it again"),
        (
            Ack::RetryAfter(Duration::from_secs(7)),
            429,
            Some("7"),
            "its handler asked for it again after 7s",
        ),
    ] {
        let (router, calls) = counting_router();
        let router = router.on_malformed(move |_: Malformed| ready(ack.clone()));
        let endpoint = Endpoint::serve(layer(), router).await;
        for body in NO_NOTIFICATIONS {
            let answer = endpoint.send(&delivery(body)).await;
            assert_settled(&answer, status, retry_after);
            assert_reported(&endpoint, report);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn what_is_no_notification_is_503_if_nobody_takes_it() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    for body in NO_NOTIFICATIONS {
        assert_settled(&endpoint.send(&delivery(body)).await, 503, None);
        assert_reported(
            &endpoint,
            "to be sent again unless this was the third attempt: nothing reads it: it",
        );
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[derive(serde::Deserialize)]
struct Folder {
    #[allow(dead_code)]
    name: String,
}

async fn on_folder(_: Notification<Folder>) -> Ack {
    Ack::Discard
}

fn folder(attempt: u32) -> Vec<u8> {
    notification_of("folder.created", "n-1", attempt, 0)
}

/// A kind of body that nobody reads would otherwise end the destination: after the third attempt
/// nothing is sent again anyway.
#[tokio::test]
async fn what_nobody_reads_is_503_and_from_the_third_attempt_on_200_and_lost() {
    let routers = [
        TriggerRouter::new().on("folder.*", on_folder),
        // None of these takes whatever comes.
        TriggerRouter::new().fallback(on_folder),
        TriggerRouter::new()
            .on("folder.*", on_folder)
            .fallback(async || Ack::Discard),
    ];
    for router in routers {
        let endpoint = Endpoint::serve(layer(), router).await;
        let why = "folder.created: the field `name` is missing";
        for (attempt, status, fate) in [
            (1, 503, "answered 503, to be sent again: nothing reads it"),
            (2, 503, "answered 503, to be sent again: nothing reads it"),
            (
                3,
                200,
                "answered 200 at the last attempt, so it is lost: nothing reads it",
            ),
            (
                4,
                200,
                "answered 200 at the last attempt, so it is lost: nothing reads it",
            ),
        ] {
            let answer = endpoint.send(&delivery(&folder(attempt))).await;
            assert_settled(&answer, status, None);
            let reports = endpoint.reports();
            let [report] = &reports[..] else {
                panic!("{reports:?}");
            };
            assert!(report.contains(fate) && report.contains(why), "{report}");
        }
    }
}

/// The whole request reaches the fallback, as if there had been no route.
#[tokio::test]
async fn what_does_not_fit_its_handler_goes_to_a_fallback_that_takes_whatever_comes() {
    fn seen(body: &VerifiedBody) -> Result<(), &'static str> {
        (body.bytes() == &folder(1))
            .then_some(())
            .ok_or("another body")
    }
    let typed = || TriggerRouter::new().on("folder.*", on_folder);
    let service = service_fn(async |request: Request<VerifiedBody>| {
        assert!(request.headers().contains_key("x-nylas-signature"));
        seen(request.body()).map(|()| Response::new(Full::<Bytes>::default()))
    });
    for router in [
        typed().fallback(async |n: Notification| seen(n.body())),
        typed().fallback(async |n: Notification<Object>| seen(n.body())),
        typed().fallback(async |body: VerifiedBody| seen(&body)),
        typed().fallback(async |request: Request<VerifiedBody>| {
            assert_eq!(request.uri().path(), PATH);
            assert!(request.headers().contains_key("x-nylas-signature"));
            seen(request.body())
        }),
        typed().fallback_service(service),
        // The fallback comes first.
        typed()
            .on_malformed(async || Ack::Retry)
            .fallback(async |body: VerifiedBody| seen(&body)),
        TriggerRouter::new()
            .fallback(async |body: VerifiedBody| seen(&body))
            .merge(typed().on_malformed(async || Ack::Retry)),
    ] {
        let endpoint = Endpoint::serve(layer(), router).await;
        assert_settled(&endpoint.send(&delivery(&folder(1))).await, 200, None);
        assert_reported(&endpoint, "acknowledged: handled");
    }
}

/// Even JSON that is nested too deep for any type, and deltas.
#[tokio::test]
async fn a_fallback_for_bytes_gets_what_no_other_one_can_read() {
    let deep = format!(
        r#"{{"type":"folder.created","data":{{"object":{}}}}}"#,
        "[".repeat(200) + &"]".repeat(200)
    );
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let router = TriggerRouter::new()
        .on("folder.*", on_folder)
        .fallback(move |_: VerifiedBody| {
            counter.fetch_add(1, Ordering::SeqCst);
            async {}
        });
    let endpoint = Endpoint::serve(layer(), router).await;
    let mut bodies = NO_NOTIFICATIONS.to_vec();
    bodies.extend([deep.as_bytes(), br#"{"deltas":[]}"#]);
    for body in &bodies {
        assert_settled(&endpoint.send(&delivery(body)).await, 200, None);
    }
    assert_eq!(calls.load(Ordering::SeqCst), bodies.len());

    let router = TriggerRouter::new()
        .on("folder.*", on_folder)
        .fallback(async |_: Notification| ());
    let endpoint = Endpoint::serve(layer(), router).await;
    let answer = endpoint.send(&delivery(deep.as_bytes())).await;
    assert_settled(&answer, 503, None);
    assert_reported(&endpoint, "nested more than 127 levels deep");
}

#[tokio::test]
async fn a_handler_of_malformed_bodies_has_the_reason_the_bytes_and_the_state() {
    #[derive(Clone)]
    struct Archive(Arc<Mutex<Vec<Malformed>>>);

    async fn put_aside(
        malformed: Malformed,
        attempt: Attempt,
        State(archive): State<Archive>,
    ) -> Result<(), &'static str> {
        // It may wait, as for a database.
        tokio::task::yield_now().await;
        archive.0.lock().unwrap().push(malformed);
        if attempt.is_last() {
            Ok(())
        } else {
            Err("the archive is full")
        }
    }
    let archive = Archive(Arc::default());
    let router = TriggerRouter::with_state(archive.clone())
        .on("folder.*", on_folder)
        .on_malformed(put_aside);
    let endpoint = Endpoint::serve(layer(), router).await;
    assert_settled(&endpoint.send(&delivery(&folder(1))).await, 503, None);
    assert_reported(&endpoint, "its handler failed: the archive is full");
    assert_settled(&endpoint.send(&delivery(&folder(3))).await, 200, None);
    assert_reported(&endpoint, "malformed: folder.created: the field `name`");

    let seen = archive.0.lock().unwrap();
    let [first, last] = &seen[..] else {
        panic!("{seen:?}");
    };
    for (malformed, attempt) in [(first, 1), (last, 3)] {
        assert_eq!(malformed.trigger().unwrap().to_string(), "folder.created");
        assert_eq!(malformed.body().bytes(), &folder(attempt));
        let reason = malformed.reason();
        let missing = |field: &str| field == "name";
        assert!(
            matches!(reason, MalformedReason::MissingField { field, .. } if missing(field)),
            "{reason:?}"
        );
    }
}

#[tokio::test]
async fn a_handler_of_malformed_bodies_may_take_the_request_fail_panic_and_be_slow() {
    let router = TriggerRouter::new().on_malformed(async |request: Request<VerifiedBody>| {
        assert_eq!(request.uri().path(), PATH);
        assert_eq!(request.body().bytes(), "no JSON");
    });
    let endpoint = Endpoint::serve(layer(), router).await;
    assert_settled(&endpoint.send(&delivery(b"no JSON")).await, 200, None);

    let router = TriggerRouter::new().on_malformed(async || -> Ack { panic!("undecided") });
    let endpoint = Endpoint::serve(layer(), router).await;
    assert_settled(&endpoint.send(&delivery(b"no JSON")).await, 503, None);
    assert_reported(&endpoint, "panicked");

    let timer = VirtualClock::new();
    let router = TriggerRouter::new().on_malformed(pending::<()>);
    let layer = WebhookLayer::with_timer(secrets(), timer.clone());
    let endpoint = Endpoint::serve(layer, router).await;
    let (request, advance) = (delivery(b"no JSON"), timer.wait_for_sleeper());
    let (answer, ()) = tokio::join!(endpoint.send(&request), async {
        advance.await;
        timer.advance(AcknowledgeLayer::TIMEOUT);
    });
    assert_settled(&answer, 503, None);
    assert_reported(&endpoint, "not done within 6s");
}
