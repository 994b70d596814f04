//! Dropped anywhere: a response future that is dropped at any of its await points leaks nothing,
//! takes no permit along, and leaves the counters as they have to be.
//!
//! Each case is run again and again: dropped before it was polled at all, after one poll, after
//! two, and so on until it runs to its end.

use std::{
    convert::Infallible,
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Empty;
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};
use tower::{
    Layer, Service, ServiceBuilder,
    limit::{ConcurrencyLimit, GlobalConcurrencyLimitLayer},
};
use tower_nylas::{
    Ack, AcknowledgeLayer, ChallengeLayer, DecompressionLayer, Notification, Report, SecretSource,
    Secrets, TriggerRouter, VerifiedBody, VerifySignatureLayer, WebhookLayer,
    testing::VirtualClock,
};
use tower_nylas_kit::{
    delivery::{PATH, SECRET, delivery, notification, sign},
    parts::Log,
    serve::serve_hyper,
    wire::{Connection, PATIENCE, http2},
};

/// Counted while it lives: each clone of the `Arc` is one more.
type Token = Arc<()>;

/// The time that passes before each poll: too little for any deadline that a case does not shorten.
const TICK: Duration = Duration::from_millis(10);

/// How many clones live besides the test's own.
fn alive<T>(token: &Arc<T>) -> usize {
    Arc::strong_count(token) - 1
}

/// All that a request brings along or calls into being on its way, counted.
struct World {
    /// In the body and its frames.
    body: Token,
    /// In the extensions of the request.
    extensions: Token,
    /// In the secrets, which are looked up for each request, as their clock.
    secrets: Arc<VirtualClock>,
    /// In the inner service and its clones.
    service: Token,
    /// In the futures of the inner service and of handlers.
    handler: Token,
    /// Knows the sleeps that somebody waits for.
    timer: VirtualClock,
    /// One, for whoever is behind the limit.
    permits: Arc<Semaphore>,
    /// Calls of the inner service that ran to their end.
    finished: Arc<AtomicUsize>,
    /// What the operator was told.
    reports: Log,
}

impl World {
    fn new() -> Self {
        Self {
            body: Token::default(),
            extensions: Token::default(),
            secrets: Arc::default(),
            service: Token::default(),
            handler: Token::default(),
            timer: VirtualClock::new(),
            permits: Arc::new(Semaphore::new(1)),
            finished: Arc::default(),
            reports: Log::default(),
        }
    }

    /// Nothing is left but the endpoint itself, with so many services in it.
    #[track_caller]
    fn assert_clean(&self, services: usize, what: &str) {
        for (name, alive) in [
            ("body", alive(&self.body)),
            ("extensions", alive(&self.extensions)),
            ("secrets", alive(&self.secrets)),
            ("handler", alive(&self.handler)),
            ("sleep", self.timer.sleepers()),
        ] {
            assert_eq!(alive, 0, "{what}: a {name} is left");
        }
        assert_eq!(alive(&self.service), services, "{what}: a service is left");
        assert_eq!(self.permits.available_permits(), 1, "{what}: the permit");
    }

    fn finished(&self) -> usize {
        self.finished.load(Ordering::SeqCst)
    }

    fn post(&self, trigger: &str, pieces: usize, signature: &str) -> Request<Slow> {
        let body = notification(trigger, "n-1");
        let size = body.len().div_ceil(pieces);
        let pieces = body.chunks(size).rev().map(<[u8]>::to_vec).collect();
        let mut request = Request::post(PATH)
            .header("x-nylas-signature", signature)
            .body(Slow {
                pieces,
                waited: false,
                token: self.body.clone(),
            })
            .unwrap();
        request.extensions_mut().insert(self.extensions.clone());
        request
    }

    fn genuine(&self, trigger: &str, pieces: usize) -> Request<Slow> {
        self.post(
            trigger,
            pieces,
            &sign(&notification(trigger, "n-1")).to_hex(),
        )
    }

    fn verified(&self, trigger: &str) -> Request<VerifiedBody> {
        let body = notification(trigger, "n-1");
        let signature = sign(&body).to_hex().parse().unwrap();
        let bytes = Bytes::from_owner(Owned(body, self.body.clone()));
        let body = VerifiedBody::verify(bytes, &signature, &Secrets::new(SECRET).unwrap());
        let mut request = Request::new(body.unwrap());
        request.extensions_mut().insert(self.extensions.clone());
        request
    }

    /// A service behind a limit of one, neither of which is ready or done at once.
    fn inner(&self) -> ConcurrencyLimit<Inner> {
        GlobalConcurrencyLimitLayer::with_semaphore(self.permits.clone()).layer(Inner {
            service: self.service.clone(),
            handler: Arc::downgrade(&self.handler),
            finished: self.finished.clone(),
            waited: 0,
        })
    }

