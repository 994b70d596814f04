//! Test events: what the ledger has of them, and what can go wrong with them.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::StatusCode;
use http_body::Frame;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    TriggerRouter, WebhookLayer,
    testing::nylas::{Fault, Status, TestEventRecord, Totals},
};
use tower_nylas_kit::serve::serve_hyper;

use super::{scripted::Scripted, *};

fn request(url: &str) -> Request<Full<Bytes>> {
    let body = json!({"trigger_type": "message.updated", "webhook_url": url});
    Request::post("/v3/webhooks/send-test-event")
        .header("authorization", format!("Bearer {}", Simulator::API_KEY))
        .body(Full::from(body.to_string()))
        .unwrap()
}

/// The status and the message of the management API's answer.
async fn send(nylas: &Simulator, url: &str) -> (u16, String) {
    let Ok(answer) = nylas.management().oneshot(request(url)).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    (status, message.to_owned())
}

fn answer(answer: &TestEventRecord) -> String {
    let text = answer.to_string();
    let (_, answer) = text.split_once(": ").unwrap();
    answer.replace(" (handled)", "")
}

#[test]
fn a_test_event_is_of_a_kind_of_its_own_in_the_ledger() {
    // One that no layer accepts in production, and 30 of them in 15 minutes.
    let stage = Stage::direct();
    for _ in 0..30 {
        let sent = stage.clock.run_until(send(&stage.nylas, URL));
        assert_eq!(sent.0, 400, "{sent:?}");
        stage.clock.run_for(MINUTE);
    }
    let ledger = stage.nylas.ledger();
    assert!(ledger.is_empty() && ledger.attempts().is_empty());
    let tests: Vec<_> = ledger.test_events().collect();
    assert_eq!(tests.len(), 30);
    let first = tests[0];
    assert_eq!(
        (&*first.trigger, &*first.webhook_url),
        ("message.updated", URL)
    );
    assert_eq!(first.destination.as_ref(), Some(&stage.id));
    assert!(first.seen.rejection().is_some(), "{first}");
    // Neither a status nor a mail follows from them.
    assert_eq!(stage.nylas.status_of(&stage.id), Some(Status::Active));
    assert_eq!(ledger.notes().count(), 1);
    assert_eq!(ledger.totals(), Totals::default());

    stage.nylas.emit("message.created");
    stage.settle();
    stage.assert_whole();
    let ledger = stage.nylas.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger.of(&stage.id).test_events().count(), 30);
    let text = ledger.to_string();
    let lines: Vec<_> = text.lines().collect();
    let expected = format!("00:00:00.000 test event message.updated to {URL}: ");
    assert!(lines[1].starts_with(&expected), "{text}");
    // In the order in which they ended.
    assert!(lines[31].contains(" attempt 1 to "), "{text}");
    assert!(lines[32].starts_with("1 events, 1 accepted"), "{text}");

    // One to a URL of nobody.
    let other = "https://other.example.com/";
    Scripted::default().host(&stage.nylas, other);
    assert_eq!(stage.clock.run_until(send(&stage.nylas, other)).0, 200);
    let ledger = stage.nylas.ledger();
    let last = ledger.test_events().last().unwrap();
    assert_eq!(
        (last.destination.as_ref(), &*last.webhook_url),
        (None, other)
    );
    assert_eq!(ledger.of(&stage.id).test_events().count(), 30);
}

#[test]
fn the_ledger_keeps_no_more_test_events_than_other_ones() {
    let stage = Stage::with(|builder| builder.ledger_capacity(10), Application::direct);
    for _ in 0..30 {
        stage.clock.run_until(send(&stage.nylas, URL));
        stage.clock.run_for(SECOND);
    }
    let ledger = stage.nylas.ledger();
    assert_eq!(ledger.test_events().count(), 10);
    assert_eq!(ledger.test_events().next().unwrap().at, 20 * SECOND);
}

