//! The layers of tower and tower-http around and inside the endpoint, over sockets.
//!
//! Each row of the table in `src/_guide/layers.md` stands here as well, together with the test that
//! backs it.

#![cfg(feature = "gzip")]

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, ServiceExt, error_handling::HandleErrorLayer, routing::get};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Empty, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};
use tower::{
    Layer, Service, ServiceBuilder, buffer::BufferLayer, limit::ConcurrencyLimitLayer,
    load_shed::LoadShedLayer, service_fn,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    classify::ServerErrorsFailureClass,
    compression::CompressionLayer,
    decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
    normalize_path::NormalizePathLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    sensitive_headers::SetSensitiveHeadersLayer,
    set_header::{SetRequestHeaderLayer, SetResponseHeaderLayer},
    timeout::TimeoutLayer,
    trace::{OnFailure, OnRequest, OnResponse, TraceLayer},
};
use tower_nylas::{
    BoxError, MismatchHint, Notification, Rejection, Report, Resolution, TriggerRouter,
    VerifiedBody, WebhookLayer,
};
use tower_nylas_kit::{
    delivery::{PATH, UUID, gzip, notification, notification_of, proven, sign},
    parts::{Log, Parts},
    serve::{listen, serve_axum, serve_hyper},
    wire::{Answer, Ask, PATIENCE, Wire, assert_exact, send_over},
};

/// As in the table: the layer, where it stands, whether that works, and what to know.
struct Row(&'static str, Side, Verdict, &'static str);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    /// The request meets the layer before the endpoint.
    Outside,
    /// The layer stands between `WebhookLayer` and `TriggerRouter`.
    Inside,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Works,
    Note,
    Cannot,
}

use Side::{Inside, Outside};
use Verdict::{Cannot, Note, Works};

/// Declares the rows of the table, each together with its test, which plays the function of that
/// name below. So no row is without a test, no test backs two rows, and a function without a row is
/// dead code.
macro_rules! rows {
    ($($test:ident: $layer:literal, $side:ident, $verdict:ident, $what:literal;)+) => {
        const ROWS: &[Row] = &[$(Row($layer, $side, $verdict, $what)),+];

        mod rows {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test().await;
                }
            )+
        }
    };
}

rows! {
    compression_outside: "compression", Outside, Note,
        "nothing gets compressed, so the challenge keeps its `Content-Length`; a sender whose \
         `Accept-Encoding` is `identity;q=0` gets the layer's `406`";
    compression_inside: "compression", Inside, Works,
        "without effect: notifications are answered with an empty body";
    request_decompression_outside: "request decompression", Outside, Cannot,
        "compressed deliveries do not match their signatures, and are refused: Nylas signs the \
         compressed bytes; the reason names the cause, except over HTTP/2 and for chunked bodies; keep the \
         layer off this path, or use `.gzip(false).pass_through_unaccepted(true)`";
    request_decompression_inside: "request decompression", Inside, Cannot,
        "does not compile around a `TriggerRouter`, which takes verified bodies only; the feature \
         `gzip` inflates them";
    body_limit_outside: "request body limit", Outside, Note,
        "keep its limit above `max_body_size`: what it cuts is lost with its own `413`, which is \
         not reported, or refused with `503` as a failed connection if it came without \
         `Content-Length`";
    body_limit_inside: "request body limit", Inside, Cannot,
        "does not compile around a `TriggerRouter`, which takes verified bodies only; use \
         `max_body_size` and `max_inflated_size`";
    timeout_outside: "timeout", Outside, Note,
        "keep it above the read and handler timeouts together: it answers with its own status, \
         which is not reported, and after any but `408`, `503` and `504` the notification is lost";
    timeout_inside: "timeout", Inside, Note,
        "its `408` becomes `429`, and any other status of its own `503`; `handler_timeout` needs \
         no layer";
    trace_outside: "trace", Outside, Note,
        "its `on_failure` is called for each `503`, the intended ones too, \
         [unless told otherwise](#a-503-that-is-meant)";
    trace_inside: "trace", Inside, Works,
        "sees verified notifications only, and each status before it is settled";
    catch_panic_outside: "catch panic", Outside, Works,
        "without effect: a handler's panic is caught further in and becomes `503`";
    catch_panic_inside: "catch panic", Inside, Note,
        "its `500` becomes `503`, but the report names the status and no longer the panic";
    normalize_path_outside: "normalize path", Outside, Note,
        "put it around the whole axum `Router`: with `Router::layer` it comes after the path was \
         matched, and a `webhook_url` with a slash at its end gets `404`";
    normalize_path_inside: "normalize path", Inside, Works,
        "without effect on the routes, which do not look at the path";
    sensitive_headers_outside: "sensitive headers", Outside, Works,
        "for `x-nylas-signature`: layers that print headers no longer show it";
    sensitive_headers_inside: "sensitive headers", Inside, Works,
        "too late for layers outside, which still print the signature";
    set_header_outside: "set header", Outside, Note,
        "response headers reach every answer, challenges too; a second, different \
         `x-nylas-signature` on the request makes it a `401`";
    set_header_inside: "set header", Inside, Note,
        "handlers see request headers; of the response headers only `Retry-After` is kept, and \
         not on a `200`";
    request_id_outside: "request id", Outside, Works,
        "handlers find the id in the extensions of the notification, senders on every answer";
    request_id_inside: "request id", Inside, Note,
        "handlers find the id in the extensions of the notification; the answer does not carry it";
    concurrency_limit_outside: "concurrency limit", Outside, Note,
        "challenges and forgeries wait for a permit as well, so a busy handler can fail a \
         challenge; put it inside";
    concurrency_limit_inside: "concurrency limit", Inside, Works,
        "only verified notifications wait, and for no longer than the handler timeout";
    rate_limit_outside: "rate limit", Outside, Note,
        "needs a buffer around it, since it is not `Clone`; forgeries use the rate up and \
         challenges wait; put it inside";
    rate_limit_inside: "rate limit", Inside, Note,
        "needs a buffer around it, since it is not `Clone`; what would wait longer than the \
         handler timeout gets `503`";
    load_shed_outside: "load shed", Outside, Note,
        "fails: under axum it needs a `HandleErrorLayer` that answers `503`, and hyper closes the \
         connection without an answer; it sheds challenges as well; put it inside";
    load_shed_inside: "load shed", Inside, Works,
        "what it sheds gets `503`, and the report says why";
    buffer_outside: "buffer", Outside, Note,
        "fails, as load shed: under axum it needs a `HandleErrorLayer` that answers `503`; the \
         endpoint is always ready, so nothing ever waits in it";
    buffer_inside: "buffer", Inside, Works,
        "its error becomes `503`; what would wait longer than the handler timeout gets `503`";
}

