//! What the layers allocate beyond the request itself, counted.

#![cfg(all(feature = "router", feature = "tokio"))]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::runtime::{self, Runtime};
use tower::Service;
use tower_nylas::{
    ChallengeLayer, Secrets, TriggerRouter, VerifiedBody, VerifySignatureLayer, WebhookLayer,
    WebhookSecret,
};

const SECRET: &str = "k7-Hq_inventedSecret";
const BODY: &[u8] =
    br#"{"specversion":"1.0","type":"message.created","id":"n-1","data":{"object":{}}}"#;

/// The proof in the request's extensions, which axum's extractors need: the extensions' map, its
/// table, the box of the proof, and that of axum's limit, which is switched off there.
const PROOF: u64 = if cfg!(feature = "axum") { 4 } else { 0 };

/// Answers at once and allocates nothing.
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

/// The status of the answer, and how often it took memory. The request is built before, and the
/// response dropped after counting.
fn count<S, R>(service: &S, request: Request<Full<Bytes>>) -> (u16, u64)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible> + Clone,
{
    // arc-swap registers a thread at its first look at any secrets, once for its whole life.
    secrets().is_pending();
    let mut service = service.clone();
    let runtime = runtime_with_timer();
    let _entered = runtime.enter();
    let mut answer = None;
    let counted = allocation_counter::measure(|| {
        let mut context = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut context).is_ready());
        let mut response = pin!(service.call(request));
        let Poll::Ready(Ok(response)) = response.as_mut().poll(&mut context) else {
            panic!("nothing here waits");
        };
        answer = Some(response);
    });
    (answer.unwrap().status().as_u16(), counted.count_total)
}

/// The layers ask for its timer.
fn runtime_with_timer() -> Runtime {
    let mut builder = runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
}

fn secrets() -> Secrets {
    Secrets::new(SECRET).unwrap()
}

fn genuine(body: &'static [u8]) -> Request<Full<Bytes>> {
    let signature = WebhookSecret::new(SECRET).unwrap().sign(body).to_hex();
    Request::post("/")
        .header("content-length", body.len())
        .header("x-nylas-signature", signature)
        .body(Full::new(Bytes::from_static(body)))
        .unwrap()
}

fn with_signature(signature: Option<String>, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = Request::post("/");
    if let Some(signature) = signature {
        request = request.header("x-nylas-signature", signature);
    }
    request.body(Full::new(body.into())).unwrap()
}

#[test]
fn a_verified_single_frame_takes_no_memory_in_challenge_and_verify() {
    let challenge = ChallengeLayer::new().layer(Nothing);
    assert_eq!(count(&challenge, genuine(BODY)), (200, 0));
    let verify = VerifySignatureLayer::new(secrets()).layer(Nothing);
    assert_eq!(count(&verify, genuine(BODY)), (200, PROOF));
    let both = ChallengeLayer::new().layer(VerifySignatureLayer::new(secrets()).layer(Nothing));
    assert_eq!(count(&both, genuine(BODY)), (200, PROOF));
    let whole = WebhookLayer::new(secrets()).layer(Nothing);
    assert_eq!(count(&whole, genuine(BODY)), (200, PROOF));
}

#[test]
fn the_router_takes_one_box() {
    let router = TriggerRouter::new().on("message.created", async |_: VerifiedBody| ());
    let verify = VerifySignatureLayer::new(secrets()).layer(router.clone());
    assert_eq!(count(&verify, genuine(BODY)), (200, PROOF + 1));
    let whole = WebhookLayer::new(secrets()).layer(router);
    assert_eq!(count(&whole, genuine(BODY)), (200, PROOF + 1));
}

#[test]
fn several_secrets_take_no_memory_either() {
    let secrets = Secrets::any_of(["another-inventedOne", "a-third-inventedOne", SECRET]).unwrap();
    let verify = VerifySignatureLayer::new(secrets).layer(Nothing);
    assert_eq!(count(&verify, genuine(BODY)), (200, PROOF));
}

#[test]
fn a_rejection_takes_little_and_the_same_for_any_input() {
    let secrets = secrets();
    let signature = WebhookSecret::new(SECRET).unwrap().sign(BODY);
    secrets.verify(BODY, &signature).unwrap();
    let service = WebhookLayer::new(secrets).layer(Nothing);
    let forged = || Some("0".repeat(64));
    for (what, status, signature) in [
        ("unsigned", 401, None),
        ("malformed", 401, Some("x".to_owned())),
        ("malformed and long", 401, Some("x".repeat(60_000))),
        (
            "repeated",
            401,
            Some(["0"; 1000].map(|digit| digit.repeat(64)).join(",")),
        ),
        ("commas", 401, Some(",".repeat(60_000))),
        ("forged", 401, forged()),
    ] {
        let allocated = |length: usize| {
            let request = with_signature(signature.clone(), vec![b' '; length]);
            let (answered, allocated) = count(&service, request);
            assert_eq!(answered, status, "{what}");
            allocated
        };
        let small = allocated(10);
        assert!(small <= 5, "{what}: {small}");
        assert_eq!(allocated(1_000_000), small, "{what}");
    }
    let oversized = with_signature(forged(), vec![b' '; 5_000_000]);
    let (status, allocated) = count(&service, oversized);
    assert_eq!(status, 413);
    assert!(allocated <= 5, "{allocated}");

    let mut method = genuine(BODY);
    *method.method_mut() = http::Method::PUT;
    let (status, allocated) = count(&service, method);
    assert_eq!(status, 405);
    assert!(allocated <= 5, "{allocated}");
}