#[test]
fn a_test_event_meets_what_goes_wrong() {
    let slow = 11 * SECOND;
    for (fault, reaches, status, records) in [
        (
            Fault::slow(SECOND),
            1,
            200,
            &["200 OK after 1s [slow by 1s]"][..],
        ),
        (
            Fault::slow(slow),
            1,
            400,
            &["no answer within 10s after 10s, unseen: 200 OK [slow by 11s]"],
        ),
        (
            Fault::reset_before_request(),
            0,
            400,
            &[
                "the connection ended without an answer: connection reset after 0ns [reset before the request]",
            ],
        ),
        (
            Fault::reset_after_request(Duration::ZERO),
            1,
            400,
            &[
                "the connection ended without an answer: connection reset after 0ns, unseen: 200 OK [reset after the request]",
            ],
        ),
        (
            Fault::answer_lost(),
            1,
            400,
            &[
                "the connection ended without an answer: connection reset after 0ns, unseen: 200 OK [answer lost]",
            ],
        ),
        (
            Fault::wrong_signature(),
            1,
            200,
            &["200 OK after 0ns [wrong signature]"],
        ),
        (
            Fault::proxy_answers(StatusCode::BAD_GATEWAY),
            0,
            400,
            &["502 Bad Gateway after 0ns [proxy answers 502]"],
        ),
        (
            Fault::sent_twice(),
            2,
            200,
            &["200 OK after 0ns [sent twice]"; 2],
        ),
    ] {
        let clock = VirtualClock::new();
        let nylas = builder(&clock).build();
        let script = Scripted::default();
        script.host(&nylas, URL);
        let id = create(&clock, &nylas, &new_destination()).id;
        let elsewhere = "https://other.example.com/";
        Scripted::default().host(&nylas, elsewhere);
        let injected = nylas.inject(fault.clone().on(&id).count(1));
        // What concerns one destination does not concern another URL.
        assert_eq!(clock.run_until(send(&nylas, elsewhere)).0, 200, "{fault}");
        let (seen, message) = clock.run_until(send(&nylas, URL));
        assert_eq!(seen, status, "{fault}: {message}");
        assert_eq!(injected.hits(), 1, "{fault}");
        assert!(injected.is_over());
        let ledger = nylas.ledger();
        let of = ledger.of(&id);
        let answers: Vec<_> = of.test_events().map(answer).collect();
        assert_eq!(answers, records);
        assert_eq!(script.seen().len(), reaches, "{fault}");
        let is_forged = fault.to_string() == "wrong signature";
        for seen in script.seen() {
            let right = tower_nylas_kit::delivery::sign_test_event(&seen.body).to_hex();
            assert_eq!(seen.signature != right, is_forged);
        }
    }
}

#[test]
fn a_test_event_can_be_late() {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).build();
    Scripted::default().host(&nylas, URL);
    nylas.inject(Fault::out_of_order(HOUR));
    assert_eq!(clock.run_until(send(&nylas, URL)).0, 200);
    let ledger = nylas.ledger();
    let at = ledger.test_events().next().unwrap().at;
    assert!(at > MINUTE && at <= HOUR, "{at:?}");
}

/// Frames without end, or one and then nothing.
struct Answer {
    frames: Arc<AtomicUsize>,
    is_endless: bool,
    /// Whoever waits for it learns that it was dropped.
    _dropped: tokio::sync::oneshot::Sender<()>,
}

const FRAME: &[u8] = &[b'x'; 1024];

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let before = self.frames.fetch_add(1, Ordering::SeqCst);
        if before > 0 && !self.is_endless {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(FRAME)))))
    }
}

/// Over a connection. On a clock that stands still, so that only the number of bytes ends the
/// reading; and for one that stalls, only the time.
#[tokio::test]
async fn of_an_answer_to_a_test_event_only_so_much_is_read_for_so_long() {
    for is_endless in [true, false] {
        let frames = Arc::new(AtomicUsize::new(0));
        let (dropped, is_dropped) = tokio::sync::oneshot::channel();
        let answer = std::sync::Mutex::new(Some(Answer {
            frames: frames.clone(),
            is_endless,
            _dropped: dropped,
        }));
        let answer = Arc::new(answer);
        let endpoint = service_fn(move |_: Request<hyper::body::Incoming>| {
            let body = answer.lock().unwrap().take().expect("it is asked once");
            async move { Ok::<_, std::convert::Infallible>(Response::new(body)) }
        });
        let address = serve_hyper(endpoint).await;
        let clock = VirtualClock::new();
        let spawn = |task| drop(tokio::spawn(task));
        let nylas = Simulator::builder().runtime(clock.clone(), spawn).build();
        let url = format!("http://{address}/");
        let sending = tokio::spawn({
            let nylas = nylas.clone();
            async move { send(&nylas, &url).await }
        });
        if !is_endless {
            // The deadline of the answer, and then that of its body.
            while clock.longest_sleep() != Some(10 * SECOND)
                || clock.sleepers() != 1
                || clock.until_next_wake() != Some(SECOND)
            {
                tokio::task::yield_now().await;
            }
            clock.advance(SECOND);
        }
        assert_eq!(sending.await.unwrap(), (200, String::new()));
        // The connection is closed.
        is_dropped.await.unwrap_err();
        assert!(frames.load(Ordering::SeqCst) > 0);
    }
}

/// A layer that acknowledges them.
#[test]
fn a_layer_acknowledges_them_if_it_is_asked_to() {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).build();
    let secrets = Secrets::builder().clock(clock.clone());
    let secrets = secrets.secret("an-invented-secret").unwrap();
    let webhooks = WebhookLayer::with_timer(secrets, clock.clone())
        .acknowledge_test_events(true)
        .layer(TriggerRouter::new());
    nylas.host(URL, webhooks);
    assert_eq!(clock.run_until(send(&nylas, URL)).0, 200);
    let ledger = nylas.ledger();
    let outcome = ledger.test_events().next().unwrap().seen.outcome();
    assert!(
        matches!(outcome, Some(tower_nylas::Outcome::TestEvent)),
        "{outcome:?}"
    );
}
