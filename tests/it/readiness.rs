//! Readiness: the layers are always ready themselves, and the service inside is driven ready only
//! for a verified request and only within the handler deadline.
//!
//! Futures are polled by hand or run as tasks; time passes on command.

use std::{
    convert::Infallible,
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Channel, Empty, Full, combinators::BoxBody};
use tokio::sync::{Notify, Semaphore};
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt, limit::GlobalConcurrencyLimitLayer, service_fn,
};
use tower_nylas::{
    AcknowledgeLayer, BoxError, ChallengeLayer, DecompressionLayer, Outcome, Rejection, Secrets,
    TriggerRouter, VerifiedBody, VerifySignatureLayer, WebhookLayer, testing::VirtualClock,
};
use tower_nylas_kit::{
    delivery::{UUID, notification, proven, sign},
    wire::PATIENCE,
};
use tower_test::mock;

type AnyBody = BoxBody<Bytes, BoxError>;
type Mock = mock::Mock<Request<VerifiedBody>, Response<Empty<Bytes>>>;
type End = fn(mock::SendResponse<Response<Empty<Bytes>>>);
type MockHandle = mock::Handle<Request<VerifiedBody>, Response<Empty<Bytes>>>;

/// Short enough to be slept in one go: longer waits look at the memory budget in between.
const READ: Duration = Duration::from_millis(200);
const HANDLE: Duration = Duration::from_secs(5);

/// Asserts that so many wait for the timer, and that the first of them wakes after this time.
#[track_caller]
fn assert_asleep(timer: &VirtualClock, sleepers: usize, left: Duration) {
    let asleep = (timer.sleepers(), timer.until_next_wake());
    assert_eq!(asleep, (sleepers, Some(left)));
}

fn secrets() -> Secrets {
    proven()
}

fn webhook(timer: &VirtualClock) -> WebhookLayer {
    WebhookLayer::with_timer(secrets(), timer.clone())
        .read_timeout(READ)
        .handler_timeout(HANDLE)
}

fn body() -> Vec<u8> {
    notification("message.created", "n-1")
}

fn post(signature: &str, body: AnyBody) -> Request<AnyBody> {
    Request::post("/")
        .header("x-nylas-signature", signature)
        .body(body)
        .unwrap()
}

fn genuine() -> Request<AnyBody> {
    let body = body();
    let signature = sign(&body).to_hex();
    post(&signature, full(body))
}

fn forged() -> Request<AnyBody> {
    post(&sign(b"something else").to_hex(), full(body()))
}

fn challenge() -> Request<AnyBody> {
    Request::get(format!("/?challenge={UUID}"))
        .body(full(""))
        .unwrap()
}

fn full(bytes: impl Into<Bytes>) -> AnyBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// A body that is still on its way, and the sender's end of it.
fn slow() -> (http_body_util::channel::Sender<Bytes, BoxError>, AnyBody) {
    let (sender, body) = Channel::<Bytes, BoxError>::new(4);
    (sender, BodyExt::boxed(body))
}

/// Polls once, with a waker that does nothing.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What a future that needs not wait says.
#[track_caller]
fn at_once<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// The response of a service that is ready at once.
fn call<S, B>(service: &mut S, request: Request<B>) -> Pin<Box<S::Future>>
where
    S: Service<Request<B>, Error: fmt::Debug>,
{
    let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(ready, Poll::Ready(Ok(()))),
        "every layer is always ready"
    );
    Box::pin(service.call(request))
}

/// Only a hung test ever waits so long.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it comes")
}

/// A handler that waits until it is told to go on.
#[derive(Clone, Default)]
struct Busy {
    running: Arc<AtomicUsize>,
    go_on: Arc<Notify>,
}

