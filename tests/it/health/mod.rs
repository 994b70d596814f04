//! What a `Health` says of the requests to its layers, on virtual time.

#![cfg(feature = "health")]

mod bounds;
mod challenges;
mod failures;
#[cfg(feature = "api")]
mod polled;
mod probes;
mod proved;
mod quiet;
mod secret;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod told;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    SecretSource, Secrets, VerifiedBody, WebhookLayer,
    health::{Cause, Health, Level},
    testing::VirtualClock,
    time::TimerMissing,
};
use tower_nylas_kit::delivery::{PATH, SECRET, notification_of, sign, sign_with};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A layer whose inner service answers as it is told to, and its health.
struct Scene {
    clock: VirtualClock,
    health: Health,
    layer: WebhookLayer,
    status: Arc<AtomicU16>,
}

impl Scene {
    /// Nothing evaluates but requests and the test.
    fn new(source: impl Into<SecretSource>) -> Self {
        let clock = VirtualClock::new();
        let health = Health::with_timer(clock.clone());
        let layer = WebhookLayer::with_timer(source, clock.clone()).health(&health);
        Self {
            clock,
            health,
            layer,
            status: Arc::new(AtomicU16::new(200)),
        }
    }

    fn running(source: impl Into<SecretSource>) -> Self {
        let scene = Self::new(source);
        let run = scene.health.clone().run();
        scene
            .clock
            .spawn(async move { assert_eq!(run.await, TimerMissing) });
        scene
    }

    /// The status of the answer.
    fn send(&self, request: Request<Full<Bytes>>) -> StatusCode {
        let status = self.status.clone();
        let inner = service_fn(move |_: Request<VerifiedBody>| {
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = StatusCode::from_u16(status.load(Ordering::Relaxed)).unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let answer = self
            .clock
            .run_until(self.layer.layer(inner).oneshot(request));
        answer.unwrap().status()
    }

    /// A genuine notification, which the inner service answers with this status.
    fn deliver(&self, status: u16, attempt: u32) {
        self.status.store(status, Ordering::Relaxed);
        let body = notification_of("message.created", "n-1", attempt, 0);
        let seen = self.send(signed_by(&sign(&body).to_hex(), body));
        assert_eq!(seen == StatusCode::OK, status == 200, "{seen}");
    }

    /// Genuine notifications with this pause before each, of which so many of a hundred fail.
    fn traffic(&self, count: u32, pause: Duration, failures: u32) {
        for at in 0..count {
            self.clock.run_for(pause);
            // Spread evenly.
            let fails = (at + 1) * failures / 100 > at * failures / 100;
            self.deliver(if fails { 500 } else { 200 }, 1);
        }
    }

    fn forge(&self) -> StatusCode {
        let body = notification_of("message.created", "n-1", 1, 0);
        self.send(signed_by(
            &sign_with("another-inventedOne", &body).to_hex(),
            body,
        ))
    }

    fn challenge(&self) {
        let request = Request::get(format!("{PATH}?challenge=c-1"));
        let seen = self.send(request.body(Full::default()).unwrap());
        assert_eq!(seen, StatusCode::OK);
    }

    fn level(&self) -> Level {
        self.health.status().level
    }

    /// That of one cause, of the destination `default`.
    fn level_of(&self, cause: Cause) -> Level {
        let status = self.health.status();
        let mut findings = status.all_findings();
        let found = findings.find(|(_, finding)| finding.cause == cause);
        found.map_or(Level::Ok, |(destination, finding)| {
            let expected = (cause != Cause::Challenge).then_some("default");
            assert_eq!(destination, expected);
            finding.level
        })
    }
}

fn signed_by(signature: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let request = Request::post(PATH).header("x-nylas-signature", signature);
    request.body(Full::new(body.into())).unwrap()
}

fn secrets() -> Secrets {
    Secrets::new(SECRET).unwrap()
}
