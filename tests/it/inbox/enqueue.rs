//! What the client sees of an inbox: over the whole layer, on virtual time.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Service, ServiceExt};
use tower_nylas::{
    Outcome, SecretSource, Secrets, TriggerRouter, WebhookLayer,
    inbox::{
        AppendError, Browse, Enqueue, EnqueueError, Entry, Inbox, MemoryInbox,
        conformance::{Call, Fault, Faults},
    },
    testing::{self, VirtualClock},
};
use tower_nylas_kit::delivery::{PATH, SECRET, notification_of, sign};

const SECOND: Duration = Duration::from_secs(1);

fn attempt(id: &str, number: u32) -> Vec<u8> {
    notification_of("message.created", id, number, 0)
}

fn signed(body: &[u8]) -> Request<Full<Bytes>> {
    let request = Request::post(PATH).header("x-nylas-signature", sign(body).to_hex());
    request.body(Full::new(body.to_vec().into())).unwrap()
}

fn over<I: Inbox>(clock: &VirtualClock, enqueue: Enqueue<I>) -> impl Endpoint {
    let secrets = Secrets::new(SECRET).unwrap();
    WebhookLayer::with_timer(secrets, clock.clone()).layer(enqueue)
}

trait Endpoint: Clone {
    async fn deliver(&self, body: &[u8]) -> (u16, Option<Outcome>);
}

impl<S, R> Endpoint for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible> + Clone,
{
    async fn deliver(&self, body: &[u8]) -> (u16, Option<Outcome>) {
        let response = self.clone().oneshot(signed(body)).await.unwrap();
        let outcome = response.extensions().get().cloned();
        (response.status().as_u16(), outcome)
    }
}

fn why(outcome: Option<Outcome>) -> EnqueueErrorText {
    match outcome {
        Some(Outcome::Failed(why)) => EnqueueErrorText {
            is_ours: why.downcast_ref::<EnqueueError>().is_some(),
            text: why.to_string(),
        },
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, PartialEq)]
struct EnqueueErrorText {
    is_ours: bool,
    text: String,
}

fn ours(text: &str) -> EnqueueErrorText {
    EnqueueErrorText {
        is_ours: true,
        text: text.to_owned(),
    }
}

#[test]
fn a_notification_is_stored_and_its_next_attempt_is_a_duplicate() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let endpoint = over(&clock, Enqueue::with_timer(inbox.clone(), clock.clone()));
    clock.run_until(async {
        let (status, outcome) = endpoint.deliver(&attempt("n-1", 1)).await;
        assert_eq!(status, 200);
        assert!(matches!(outcome, Some(Outcome::Stored)), "{outcome:?}");
        let (status, outcome) = endpoint.deliver(&attempt("n-1", 2)).await;
        assert_eq!(status, 200);
        assert!(matches!(outcome, Some(Outcome::Duplicate)), "{outcome:?}");
        let claims = inbox.claim(10, SECOND).await.unwrap();
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].entry.content(), &attempt("n-1", 1));
        assert_eq!(
            claims[0].entry.received_at(),
            Duration::from_secs(1_767_225_600)
        );
    });
}

#[test]
fn without_an_id_the_bytes_are_the_key() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let endpoint = over(&clock, Enqueue::with_timer(inbox.clone(), clock.clone()));
    clock.run_until(async {
        let bodies: [&[u8]; 4] = [b"{}", b"[]", br#"{"id":""}"#, br#"{"deltas":[]}"#];
        for body in bodies {
            for is_new in [true, false] {
                let (status, outcome) = endpoint.deliver(body).await;
                assert_eq!(status, 200);
                assert_eq!(
                    matches!(outcome, Some(Outcome::Stored)),
                    is_new,
                    "{outcome:?}"
                );
            }
        }
        assert_eq!(inbox.stats().await.unwrap().ready, 4);
    });
}

#[test]
fn an_engine_in_trouble_is_503_within_5_seconds() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone()).max_bytes(64 << 10);
    let faults = Faults::new(inbox.clone(), clock.clone());
    let endpoint = over(&clock, Enqueue::with_timer(faults.clone(), clock.clone()));
    clock.run_until(async {
        for (fault, took, text) in [
            (Fault::Fails, 0, "the inbox failed: it fails"),
            (Fault::Hangs, 5, "the inbox did not answer within 5s"),
        ] {
            faults.set(&[Call::Append], fault);
            let started = clock.elapsed();
            let (status, outcome) = endpoint.deliver(&attempt("n-1", 1)).await;
            assert_eq!((status, why(outcome)), (503, ours(text)));
            assert_eq!(clock.elapsed(), started + took * SECOND);
        }
        faults.set(&[Call::Append], Fault::Panics);
        let (status, outcome) = endpoint.deliver(&attempt("n-1", 1)).await;
        assert_eq!(status, 503);
        assert!(matches!(outcome, Some(Outcome::Panicked(_))), "{outcome:?}");

        // The answer was lost, and the entry was not.
        faults.set(&[Call::Append], Fault::LosesAnswer);
        assert_eq!(endpoint.deliver(&attempt("n-1", 1)).await.0, 503);
        faults.set(&[Call::Append], None);
        let (status, outcome) = endpoint.deliver(&attempt("n-1", 2)).await;
        assert_eq!(status, 200);
        assert!(matches!(outcome, Some(Outcome::Duplicate)), "{outcome:?}");

        let large = notification_of("message.created", "n-2", 1, 100 << 10);
        let (status, outcome) = endpoint.deliver(&large).await;
        let text = "the notification is larger than the 65024 bytes that the inbox stores";
        assert_eq!((status, why(outcome)), (503, ours(text)));
        let half = |id| notification_of("message.created", id, 1, 40 << 10);
        assert_eq!(endpoint.deliver(&half("n-3")).await.0, 200);
        let (status, outcome) = endpoint.deliver(&half("n-4")).await;
        assert_eq!((status, why(outcome)), (503, ours("the inbox is full")));
    });
}