impl Busy {
    async fn handle(self) -> Result<Response<Empty<Bytes>>, Infallible> {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.go_on.notified().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(Response::new(Empty::new()))
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

/// One permit, which the test can see.
fn one_permit() -> (Arc<Semaphore>, GlobalConcurrencyLimitLayer) {
    let permits = Arc::new(Semaphore::new(1));
    (
        permits.clone(),
        GlobalConcurrencyLimitLayer::with_semaphore(permits),
    )
}

async fn done(_: Request<VerifiedBody>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

#[test]
fn slow_forgers_block_nobody() {
    let timer = VirtualClock::new();
    let (permits, limit) = one_permit();
    let inner = limit.layer(service_fn(done));
    let verify = VerifySignatureLayer::with_timer(secrets(), timer.clone()).read_timeout(READ);

    let mut whole = webhook(&timer).layer(inner.clone());
    slow_forgers(&mut whole, &timer, &permits);
    let response = at_once(call(&mut whole, challenge())).unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // The same with nothing in between that is always ready.
    slow_forgers(&mut verify.layer(inner), &timer, &permits);
}

fn slow_forgers<S, R>(endpoint: &mut S, timer: &VirtualClock, permits: &Semaphore)
where
    S: Service<Request<AnyBody>, Response = Response<R>, Error: fmt::Debug>,
{
    // More of them than there are permits, each with a part of its body here already.
    let mut forgers = Vec::new();
    for _ in 0..8 {
        let (mut sender, body) = slow();
        sender
            .try_send(http_body::Frame::data(Bytes::from("{")))
            .unwrap();
        let mut response = call(endpoint, post(&sign(b"something else").to_hex(), body));
        assert!(poll(response.as_mut()).is_pending());
        forgers.push((sender, response));
    }
    assert_eq!(permits.available_permits(), 1);

    let response = at_once(call(endpoint, genuine())).unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    // Half of them end their bodies, half of them wait until the read deadline.
    for (sender, mut response) in forgers.drain(..4) {
        drop(sender);
        let response = at_once(response.as_mut()).unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_asleep(timer, 4, READ);
    timer.advance(READ);
    for (_sender, mut response) in forgers {
        let response = at_once(response.as_mut()).unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    }
    assert_eq!(permits.available_permits(), 1);
}

#[test]
fn a_busy_handler_delays_no_challenge_and_no_rejection() {
    let timer = VirtualClock::new();
    let (permits, limit) = one_permit();
    let busy = Busy::default();
    let handler = busy.clone();
    let service = service_fn(move |_: Request<VerifiedBody>| handler.clone().handle());
    let mut endpoint = webhook(&timer).layer(limit.layer(service));

    let mut first = call(&mut endpoint, genuine());
    assert!(poll(first.as_mut()).is_pending());
    assert_eq!((busy.running(), permits.available_permits()), (1, 0));
    // The next one waits for the permit, inside its own future.
    let mut second = call(&mut endpoint, genuine());
    assert!(poll(second.as_mut()).is_pending());
    assert_eq!(busy.running(), 1);

    let response = at_once(call(&mut endpoint, challenge())).unwrap();
    assert_eq!(response.headers()["content-length"], "36");
    let response = at_once(call(&mut endpoint, forged())).unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);

    busy.go_on.notify_one();
    assert_eq!(at_once(first.as_mut()).unwrap().status(), StatusCode::OK);
    assert!(poll(second.as_mut()).is_pending());
    assert_eq!(busy.running(), 1, "the second one has the permit now");
    busy.go_on.notify_one();
    assert_eq!(at_once(second.as_mut()).unwrap().status(), StatusCode::OK);
    assert_eq!(permits.available_permits(), 1);
}

/// The layer alone in front of something busy that is not of this crate.
#[test]
fn the_challenge_layer_alone_waits_for_nothing() {
    let (permits, limit) = one_permit();
    let mut endpoint =
        ChallengeLayer::new().layer(limit.layer(service_fn(async |_: Request<AnyBody>| {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        })));
    let taken = permits.try_acquire().unwrap();
    let mut passed_on = call(&mut endpoint, genuine());
    assert!(poll(passed_on.as_mut()).is_pending());
    let response = at_once(call(&mut endpoint, challenge())).unwrap();
    assert_eq!(response.headers()["content-length"], "36");

    drop(taken);
    assert_eq!(
        at_once(passed_on.as_mut()).unwrap().status(),
        StatusCode::OK
    );
    drop(passed_on);
    assert_eq!(permits.available_permits(), 1);
}

/// None of the ways to be refused reaches for the permit, however often it happens.
#[test]
fn no_permit_stays_taken_after_a_rejection() {
    let timer = VirtualClock::new();
    let (permits, limit) = one_permit();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    handle.allow(0);
    let mut endpoint = webhook(&timer).max_body_size(1000).layer(limit.layer(mock));

    for _ in 0..3 {
        let (open, never_ending) = slow();
        let (broken, failing) = slow();
        broken.abort("the connection failed".into());
        let rejected = [
            (forged(), StatusCode::UNAUTHORIZED),
            (post("not hex", full(body())), StatusCode::UNAUTHORIZED),
            (
                Request::post("/").body(full(body())).unwrap(),
                StatusCode::UNAUTHORIZED,
            ),
            (
                post(&sign(b"").to_hex(), full(vec![0; 1001])),
                StatusCode::PAYLOAD_TOO_LARGE,
            ),
            (
                post(&sign(b"").to_hex(), failing),
                StatusCode::SERVICE_UNAVAILABLE,
            ),
            (
                post(&sign(b"").to_hex(), never_ending),
                StatusCode::REQUEST_TIMEOUT,
            ),
            (
                Request::put("/").body(full("")).unwrap(),
                StatusCode::METHOD_NOT_ALLOWED,
            ),
        ];
        for (request, status) in rejected {
            let mut response = call(&mut endpoint, request);
            let mut answer = poll(response.as_mut());
            if answer.is_pending() {
                assert_eq!(permits.available_permits(), 1, "{status}");
                timer.advance(READ);
                answer = poll(response.as_mut());
            }
            let Poll::Ready(Ok(answer)) = answer else {
                panic!("no answer where {status} should be");
            };
            assert_eq!(answer.status(), status);
            assert!(answer.extensions().get::<Rejection>().is_some(), "{status}");
            assert_eq!(permits.available_permits(), 1, "{status}");
        }
        drop(open);
    }
    assert!(at_once(async { poll(pin!(handle.next_request())) }).is_pending());
}

/// The permit comes back however the handler ends.
#[test]
fn no_permit_stays_taken_after_the_handler() {
    let timer = VirtualClock::new();
    let (permits, limit) = one_permit();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    let mut endpoint = webhook(&timer).layer(limit.layer(mock));

    let ends: [(&str, End); 3] = [
        ("answers", |send| {
            send.send_response(Response::new(Empty::new()));
        }),
        ("fails", |send| send.send_error("on purpose")),
        ("vanishes", |send| drop(send)),
    ];
    for (what, end) in ends {
        let mut response = call(&mut endpoint, genuine());
        assert!(poll(response.as_mut()).is_pending());
        assert_eq!(permits.available_permits(), 0, "{what}");
        let (_, send) = at_once(handle.next_request()).unwrap();
        end(send);
        assert!(at_once(response.as_mut()).is_ok());
        assert_eq!(
            permits.available_permits(),
            1,
            "{what}, before the response is dropped"
        );
    }

    let mut response = call(&mut endpoint, genuine());
    assert!(poll(response.as_mut()).is_pending());
    let (_, _send) = at_once(handle.next_request()).unwrap();
    timer.advance(HANDLE);
    assert_eq!(
        at_once(response.as_mut()).unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(permits.available_permits(), 1, "at the deadline");
}

#[test]
fn a_service_that_is_never_ready_ends_as_503_within_the_deadline() {
    let timer = VirtualClock::new();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    handle.allow(0);
    let mut endpoint = webhook(&timer).layer(mock);

    let mut response = call(&mut endpoint, genuine());
    assert!(poll(response.as_mut()).is_pending());
    // Only what is being waited for has a timer: the body was there whole.
    assert_asleep(&timer, 1, HANDLE);
    assert!(poll(response.as_mut()).is_pending());
    // Polling again starts no other time.
    assert_asleep(&timer, 1, HANDLE);

    timer.advance(READ);
    assert!(poll(response.as_mut()).is_pending());
    assert_asleep(&timer, 1, HANDLE.saturating_sub(READ));
    timer.advance(HANDLE.saturating_sub(READ));
    let response = at_once(response.as_mut()).unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let outcome = response.extensions().get::<Outcome>();
    assert!(
        matches!(outcome, Some(Outcome::TimedOut(HANDLE))),
        "{outcome:?}"
    );
    assert!(at_once(async { poll(pin!(handle.next_request())) }).is_pending());
    assert_eq!(timer.sleepers(), 0);
}

/// The same for the layer alone, and with a deadline that passes before the service is asked.
#[test]
fn a_service_that_is_ready_too_late_is_not_called() {
    let timer = VirtualClock::new();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    handle.allow(0);
    let mut endpoint = AcknowledgeLayer::with_timer(timer.clone())
        .timeout(HANDLE)
        .layer(mock);
    let body = VerifiedBody::verify(body().into(), &sign(&body()), &secrets());
    let request = Request::new(body.unwrap());

    let mut response = call(&mut endpoint, request);
    assert!(poll(response.as_mut()).is_pending());
    timer.advance(HANDLE);
    assert_eq!(
        at_once(response.as_mut()).unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    handle.allow(1);
    assert!(at_once(async { poll(pin!(handle.next_request())) }).is_pending());
}

#[test]
fn a_service_that_fails_to_get_ready_ends_as_503() {
    let timer = VirtualClock::new();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    handle.send_error("on purpose");
    let mut endpoint = webhook(&timer).layer(mock);
    let response = at_once(call(&mut endpoint, genuine())).unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let outcome = response.extensions().get::<Outcome>();
    assert!(matches!(outcome, Some(Outcome::Failed(_))), "{outcome:?}");
    assert_eq!(timer.sleepers(), 0);
}

/// With the deadline in its hands, a service whose turn comes in time is called, and its task is
/// woken for that.
#[tokio::test]
async fn a_service_that_gets_ready_in_time_is_called() {
    let timer = VirtualClock::new();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    handle.allow(0);
    let endpoint = webhook(&timer).layer(mock);
    let response = tokio::spawn(endpoint.oneshot(genuine()));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_asleep(&timer, 1, HANDLE);
    handle.allow(1);
    let (request, send) = soon(handle.next_request()).await.unwrap();
    assert_eq!(request.body().bytes(), &body());
    send.send_response(Response::new(Empty::new()));
    assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(timer.sleepers(), 0);
}

/// A service that insists on the contract: whoever calls it was told by itself, not by the
/// original it was cloned from, that it is ready, and was told so once for each call.
#[derive(Default)]
struct Strict {
    asked: usize,
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Not ready when asked for the first time, so nobody gets by without waiting.
        self.asked += 1;
        self.ready = self.asked > 1;
        if self.ready {
            Poll::Ready(Ok(()))
        } else {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called without being asked"
        );
        std::future::ready(Ok(Response::new(Empty::new())))
    }
}

#[tokio::test]
async fn no_clone_is_called_unready() {
    let timer = VirtualClock::new();
    let verified = || {
        let body = VerifiedBody::verify(body().into(), &sign(&body()), &secrets());
        Request::new(body.unwrap())
    };

    let challenge = ChallengeLayer::new().layer(Strict::default());
    let verify =
        VerifySignatureLayer::with_timer(secrets(), timer.clone()).layer(Strict::default());
    let decompression = DecompressionLayer::new().layer(Strict::default());
    let acknowledge = AcknowledgeLayer::with_timer(timer.clone()).layer(Strict::default());
    let whole = webhook(&timer).layer(Strict::default());
    let routed = TriggerRouter::new()
        .on_service("message.created", Strict::default())
        .fallback_service(Strict::default());
    let everything = webhook(&timer).layer(routed.clone());
    for _ in 0..2 {
        // Twice with the same value, as a server uses it, and twice with a clone of it.
        for turn in 0..2 {
            let status = match turn {
                0 => [
                    challenge.clone().oneshot(genuine()).await.unwrap().status(),
                    verify.clone().oneshot(genuine()).await.unwrap().status(),
                    decompression
                        .clone()
                        .oneshot(verified())
                        .await
                        .unwrap()
                        .status(),
                    acknowledge
                        .clone()
                        .oneshot(verified())
                        .await
                        .unwrap()
                        .status(),
                    whole.clone().oneshot(genuine()).await.unwrap().status(),
                    routed.clone().oneshot(verified()).await.unwrap().status(),
                    everything
                        .clone()
                        .oneshot(genuine())
                        .await
                        .unwrap()
                        .status(),
                ],
                _ => [
                    call(&mut challenge.clone(), genuine())
                        .await
                        .unwrap()
                        .status(),
                    call(&mut verify.clone(), genuine()).await.unwrap().status(),
                    call(&mut decompression.clone(), verified())
                        .await
                        .unwrap()
                        .status(),
                    call(&mut acknowledge.clone(), verified())
                        .await
                        .unwrap()
                        .status(),
                    call(&mut whole.clone(), genuine()).await.unwrap().status(),
                    call(&mut routed.clone(), verified())
                        .await
                        .unwrap()
                        .status(),
                    call(&mut everything.clone(), genuine())
                        .await
                        .unwrap()
                        .status(),
                ],
            };
            assert_eq!(status, [StatusCode::OK; 7]);
        }
    }
}

/// The mock panics when one of its clones is called unready, here while many requests share it.
#[tokio::test]
async fn no_clone_of_a_mock_is_called_unready() {
    let timer = VirtualClock::new();
    let (mock, mut handle): (Mock, MockHandle) = mock::pair();
    let service = ServiceBuilder::new()
        .layer(webhook(&timer))
        .concurrency_limit(1)
        .service(mock);
    let requests: Vec<_> = (0..8)
        .map(|_| tokio::spawn(service.clone().oneshot(genuine())))
        .collect();
    for _ in 0..8 {
        let (_, send) = soon(handle.next_request()).await.unwrap();
        assert!(
            poll(pin!(handle.next_request())).is_pending(),
            "one at a time"
        );
        send.send_response(Response::new(Empty::new()));
    }
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    }
}

/// A request that waits for a permit in vain gives its place up at its own deadline, and the one
/// that holds the permit goes on.
#[test]
fn waiting_for_a_permit_counts_towards_the_deadline() {
    let (first_timer, second_timer) = (VirtualClock::new(), VirtualClock::new());
    let (permits, limit) = one_permit();
    let busy = Busy::default();
    let handler = busy.clone();
    let service = limit.layer(service_fn(move |_: Request<VerifiedBody>| {
        handler.clone().handle()
    }));
    let mut first_endpoint = webhook(&first_timer).layer(service.clone());
    let mut second_endpoint = webhook(&second_timer).layer(service);

    let mut first = call(&mut first_endpoint, genuine());
    assert!(poll(first.as_mut()).is_pending());
    let mut second = call(&mut second_endpoint, genuine());
    assert!(poll(second.as_mut()).is_pending());

    second_timer.advance(HANDLE);
    let response = at_once(second.as_mut()).unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((busy.running(), permits.available_permits()), (1, 0));

    busy.go_on.notify_one();
    assert_eq!(at_once(first.as_mut()).unwrap().status(), StatusCode::OK);
    assert_eq!(
        permits.available_permits(),
        1,
        "nobody is left in the queue"
    );
}
