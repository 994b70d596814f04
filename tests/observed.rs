//! Observation through a global recorder, which only a process of its own can have: handles are
//! kept, no memory is taken, and no other recorder is mistaken for it.

#![cfg(all(feature = "metrics", feature = "testing"))]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::Service;
use tower_nylas::{Secrets, WebhookLayer, WebhookSecret, testing::VirtualClock};

const SECRET: &str = "k7-Hq_inventedSecret";

/// Counts received requests, and how often it is asked for a handle.
#[derive(Clone, Default)]
struct Counting {
    received: Arc<Sum>,
    registrations: Arc<AtomicU64>,
}

#[derive(Default)]
struct Sum(AtomicU64);

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, _: u64) {}
}

impl Counting {
    fn received(&self) -> u64 {
        self.received.0.load(Ordering::Relaxed)
    }

    fn registrations(&self) -> u64 {
        self.registrations.load(Ordering::Relaxed)
    }
}

impl Recorder for Counting {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.registrations.fetch_add(1, Ordering::Relaxed);
        match key.name() {
            "nylas_webhook_received_total" => Counter::from_arc(self.received.clone()),
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        self.registrations.fetch_add(1, Ordering::Relaxed);
        Histogram::noop()
    }
}

#[derive(Clone)]
struct Nothing;

impl<B> Service<Request<B>> for Nothing {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Full::default())))
    }
}

type Endpoint = tower_nylas::webhook::Webhook<Nothing>;

fn endpoint(clock: &VirtualClock) -> Endpoint {
    let secrets = Secrets::new(SECRET).unwrap();
    WebhookLayer::with_timer(secrets, clock.clone()).layer(Nothing)
}

/// One notification, and how often it took memory.
fn deliver(endpoint: &Endpoint) -> u64 {
    let body = br#"{"type":"message.created","id":"n-1","time":1,"webhook_delivery_attempt":1}"#;
    let signature = WebhookSecret::new(SECRET).unwrap().sign(body).to_hex();
    let request = Request::post("/")
        .header("x-nylas-signature", signature)
        .body(Full::new(Bytes::from_static(body)))
        .unwrap();
    let mut endpoint = endpoint.clone();
    let mut answer = None;
    let counted = allocation_counter::measure(|| {
        let mut response = pin!(endpoint.call(request));
        let mut context = Context::from_waker(Waker::noop());
        answer = Some(response.as_mut().poll(&mut context).is_ready());
    });
    assert_eq!(answer, Some(true));
    counted.count_total
}

/// The global recorder. The tests of this file change it together, so one runs at a time.
fn global() -> (&'static Counting, std::sync::MutexGuard<'static, ()>) {
    static GLOBAL: OnceLock<Counting> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let recorder = GLOBAL.get_or_init(|| {
        let recorder = Counting::default();
        metrics::set_global_recorder(recorder.clone()).unwrap();
        recorder
    });
    (recorder, turn)
}

/// The proof in the request's extensions, which axum's extractors need, and axum's limit there.
const PROOF: u64 = if cfg!(feature = "axum") { 4 } else { 0 };

#[test]
fn a_recorder_whose_series_exist_takes_no_memory_of_ours() {
    let (recorder, _turn) = global();
    let endpoint = endpoint(&VirtualClock::new());
    deliver(&endpoint);
    let (received, registrations) = (recorder.received(), recorder.registrations());
    for _ in 0..10 {
        assert_eq!(deliver(&endpoint), PROOF);
    }
    assert_eq!(recorder.received(), received + 10);
    assert_eq!(recorder.registrations(), registrations, "handles are kept");
}

/// Else it would be lost what is counted after a recorder dropped an idle series.
#[test]
fn handles_are_asked_for_again_after_ten_seconds() {
    let (recorder, _turn) = global();
    let clock = VirtualClock::new();
    let endpoint = endpoint(&clock);
    // The handles may be those of another test, whose clock began later.
    clock.advance(Duration::from_secs(60 * 60));
    deliver(&endpoint);
    let registrations = recorder.registrations();
    clock.advance(Duration::from_millis(9_999));
    deliver(&endpoint);
    assert_eq!(recorder.registrations(), registrations);
    clock.advance(Duration::from_millis(1));
    deliver(&endpoint);
    assert!(recorder.registrations() > registrations);
}

/// Many tenants cannot create series without end.
#[test]
fn the_first_hundred_destinations_are_told_apart() {
    let (_, _turn) = global();
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for at in 0..150 {
            let secrets = Secrets::builder().label(format!("tenant-{at}"));
            let secrets = secrets.secret(SECRET).unwrap();
            let layer = WebhookLayer::with_timer(secrets, VirtualClock::new());
            for _ in 0..2 {
                deliver(&layer.layer(Nothing));
            }
        }
    });
    let text = recorder.handle().render();
    for name in ["verified", "outcomes", "answers", "lost"] {
        let name = format!("nylas_webhook_{name}_total{{");
        let series: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with(&name))
            .collect();
        let others = series
            .iter()
            .filter(|line| line.contains(r#"="other""#))
            .count();
        // Perhaps one place is that of the other tests here, whose destination is `default`.
        assert!((100..=101).contains(&series.len()), "{series:#?}");
        assert_eq!(others, 1, "{series:#?}");
        if name.contains("lost") {
            continue;
        }
        let counts = series.iter().map(|line| line.rsplit_once(' ').unwrap().1);
        let counts: Vec<u64> = counts.map(|count| count.parse().unwrap()).collect();
        assert_eq!(counts.iter().sum::<u64>(), 300);
        assert_eq!(
            counts.iter().filter(|count| **count == 2).count(),
            counts.len() - 1
        );
    }
}

/// One after the other at the same address, beside the global one, and with the same layer.
#[test]
fn each_local_recorder_gets_what_happened_under_it() {
    let (recorder, _turn) = global();
    let endpoint = endpoint(&VirtualClock::new());
    deliver(&endpoint);
    let before = recorder.received();
    for deliveries in 1..5 {
        let local = Counting::default();
        metrics::with_local_recorder(&local, || {
            for _ in 0..deliveries {
                deliver(&endpoint);
            }
        });
        assert_eq!(local.received(), deliveries);
    }
    assert_eq!(recorder.received(), before);
    deliver(&endpoint);
    assert_eq!(recorder.received(), before + 1);
}