    fn triggers(&self) -> TriggerRouter {
        let token = Arc::downgrade(&self.handler);
        let finished = self.finished.clone();
        TriggerRouter::new()
            .on_service("message.created", self.inner())
            .on("grant.expired", move |n: Notification| {
                let (token, finished) = (token.upgrade(), finished.clone());
                async move {
                    pending(3).await;
                    finished.fetch_add(1, Ordering::SeqCst);
                    drop((n, token));
                    Ack::Retry
                }
            })
    }

    fn verify(&self) -> VerifySignatureLayer {
        let secrets = Arc::downgrade(&self.secrets);
        let source = SecretSource::lookup(move |_| Ok(Some(counted_secrets(&secrets))));
        VerifySignatureLayer::with_timer(source, self.timer.clone())
    }

    fn webhook(&self) -> WebhookLayer {
        let secrets = Arc::downgrade(&self.secrets);
        let reports = self.reports.clone();
        let source = SecretSource::lookup(move |_| Ok(Some(counted_secrets(&secrets))));
        WebhookLayer::with_timer(source, self.timer.clone())
            // Slept in one go: longer waits look at the memory budget in between.
            .read_timeout(Duration::from_millis(250))
            .observe(move |report: Report<'_>| reports.note(report.to_string()))
    }

    fn acknowledge(&self) -> AcknowledgeLayer {
        AcknowledgeLayer::with_timer(self.timer.clone())
    }

    fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.timer.advance(TICK);
        poll(future)
    }
}

/// As made for one request; they live as long as somebody verifies with them.
fn counted_secrets(clock: &Weak<VirtualClock>) -> Secrets {
    Secrets::builder()
        .clock(clock.upgrade().unwrap())
        .secret(SECRET)
        .unwrap()
}

/// A future that is pending so many times.
async fn pending(mut times: usize) {
    std::future::poll_fn(|_| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        Poll::Pending
    })
    .await;
}

struct Owned(Vec<u8>, #[allow(dead_code)] Token);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A body whose every piece, and its end, is waited for.
struct Slow {
    /// The last one first.
    pieces: Vec<Vec<u8>>,
    waited: bool,
    token: Token,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.waited = !self.waited;
        if self.waited {
            return Poll::Pending;
        }
        let token = self.token.clone();
        let piece = self.pieces.pop();
        Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from_owner(Owned(piece, token))))))
    }
}

/// Not ready at once, not done at once.
struct Inner {
    #[allow(dead_code)]
    service: Token,
    handler: Weak<()>,
    finished: Arc<AtomicUsize>,
    waited: usize,
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            handler: self.handler.clone(),
            finished: self.finished.clone(),
            waited: 0,
        }
    }
}

