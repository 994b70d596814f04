//! The memory that strangers may fill: what counts, what happens when there is no room, and that
//! all of it is given back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::channel::{Channel, Sender};
use tower::Service;
use tower_nylas::{MemoryBudget, Rejection, TriggerRouter, WebhookLayer, testing::VirtualClock};
use tower_nylas_kit::{
    body::{Scripted, Step},
    delivery::{PATH, delivery, proven, sign},
    endpoint::Endpoint,
    wire::{Connection, head},
};

const NOTIFICATION: &[u8] = br#"{"type":"a.b","id":"n-1","data":{"object":{}}}"#;

fn layer(timer: &VirtualClock) -> WebhookLayer {
    WebhookLayer::with_timer(proven(), timer.clone())
}

fn router() -> TriggerRouter {
    TriggerRouter::new().fallback(async || ())
}

/// A request under way, driven by hand.
struct Exchange {
    answer: Option<Answering>,
}

type Answering = Pin<Box<dyn Future<Output = (u16, Option<Rejection>)>>>;

impl Exchange {
    fn begin<B: Body + 'static>(layer: &WebhookLayer, signature: &str, body: B) -> Self {
        let request = Request::post(PATH).header("x-nylas-signature", signature);
        let response = layer.layer(router()).call(request.body(body).unwrap());
        Self {
            answer: Some(Box::pin(async {
                let Ok(response) = response.await;
                let why = Response::extensions(&response).get().cloned();
                (response.status().as_u16(), why)
            })),
        }
    }

    /// What was answered, if it was.
    fn poll(&mut self) -> Option<(u16, Option<Rejection>)> {
        let mut context = Context::from_waker(Waker::noop());
        match self.answer.as_mut()?.as_mut().poll(&mut context) {
            Poll::Pending => None,
            Poll::Ready(answer) => {
                self.answer = None;
                Some(answer)
            }
        }
    }

    fn status(&mut self) -> Option<u16> {
        self.poll().map(|(status, _)| status)
    }
}

/// A signed request with a body that the test feeds.
fn fed(layer: &WebhookLayer, whole: &[u8]) -> (Sender<Bytes>, Exchange) {
    let (sender, body) = Channel::new(100);
    (sender, Exchange::begin(layer, &sign(whole).to_hex(), body))
}

fn send(sender: &mut Sender<Bytes>, piece: &[u8]) {
    let frame = Frame::data(Bytes::copy_from_slice(piece));
    assert!(sender.try_send(frame).is_ok());
}

#[test]
fn a_body_that_never_waits_needs_no_room() {
    let budget = MemoryBudget::new(0);
    let layer = layer(&VirtualClock::new()).memory_budget(budget.clone());
    let signature = sign(NOTIFICATION).to_hex();
    for pieces in [1, 7, NOTIFICATION.len()] {
        let frames = NOTIFICATION.chunks(NOTIFICATION.len().div_ceil(pieces));
        let body = Scripted::frames(frames);
        assert_eq!(
            Exchange::begin(&layer, &signature, body).status(),
            Some(200)
        );
    }
}

#[test]
fn what_counts_is_what_was_received_and_never_what_was_announced() {
    let budget = MemoryBudget::new(1000);
    let layer = layer(&VirtualClock::new()).memory_budget(budget.clone());
    let steps = [
        Step::Data(&b"abc"[..]),
        Step::Later,
        Step::Data(b"de"),
        Step::Stuck,
    ];
    let body = Scripted::new(steps).claiming(SizeHint::with_exact(4_000_000));
    let mut exchange = Exchange::begin(&layer, &sign(b"").to_hex(), body);
    assert_eq!(budget.used(), 0);
    assert_eq!(exchange.status(), None);
    assert_eq!(budget.used(), 3);
    assert_eq!(exchange.status(), None);
    assert_eq!(budget.used(), 5);
}

/// What it shows, the signature, the body, the milliseconds that pass, and the answer.
type Case<'a> = (&'a str, &'a str, Vec<Step<&'static [u8]>>, u64, u16);

#[test]
fn every_end_gives_the_bytes_back_once() {
    let genuine = sign(NOTIFICATION).to_hex();
    let forged = sign(b"something else").to_hex();
    let some = || Step::Data(NOTIFICATION);
    let cases: [Case<'_>; 7] = [
        ("verified", &genuine, vec![some(), Step::Later], 0, 200),
        ("forged", &forged, vec![some(), Step::Later], 0, 401),
        (
            "too large",
            &genuine,
            vec![some(), Step::Later, some()],
            0,
            413,
        ),
        ("too late", &genuine, vec![some(), Step::Stuck], 3000, 408),
        (
            "broken",
            &genuine,
            vec![some(), Step::Later, Step::Broken],
            0,
            503,
        ),
        // The other one holds 900 of 1000.
        ("longest", &genuine, vec![some(), Step::Stuck], 1000, 503),
        (
            "no room",
            &genuine,
            vec![some(), Step::Later, some(), some(), some(), Step::Later],
            0,
            503,
        ),
    ];
    for (what, signature, steps, millis, status) in cases {
        let timer = VirtualClock::new();
        let limit = if what == "too large" { 50 } else { 4000 };
        let budget = MemoryBudget::new(1000);
        let layer = layer(&timer)
            .memory_budget(budget.clone())
            .max_body_size(limit);
        let (mut sender, mut other) = fed(&layer, b"");
        if matches!(what, "longest" | "no room") {
            timer.advance(Duration::from_millis(1));
            send(&mut sender, &[b'x'; 900]);
        }
        assert_eq!(other.status(), None, "{what}");
        let before = budget.used();

        let mut exchange = Exchange::begin(&layer, signature, Scripted::new(steps));
        assert_eq!(exchange.status(), None, "{what}");
        assert_eq!(budget.used(), before + NOTIFICATION.len(), "{what}");
        timer.advance(Duration::from_millis(millis));
        assert_eq!(exchange.status(), Some(status), "{what}");
        assert_eq!(budget.used(), before, "{what}");
        drop(exchange);
        assert_eq!(budget.used(), before, "{what}");
    }
}