#[test]
fn the_table_in_the_docs_is_this_one() {
    let verdict = |verdict| match verdict {
        Works => "works",
        Note => "works, with a note",
        Cannot => "cannot",
    };
    let tested: Vec<String> = ROWS
        .iter()
        .map(|Row(layer, side, how, what)| {
            let side = format!("{side:?}").to_lowercase();
            format!("| {layer} | {side} | {} | {what} |", verdict(*how))
        })
        .collect();
    let page = include_str!("../../src/_guide/layers.md");
    let (_, table) = page.split_once("| --- | --- | --- | --- |\n").unwrap();
    let documented: Vec<_> = table.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(documented, tested, "\n{}\n", tested.join("\n"));

    let layers: Vec<_> = ROWS.iter().map(|row| (row.0, row.1)).collect();
    for pair in layers.chunks(2) {
        assert_eq!(pair, [(pair[0].0, Outside), (pair[0].0, Inside)]);
    }
}

/// What Nylas and others send, and the status they get when nothing stands in the way.
const EXPECTED: [(&str, u16); 9] = [
    ("challenge", 200),
    ("plain", 200),
    ("chunked", 200),
    ("compressed", 200),
    ("large", 200),
    ("unrouted", 200),
    ("failing", 503),
    ("panicking", 503),
    ("forged", 401),
];

const HANDLED: [&str; 4] = ["plain", "chunked", "compressed", "large"];

/// Plays Nylas against the endpoint, first without and then with a secret; `but` are the answers
/// that differ from [`EXPECTED`].
async fn holds_but(but: &[(&str, u16)], mount: impl AsyncFn(Parts) -> Vec<SocketAddr>) {
    let pending = Parts::pending();
    for address in mount(pending.clone()).await {
        for wire in Wire::ALL {
            challenge(address, wire).await;
            let post = Ask::delivery(notification("message.created", "early"));
            let reply = send_over(address, wire, &post).await;
            assert_eq!(
                reply.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{wire:?}, pending"
            );
        }
    }

    let it = Parts::known();
    let expected: BTreeMap<_, _> = EXPECTED.iter().chain(but).copied().collect();
    for (number, address) in mount(it.clone()).await.into_iter().enumerate() {
        for wire in Wire::ALL {
            let mut seen = BTreeMap::from([("challenge", challenge(address, wire).await)]);
            for (name, ask) in deliveries() {
                let reply = send_over(address, wire, &ask).await;
                assert_eq!(reply.header("transfer-encoding"), None, "{name}: {reply:?}");
                seen.insert(name, reply.status.as_u16());
            }
            assert_eq!(
                seen,
                expected,
                "mount {number}, {wire:?}: {:?}",
                it.reports.take()
            );
            let handled: Vec<_> = HANDLED
                .into_iter()
                .filter(|name| expected[name] == 200)
                .collect();
            assert_eq!(it.handled.take(), handled, "mount {number}, {wire:?}");
        }
    }
}

async fn holds(mount: impl AsyncFn(Parts) -> Vec<SocketAddr>) {
    holds_but(&[], mount).await;
}

async fn challenge(address: SocketAddr, wire: Wire) -> u16 {
    for encodings in ["gzip", "identity", "*"] {
        for method in [Method::GET, Method::HEAD] {
            let mut ask = Ask::challenge(&format!("challenge={UUID}"));
            ask.method = method.clone();
            let reply = send_over(address, wire, &ask.header("accept-encoding", encodings)).await;
            if method == Method::GET {
                assert_exact(&reply, UUID.as_bytes(), encodings);
            } else {
                assert_eq!(reply.status, StatusCode::OK);
                assert_eq!(reply.header("content-length"), Some("36"));
            }
        }
    }
    200
}

fn deliveries() -> Vec<(&'static str, Ask)> {
    let created = |id, size| notification_of("message.created", id, 1, size);
    let other = |trigger| Ask::delivery(notification(trigger, "other"));
    let mut forged = Ask::delivery(created("forged", 0));
    forged.body.push(b' ');
    vec![
        ("plain", Ask::delivery(created("plain", 0))),
        ("chunked", Ask::delivery(created("chunked", 0)).chunked()),
        ("compressed", Ask::compressed(&created("compressed", 0))),
        ("large", Ask::delivery(created("large", 200_000))),
        ("unrouted", other("contact.updated")),
        ("failing", other("grant.expired")),
        ("panicking", other("event.created")),
        ("forged", forged.header("accept-encoding", "gzip")),
    ]
}

/// The layer outside: in a stack under hyper, in a stack under axum, and on axum's router.
macro_rules! outside {
    ($layer:expr) => {
        async |it: Parts| {
            let endpoint = it.webhook.layer(it.triggers);
            let stack = ServiceBuilder::new()
                .layer($layer)
                .service(endpoint.clone());
            let routed = Router::new().route_service(PATH, endpoint).layer($layer);
            vec![
                serve_hyper(stack.clone()).await,
                serve_axum(Router::new().route_service(PATH, stack)).await,
                serve_axum(routed).await,
            ]
        }
    };
}

/// The layer outside, under axum, when it can fail.
macro_rules! outside_failing {
    ($layer:expr) => {
        async |it: Parts| {
            let stack = ServiceBuilder::new()
                .layer(HandleErrorLayer::new(overloaded))
                .layer($layer)
                .layer(it.webhook)
                .service(it.triggers);
            vec![serve_axum(Router::new().route_service(PATH, stack)).await]
        }
    };
}