impl<B: Send + 'static> Service<Request<B>> for Inner {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.waited += 1;
        if self.waited <= 2 {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (token, finished) = (self.handler.upgrade(), self.finished.clone());
        Box::pin(async move {
            pending(2).await;
            finished.fetch_add(1, Ordering::SeqCst);
            drop((request, token));
            Ok(Response::new(Empty::new()))
        })
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a case until it is done, each time dropping it one poll later than before. Returns after
/// how many polls it was done.
fn dropped_anywhere<S, B, R>(
    what: &str,
    build: impl Fn(&World) -> S,
    request: impl Fn(&World) -> Request<B>,
    (status, finishes): (u16, usize),
) -> usize
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug>,
{
    for polls in 0..100 {
        let what = format!("{what}, dropped after {polls} polls");
        let world = World::new();
        let mut endpoint = build(&world);
        let services = alive(&world.service);
        let mut call = || {
            let ready = endpoint.poll_ready(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(ready, Poll::Ready(Ok(()))), "{what}");
            Box::pin(endpoint.call(request(&world)))
        };

        let mut response = call();
        let done = (0..polls).find_map(|_| match world.poll(response.as_mut()) {
            Poll::Ready(response) => Some(response.unwrap()),
            Poll::Pending => None,
        });
        drop(response);
        let Some(done) = done else {
            world.assert_clean(services, &what);
            assert_eq!(world.finished(), 0, "{what}");
            // To the operator, its client has disconnected, if it was a whole webhook's.
            let reports = world.reports.take();
            let is_told = reports.iter().all(|report| report.contains("disconnected"));
            assert!(is_told && reports.len() <= 1, "{what}: {reports:?}");

            // Whoever comes next is served.
            let mut next = call();
            let next = (0..100).find_map(|_| match world.poll(next.as_mut()) {
                Poll::Ready(response) => Some(response.unwrap().status()),
                Poll::Pending => None,
            });
            assert_eq!(next.unwrap(), status, "{what}");
            assert_eq!(world.finished(), finishes, "{what}");
            continue;
        };
        assert_eq!(done.status(), status, "{what}");
        assert_eq!(world.finished(), finishes, "{what}");
        drop(done);
        world.assert_clean(services, &what);
        return polls;
    }
    panic!("{what}: it never ends");
}

const CREATED: &str = "message.created";

#[test]
fn the_layers_one_by_one() {
    let challenged = dropped_anywhere(
        "challenge",
        |world| ChallengeLayer::new().layer(world.inner()),
        |world| {
            let mut request = world.genuine(CREATED, 1).map(|_| String::new());
            *request.method_mut() = http::Method::GET;
            *request.uri_mut() = "/?challenge=x".parse().unwrap();
            request
        },
        (200, 0),
    );
    assert_eq!(challenged, 1, "a challenge waits for nothing");

    let cases = [
        dropped_anywhere(
            "passed on by the challenge layer",
            |world| ChallengeLayer::new().layer(world.inner()),
            |world| world.genuine(CREATED, 1),
            (200, 1),
        ),
        dropped_anywhere(
            "verification of one piece",
            |world| world.verify().layer(world.inner()),
            |world| world.genuine(CREATED, 1),
            (200, 1),
        ),
        dropped_anywhere(
            "verification of five pieces",
            |world| world.verify().layer(world.inner()),
            |world| world.genuine(CREATED, 5),
            (200, 1),
        ),
        dropped_anywhere(
            "verification of a forgery",
            |world| world.verify().layer(world.inner()),
            |world| world.post(CREATED, 5, &sign(b"something else").to_hex()),
            (401, 0),
        ),
        dropped_anywhere(
            "decompression",
            |world| DecompressionLayer::new().layer(world.inner()),
            |world| world.verified(CREATED),
            (200, 1),
        ),
        dropped_anywhere(
            "acknowledgement",
            |world| world.acknowledge().layer(world.inner()),
            |world| world.verified(CREATED),
            (200, 1),
        ),
        dropped_anywhere(
            "acknowledgement at the deadline",
            |world| world.acknowledge().timeout(3 * TICK).layer(world.inner()),
            |world| world.verified(CREATED),
            (503, 0),
        ),
        dropped_anywhere(
            "a handler of the router",
            World::triggers,
            |world| world.verified("grant.expired"),
            (503, 1),
        ),
        dropped_anywhere(
            "a service in the router",
            World::triggers,
            |world| world.verified(CREATED),
            (200, 1),
        ),
    ];
    // Each case has as many places to be dropped at as things that it waits for: two until the
    // service is ready, two until it is done, and one for each piece of the body and its end.
    assert_eq!(cases, [5, 7, 11, 7, 5, 5, 4, 4, 5]);
}

#[cfg(feature = "dedup")]
#[test]
fn deduplication() {
    let polls = dropped_anywhere(
        "deduplication",
        |world| tower_nylas::DeduplicateLayer::new().layer(world.inner()),
        |world| world.verified(CREATED),
        (200, 1),
    );
    assert_eq!(polls, 5);
}

#[test]
fn the_whole_webhook() {
    let cases = [
        dropped_anywhere(
            "a service",
            |world| world.webhook().layer(world.triggers()),
            |world| world.genuine(CREATED, 3),
            (200, 1),
        ),
        dropped_anywhere(
            "a handler",
            |world| world.webhook().layer(world.triggers()),
            |world| world.genuine("grant.expired", 1),
            (503, 1),
        ),
        dropped_anywhere(
            "a forgery",
            |world| world.webhook().layer(world.triggers()),
            |world| world.post(CREATED, 2, &sign(b"something else").to_hex()),
            (401, 0),
        ),
        // The sleep for the body ends before its second piece.
        dropped_anywhere(
            "a body that is too slow",
            |world| world.webhook().read_timeout(TICK).layer(world.triggers()),
            |world| world.genuine(CREATED, 3),
            (408, 0),
        ),
        // Three polls until the body is whole, and two more until the handler's sleep ends.
        dropped_anywhere(
            "a service that is too slow",
            |world| {
                world
                    .webhook()
                    .handler_timeout(2 * TICK)
                    .layer(world.triggers())
            },
            |world| world.genuine(CREATED, 1),
            (503, 0),
        ),
        dropped_anywhere(
            "inside other layers",
            |world| {
                ServiceBuilder::new()
                    .concurrency_limit(1)
                    .layer(world.webhook())
                    .service(world.triggers())
            },
            |world| world.genuine(CREATED, 1),
            (200, 1),
        ),
    ];
    assert_eq!(cases, [9, 6, 4, 2, 5, 7]);
}

/// What waits for a permit leaves the queue when it is dropped.
#[test]
fn waiting_for_a_permit() {
    for polls in 0..4 {
        let world = World::new();
        let mut endpoint = world.webhook().layer(world.inner());
        let taken = world.permits.clone().try_acquire_owned().unwrap();
        let mut response = Box::pin(endpoint.call(world.genuine(CREATED, 1)));
        for _ in 0..polls {
            assert!(poll(response.as_mut()).is_pending());
        }
        drop(response);
        drop(taken);
        assert!(world.permits.try_acquire().is_ok(), "after {polls} polls");
        world.assert_clean(1, &format!("after {polls} polls"));
    }
}

/// A notification without a route is counted when it is acknowledged, and not before.
#[test]
fn unrouted_counts_what_was_acknowledged() {
    let mut done_after = None;
    for polls in 0..20 {
        let world = World::new();
        let triggers = world.triggers();
        let mut endpoint = world.webhook().layer(triggers.clone());
        let mut response = Box::pin(endpoint.call(world.genuine("contact.updated", 2)));
        let done = (0..polls).any(|_| poll(response.as_mut()).is_ready());
        drop(response);
        assert_eq!(
            triggers.unrouted_count(),
            u64::from(done),
            "after {polls} polls"
        );
        let report = world.reports.take().concat();
        assert_eq!(
            report.contains("no route for contact.updated"),
            done,
            "{report}"
        );
        assert_eq!(report.contains("disconnected"), !done, "{report}");
        if done {
            done_after = Some(polls);
            break;
        }
    }
    assert_eq!(done_after, Some(4));

    // The router by itself.
    let world = World::new();
    let mut triggers = world.triggers();
    drop(triggers.call(world.verified("contact.updated")));
    assert_eq!(triggers.unrouted_count(), 0, "nothing was acknowledged");
    let mut response = Box::pin(triggers.call(world.verified("contact.updated")));
    assert!(poll(response.as_mut()).is_ready());
    let again = catch_unwind(AssertUnwindSafe(|| poll(response.as_mut())));
    assert!(again.is_err(), "it was polled after completion");
    drop(response);
    assert_eq!(triggers.unrouted_count(), 1);
    world.assert_clean(1, "the router");
}

/// A handler that panics leaves as little as one that is dropped.
#[test]
fn a_panic_leaks_nothing() {
    let world = World::new();
    let token = Arc::downgrade(&world.handler);
    let triggers = TriggerRouter::new()
        .on(CREATED, move |n: Notification| {
            let token = token.upgrade();
            async move {
                pending(1).await;
                assert!(n.id().is_none(), "on purpose");
                drop(token);
            }
        })
        .on("grant.expired", |n: Notification| {
            assert!(n.id().is_none(), "on purpose");
            async {}
        });
    let mut endpoint = world.webhook().layer(triggers);
    for trigger in [CREATED, "grant.expired"] {
        let mut response = Box::pin(endpoint.call(world.genuine(trigger, 2)));
        let status = (0..20).find_map(|_| match poll(response.as_mut()) {
            Poll::Ready(Ok(response)) => Some(response.status()),
            Poll::Pending => None,
        });
        assert_eq!(status, Some(StatusCode::SERVICE_UNAVAILABLE));
        drop(response);
        world.assert_clean(0, trigger);
    }
}

/// Tells when it is dropped.
struct End(Arc<Notify>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The client goes away while the handler runs.
#[tokio::test]
async fn a_client_that_disconnects() {
    let (started, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let reports = Log::default();
    let (start, end, log) = (started.clone(), ended.clone(), reports.clone());
    let triggers = TriggerRouter::new().on(CREATED, move || {
        let (start, end) = (start.clone(), End(end.clone()));
        async move {
            start.notify_one();
            std::future::pending::<()>().await;
            drop(end);
        }
    });
    let webhook = WebhookLayer::new(Secrets::new(SECRET).unwrap())
        .observe(move |report: Report<'_>| log.note(report.to_string()));
    let address = serve_hyper(webhook.layer(triggers)).await;
    let body = notification(CREATED, "n-1");

    // HTTP/1: the connection is closed.
    let mut client = Connection::open(address).await;
    client.write(&delivery(&body)).await;
    timeout(PATIENCE, started.notified()).await.unwrap();
    drop(client);
    timeout(PATIENCE, ended.notified()).await.unwrap();

    // HTTP/2: the stream is reset, and the connection lives on.
    let (mut client, connection) = http2::connect(address).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::post(format!("http://localhost{PATH}"))
            .header("x-nylas-signature", sign(&body).to_hex())
            .body(http_body_util::Full::new(Bytes::from(body.clone())));
        let sent = tokio::spawn(client.send_request(request.unwrap()));
        timeout(PATIENCE, started.notified()).await.unwrap();
        sent.abort();
        timeout(PATIENCE, ended.notified()).await.unwrap();
    }
    let reports = reports.take();
    assert_eq!(
        reports,
        ["notification message.created n-1 not answered, to be sent again: the client disconnected";
            3]
    );
}