#[test]
fn a_client_that_goes_and_a_body_that_panics_give_the_bytes_back() {
    let budget = MemoryBudget::default();
    let layer = layer(&VirtualClock::new()).memory_budget(budget.clone());
    let steps = || Scripted::new([Step::Data(NOTIFICATION), Step::Later, Step::Stuck]);
    let signature = sign(NOTIFICATION).to_hex();

    let mut exchange = Exchange::begin(&layer, &signature, steps());
    assert_eq!(exchange.status(), None);
    assert_eq!(budget.used(), NOTIFICATION.len());
    drop(exchange);
    assert_eq!(budget.used(), 0);

    let panicking = steps().on_poll(|poll| assert!(poll < 2, "the body panics"));
    let mut exchange = Exchange::begin(&layer, &signature, panicking);
    assert_eq!(exchange.status(), None);
    assert_eq!(budget.used(), NOTIFICATION.len());
    assert!(catch_unwind(AssertUnwindSafe(|| exchange.status())).is_err());
    drop(exchange);
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn no_room_is_503_on_the_wire_and_room_again_is_200() {
    let timer = VirtualClock::new();
    let budget = MemoryBudget::new(NOTIFICATION.len() + 5);
    let layer = layer(&timer).memory_budget(budget.clone());
    let endpoint = Endpoint::serve(layer.clone(), router()).await;
    let request = delivery(NOTIFICATION);
    let (most, rest) = request.split_at(request.len() - 1);

    let mut first = Connection::open(endpoint.address).await;
    first.write(most).await;
    timer.wait_for_sleeper().await;
    assert_eq!(budget.used(), NOTIFICATION.len() - 1);

    let mut second = Connection::open(endpoint.address).await;
    second.write(most).await;
    let answer = second.read(false).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (503, "try again later")
    );
    assert_eq!(endpoint.reports().len(), 1);

    first.write(rest).await;
    assert_eq!(first.read(false).await.status, 200);
    assert_eq!(budget.used(), 0);
    assert_eq!(endpoint.send(&request).await.status, 200);
}

/// The longest deadline shrinks as the budget fills, and a sleeping reader notices by itself.
#[tokio::test]
async fn who_waits_longest_goes_when_others_fill_the_budget() {
    let timer = VirtualClock::new();
    let budget = MemoryBudget::new(1000);
    let layer = layer(&timer).memory_budget(budget.clone());
    let endpoint = Endpoint::serve(layer.clone(), router()).await;
    let signature = sign(NOTIFICATION).to_hex();
    let headers = [
        ("content-length", "900"),
        ("x-nylas-signature", &*signature),
    ];
    let open = async |received: &[u8]| {
        let mut connection = Connection::open(endpoint.address).await;
        connection
            .write(head("POST", PATH, &headers).as_bytes())
            .await;
        connection.write(received).await;
        connection
    };
    let until_held = async |bytes| {
        while budget.used() != bytes {
            tokio::task::yield_now().await;
        }
    };

    let mut old = open(&[b'x'; 400]).await;
    until_held(400).await;
    timer.advance(Duration::from_millis(1750));
    let mut young = open(&[b'x'; 350]).await;
    until_held(750).await;
    // 1.625 s are what three quarters leave, but the old one sleeps until it looks again.
    timer.advance(Duration::from_millis(250));
    assert_eq!(old.read(false).await.status, 503);
    assert_eq!(budget.used(), 350);
    let reports = endpoint.reports();
    assert!(
        reports.len() == 1 && reports[0].contains("memory budget"),
        "{reports:?}"
    );

    // Now there is room, so the young one has all of its time.
    for _ in 0..10 {
        timer.wait_for_sleeper().await;
        timer.advance(Duration::from_millis(250));
    }
    assert_eq!(endpoint.reports(), Vec::<String>::new());
    timer.wait_for_sleeper().await;
    timer.advance(Duration::from_millis(250));
    assert_eq!(young.read(false).await.status, 408);
    assert!(
        timer
            .longest_sleep()
            .is_some_and(|sleep| sleep <= Duration::from_millis(250))
    );
}