async fn overloaded(_: BoxError) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

/// The layer inside, under hyper and under axum.
macro_rules! inside {
    ($layer:expr) => {
        async |it: Parts| {
            let stack = ServiceBuilder::new()
                .layer(it.webhook)
                .layer($layer)
                .service(it.triggers);
            vec![
                serve_hyper(stack.clone()).await,
                serve_axum(Router::new().route_service(PATH, stack)).await,
            ]
        }
    };
}

/// Whether a service can stand behind verification, decided by the compiler.
struct Candidate<S>(PhantomData<S>);

impl<S: Service<Request<VerifiedBody>>> Candidate<S> {
    const MOUNTS: bool = true;
}

/// What a trait says comes second to what the type itself says, and that not every type does.
trait Otherwise {
    const MOUNTS: bool = false;
}

impl<S> Otherwise for Candidate<S> {}

type Inflating = tower_http::decompression::RequestDecompression<TriggerRouter>;
type Limiting = tower_http::limit::RequestBodyLimit<TriggerRouter>;
type Compressing = tower_http::compression::Compression<TriggerRouter>;

const _: () = {
    assert!(Candidate::<TriggerRouter>::MOUNTS && Candidate::<Compressing>::MOUNTS);
    assert!(!Candidate::<Inflating>::MOUNTS);
    assert!(!Candidate::<Limiting>::MOUNTS);
};

fn created(id: &str) -> Ask {
    Ask::delivery(notification("message.created", id))
}

async fn status(address: SocketAddr, ask: &Ask) -> StatusCode {
    send_over(address, Wire::Http11, ask).await.status
}

/// A router whose only handler runs until it is told to go on.
#[derive(Clone, Default)]
struct Busy {
    started: Arc<Notify>,
    go_on: Arc<Notify>,
    runs: Arc<AtomicUsize>,
    dropped: Arc<Notify>,
}

impl Busy {
    fn triggers(&self) -> TriggerRouter {
        let busy = self.clone();
        TriggerRouter::new().on("message.created", move || {
            let busy = busy.clone();
            async move {
                let _end = End(busy.dropped);
                busy.runs.fetch_add(1, Ordering::Relaxed);
                busy.started.notify_one();
                busy.go_on.notified().await;
            }
        })
    }

    /// Sends a delivery and waits until its handler runs.
    async fn occupy(&self, address: SocketAddr) -> tokio::task::JoinHandle<Answer> {
        let sent =
            tokio::spawn(async move { send_over(address, Wire::Http11, &created("busy")).await });
        self.started.notified().await;
        sent
    }

    /// After an answer that did not wait for the handler: it is gone, if it ever ran.
    async fn is_dropped(&self) {
        if self.runs.load(Ordering::Relaxed) > 0 {
            self.dropped.notified().await;
        }
    }

    async fn release(&self, sent: tokio::task::JoinHandle<Answer>) {
        self.go_on.notify_one();
        assert_eq!(sent.await.unwrap().status, StatusCode::OK);
    }
}

struct End(Arc<Notify>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Long enough that an answer that comes would be there. What waits here waits for something that
/// the test holds back, so a slow machine cannot make this fail.
const A_WHILE: Duration = Duration::from_millis(100);

/// The answer to a request that has to wait until `release` has run.
async fn waits(address: SocketAddr, ask: Ask, release: impl Future<Output = ()>) -> Answer {
    let mut reply = tokio::spawn(async move { send_over(address, Wire::Http11, &ask).await });
    assert!(
        timeout(A_WHILE, &mut reply).await.is_err(),
        "it did not wait"
    );
    release.await;
    reply.await.unwrap()
}

async fn compression_outside() {
    holds(outside!(CompressionLayer::new())).await;

    let it = Parts::known();
    let app = Router::new()
        .route_service(PATH, it.webhook.layer(it.triggers))
        .route("/page", get(async || "compressible ".repeat(10)))
        .layer(CompressionLayer::new());
    let address = serve_axum(app).await;
    // The layer is at work.
    let page = Ask::new(Method::GET, "/page").header("accept-encoding", "gzip");
    let reply = send_over(address, Wire::Http11, &page).await;
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));

    let strict = Ask::challenge("challenge=x").header("accept-encoding", "identity;q=0");
    assert_eq!(status(address, &strict).await, StatusCode::NOT_ACCEPTABLE);
}

async fn compression_inside() {
    holds(inside!(CompressionLayer::new())).await;
}

async fn request_decompression_outside() {
    let as_it_is = outside!(RequestDecompressionLayer::new());
    holds_but(&[("compressed", 401)], as_it_is).await;
    let deaf = || RequestDecompressionLayer::new().gzip(false);
    // This one refuses by itself what it must not inflate.
    holds_but(&[("compressed", 415)], outside!(deaf())).await;
    holds(outside!(deaf().pass_through_unaccepted(true))).await;

    let hints = Hints::default();
    let service = RequestDecompressionLayer::new().layer(hints.endpoint());
    let address = serve_hyper(service).await;
    let compressed = Ask::compressed(&notification("message.created", "x"));
    for wire in [Wire::Http10, Wire::Http11] {
        let hint = hints.of(address, wire, &compressed).await;
        assert_eq!(hint, Some(MismatchHint::FramingLost));
        let text = Rejection::SignatureMismatch(hint).to_string();
        assert!(text.contains("RequestDecompressionLayer"), "{text}");
    }
    // There, neither header is needed, so there is nothing to tell it by.
    assert_eq!(hints.of(address, Wire::Http2, &compressed).await, None);
    assert_eq!(
        hints.of(address, Wire::Http11, &compressed.chunked()).await,
        None
    );
}

async fn request_decompression_inside() {
    // That it does not compile is said above. Around a service that takes any body it does, and
    // finds nothing left to do.
    let it = Parts::known();
    let inner = RequestDecompressionLayer::new().layer(noting(it.handled.clone()));
    let address = serve_hyper(it.webhook.layer(inner)).await;
    let compressed = Ask::compressed(&notification("message.created", "x"));
    assert_eq!(status(address, &compressed).await, StatusCode::OK);
    assert_eq!(it.handled.take(), ["x"]);
}