#[cfg(feature = "dedup")]
mod dedup {
    use tower_nylas::{
        BoxError, DeduplicateLayer,
        dedup::{Begun, MemorySeenIds, NotificationKey, SeenIds},
    };

    use super::*;

    /// Everything is new.
    struct Forgetful;

    impl SeenIds for Forgetful {
        type Claim = ();

        fn begin(
            &self,
            _: NotificationKey,
        ) -> impl Future<Output = Result<Begun<()>, BoxError>> + Send {
            ready(Ok(Begun::New(())))
        }

        fn finish(&self, (): ()) -> impl Future<Output = Result<(), BoxError>> + Send {
            ready(Ok(()))
        }

        fn release(&self, (): ()) -> impl Future<Output = Result<(), BoxError>> + Send {
            ready(Ok(()))
        }
    }

    #[test]
    fn it_takes_a_box_for_each_call_of_the_store() {
        let inner = DeduplicateLayer::over(Forgetful).layer(Nothing);
        let whole = WebhookLayer::new(secrets()).layer(inner.clone());
        assert_eq!(count(&whole, genuine(BODY)), (200, PROOF + 2));
        let without_id = br#"{"type":"message.created","data":{"object":{}}}"#;
        let verify = VerifySignatureLayer::new(secrets()).layer(inner);
        assert_eq!(count(&verify, genuine(without_id)), (200, PROOF));
    }

    #[test]
    fn remembered_ids_take_what_is_documented() {
        let ids = MemorySeenIds::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut handle = |id: u32| {
            let key = NotificationKey::new("default", &id.to_string());
            let begun = pin!(ids.begin(key)).poll(&mut cx);
            let Poll::Ready(Ok(Begun::New(claim))) = begun else {
                panic!("it is new");
            };
            assert!(pin!(ids.finish(claim)).poll(&mut cx).is_ready());
        };
        let counted = allocation_counter::measure(|| (0..300_000).for_each(&mut handle));
        // Three times as many have passed through. The peak is when the table grows.
        assert!(counted.bytes_current < 8_000_000, "{counted:?}");
        assert!(counted.bytes_max < 9_000_000, "{counted:?}");
    }
}

#[cfg(feature = "health")]
mod health {
    use std::time::{Duration, Instant};

    use tower_nylas::{
        health::Health,
        time::{Clock, Sleep, Timer},
    };

    use super::*;

    /// So that nothing is evaluated in between.
    #[derive(Clone, Copy)]
    struct Stopped(Instant);

    impl Clock for Stopped {
        fn now(&self) -> Instant {
            self.0
        }
    }

    impl Timer for Stopped {
        fn sleep(&self, _: Duration) -> Sleep {
            unreachable!("nothing here waits")
        }
    }

    #[test]
    fn it_takes_no_memory_for_a_request() {
        let clock = Stopped(Instant::now());
        let health = Health::with_timer(clock);
        let layer = WebhookLayer::with_timer(secrets(), clock);
        let (with, without) = (layer.clone().health(&health), layer);
        let (with, without) = (with.layer(Nothing), without.layer(Nothing));
        for service in [&with, &without] {
            assert_eq!(count(service, genuine(BODY)).0, 200);
        }
        assert_eq!(count(&with, genuine(BODY)), (200, PROOF));
        let forged = || with_signature(Some("0".repeat(64)), BODY.to_vec());
        assert_eq!(count(&with, forged()), count(&without, forged()));
        let seen = health.status().destinations[0].three_days.requests;
        assert_eq!(seen, 2);
    }

    #[test]
    fn many_destinations_take_what_is_documented() {
        let clock = Stopped(Instant::now());
        let counted = allocation_counter::measure(|| {
            let health = Health::with_timer(clock);
            for tenant in 0..1000 {
                let secrets = Secrets::builder().label(format!("tenant-{tenant}"));
                let secrets = secrets.secret(SECRET).unwrap();
                drop(WebhookLayer::with_timer(secrets, clock).health(&health));
            }
            assert_eq!(health.status().destinations.len(), 101);
            std::mem::forget(health);
        });
        assert!(counted.bytes_current < 650_000, "{counted:?}");
    }
}