#[test]
fn who_holds_nothing_is_not_sent_away() {
    let timer = VirtualClock::new();
    let budget = MemoryBudget::new(1000);
    let layer = layer(&timer).memory_budget(budget.clone());
    let (_sender, mut nothing) = fed(&layer, b"");
    let (mut sender, mut all) = fed(&layer, b"");
    send(&mut sender, &[b'x'; 1000]);
    assert_eq!((nothing.status(), all.status()), (None, None));
    timer.advance(Duration::from_millis(249));
    assert_eq!((nothing.status(), all.status()), (None, None));
    timer.advance(Duration::from_millis(1));
    assert_eq!((nothing.status(), all.status()), (None, Some(503)));
    timer.advance(Duration::from_millis(2750));
    assert_eq!(nothing.status(), Some(408));
}

/// What is verified no longer waits, even if its handler takes its time.
#[test]
fn the_bytes_are_given_back_before_the_handler_is_called() {
    let budget = MemoryBudget::default();
    let layer = layer(&VirtualClock::new()).memory_budget(budget.clone());
    let held = Arc::new(Mutex::new(Vec::new()));
    let (noted, watched) = (held.clone(), budget.clone());
    let router = TriggerRouter::new().fallback(move || {
        noted.lock().unwrap().push(watched.used());
        async {}
    });
    let (first, rest) = NOTIFICATION.split_at(10);
    let body = Scripted::new([Step::Data(first), Step::Later, Step::Data(rest)]);
    let request = Request::post(PATH).header("x-nylas-signature", sign(NOTIFICATION).to_hex());
    let mut response = pin!(layer.layer(router).call(request.body(body).unwrap()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(response.as_mut().poll(&mut context).is_pending());
    assert_eq!(budget.used(), first.len());
    assert!(response.as_mut().poll(&mut context).is_ready());
    assert_eq!(*held.lock().unwrap(), [0]);
}

#[test]
fn layers_that_are_given_one_budget_share_it() {
    let budget = MemoryBudget::new(100);
    let one = layer(&VirtualClock::new()).memory_budget(budget.clone());
    let other = layer(&VirtualClock::new()).memory_budget(budget.clone());
    let (mut sender, mut exchange) = fed(&one, b"");
    send(&mut sender, &[b'x'; 100]);
    assert_eq!(exchange.status(), None);
    assert_eq!((budget.used(), budget.limit()), (100, 100));
    let (mut sender, mut exchange) = fed(&other, b"");
    send(&mut sender, b"x");
    assert!(matches!(
        exchange.poll(),
        Some((503, Some(Rejection::BudgetExhausted)))
    ));
}

/// In steps of 10 ms, attackers open connections, send some bytes on each and then nothing more,
/// while genuine bodies of a 64th of the budget arrive within 100 ms each.
#[test]
fn genuine_bodies_get_through_an_attack() {
    const BUDGET: usize = 512 * 1024;
    const STEPS: usize = 500;
    let body = [NOTIFICATION, &[b' '; BUDGET / 64]].concat();
    let pieces: Vec<_> = body.chunks(body.len().div_ceil(10)).collect();
    // Of the budget, in a second: 64 MiB under 50 to 125 MB/s.
    for percent in [75, 120, 186] {
        for bytes_each in [400, 4_000, 30_000] {
            let timer = VirtualClock::new();
            let budget = MemoryBudget::new(BUDGET);
            let layer = layer(&timer).memory_budget(budget.clone());
            let mut attackers: Vec<(Sender<Bytes>, Exchange, usize)> = Vec::new();
            let mut genuine: Vec<(Sender<Bytes>, Exchange, usize)> = Vec::new();
            let (mut owed, mut answers, mut most) = (0, Vec::new(), 0);
            for step in 0..STEPS {
                owed += BUDGET * percent / 100 / 100;
                while owed >= bytes_each {
                    owed -= bytes_each;
                    let (mut sender, exchange) = fed(&layer, b"");
                    send(&mut sender, &vec![b'x'; bytes_each]);
                    attackers.push((sender, exchange, step));
                }
                if step % 5 == 0 {
                    let (sender, exchange) = fed(&layer, &body);
                    genuine.push((sender, exchange, 0));
                }
                // A server polls them when their timers wake them.
                attackers.retain_mut(|(_, exchange, since)| {
                    (step - *since) % 25 > 0 || exchange.status().is_none()
                });
                genuine.retain_mut(|(sender, exchange, sent)| {
                    if let Some(piece) = pieces.get(*sent) {
                        send(sender, piece);
                        *sent += 1;
                    } else {
                        // Its end.
                        *sender = Channel::new(1).0;
                    }
                    let status = exchange.status();
                    answers.extend(status);
                    status.is_none()
                });
                most = most.max(budget.used());
                timer.advance(Duration::from_millis(10));
            }
            let what =
                format!("{percent} % a second in pieces of {bytes_each}: {most} bytes at most");
            assert!(most > BUDGET / 2, "the attack is one; {what}");
            assert!(answers.len() >= STEPS / 5 - 3, "{what}");
            assert!(
                answers.iter().all(|status| *status == 200),
                "{what}: {answers:?}"
            );
        }
    }
}