async fn body_limit_outside() {
    holds(outside!(RequestBodyLimitLayer::new(1 << 20))).await;
    let low = outside!(RequestBodyLimitLayer::new(100_000));
    let it = Parts::known();
    for address in low(it.clone()).await {
        for (ask, expected, report) in [
            (
                created("short"),
                200,
                "notification message.created short acknowledged: handled",
            ),
            (
                created("short").chunked(),
                200,
                "notification message.created short acknowledged: handled",
            ),
            (long(), 413, ""),
            (
                long().chunked(),
                503,
                "request rejected with 503 Service Unavailable: the connection failed while the \
                 body was read: if it happens often, compare the timeouts of the proxies in front",
            ),
        ] {
            assert_eq!(status(address, &ask).await, expected);
            assert_eq!(it.reports.take().join(""), report);
        }
    }
}

fn long() -> Ask {
    Ask::delivery(notification_of("message.created", "long", 1, 200_000))
}

async fn body_limit_inside() {
    // That it does not compile is said above. Around a service that takes any body it does, and
    // its answer is settled like any other.
    let it = Parts::known();
    let inner = RequestBodyLimitLayer::new(100_000).layer(noting(it.handled.clone()));
    let address = serve_hyper(it.webhook.layer(inner)).await;
    assert_eq!(status(address, &created("short")).await, StatusCode::OK);
    assert_eq!(
        status(address, &long()).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(it.handled.take(), ["short"]);

    // What to use instead.
    let it = Parts::known();
    let webhook = it.webhook.max_body_size(100_000).max_inflated_size(100_000);
    let address = serve_hyper(webhook.layer(it.triggers)).await;
    assert_eq!(
        status(address, &long()).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let inflated = Ask::compressed(&notification_of("message.created", "long", 1, 200_000));
    assert_eq!(
        status(address, &inflated).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// An axum router that takes any body and notes the id of the notification.
fn noting(log: Log) -> Router {
    Router::new().fallback(
        async move |body: Result<Bytes, axum::extract::rejection::BytesRejection>| {
            let envelope: serde_json::Value = serde_json::from_slice(&body?).unwrap();
            log.note(envelope["id"].as_str().unwrap());
            Ok::<_, axum::extract::rejection::BytesRejection>(())
        },
    )
}

async fn timeout_outside() {
    let layer = |status, after| TimeoutLayer::with_status_code(status, after);
    holds(outside!(layer(StatusCode::INTERNAL_SERVER_ERROR, PATIENCE))).await;

    for own in [408, 500, 503, 504] {
        let own = StatusCode::from_u16(own).unwrap();
        let (it, busy) = (Parts::known(), Busy::default());
        let stack = layer(own, A_WHILE).layer(it.webhook.layer(busy.triggers()));
        let address = serve_hyper(stack).await;
        assert_eq!(status(address, &created("slow")).await, own);
        busy.is_dropped().await;
        assert_eq!(
            it.reports.take(),
            [
                "notification message.created slow not answered, to be sent again: the client disconnected"
            ]
        );
    }
}

async fn timeout_inside() {
    let layer = |status, after| TimeoutLayer::with_status_code(status, after);
    holds(inside!(layer(StatusCode::INTERNAL_SERVER_ERROR, PATIENCE))).await;

    for (own, settled) in [(408, 429), (500, 503), (504, 503), (400, 503), (503, 503)] {
        let own = StatusCode::from_u16(own).unwrap();
        let (it, busy) = (Parts::known(), Busy::default());
        let stack = it.webhook.layer(layer(own, A_WHILE).layer(busy.triggers()));
        let address = serve_hyper(stack).await;
        assert_eq!(status(address, &created("slow")).await, settled);
        busy.is_dropped().await;
        assert_eq!(
            it.reports.take(),
            [format!(
                "notification message.created slow answered {settled}, to be sent again: the inner \
                 service answered {own}"
            )]
        );
    }

    let (it, busy) = (Parts::known(), Busy::default());
    let address = serve_hyper(it.webhook.handler_timeout(A_WHILE).layer(busy.triggers())).await;
    assert_eq!(
        status(address, &created("slow")).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    busy.is_dropped().await;
}

/// What a trace layer is told.
#[derive(Clone)]
struct Watch(Log);

impl<B> OnRequest<B> for Watch {
    fn on_request(&mut self, request: &Request<B>, _: &tracing::Span) {
        self.0
            .note(format!("{} {:?}", request.method(), request.headers()));
    }
}

impl<B> OnResponse<B> for Watch {
    fn on_response(self, response: &Response<B>, _: Duration, _: &tracing::Span) {
        self.0.note(response.status().as_str());
    }
}

impl OnFailure<ServerErrorsFailureClass> for Watch {
    fn on_failure(&mut self, class: ServerErrorsFailureClass, _: Duration, _: &tracing::Span) {
        self.0.note(format!("failed: {class}"));
    }
}

/// A trace layer that notes what it is told.
macro_rules! traced {
    ($log:expr) => {
        TraceLayer::new_for_http()
            .on_request(Watch($log.clone()))
            .on_response(Watch($log.clone()))
            .on_failure(Watch($log.clone()))
    };
}

/// What the trace layer was told, without the requests' heads.
fn answers_in(log: &Log) -> Vec<String> {
    let mut lines = log.take();
    lines.retain(|line| !line.contains('{'));
    lines
}

async fn trace_outside() {
    let log = Log::default();
    holds(outside!(traced!(log))).await;
    log.take();

    let it = Parts::known();
    let address = serve_hyper(traced!(log).layer(it.webhook.layer(it.triggers))).await;
    status(address, &Ask::challenge("challenge=x")).await;
    status(address, &created("x")).await;
    status(address, &Ask::new(Method::POST, PATH)).await;
    assert_eq!(answers_in(&log), ["200", "200", "401"]);
    status(address, &Ask::delivery(notification("grant.expired", "x"))).await;
    assert_eq!(
        answers_in(&log),
        ["503", "failed: Status code: 503 Service Unavailable"]
    );
}

async fn trace_inside() {
    let log = Log::default();
    holds(inside!(traced!(log))).await;
    log.take();

    let it = Parts::known();
    let triggers = it.triggers.on_service(
        "contact.deleted",
        service_fn(async |_: Request<VerifiedBody>| {
            let not_found = Response::builder().status(404);
            not_found.body(Empty::<Bytes>::new())
        }),
    );
    let address = serve_hyper(it.webhook.layer(traced!(log).layer(triggers))).await;
    status(address, &Ask::challenge("challenge=x")).await;
    status(address, &Ask::new(Method::POST, PATH)).await;
    assert!(log.take().is_empty());
    let deleted = Ask::delivery(notification("contact.deleted", "x"));
    assert_eq!(
        status(address, &deleted).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(answers_in(&log), ["404"]);
}

async fn catch_panic_outside() {
    holds(outside!(CatchPanicLayer::new())).await;

    // The layer is at work: it is the handler's panic that never reaches it.
    let it = Parts::known();
    let stack = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .map_request(|request: Request<hyper::body::Incoming>| {
            assert!(!request.headers().contains_key("panic"), "on purpose");
            request
        })
        .layer(it.webhook)
        .service(it.triggers);
    let address = serve_hyper(stack).await;
    let panicking = created("x").header("panic", "");
    assert_eq!(
        status(address, &panicking).await,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    let in_handler = Ask::delivery(notification("event.created", "x"));
    assert_eq!(
        status(address, &in_handler).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        it.reports.take(),
        [
            "notification event.created x answered 503, to be sent again: its handler panicked: on purpose"
        ]
    );
}

async fn catch_panic_inside() {
    holds(inside!(CatchPanicLayer::new())).await;

    let it = Parts::known();
    let address = serve_hyper(it.webhook.layer(CatchPanicLayer::new().layer(it.triggers))).await;
    let panicking = Ask::delivery(notification("event.created", "x"));
    assert_eq!(
        status(address, &panicking).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        it.reports.take(),
        [
            "notification event.created x answered 503, to be sent again: the inner service answered 500 Internal Server Error"
        ]
    );
}

async fn normalize_path_outside() {
    holds(outside!(NormalizePathLayer::trim_trailing_slash())).await;

    let with_slash = Ask::challenge("").at(format!("{PATH}/?challenge={UUID}"));
    let it = Parts::known();
    let router = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    let by_router = router
        .clone()
        .layer(NormalizePathLayer::trim_trailing_slash());
    let address = serve_axum(by_router).await;
    assert_eq!(status(address, &with_slash).await, StatusCode::NOT_FOUND);

    let around = NormalizePathLayer::trim_trailing_slash().layer(router);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let app = ServiceExt::<axum::extract::Request>::into_make_service(around);
        axum::serve(listener, app).await.unwrap();
    });
    let reply = send_over(address, Wire::Http11, &with_slash).await;
    assert_exact(&reply, UUID.as_bytes(), "with a slash");
    let delivery = created("x").at(format!("{PATH}/"));
    assert_eq!(status(address, &delivery).await, StatusCode::OK);
}

async fn normalize_path_inside() {
    holds(inside!(NormalizePathLayer::trim_trailing_slash())).await;
}

fn sensitive() -> SetSensitiveHeadersLayer {
    SetSensitiveHeadersLayer::new([HeaderName::from_static("x-nylas-signature")])
}

async fn sensitive_headers_outside() {
    holds(outside!(sensitive())).await;

    let signature = sign(&created("x").body).to_hex();
    for hidden in [false, true] {
        let (it, log) = (Parts::known(), Log::default());
        let layers = ServiceBuilder::new()
            .option_layer(hidden.then(sensitive))
            .layer(traced!(log));
        let stack = layers.service(it.webhook.layer(it.triggers));
        let address = serve_hyper(stack).await;
        assert_eq!(status(address, &created("x")).await, StatusCode::OK);
        let printed = log.take().join("\n");
        assert!(printed.contains("x-nylas-signature"), "{printed}");
        assert_eq!(printed.contains(&signature), !hidden, "{printed}");
    }
}

async fn sensitive_headers_inside() {
    holds(inside!(sensitive())).await;

    let signature = sign(&created("x").body).to_hex();
    let (it, outer, inner) = (Parts::known(), Log::default(), Log::default());
    let stack = ServiceBuilder::new()
        .layer(traced!(outer))
        .layer(it.webhook)
        .layer(sensitive())
        .layer(traced!(inner))
        .service(it.triggers);
    let address = serve_hyper(stack).await;
    assert_eq!(status(address, &created("x")).await, StatusCode::OK);
    assert!(outer.take().join("\n").contains(&signature));
    assert!(!inner.take().join("\n").contains(&signature));
}

fn served_by() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(
        HeaderName::from_static("x-served-by"),
        HeaderValue::from_static("a test"),
    )
}

async fn set_header_outside() {
    holds(outside!(served_by())).await;
    let more = HeaderName::from_static("x-more");
    holds(outside!(SetRequestHeaderLayer::appending(
        more.clone(),
        HeaderValue::from_static("of them"),
    )))
    .await;

    for address in outside!(served_by())(Parts::known()).await {
        let asks = [
            (Ask::challenge("challenge=x"), 200),
            (created("x"), 200),
            (Ask::new(Method::POST, PATH), 401),
            (Ask::new(Method::PUT, PATH), 405),
        ];
        for (ask, status) in asks {
            let reply = send_over(address, Wire::Http11, &ask).await;
            assert_eq!(reply.status, status);
            assert_eq!(reply.header("x-served-by"), Some("a test"));
        }
    }

    let it = Parts::known();
    let second = SetRequestHeaderLayer::appending(
        HeaderName::from_static("x-nylas-signature"),
        HeaderValue::from_static("another"),
    );
    let address = serve_hyper(second.layer(it.webhook.layer(it.triggers))).await;
    assert_eq!(
        status(address, &created("x")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        it.reports.take(),
        [
            "request rejected with 401 Unauthorized: X-Nylas-Signature has several values that \
             differ, or too many: if Nylas sent it, look for a proxy that adds one"
        ]
    );
}

async fn set_header_inside() {
    holds(inside!(served_by())).await;

    let log = Log::default();
    let seen = log.clone();
    let triggers = TriggerRouter::new()
        .on("message.created", move |request: Request<VerifiedBody>| {
            seen.note(request.headers()["x-tenant"].to_str().unwrap());
            async {}
        })
        .on("grant.expired", async || Err::<(), _>("on purpose"));
    let stack = ServiceBuilder::new()
        .layer(Parts::known().webhook)
        .layer(served_by())
        .layer(SetResponseHeaderLayer::overriding(
            header::RETRY_AFTER,
            HeaderValue::from_static("17"),
        ))
        .layer(SetRequestHeaderLayer::overriding(
            HeaderName::from_static("x-tenant"),
            HeaderValue::from_static("kai"),
        ))
        .service(triggers);
    let address = serve_hyper(stack).await;
    let reply = send_over(address, Wire::Http11, &created("x")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("x-served-by"), None);
    assert_eq!(reply.header("retry-after"), None);
    assert_eq!(log.take(), ["kai"]);

    let failing = Ask::delivery(notification("grant.expired", "x"));
    let reply = send_over(address, Wire::Http11, &failing).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.header("x-served-by"), None);
    assert_eq!(reply.header("retry-after"), Some("17"));
}

/// A router whose handler notes the request id.
fn noting_ids(log: &Log) -> TriggerRouter {
    let log = log.clone();
    TriggerRouter::new().on("message.created", move |n: Notification| {
        let id = n.extensions().get::<RequestId>();
        log.note(id.unwrap().header_value().to_str().unwrap());
        async {}
    })
}

async fn request_id_outside() {
    let layers = || {
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
    };
    holds(outside!(layers())).await;

    let (it, log) = (Parts::known(), Log::default());
    let address = serve_hyper(layers().service(it.webhook.layer(noting_ids(&log)))).await;
    let reply = send_over(address, Wire::Http11, &created("x")).await;
    assert_eq!(log.take(), [reply.header("x-request-id").unwrap()]);
    for ask in [Ask::challenge("challenge=x"), Ask::new(Method::POST, PATH)] {
        let reply = send_over(address, Wire::Http11, &ask).await;
        assert!(reply.header("x-request-id").is_some(), "{reply:?}");
    }
}

async fn request_id_inside() {
    let layers = || {
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
    };
    holds(inside!(layers())).await;

    let (it, log) = (Parts::known(), Log::default());
    let address = serve_hyper(it.webhook.layer(layers().service(noting_ids(&log)))).await;
    let reply = send_over(address, Wire::Http11, &created("x")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("x-request-id"), None);
    assert_eq!(log.take().len(), 1);
}

async fn concurrency_limit_outside() {
    holds(outside!(ConcurrencyLimitLayer::new(1))).await;

    let (it, busy) = (Parts::known(), Busy::default());
    let stack = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(it.webhook)
        .service(busy.triggers());
    let address = serve_hyper(stack).await;
    let first = busy.occupy(address).await;
    let reply = waits(address, Ask::challenge("challenge=x"), busy.release(first)).await;
    assert_exact(&reply, b"x", "late");
}

async fn concurrency_limit_inside() {
    holds(inside!(ConcurrencyLimitLayer::new(1))).await;

    let (it, busy) = (Parts::known(), Busy::default());
    let stack = ServiceBuilder::new()
        .layer(it.webhook)
        .concurrency_limit(1)
        .service(busy.triggers());
    let address = serve_hyper(stack).await;
    let first = busy.occupy(address).await;
    let reply = send_over(address, Wire::Http11, &Ask::challenge("challenge=x")).await;
    assert_exact(&reply, b"x", "at once");
    let forged = Ask::new(Method::POST, PATH);
    assert_eq!(status(address, &forged).await, StatusCode::UNAUTHORIZED);
    let second = waits(address, created("second"), async {
        busy.go_on.notify_one();
        assert_eq!(first.await.unwrap().status, StatusCode::OK);
        busy.started.notified().await;
        busy.go_on.notify_one();
    });
    assert_eq!(second.await.status, StatusCode::OK);

    // The one that waits has no more time than a handler.
    let (it, busy) = (Parts::known(), Busy::default());
    let (short, long) = (it.webhook.clone().handler_timeout(A_WHILE), it.webhook);
    let limited = ConcurrencyLimitLayer::new(1).layer(busy.triggers());
    let first = busy
        .occupy(serve_hyper(long.layer(limited.clone())).await)
        .await;
    let address = serve_hyper(short.layer(limited)).await;
    assert_eq!(
        status(address, &created("second")).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    busy.release(first).await;
}

/// As long as a test at the longest, so that a rate of one is used up after one.
const NEVER_AGAIN: Duration = Duration::from_secs(3600);

async fn rate_limit_outside() {
    let layers = |number, per| {
        ServiceBuilder::new()
            .layer(BufferLayer::new(8))
            .rate_limit(number, per)
    };
    holds(outside_failing!(layers(1000, Duration::from_secs(1)))).await;

    let it = Parts::known();
    let stack = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(layers(1, NEVER_AGAIN))
        .layer(it.webhook)
        .service(it.triggers);
    let address = serve_axum(Router::new().route_service(PATH, stack)).await;
    let forged = Ask::new(Method::POST, PATH);
    assert_eq!(status(address, &forged).await, StatusCode::UNAUTHORIZED);
    let challenge = Ask::challenge("challenge=x");
    let late = timeout(A_WHILE, status(address, &challenge)).await;
    assert!(late.is_err(), "the challenge did not wait");
}

async fn rate_limit_inside() {
    let layers = |number, per| {
        ServiceBuilder::new()
            .layer(BufferLayer::new(8))
            .rate_limit(number, per)
    };
    holds(inside!(layers(1000, Duration::from_secs(1)))).await;

    let it = Parts::known();
    let (short, long) = (it.webhook.clone().handler_timeout(A_WHILE), it.webhook);
    let inner = layers(1, NEVER_AGAIN).service(it.triggers);
    let first = serve_hyper(long.layer(inner.clone())).await;
    let second = serve_hyper(short.layer(inner)).await;
    let forged = Ask::new(Method::POST, PATH);
    assert_eq!(status(first, &forged).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(first, &created("first")).await, StatusCode::OK);
    assert_eq!(
        status(second, &created("second")).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let reply = send_over(first, Wire::Http11, &Ask::challenge("challenge=x")).await;
    assert_exact(&reply, b"x", "the rate is used up");
    assert_eq!(it.handled.take(), ["first"]);
}

async fn load_shed_outside() {
    let layers = || {
        ServiceBuilder::new()
            .layer(LoadShedLayer::new())
            .concurrency_limit(1)
    };
    holds(outside_failing!(layers())).await;

    let (it, busy) = (Parts::known(), Busy::default());
    let stack = layers().service(it.webhook.layer(busy.triggers()));
    let by_axum = HandleErrorLayer::new(overloaded).layer(stack.clone());
    let by_axum = serve_axum(Router::new().route_service(PATH, by_axum)).await;
    let by_hyper = serve_hyper(stack).await;
    let first = busy.occupy(by_axum).await;
    let challenge = Ask::challenge("challenge=x");
    assert_eq!(
        status(by_axum, &challenge).await,
        StatusCode::SERVICE_UNAVAILABLE
    );

    let mut stream = TcpStream::connect(by_hyper).await.unwrap();
    let request = format!("GET {PATH}?challenge=x HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.is_empty(), "{:?}", String::from_utf8_lossy(&answer));
    busy.release(first).await;
}

async fn load_shed_inside() {
    let layers = || {
        ServiceBuilder::new()
            .layer(LoadShedLayer::new())
            .concurrency_limit(1)
    };
    holds(inside!(layers())).await;

    let (it, busy) = (Parts::known(), Busy::default());
    let address = serve_hyper(it.webhook.layer(layers().service(busy.triggers()))).await;
    let first = busy.occupy(address).await;
    let reply = send_over(address, Wire::Http11, &Ask::challenge("challenge=x")).await;
    assert_exact(&reply, b"x", "shed nothing");
    it.reports.take();
    assert_eq!(
        status(address, &created("second")).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        it.reports.take(),
        [
            "notification message.created second answered 503, to be sent again: its handler failed: service overloaded"
        ]
    );
    busy.release(first).await;
}

async fn buffer_outside() {
    holds(outside_failing!(BufferLayer::new(1))).await;

    // However many are busy, a buffer of one has room for the next.
    let (it, busy) = (Parts::known(), Busy::default());
    let stack = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(BufferLayer::new(1))
        .layer(it.webhook)
        .service(busy.triggers());
    let address = serve_axum(Router::new().route_service(PATH, stack)).await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(busy.occupy(address).await);
    }
    let reply = send_over(address, Wire::Http11, &Ask::challenge("challenge=x")).await;
    assert_exact(&reply, b"x", "at once");
    for one in sent {
        busy.go_on.notify_one();
        assert_eq!(one.await.unwrap().status, StatusCode::OK);
    }
}

async fn buffer_inside() {
    holds(inside!(BufferLayer::new(1))).await;

    // A service that can no longer be called: the buffer passes its error on to everybody.
    let it = Parts::known();
    let broken = Broken;
    let address = serve_hyper(it.webhook.layer(BufferLayer::new(1).layer(broken))).await;
    for _ in 0..2 {
        assert_eq!(
            status(address, &created("x")).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
    let reports = it.reports.take();
    assert!(
        reports.iter().all(|line| line.contains("on purpose")),
        "{reports:?}"
    );

    // Behind it, one notification waits for another.
    let (it, busy) = (Parts::known(), Busy::default());
    let (short, long) = (it.webhook.clone().handler_timeout(A_WHILE), it.webhook);
    let inner = ServiceBuilder::new()
        .layer(BufferLayer::new(1))
        .concurrency_limit(1)
        .service(busy.triggers());
    let first = busy
        .occupy(serve_hyper(long.layer(inner.clone())).await)
        .await;
    let address = serve_hyper(short.layer(inner)).await;
    assert_eq!(
        status(address, &created("second")).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    busy.release(first).await;
}

/// Never gets ready.
struct Broken;

impl Service<Request<VerifiedBody>> for Broken {
    type Response = Response<Empty<Bytes>>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Err("on purpose".into()))
    }

    fn call(&mut self, _: Request<VerifiedBody>) -> Self::Future {
        unreachable!("it is never ready")
    }
}

/// Everything that has a place outside, in one order and in the other, and inside as well.
///
/// (tower-http's timeout needs a body with a default, which its trace has not, so these two stand
/// on either side of catch panic.)
#[tokio::test]
async fn all_at_once() {
    let log = Log::default();
    let forward = async |it: Parts| {
        let inner = ServiceBuilder::new()
            .layer(BufferLayer::new(8))
            .rate_limit(1000, Duration::from_secs(1))
            .load_shed()
            .concurrency_limit(64)
            .layer(CompressionLayer::new())
            .layer(traced!(log))
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                PATIENCE,
            ))
            .layer(NormalizePathLayer::trim_trailing_slash())
            .layer(sensitive())
            .layer(served_by())
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .service(it.triggers);
        let outer = ServiceBuilder::new()
            .layer(CompressionLayer::new())
            .layer(
                RequestDecompressionLayer::new()
                    .gzip(false)
                    .pass_through_unaccepted(true),
            )
            .layer(RequestBodyLimitLayer::new(8 << 20))
            .layer(traced!(log))
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                PATIENCE,
            ))
            .layer(NormalizePathLayer::trim_trailing_slash())
            .layer(sensitive())
            .layer(served_by())
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .concurrency_limit(64)
            .layer(it.webhook)
            .service(inner);
        let failing = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .layer(BufferLayer::new(8))
            .rate_limit(1000, Duration::from_secs(1))
            .load_shed()
            .service(outer.clone());
        vec![
            serve_hyper(outer).await,
            serve_axum(Router::new().route_service(PATH, failing)).await,
        ]
    };
    holds(forward).await;
}

#[tokio::test]
async fn all_at_once_in_the_other_order() {
    let log = Log::default();
    let backward = async |it: Parts| {
        let inner = ServiceBuilder::new()
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(served_by())
            .layer(sensitive())
            .layer(NormalizePathLayer::trim_trailing_slash())
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                PATIENCE,
            ))
            .layer(CatchPanicLayer::new())
            .layer(traced!(log))
            .layer(CompressionLayer::new())
            .concurrency_limit(64)
            .load_shed()
            .layer(BufferLayer::new(8))
            .rate_limit(1000, Duration::from_secs(1))
            .service(it.triggers);
        let outer = ServiceBuilder::new()
            .concurrency_limit(64)
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(served_by())
            .layer(sensitive())
            .layer(NormalizePathLayer::trim_trailing_slash())
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                PATIENCE,
            ))
            .layer(CatchPanicLayer::new())
            .layer(traced!(log))
            .layer(RequestBodyLimitLayer::new(8 << 20))
            .layer(
                RequestDecompressionLayer::new()
                    .gzip(false)
                    .pass_through_unaccepted(true),
            )
            .layer(CompressionLayer::new())
            .layer(it.webhook)
            .service(inner);
        let failing = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .load_shed()
            .layer(BufferLayer::new(8))
            .rate_limit(1000, Duration::from_secs(1))
            .service(outer.clone());
        vec![
            serve_hyper(outer).await,
            serve_axum(Router::new().route_service(PATH, failing)).await,
        ]
    };
    holds(backward).await;
}

