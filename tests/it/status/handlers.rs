//! What a handler says or does, and the answer on the wire.

use super::*;
use tower_nylas_kit::delivery::notification;

async fn answer_of<Args: 'static>(handler: impl Handler<Args>) -> (Answer, String) {
    let endpoint = endpoint_of(handler).await;
    let answer = endpoint.send(&delivery(&notification("a.b", "n-1"))).await;
    (answer, endpoint.reports().concat())
}

#[tokio::test]
async fn done_and_discard_are_200() {
    let (answer, report) = answer_of(async || ()).await;
    assert_settled(&answer, 200, None);
    assert_eq!(report, "notification done");
    let (answer, _) = answer_of(async || Ack::Done).await;
    assert_settled(&answer, 200, None);
    let (answer, _) = answer_of(async || Ok::<_, String>(())).await;
    assert_settled(&answer, 200, None);
    let (answer, report) = answer_of(async || Ok::<_, String>(Ack::Discard)).await;
    assert_settled(&answer, 200, None);
    assert_eq!(report, "notification discarded by its handler");
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
        assert!(report.contains("as its handler asked"), "{report}");
    }
}

#[tokio::test]
async fn a_retry_and_an_error_are_503() {
    let (answer, report) = answer_of(async || Ack::Retry).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("as its handler asked"), "{report}");

    let (answer, report) = answer_of(async || Err::<(), _>("the disk is full")).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("the disk is full"), "{report}");
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in drop");
    }
}

#[tokio::test]
async fn a_panic_is_503_wherever_it_happens() {
    const PANICKED: &str = "notification to be sent again, since its handler panicked";

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
        answer_of(in_call).await,
        answer_of(in_future).await,
        answer_of(at_the_end).await,
        answer_of(with_a_payload_that_panics).await,
    ];
    for (answer, report) in answers {
        assert_settled(&answer, 503, None);
        assert_eq!(report, PANICKED);
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
        assert_reported(&endpoint, &format!("without a route for {trigger}"));
    }
    assert_eq!(router.unrouted_count(), 3);
}

#[tokio::test]
async fn what_is_no_notification_is_200_unless_the_operator_wants_it_again() {
    let bodies: [&[u8]; 6] = [
        b"",
        b"no JSON",
        b"\xff\xfe\x00",
        b"[]",
        br#"{"type":7}"#,
        br#"{"deltas":[]}"#,
    ];
    for (ack, status, retry_after) in [
        (None, 200, None),
        (Some(Ack::Done), 200, None),
        (Some(Ack::Discard), 200, None),
        (Some(Ack::Retry), 503, None),
        (
            Some(Ack::RetryAfter(Duration::from_secs(7))),
            429,
            Some("7"),
        ),
    ] {
        let (mut router, calls) = counting_router();
        if let Some(ack) = ack {
            router = router.on_malformed(move |_| ack.clone());
        }
        let endpoint = Endpoint::serve(layer(), router).await;
        for body in bodies {
            let answer = endpoint.send(&delivery(body)).await;
            assert_settled(&answer, status, retry_after);
            assert_reported(&endpoint, "malformed: ");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_the_handlers_type_is_malformed() {
    #[derive(serde::Deserialize)]
    struct Folder {
        #[allow(dead_code)]
        name: String,
    }
    async fn on_folder(_: tower_nylas::Notification<Folder>) -> Ack {
        Ack::Retry
    }
    let router = TriggerRouter::new().fallback(on_folder);
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    let answer = endpoint
        .send(&delivery(&notification("folder.created", "n-1")))
        .await;
    assert_settled(&answer, 200, None);
    assert_reported(&endpoint, "folder.created: the field `name` is missing");

    let router = router.on_malformed(|malformed| {
        assert_eq!(malformed.trigger().unwrap().to_string(), "folder.created");
        assert_eq!(
            malformed.body().bytes(),
            &notification("folder.created", "n-1")
        );
        Ack::Retry
    });
    let endpoint = Endpoint::serve(layer(), router).await;
    let answer = endpoint
        .send(&delivery(&notification("folder.created", "n-1")))
        .await;
    assert_settled(&answer, 503, None);
}

#[tokio::test]
async fn a_decision_about_malformed_bodies_may_panic() {
    let router = TriggerRouter::new().on_malformed(|_| panic!("undecided"));
    let endpoint = Endpoint::serve(layer(), router).await;
    assert_settled(&endpoint.send(&delivery(b"")).await, 503, None);
}