#[test]
fn the_other_inbox_stores_what_the_first_one_does_not_and_a_worker_moves_it_back() {
    let clock = VirtualClock::new();
    let first = MemoryInbox::with_timer(clock.clone());
    let other = MemoryInbox::with_timer(clock.clone());
    let faults = Faults::new(first.clone(), clock.clone());
    let enqueue = Enqueue::with_timer(faults.clone(), clock.clone()).or(other.clone());
    let endpoint = over(&clock, enqueue);
    clock.run_until(async {
        faults.set(&[Call::Append], Fault::Hangs);
        assert_eq!(endpoint.deliver(&attempt("n-1", 1)).await.0, 200);
        assert_eq!(clock.elapsed(), SECOND * 5 / 2);
        assert_eq!(first.stats().await.unwrap().ready, 0);
        assert_eq!(other.stats().await.unwrap().ready, 1);
        faults.set(&[Call::Append], None);
        assert_eq!(endpoint.deliver(&attempt("n-2", 1)).await.0, 200);
        // It was stored there, and nothing tells the first one so.
        assert_eq!(endpoint.deliver(&attempt("n-1", 2)).await.0, 200);
        assert_eq!(first.stats().await.unwrap().ready, 2);
    });
    let spawn = clock.clone();
    let worker = tower_nylas::inbox::Worker::on_runtime(
        other.clone(),
        Enqueue::with_timer(faults, clock.clone()).forwarding(),
        clock.clone(),
        move |task| spawn.spawn(task),
    );
    clock
        .run_until(worker.run_until(clock_sleep(&clock, SECOND)))
        .unwrap();
    let stats = clock.run_until(async { [first.stats().await, other.stats().await] });
    let [first, other] = stats.map(Result::unwrap);
    assert_eq!((first.ready, other.ready, other.waiting), (2, 0, 0));
}

async fn clock_sleep(clock: &VirtualClock, duration: Duration) {
    tower_nylas::time::Timer::sleep(clock, duration).await;
}

#[test]
fn tenants_without_a_label_are_refused() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    for (label, expected, ready) in [("default", 503, 0), ("acme", 200, 1)] {
        let secrets = Secrets::builder().label(label).secret(SECRET).unwrap();
        let source = SecretSource::lookup(move |_| Ok(Some(secrets.clone())));
        let enqueue = Enqueue::with_timer(inbox.clone(), clock.clone());
        let endpoint = WebhookLayer::with_timer(source, clock.clone()).layer(enqueue);
        clock.run_until(async {
            let (status, outcome) = endpoint.deliver(&attempt("n-1", 1)).await;
            assert_eq!(status, expected);
            let is_unlabelled = matches!(outcome, Some(Outcome::Unlabelled));
            assert_eq!(is_unlabelled, expected == 503);
            assert_eq!(inbox.stats().await.unwrap().ready, ready);
        });
    }
}

#[test]
fn one_route_stores_and_the_others_are_handled_at_once() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let router = TriggerRouter::new()
        .on_service(
            "message.*",
            Enqueue::with_timer(inbox.clone(), clock.clone()),
        )
        .on("grant.expired", async || ());
    let secrets = Secrets::new(SECRET).unwrap();
    let endpoint = WebhookLayer::with_timer(secrets, clock.clone()).layer(router);
    clock.run_until(async {
        let (status, outcome) = endpoint.deliver(&attempt("n-1", 1)).await;
        assert!(
            matches!((status, &outcome), (200, Some(Outcome::Stored))),
            "{outcome:?}"
        );
        let expired = notification_of("grant.expired", "n-2", 1, 0);
        let (status, outcome) = endpoint.deliver(&expired).await;
        assert!(matches!((status, &outcome), (200, None)), "{outcome:?}");
        assert_eq!(inbox.stats().await.unwrap().ready, 1);
    });
}

#[test]
fn errors_have_their_causes() {
    let unavailable = AppendError::Unavailable("the disk is gone".into());
    let cause = std::error::Error::source(&unavailable).unwrap();
    assert_eq!(cause.to_string(), "the disk is gone");
    assert_eq!(
        unavailable.to_string(),
        "the inbox failed: the disk is gone"
    );
}

/// Nothing of a mail is shown.
#[test]
fn debug_shows_no_content() {
    let body = testing::verified(r#"{"type":"message.created","id":"n","data":{"a":"private"}}"#);
    let entry = Entry::new(&body, Duration::ZERO);
    let shown = format!("{entry:?}");
    assert!(
        shown.contains("message.created") && !shown.contains("private"),
        "{shown}"
    );
}