/// What the operator is told of a mismatch.
#[derive(Clone, Default)]
struct Hints(Arc<Mutex<Vec<Option<MismatchHint>>>>);

impl Hints {
    fn endpoint(&self) -> tower_nylas::webhook::Webhook<TriggerRouter> {
        let hints = self.0.clone();
        WebhookLayer::new(proven())
            .observe(move |report: Report<'_>| match report.resolution() {
                Resolution::Rejected(Rejection::SignatureMismatch(hint)) => {
                    hints.lock().unwrap().push(*hint);
                }
                _ => panic!("{report}"),
            })
            .layer(TriggerRouter::new())
    }

    async fn of(&self, address: SocketAddr, wire: Wire, ask: &Ask) -> Option<MismatchHint> {
        let reply = send_over(address, wire, ask).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        // Nothing of it is for the sender.
        assert_eq!(reply.text(), "signature not accepted");
        let mut hints = self.0.lock().unwrap();
        assert_eq!(hints.len(), 1);
        hints.pop().unwrap()
    }
}

/// Proxies that change the bytes: what arrives is no longer what was signed.
#[tokio::test]
async fn the_reason_names_a_proxy_that_changed_the_bytes() {
    let plain = notification("message.created", "x");
    let signed = Ask::compressed(&plain);
    let hints = Hints::default();
    let address = serve_hyper(hints.endpoint()).await;
    for wire in Wire::ALL {
        // It inflated the body, put the new length into the head, and left the rest there.
        let mut inflated = signed.clone();
        inflated.body.clone_from(&plain);
        let hint = hints.of(address, wire, &inflated).await;
        assert_eq!(hint, Some(MismatchHint::Inflated), "{wire:?}");
        assert!(
            Rejection::SignatureMismatch(hint)
                .to_string()
                .contains("a proxy")
        );

        // It packed the body again, and did not say so.
        let mut repacked = Ask::delivery(plain.clone());
        repacked.body = gzip(&[&plain[..], b" "].concat());
        let hint = hints.of(address, wire, &repacked).await;
        assert_eq!(hint, Some(MismatchHint::EncodingLost), "{wire:?}");
        assert!(
            Rejection::SignatureMismatch(hint)
                .to_string()
                .contains("a layer or a proxy")
        );

        // It inflated the body and made everything fit: not to be told from a forgery.
        let mut fitting = inflated.clone();
        fitting
            .headers
            .retain(|(name, _)| *name != "content-encoding");
        assert_eq!(hints.of(address, wire, &fitting).await, None, "{wire:?}");
    }
}

