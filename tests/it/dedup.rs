//! Each notification is handled once, and one that was not handled is not taken for a duplicate.

#![cfg(feature = "dedup")]

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use tokio::sync::Notify;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    Ack, BoxError, DeduplicateLayer, Notification, Outcome, Secrets, TriggerRouter, VerifiedBody,
    WebhookLayer,
    dedup::{Begun, Deduplicate, MemoryClaim, MemorySeenIds, NotificationKey, SeenIds},
    testing::VirtualClock,
};
use tower_nylas_kit::{
    delivery::{
        PATH, SECRET, delivery, delivery_signed, notification, notification_of, proven, sign,
        sign_with,
    },
    endpoint::Endpoint,
    parts::Log,
    wire::Connection,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Attempts at one notification differ in their bytes.
fn attempt(number: u32) -> Vec<u8> {
    notification_of("message.created", "n-1", number, 0)
}

/// Counts its calls.
fn counting(calls: &Arc<AtomicUsize>) -> TriggerRouter {
    let calls = calls.clone();
    TriggerRouter::new().on("message.created", move || {
        calls.fetch_add(1, Ordering::SeqCst);
        async {}
    })
}

fn over_memory(clock: &VirtualClock) -> DeduplicateLayer {
    DeduplicateLayer::over(MemorySeenIds::with_clock(clock.clone()))
}

fn signed(body: &[u8]) -> Request<Full<Bytes>> {
    let request = Request::post(PATH).header("x-nylas-signature", sign(body).to_hex());
    request.body(Full::new(body.to_vec().into())).unwrap()
}

/// The status and the outcome of one delivery, on virtual time.
fn deliver<S, R>(clock: &VirtualClock, service: &S, body: &[u8]) -> (u16, Option<Outcome>)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible> + Clone,
{
    let response = clock.run_until(service.clone().oneshot(signed(body)));
    let response = response.unwrap();
    let outcome = response.extensions().get().cloned();
    (response.status().as_u16(), outcome)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_repetition_is_200_and_not_handled() {
    let calls = Arc::default();
    let inner = DeduplicateLayer::new().layer(counting(&calls));
    let endpoint = Endpoint::serve(WebhookLayer::new(proven()), inner).await;
    for number in 1..=3 {
        let answer = endpoint.send(&delivery(&attempt(number))).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
    }
    let other = delivery(&notification("message.created", "n-2"));
    assert_eq!(endpoint.send(&other).await.status, 200);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let duplicate =
        "notification message.created n-1 acknowledged: accepted before, so not handled again";
    assert_eq!(
        endpoint.reports(),
        [
            "notification message.created n-1 acknowledged: handled",
            duplicate,
            duplicate,
            "notification message.created n-2 acknowledged: handled"
        ]
    );
}

#[tokio::test]
async fn a_second_delivery_while_the_first_runs_is_503() {
    let [started, go] = [(); 2].map(|()| Arc::new(Notify::new()));
    let (starting, going) = (started.clone(), go.clone());
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let triggers = TriggerRouter::new().fallback(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let (starting, going) = (starting.clone(), going.clone());
        async move {
            starting.notify_one();
            going.notified().await;
        }
    });
    let inner = DeduplicateLayer::new().layer(triggers);
    let endpoint = Endpoint::serve(WebhookLayer::new(proven()), inner).await;
    let mut first = Connection::open(endpoint.address).await;
    first.write(&delivery(&attempt(1))).await;
    started.notified().await;

    let second = endpoint.send(&delivery(&attempt(2))).await;
    assert_eq!(second.status, 503);
    assert_eq!(second.header("retry-after"), None);
    assert_eq!(
        endpoint.reports(),
        [
            "notification message.created n-1 answered 503, to be sent again: another delivery of it is being handled"
        ]
    );
    go.notify_one();
    assert_eq!(first.read(false).await.status, 200);
    assert_eq!(endpoint.send(&delivery(&attempt(3))).await.status, 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// The first attempt fails with this status, the second is handled, the third is a duplicate.
async fn fails_first<S, R>(what: &str, status: u16, inner: S)
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send,
    R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let inner = DeduplicateLayer::new().layer(inner);
    let endpoint = Endpoint::serve(WebhookLayer::new(proven()), inner).await;
    let mut statuses = Vec::new();
    for number in 1..=3 {
        let answer = endpoint.send(&delivery(&attempt(number))).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [status, 200, 200], "{what}");
    let reports = endpoint.reports();
    assert_eq!(
        reports[1], "notification message.created n-1 acknowledged: handled",
        "{what}"
    );
    assert!(
        reports[2].contains("accepted before"),
        "{what}: {reports:?}"
    );
}

#[tokio::test]
async fn what_failed_is_handled_again() {
    let is_first = |n: &Notification| n.attempt() == Some(1);
    let on = |ack: Ack| {
        TriggerRouter::new().fallback(move |n: Notification| {
            let ack = if is_first(&n) { ack.clone() } else { Ack::Done };
            async move { ack }
        })
    };
    fails_first("a retry", 503, on(Ack::Retry)).await;
    let later = Ack::RetryAfter(Duration::from_secs(5));
    fails_first("a retry later", 429, on(later)).await;
    let failing = TriggerRouter::new().fallback(move |n: Notification| async move {
        if is_first(&n) { Err("no disk") } else { Ok(()) }
    });
    fails_first("an error", 503, failing).await;
    let panicking = TriggerRouter::new().fallback(move |n: Notification| async move {
        assert!(!is_first(&n), "on purpose");
    });
    fails_first("a panic", 503, panicking).await;

    for (inner, answered) in [(500, 503), (404, 503), (304, 503), (429, 429)] {
        let service = service_fn(move |request: Request<VerifiedBody>| async move {
            let n: Notification = request.into_body().try_into().unwrap();
            let status = if is_first(&n) { inner } else { 204 };
            Response::builder().status(status).body(String::new())
        });
        fails_first("an inner status", answered, service).await;
    }
    let broken = service_fn(move |request: Request<VerifiedBody>| async move {
        let n: Notification = request.into_body().try_into().unwrap();
        if is_first(&n) {
            Err("no service")
        } else {
            Ok(Response::new(String::new()))
        }
    });
    fails_first("an inner error", 503, broken).await;
}

#[test]
fn what_its_deadline_has_ended_is_handled_again() {
    let clock = VirtualClock::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let triggers = TriggerRouter::new().fallback(move |n: Notification| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            if n.attempt() == Some(1) {
                pending::<()>().await;
            }
        }
    });
    let service = WebhookLayer::with_timer(proven(), clock.clone())
        .layer(over_memory(&clock).layer(triggers));
    let (status, outcome) = deliver(&clock, &service, &attempt(1));
    assert_eq!(status, 503);
    assert!(matches!(outcome, Some(Outcome::TimedOut(_))), "{outcome:?}");
    assert_eq!(clock.elapsed(), Duration::from_secs(6));
    let (status, outcome) = deliver(&clock, &service, &attempt(2));
    assert_eq!(status, 200);
    assert!(outcome.is_none(), "{outcome:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn what_its_client_has_ended_is_handled_again() {
    let [started, dropped] = [(); 2].map(|()| Arc::new(Notify::new()));
    let (starting, dropping) = (started.clone(), dropped.clone());
    let triggers = TriggerRouter::new().fallback(move |n: Notification| {
        let (starting, dropping) = (starting.clone(), dropping.clone());
        async move {
            if n.attempt() == Some(1) {
                let _guard = NotifyOnDrop(dropping);
                starting.notify_one();
                pending::<()>().await;
            }
        }
    });
    let inner = DeduplicateLayer::new().layer(triggers);
    let endpoint = Endpoint::serve(WebhookLayer::new(proven()), inner).await;
    let mut client = Connection::open(endpoint.address).await;
    client.write(&delivery(&attempt(1))).await;
    started.notified().await;
    client.reset().unwrap();
    dropped.notified().await;

    assert_eq!(endpoint.send(&delivery(&attempt(2))).await.status, 200);
    assert_eq!(
        endpoint.reports(),
        [
            "notification message.created n-1 not answered, to be sent again: the client disconnected",
            "notification message.created n-1 acknowledged: handled"
        ]
    );
}

#[test]
fn ids_are_forgotten_after_72_hours() {
    let clock = VirtualClock::new();
    let calls = Arc::default();
    let service = WebhookLayer::with_timer(proven(), clock.clone())
        .layer(over_memory(&clock).layer(counting(&calls)));
    let handled = || {
        assert_eq!(deliver(&clock, &service, &attempt(1)).0, 200);
        calls.load(Ordering::SeqCst)
    };
    assert_eq!(handled(), 1);
    let nearly = (72 * HOUR).saturating_sub(Duration::from_nanos(1));
    clock.advance(nearly);
    assert_eq!(handled(), 1);
    // A duplicate does not prolong it.
    clock.advance(Duration::from_nanos(1));
    assert_eq!(handled(), 2);
    assert_eq!(handled(), 2);
}

#[test]
fn the_oldest_ids_are_forgotten_first() {
    let clock = VirtualClock::new();
    let handled = Log::default();
    let log = handled.clone();
    let triggers = TriggerRouter::new().fallback(move |n: Notification| {
        log.note(n.id().unwrap_or_default());
        async {}
    });
    let ids = MemorySeenIds::with_clock(clock.clone()).capacity(2);
    let service = WebhookLayer::with_timer(proven(), clock.clone())
        .layer(DeduplicateLayer::over(ids).layer(triggers));
    for (id, is_handled) in [
        ("a", true),
        ("b", true),
        ("a", false),
        ("c", true),
        ("b", false),
        ("a", true),
        ("c", false),
        ("b", true),
    ] {
        let body = notification("message.created", id);
        assert_eq!(deliver(&clock, &service, &body).0, 200);
        let expected: &[&str] = if is_handled { &[id] } else { &[] };
        assert_eq!(handled.take(), expected, "{id}");
    }
}

/// What a process leaves behind that dies: no end of its requests.
#[test]
fn a_claim_ends_by_itself_after_10_seconds() {
    let clock = VirtualClock::new();
    let triggers = TriggerRouter::new().fallback(|n: Notification| async move {
        if n.attempt() == Some(1) {
            pending::<()>().await;
        }
    });
    let layer = over_memory(&clock);
    let service = WebhookLayer::with_timer(proven(), clock.clone()).layer(layer.layer(triggers));
    let mut lost = Box::pin(service.clone().oneshot(signed(&attempt(1))));
    assert!(poll(lost.as_mut()).is_pending());
    mem::forget(lost);

    clock.advance(Duration::from_secs(10) - Duration::from_nanos(1));
    let (status, outcome) = deliver(&clock, &service, &attempt(2));
    assert_eq!(status, 503);
    assert!(matches!(outcome, Some(Outcome::InProgress)), "{outcome:?}");
    clock.advance(Duration::from_nanos(1));
    let (status, outcome) = deliver(&clock, &service, &attempt(3));
    assert_eq!(status, 200);
    assert!(outcome.is_none(), "{outcome:?}");
}

/// The store alone.
#[tokio::test]
async fn a_claim_that_has_ended_harms_no_later_one() {
    let clock = VirtualClock::new();
    let ids = Arc::new(
        MemorySeenIds::with_clock(clock.clone())
            .claim_for(Duration::from_secs(30))
            .remember_for(HOUR),
    );
    let key = NotificationKey::new("default", "n-1");
    let claim = async || match ids.begin(key).await.unwrap() {
        Begun::New(claim) => claim,
        other => panic!("it is claimed: {other:?}"),
    };
    let is_in_progress = async || matches!(ids.begin(key).await.unwrap(), Begun::InProgress);
    let (early, late) = (claim().await, {
        clock.advance(Duration::from_secs(30));
        claim().await
    });
    ids.release(early).await.unwrap();
    assert!(is_in_progress().await);
    clock.advance(Duration::from_secs(30));
    let last = claim().await;
    // It was handled, if late.
    ids.finish(late).await.unwrap();
    assert!(matches!(ids.begin(key).await.unwrap(), Begun::Done));
    ids.release(last).await.unwrap();
    assert!(matches!(ids.begin(key).await.unwrap(), Begun::Done));
    clock.advance(HOUR);
    ids.release(claim().await).await.unwrap();
    claim().await;
}

/// A layer for two tenants, whose secrets have these labels.
fn tenants(labels: [Option<&'static str>; 2]) -> WebhookLayer {
    let tenants = labels.map(|label| {
        let secrets = Secrets::builder();
        let secrets = match label {
            Some(label) => secrets.label(label),
            None => secrets,
        };
        secrets.secret(SECRET).unwrap()
    });
    WebhookLayer::by_lookup(move |request| {
        Ok(match request.uri.path().strip_prefix(PATH) {
            Some("/acme") => Some(tenants[0].clone()),
            Some("/globex") => Some(tenants[1].clone()),
            _ => None,
        })
    })
}

fn to_tenant(tenant: &str, body: &[u8]) -> Vec<u8> {
    let request = delivery(body);
    let target = format!("POST {PATH} ");
    let rest = request.strip_prefix(target.as_bytes()).unwrap();
    [format!("POST {PATH}/{tenant} ").as_bytes(), rest].concat()
}

#[tokio::test]
async fn tenants_have_ids_of_their_own() {
    let calls = Arc::default();
    let inner = DeduplicateLayer::new().layer(counting(&calls));
    let endpoint = Endpoint::serve(tenants([Some("acme"), Some("globex")]), inner).await;
    for (tenant, handled) in [("acme", 1), ("globex", 2), ("acme", 2), ("globex", 2)] {
        let answer = endpoint.send(&to_tenant(tenant, &attempt(1))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(calls.load(Ordering::SeqCst), handled, "{tenant}");
    }
}

#[tokio::test]
async fn tenants_without_a_label_are_refused() {
    let calls = Arc::default();
    let inner = DeduplicateLayer::new().layer(counting(&calls));
    let endpoint = Endpoint::serve(tenants([None, Some("globex")]), inner.clone()).await;
    let without_id = br#"{"type":"message.created","data":{"object":{}}}"#;
    for body in [&attempt(1), &attempt(2), &without_id[..]] {
        assert_eq!(endpoint.send(&to_tenant("acme", body)).await.status, 503);
        let report = endpoint.reports().concat();
        assert!(report.contains("label the secrets"), "{report}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let labelled = to_tenant("globex", &attempt(1));
    assert_eq!(endpoint.send(&labelled).await.status, 200);

    // Without a lookup there is one destination only, and no need for a label.
    let secrets = Secrets::new(SECRET).unwrap();
    let endpoint = Endpoint::serve(WebhookLayer::new(secrets), inner).await;
    assert_eq!(endpoint.send(&delivery(&attempt(1))).await.status, 200);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn what_has_no_id_is_handled_each_time() {
    let clock = VirtualClock::new();
    let calls = Arc::default();
    let service = WebhookLayer::with_timer(proven(), clock.clone())
        .layer(over_memory(&clock).layer(counting(&calls)));
    for (id, handled) in [
        ("", 2),
        (r#""id":null,"#, 2),
        (r#""id":"","#, 2),
        (r#""id":["n-1"],"#, 2),
        (r#""id":"1","#, 1),
        // The same text.
        (r#""id":1,"#, 0),
        (r#""id":"\u0031","#, 0),
        (r#""id":" 1","#, 1),
    ] {
        let body = format!(r#"{{{id}"type":"message.created","data":{{"object":{{}}}}}}"#);
        for _ in 0..2 {
            let (status, _) = deliver(&clock, &service, body.as_bytes());
            assert_eq!(status, 200, "{id}");
        }
        assert_eq!(calls.swap(0, Ordering::SeqCst), handled, "{id}");
    }
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn an_attempt_may_be_compressed() {
    use tower_nylas_kit::delivery::gzip;

    let calls = Arc::default();
    let inner = DeduplicateLayer::new().layer(counting(&calls));
    let endpoint = Endpoint::serve(WebhookLayer::new(proven()), inner).await;
    for body in [gzip(&attempt(1)), attempt(2), gzip(&attempt(3))] {
        assert_eq!(endpoint.send(&delivery(&body)).await.status, 200);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A forged repetition learns nothing, and changes nothing.
#[tokio::test]
async fn only_what_is_verified_has_an_id() {
    let calls = Arc::default();
    let inner = DeduplicateLayer::new().layer(counting(&calls));
    let endpoint = Endpoint::serve(WebhookLayer::new(proven()), inner).await;
    let forged = delivery_signed(&attempt(1), &sign_with("another-secret", b"").to_hex());
    for (request, status) in [
        (&forged, 401),
        (&delivery(&attempt(1)), 200),
        (&forged, 401),
        (&delivery(&attempt(2)), 200),
    ] {
        assert_eq!(endpoint.send(request).await.status, status);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Call {
    Begin,
    Finish,
    Release,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Error,
    Panic,
    Hang,
}

/// A store of which one call does not work.
struct Faulty {
    ids: MemorySeenIds,
    at: Call,
    fault: Fault,
}

impl Faulty {
    async fn pass(&self, call: Call) -> Result<(), BoxError> {
        match self.fault {
            _ if call != self.at => Ok(()),
            Fault::Error => Err("no connection".into()),
            Fault::Panic => panic!("on purpose"),
            Fault::Hang => pending().await,
        }
    }
}

impl SeenIds for Faulty {
    type Claim = MemoryClaim;

    async fn begin(&self, key: NotificationKey) -> Result<Begun<MemoryClaim>, BoxError> {
        self.pass(Call::Begin).await?;
        self.ids.begin(key).await
    }

    async fn finish(&self, claim: MemoryClaim) -> Result<(), BoxError> {
        self.pass(Call::Finish).await?;
        self.ids.finish(claim).await
    }

    async fn release(&self, claim: MemoryClaim) -> Result<(), BoxError> {
        self.pass(Call::Release).await?;
        self.ids.release(claim).await
    }
}

/// The report of one delivery over a faulty store whose handler succeeds, or fails.
fn over_faulty(at: Call, fault: Fault, succeeds: bool) -> (u16, String, usize, Duration) {
    let clock = VirtualClock::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let triggers = TriggerRouter::new().fallback(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { if succeeds { Ok(()) } else { Err("no disk") } }
    });
    let ids = MemorySeenIds::with_clock(clock.clone());
    let layer = DeduplicateLayer::over(Faulty { ids, at, fault });
    let service = WebhookLayer::with_timer(proven(), clock.clone()).layer(layer.layer(triggers));
    let (status, outcome) = deliver(&clock, &service, &attempt(1));
    let outcome = outcome.unwrap_or(Outcome::Done).to_string();
    (
        status,
        outcome,
        calls.load(Ordering::SeqCst),
        clock.elapsed(),
    )
}

#[test]
fn a_store_that_fails_loses_nothing() {
    let unremembered = |why| {
        format!(
            "handled, and a repetition will be handled again, since the store of ids failed: {why}"
        )
    };
    let failed = "its handler failed: no disk";
    for (fault, why) in [
        (Fault::Error, "no connection"),
        (Fault::Panic, "it panicked: on purpose"),
    ] {
        for at in [Call::Begin, Call::Finish] {
            let seen = over_faulty(at, fault, true);
            assert_eq!(seen, (200, unremembered(why), 1, Duration::ZERO), "{at:?}");
        }
        let seen = over_faulty(Call::Release, fault, true);
        assert_eq!(seen, (200, "handled".to_owned(), 1, Duration::ZERO));
        for at in [Call::Begin, Call::Finish, Call::Release] {
            let seen = over_faulty(at, fault, false);
            assert_eq!(seen, (503, failed.to_owned(), 1, Duration::ZERO), "{at:?}");
        }
    }
}

#[test]
fn a_store_that_hangs_is_503_at_the_deadline() {
    let deadline = Duration::from_secs(6);
    for (at, succeeds, calls) in [
        (Call::Begin, true, 0),
        (Call::Finish, true, 1),
        (Call::Release, false, 1),
    ] {
        let (status, outcome, called, elapsed) = over_faulty(at, Fault::Hang, succeeds);
        assert_eq!((status, called, elapsed), (503, calls, deadline), "{at:?}");
        assert!(outcome.contains("not done within 6s"), "{outcome}");
    }
}

/// The handler's own answer is what its operator wants to see.
#[test]
fn a_fault_of_the_store_hides_no_outcome() {
    for (ack, expected) in [
        (Ack::Discard, "store of ids failed: no connection"),
        (Ack::give_up("no such grant"), "no such grant"),
    ] {
        let clock = VirtualClock::new();
        let triggers = TriggerRouter::new().fallback(move || {
            let ack = ack.clone();
            async move { ack }
        });
        let layer = DeduplicateLayer::over(Faulty {
            ids: MemorySeenIds::with_clock(clock.clone()),
            at: Call::Finish,
            fault: Fault::Error,
        });
        let service =
            WebhookLayer::with_timer(proven(), clock.clone()).layer(layer.layer(triggers));
        let (status, outcome) = deliver(&clock, &service, &attempt(1));
        assert_eq!(status, 200);
        let outcome = outcome.unwrap().to_string();
        assert!(outcome.contains(expected), "{outcome}");
    }
}

#[test]
fn a_claim_that_could_not_be_released_ends_by_itself() {
    for fault in [Fault::Error, Fault::Panic, Fault::Hang] {
        let clock = VirtualClock::new();
        let ids = Arc::new(Faulty {
            ids: MemorySeenIds::with_clock(clock.clone()),
            at: Call::Release,
            fault,
        });
        let inner = service_fn(|_: Request<VerifiedBody>| {
            pending::<Result<Response<Full<Bytes>>, Infallible>>()
        });
        let mut service = DeduplicateLayer::over(ids.clone()).layer(inner);
        let mut response = Box::pin(service.call(Request::new(verified("default", "n-1"))));
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        let key = NotificationKey::new("default", "n-1");
        let Poll::Ready(begun) = poll(Box::pin(ids.begin(key)).as_mut()) else {
            panic!("nothing waits");
        };
        assert!(matches!(begun, Ok(Begun::InProgress)), "{fault:?}");
        clock.advance(Duration::from_secs(10));
        let Poll::Ready(begun) = poll(Box::pin(ids.begin(key)).as_mut()) else {
            panic!("nothing waits");
        };
        assert!(matches!(begun, Ok(Begun::New(_))), "{fault:?}");
    }
}

#[test]
fn a_key_is_16_bytes_that_never_change() {
    let key = NotificationKey::new("default", "n-1");
    // printf '\0\0\0\0\0\0\0\7defaultn-1' | sha256sum | head -c 32
    assert_eq!(key.to_string(), "f90a74232b112dd37e5a78156030a4ed");
    assert_eq!(hex::encode(key.as_bytes()), key.to_string());
    assert_eq!(format!("{key:?}"), format!("NotificationKey({key})"));
    // Where the label ends is a part of it.
    assert_ne!(key, NotificationKey::new("defaultn", "-1"));
    assert_eq!(NotificationKey::of(&verified("default", "n-1")), Some(key));
    assert_eq!(NotificationKey::of(&verified("default", "")), None);
}

fn verified(label: &str, id: &str) -> VerifiedBody {
    let body = notification("message.created", id);
    let secrets = Secrets::builder().label(label).secret(SECRET).unwrap();
    let signature = sign(&body);
    VerifiedBody::verify(body.into(), &signature, &secrets).unwrap()
}

/// What happens next to one of several deliveries.
#[derive(Debug, Clone, Copy)]
enum Step {
    Arrive { label: u8, id: u8 },
    End { which: usize, how: How },
    Pass(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Success = 1,
    Failure = 2,
    Panic = 3,
    /// Its client disconnects.
    Dropped = 4,
}

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![
        Just(How::Success),
        Just(How::Failure),
        Just(How::Panic),
        Just(How::Dropped)
    ];
    let times = [1, 4, 6, 10, 3_600, 72 * 3_600 - 10, 72 * 3_600].map(Duration::from_secs);
    prop_oneof![
        5 => (0..2_u8, 0..4_u8).prop_map(|(label, id)| Step::Arrive { label, id }),
        4 => (0..8_usize, how).prop_map(|(which, how)| Step::End { which, how }),
        1 => proptest::sample::select(times.to_vec()).prop_map(Step::Pass),
    ]
}

const CAPACITY: usize = 3;

type Key = (u8, u8);

/// The rules, as simple as they can be written.
#[derive(Default)]
struct Model {
    now: Duration,
    arrived: usize,
    /// With the number of the arrival that has claimed it.
    claims: Vec<(Key, usize, Duration)>,
    done: Vec<(Key, Duration)>,
}

impl Model {
    /// The status and outcome, unless it is to be handled.
    fn arrive(&mut self, key: Key) -> Option<(u16, &'static str)> {
        self.forget();
        self.arrived += 1;
        if self.done.iter().any(|(done, _)| *done == key) {
            return Some((200, "Duplicate"));
        }
        if self.claims.iter().any(|(claimed, _, _)| *claimed == key) {
            return Some((503, "InProgress"));
        }
        self.claims.push((key, self.arrived, self.now));
        None
    }

    fn end(&mut self, key: Key, arrival: usize, succeeded: bool) {
        self.forget();
        self.claims.retain(|(_, other, _)| *other != arrival);
        if succeeded {
            self.done.retain(|(done, _)| *done != key);
            self.done.push((key, self.now));
            let excess = self.done.len().saturating_sub(CAPACITY);
            self.done.drain(..excess);
        }
    }

    fn forget(&mut self) {
        let now = self.now;
        self.done.retain(|(_, at)| now < *at + 72 * HOUR);
        self.claims
            .retain(|(_, _, at)| now < *at + Duration::from_secs(10));
    }
}

/// How a delivery is to end, as a number; 0 until then.
type Gate = Arc<AtomicU8>;

/// Ends as its gate says.
async fn gated(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let gate = request.extensions().get::<Gate>().unwrap().clone();
    let how = poll_fn(|_| match gate.load(Ordering::SeqCst) {
        0 => Poll::Pending,
        how => Poll::Ready(how),
    });
    let mut response = Response::new(Full::default());
    match how.await {
        2 => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        3 => panic!("on purpose"),
        _ => {}
    }
    Ok(response)
}

fn follows_the_model(steps: &[Step]) {
    let clock = VirtualClock::new();
    let ids = MemorySeenIds::with_clock(clock.clone()).capacity(CAPACITY);
    let layer = DeduplicateLayer::over(ids);
    let mut service: Deduplicate<_, _> = layer.layer(service_fn(gated));
    let mut model = Model::default();
    let mut running = Vec::new();
    for step in steps {
        match *step {
            Step::Pass(duration) => {
                clock.advance(duration);
                model.now += duration;
            }
            Step::Arrive { label, id } => {
                let body = verified(&format!("tenant-{label}"), &format!("n-{id}"));
                let gate = Gate::default();
                let mut request = Request::new(body);
                request.extensions_mut().insert(gate.clone());
                let mut response = Box::pin(service.call(request));
                match (poll(response.as_mut()), model.arrive((label, id))) {
                    (Poll::Pending, None) => {
                        running.push((response, gate, (label, id), model.arrived));
                    }
                    (Poll::Ready(Ok(answer)), Some((status, outcome))) => {
                        assert_eq!(answer.status(), status);
                        let seen: &Outcome = answer.extensions().get().unwrap();
                        assert_eq!(format!("{seen:?}"), outcome);
                    }
                    (seen, expected) => panic!("{seen:?} and not {expected:?}"),
                }
            }
            Step::End { which, how } => {
                if running.is_empty() {
                    continue;
                }
                let at = which % running.len();
                let (mut response, gate, key, arrival) = running.swap_remove(at);
                if how != How::Dropped {
                    gate.store(how as u8, Ordering::SeqCst);
                    let polled = catch_unwind(AssertUnwindSafe(|| poll(response.as_mut())));
                    let status = match polled {
                        Ok(Poll::Ready(Ok(answer))) => Some(answer.status().as_u16()),
                        Ok(other) => panic!("{other:?}"),
                        Err(_) => None,
                    };
                    let expected = [Some(200), Some(500), None][how as usize - 1];
                    assert_eq!(status, expected);
                }
                drop(response);
                model.end(key, arrival, how == How::Success);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn deduplication_follows_a_naive_model(steps in proptest::collection::vec(step(), 1..60)) {
        follows_the_model(&steps);
    }
}