/// Layers of the application's own that change the bytes and leave the head.
#[tokio::test]
async fn the_reason_names_a_layer_that_changed_the_bytes() {
    let hints = Hints::default();
    let stack = ServiceBuilder::new()
        .map_request(|request: Request<hyper::body::Incoming>| {
            request.map(|_| Full::new(Bytes::from_static(b"{}")))
        })
        .service(hints.endpoint());
    let address = serve_hyper(stack).await;
    let ask = created("x");
    for wire in [Wire::Http10, Wire::Http11] {
        let declared = ask.body.len() as u64;
        let hint = hints.of(address, wire, &ask).await;
        let length = MismatchHint::LengthChanged {
            declared,
            received: 2,
        };
        assert_eq!(hint, Some(length), "{wire:?}");
        let text = Rejection::SignatureMismatch(hint).to_string();
        assert!(text.contains("a layer or a proxy"), "{text}");
    }
}

/// The reason is in the response's extensions, for layers outside, also behind other layers.
#[tokio::test]
async fn outer_layers_find_the_reason() {
    let (it, log) = (Parts::known(), Log::default());
    let seen = log.clone();
    let stack = ServiceBuilder::new()
        .map_response(move |response: Response<_>| {
            seen.note(
                response
                    .extensions()
                    .get::<Rejection>()
                    .unwrap()
                    .to_string(),
            );
            response
        })
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            PATIENCE,
        ))
        .layer(CatchPanicLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(it.webhook)
        .service(it.triggers);
    let address = serve_hyper(stack).await;
    let compressed = Ask::compressed(&notification("message.created", "x"));
    assert_eq!(status(address, &compressed).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(address, &Ask::new(Method::PUT, PATH)).await,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let lines = log.take();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("RequestDecompressionLayer"), "{lines:?}");
    assert!(lines[1].contains("neither a notification"), "{lines:?}");
}
