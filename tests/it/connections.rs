//! What becomes of a connection on which a body was left unread.
//!
//! The server has to close it: what is left of the body cannot be told from the next request. A
//! client that is not told so sends that next request, which may be a genuine notification, on a
//! connection that is about to die. `tests/proxies/` plays the same against real proxies.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version, header};
use http_body::Frame;
use http_body_util::{
    BodyExt, Empty,
    channel::{Channel, Sender},
};
use hyper::client::conn::http2::SendRequest;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, sleep, timeout},
};
use tower::service_fn;
use tower_nylas::{
    ChallengeLayer, MemoryBudget, SecretSource, Secrets, TriggerRouter, VerifySignatureLayer,
    WebhookLayer, testing::VirtualClock,
};
use tower_nylas_kit::{
    delivery::{PATH, delivery, notification, proven, sign},
    pool::{self, Connector},
    proxy,
    serve::{listen, serve_hyper},
    traffic::{Traffic, serve_endpoint},
    wire::{Answer, Connection, PATIENCE, Wire, http2},
};

const LIMIT: usize = 1_000;

/// One of the layers alone, and what it refuses.
struct Stage {
    name: &'static str,
    clock: VirtualClock,
    address: SocketAddr,
    /// Where bodies that have to wait find no room.
    full: SocketAddr,
    unread: Vec<Case>,
    read: Vec<Case>,
}

/// A request, how much of its body is sent, and the answer.
#[derive(Debug, Clone)]
struct Case {
    method: Method,
    target: String,
    signature: Option<String>,
    framing: Framing,
    /// Of the body.
    sent: Bytes,
    moment: Moment,
    status: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    /// Over HTTP/1.1 only: chunks, and then something else.
    Broken,
    /// The length, and a client that waits to be asked for the body.
    Expecting(usize),
}

/// What has to happen until there is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    AtOnce,
    /// Bodies that wait find no room.
    WithoutRoom,
    /// The read deadline passes.
    Late,
}

impl Case {
    fn new(method: Method, target: impl Into<String>, status: u16) -> Self {
        Self {
            method,
            target: target.into(),
            signature: None,
            framing: Framing::Nothing,
            sent: Bytes::new(),
            moment: Moment::AtOnce,
            status,
        }
    }

    fn post(target: &str, status: u16) -> Self {
        Self::new(Method::POST, target, status)
    }

    /// With the signature of this body.
    fn signed(self, body: &[u8]) -> Self {
        self.signed_as(&sign(body).to_hex())
    }

    fn signed_as(mut self, signature: &str) -> Self {
        self.signature = Some(signature.to_owned());
        self
    }

    fn body(mut self, framing: Framing, sent: impl Into<Vec<u8>>) -> Self {
        self.framing = framing;
        self.sent = Bytes::from(sent.into());
        self
    }

    fn when(mut self, moment: Moment) -> Self {
        self.moment = moment;
        self
    }

    /// The same with a body that is not needed for the answer, sent or not.
    fn with_unwanted_bodies(self) -> impl Iterator<Item = Self> {
        [
            (Framing::Length(100), 0),
            (Framing::Length(100), 60),
            (Framing::Length(100), 100),
            (Framing::Expecting(100), 0),
            (Framing::Chunked, 0),
            (Framing::Chunked, 60),
        ]
        .map(move |(framing, sent)| self.clone().body(framing, vec![b'x'; sent]))
        .into_iter()
    }

    fn without_body(self) -> [Self; 2] {
        [self.clone(), self.body(Framing::Length(0), Vec::new())]
    }

    /// Chunks are known to HTTP/1.1 only, and to HTTP/2 there is no such thing as a broken one.
    fn exists_over(&self, wire: Wire) -> bool {
        match self.framing {
            Framing::Nothing | Framing::Length(_) => true,
            Framing::Chunked => wire != Wire::Http10,
            Framing::Broken | Framing::Expecting(_) => wire == Wire::Http11,
        }
    }

    fn address(&self, stage: &Stage) -> SocketAddr {
        match self.moment {
            Moment::WithoutRoom => stage.full,
            Moment::AtOnce | Moment::Late => stage.address,
        }
    }

    fn length(&self) -> Option<usize> {
        match self.framing {
            Framing::Length(length) | Framing::Expecting(length) => Some(length),
            Framing::Nothing | Framing::Chunked | Framing::Broken => None,
        }
    }

    /// As far as it is sent. Chunks end only if the body is read.
    fn http1(&self, wire: Wire, is_whole: bool) -> Vec<u8> {
        let mut request = match wire {
            Wire::Http10 => format!("{} {} HTTP/1.0\r\n", self.method, self.target),
            _ => format!("{} {} HTTP/1.1\r\n", self.method, self.target),
        };
        let mut header = |name, value: &str| {
            request += &[name, ": ", value, "\r\n"].concat();
        };
        header("host", "localhost");
        if wire == Wire::Http10 {
            header("connection", "keep-alive");
        }
        if let Some(signature) = &self.signature {
            header("x-nylas-signature", signature);
        }
        if let Some(length) = self.length() {
            header("content-length", &length.to_string());
        }
        if let Framing::Expecting(_) = self.framing {
            header("expect", "100-continue");
        }
        let is_chunked = matches!(self.framing, Framing::Chunked | Framing::Broken);
        if is_chunked {
            header("transfer-encoding", "chunked");
        }
        let mut request = (request + "\r\n").into_bytes();
        if is_chunked && !self.sent.is_empty() {
            request.extend(format!("{:x}\r\n", self.sent.len()).bytes());
            request.extend(&self.sent);
            request.extend(b"\r\n");
        } else {
            request.extend(&self.sent);
        }
        match self.framing {
            Framing::Broken => request.extend(b"no size\r\n"),
            Framing::Chunked if is_whole => request.extend(b"0\r\n\r\n"),
            _ => {}
        }
        request
    }

    /// On a new connection of HTTP/1.
    async fn ask(&self, stage: &Stage, wire: Wire, is_whole: bool) -> (Connection, Answer) {
        let mut connection = Connection::open(self.address(stage)).await;
        connection.write(&self.http1(wire, is_whole)).await;
        self.let_time_pass(stage).await;
        let answer = connection.read(self.method == Method::HEAD).await;
        assert_eq!(answer.status, self.status, "{} {self:?}", stage.name);
        (connection, answer)
    }

    async fn let_time_pass(&self, stage: &Stage) {
        if self.moment == Moment::Late {
            stage.clock.wait_for_sleeper().await;
            stage.clock.advance(VerifySignatureLayer::READ_TIMEOUT);
        }
    }
}

/// Those who have no secrets, by the end of the path.
fn source() -> SecretSource {
    let (known, pending) = (proven(), Secrets::pending());
    SecretSource::lookup(move |request| match request.uri.path() {
        PATH => Ok(Some(known.clone())),
        path if path.ends_with("/pending") => Ok(Some(pending.clone())),
        path if path.ends_with("/failing") => Err("the database is away".into()),
        _ => Ok(None),
    })
}

/// Reads the body and is content with it.
async fn accept<B: http_body::Body>(
    request: Request<B>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let is_whole = request.into_body().collect().await.is_ok();
    let mut response = Response::default();
    if !is_whole {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    Ok(response)
}

async fn challenge() -> Stage {
    let service = ChallengeLayer::new().layer(service_fn(accept));
    let address = serve_hyper(service).await;
    Stage {
        name: "challenge",
        clock: VirtualClock::new(),
        address,
        full: address,
        unread: challenges().flat_map(Case::with_unwanted_bodies).collect(),
        read: challenges().flat_map(Case::without_body).collect(),
    }
}

fn challenges() -> impl Iterator<Item = Case> {
    let echoed = format!("{PATH}?challenge=abc");
    let too_long = "a".repeat(ChallengeLayer::MAX_LENGTH + 1);
    let too_long = format!("{PATH}?challenge={too_long}");
    [
        Case::new(Method::GET, &echoed, 200),
        Case::new(Method::HEAD, &echoed, 200),
        Case::new(Method::GET, &too_long, 400),
        Case::new(Method::HEAD, &too_long, 400),
    ]
    .into_iter()
}

async fn verify() -> Stage {
    let clock = VirtualClock::new();
    let layer = VerifySignatureLayer::with_timer(source(), clock.clone()).max_body_size(LIMIT);
    let without_room = layer.clone().memory_budget(MemoryBudget::new(0));
    Stage {
        name: "verify",
        clock,
        address: serve_hyper(layer.layer(service_fn(accept))).await,
        full: serve_hyper(without_room.layer(service_fn(accept))).await,
        unread: unverified(),
        read: verified(),
    }
}

/// Refused by the head alone.
fn unclaimed() -> impl Iterator<Item = Case> {
    let tenant = |name, status| Case::post(&format!("{PATH}/{name}"), status).signed(b"");
    [
        Case::post(PATH, 401),
        Case::post(PATH, 401).signed_as("no signature"),
        tenant("nobody", 401),
        tenant("failing", 503),
        tenant("pending", 503),
    ]
    .into_iter()
}

/// Refused by the verification with something of the body left.
fn unverified() -> Vec<Case> {
    let signed = |status| Case::post(PATH, status).signed(b"another body");
    let too_large = || signed(413);
    let reading = [
        too_large().body(Framing::Length(LIMIT + 1), []),
        too_large().body(Framing::Length(LIMIT + 1), vec![b'x'; 100]),
        too_large().body(Framing::Length(LIMIT + 1), vec![b'x'; LIMIT + 1]),
        too_large().body(Framing::Expecting(LIMIT + 1), []),
        too_large().body(Framing::Chunked, vec![b'x'; LIMIT + 1]),
        signed(408).body(Framing::Length(10), []).when(Moment::Late),
        signed(408)
            .body(Framing::Length(10), b"12345")
            .when(Moment::Late),
        signed(408)
            .body(Framing::Chunked, b"12345")
            .when(Moment::Late),
        signed(503)
            .body(Framing::Length(10), b"12345")
            .when(Moment::WithoutRoom),
        signed(503)
            .body(Framing::Chunked, b"12345")
            .when(Moment::WithoutRoom),
        signed(503).body(Framing::Broken, b"12345"),
    ];
    unclaimed()
        .flat_map(Case::with_unwanted_bodies)
        .chain(reading)
        .collect()
}

/// Answered, refused or not, with nothing of the body left.
fn verified() -> Vec<Case> {
    let genuine = notification("message.created", "n-1");
    let length = Framing::Length(genuine.len());
    let whole = [
        Case::post(PATH, 200)
            .signed(&genuine)
            .body(length, &*genuine),
        Case::post(PATH, 200)
            .signed(&genuine)
            .body(Framing::Chunked, &*genuine),
        Case::post(PATH, 401)
            .signed(b"another body")
            .body(length, &*genuine),
        Case::post(PATH, 401)
            .signed(b"another body")
            .body(Framing::Chunked, &*genuine),
    ];
    unclaimed()
        .flat_map(Case::without_body)
        .chain(whole)
        .collect()
}

async fn webhook() -> Stage {
    let clock = VirtualClock::new();
    let layer = WebhookLayer::with_timer(source(), clock.clone()).max_body_size(LIMIT);
    let without_room = layer.clone().memory_budget(MemoryBudget::new(0));
    let triggers = TriggerRouter::new()
        .on("grant.expired", async || Err::<(), _>("on purpose"))
        .fallback(async || ());
    let not_allowed = || {
        [Method::GET, Method::HEAD, Method::PUT, Method::DELETE]
            .map(|method| Case::new(method, PATH, 405))
            .into_iter()
            .chain(challenges())
    };
    let failing = notification("grant.expired", "n-2");
    let failing = Case::post(PATH, 503)
        .signed(&failing)
        .body(Framing::Length(failing.len()), &*failing);
    let unread = not_allowed().flat_map(Case::with_unwanted_bodies);
    let read = not_allowed().flat_map(Case::without_body);
    Stage {
        name: "webhook",
        clock,
        address: serve_hyper(layer.layer(triggers.clone())).await,
        full: serve_hyper(without_room.layer(triggers)).await,
        unread: unread.chain(unverified()).collect(),
        read: read.chain(verified()).chain([failing]).collect(),
    }
}

async fn stages() -> [Stage; 3] {
    [challenge().await, verify().await, webhook().await]
}

/// What is said of the connection.
fn tokens(answer: &Answer) -> Vec<String> {
    let values = answer.headers.get_all(header::CONNECTION).iter();
    let values = values.map(|value| value.to_str().unwrap().to_ascii_lowercase());
    let tokens = values.flat_map(|value| {
        value
            .split(',')
            .map(|token| token.trim().to_owned())
            .collect::<Vec<_>>()
    });
    tokens.collect()
}

fn genuine() -> Vec<u8> {
    delivery(&notification("message.created", "n-3"))
}

#[tokio::test]
async fn over_http_1_1_an_answer_to_an_unread_body_says_that_the_connection_closes() {
    for stage in &stages().await {
        for case in &stage.unread {
            let (mut connection, answer) = case.ask(stage, Wire::Http11, false).await;
            let what = format!("{} {case:?}: {}", stage.name, answer.head);
            assert_eq!(tokens(&answer), ["close"], "{what}");
            assert!(connection.is_closed_by_server().await, "{what}");
        }
    }
}

#[tokio::test]
async fn over_http_1_0_a_connection_that_was_to_be_kept_is_closed_as_well() {
    for stage in &stages().await {
        let cases = stage.unread.iter();
        for case in cases.filter(|case| case.exists_over(Wire::Http10)) {
            let (mut connection, answer) = case.ask(stage, Wire::Http10, false).await;
            let what = format!("{} {case:?}: {}", stage.name, answer.head);
            let tokens = tokens(&answer);
            let closes = tokens.iter().filter(|token| *token == "close");
            assert_eq!(closes.count(), 1, "{what}");
            assert!(connection.is_closed_by_server().await, "{what}");
        }
    }
}

#[tokio::test]
async fn a_connection_without_a_rest_of_a_body_serves_the_next_request() {
    for stage in &stages().await {
        for wire in [Wire::Http10, Wire::Http11] {
            let cases = stage.read.iter();
            for case in cases.filter(|case| case.exists_over(wire)) {
                let (mut connection, answer) = case.ask(stage, wire, true).await;
                let what = format!("{} {case:?}: {}", stage.name, answer.head);
                // Of HTTP/1.0 the server says itself that it keeps the connection.
                let expected: &[&str] = match wire {
                    Wire::Http10 => &["keep-alive"],
                    _ => &[],
                };
                assert_eq!(tokens(&answer), expected, "{what}");
                connection.write(&genuine()).await;
                let next = connection.read_or_end().await.expect(&what);
                assert_eq!(next.status, 200, "{what}");
            }
        }
    }
}

type Streams = SendRequest<Channel<Bytes>>;

/// Sends the head of a request over HTTP/2, and this much of its body.
async fn begin(
    streams: &mut Streams,
    case: &Case,
) -> (
    Sender<Bytes>,
    impl Future<Output = hyper::Result<Response<hyper::body::Incoming>>> + use<>,
) {
    let mut request = Request::builder()
        .method(&case.method)
        .uri(format!("http://localhost{}", case.target));
    if let Some(signature) = &case.signature {
        request = request.header("x-nylas-signature", signature);
    }
    if let Some(length) = case.length() {
        request = request.header(header::CONTENT_LENGTH, length);
    }
    let (mut body, receiver) = Channel::new(1);
    if !case.sent.is_empty() {
        let sent = Frame::data(case.sent.clone());
        body.try_send(sent).expect("there is room");
    }
    streams.ready().await.unwrap();
    (body, streams.send_request(request.body(receiver).unwrap()))
}

#[tokio::test]
async fn over_http_2_nothing_is_said_and_other_streams_go_on() {
    let whole = notification("message.created", "n-4");
    let (first, rest) = whole.split_at(20);
    let genuine = Case::post(PATH, 200).signed(&whole);
    for stage in &stages().await {
        let cases = stage.unread.iter();
        for case in cases.filter(|case| case.exists_over(Wire::Http2)) {
            let what = format!("{} {case:?}", stage.name);
            let (mut streams, connection) = http2::connect(case.address(stage)).await.unwrap();
            let connection = tokio::spawn(connection);

            // One that is under way meanwhile, if time and room allow.
            let framing = Framing::Length(whole.len());
            let other = match case.moment {
                Moment::AtOnce => {
                    let other = genuine.clone().body(framing, first);
                    Some(begin(&mut streams, &other).await)
                }
                Moment::Late | Moment::WithoutRoom => None,
            };
            let (body, answer) = begin(&mut streams, case).await;
            let answer = tokio::spawn(answer);
            case.let_time_pass(stage).await;
            let answer = timeout(PATIENCE, answer).await.expect(&what);
            let answer = answer.unwrap().expect(&what);
            assert_eq!(answer.status(), case.status, "{what}");
            assert_eq!(answer.version(), Version::HTTP_2);
            assert_eq!(answer.headers().get(header::CONNECTION), None, "{what}");
            drop(body);

            if let Some((mut body, answer)) = other {
                let rest = Frame::data(Bytes::copy_from_slice(rest));
                body.send(rest).await.expect(&what);
                drop(body);
                let answer = timeout(PATIENCE, answer).await.expect(&what).expect(&what);
                assert_eq!(answer.status(), 200, "{what}");
            }
            if case.moment != Moment::WithoutRoom {
                let next = genuine.clone().body(framing, &*whole);
                let (body, answer) = begin(&mut streams, &next).await;
                drop(body);
                let answer = timeout(PATIENCE, answer).await.expect(&what).expect(&what);
                assert_eq!(answer.status(), 200, "{what}");
            }
            assert!(!connection.is_finished(), "{what}");
        }
    }
}

/// How long everything is on its way in a [`line`], each piece behind the one before it.
const DELAY: Duration = Duration::from_millis(2);

/// Leads to this address over a line on which the end of a connection comes behind what was sent
/// before, and not at the same time as within one machine.
async fn line(address: SocketAddr) -> SocketAddr {
    async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            sleep(DELAY).await;
            if to.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        sleep(DELAY).await;
    }
    let (listener, here) = listen().await;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (from_client, to_client) = client.into_split();
            let server = TcpStream::connect(address).await.unwrap();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(carry(from_client, to_server));
            tokio::spawn(carry(from_server, to_client));
        }
    });
    here
}

/// How often each size of an unsigned body is sent before a genuine notification.
const ROUNDS: usize = 40;

/// Sends the body behind the head, as who passes it on does.
async fn post(
    client: &Client<Connector, Channel<Bytes>>,
    signature: Option<String>,
    body: Vec<u8>,
) -> Option<StatusCode> {
    let (mut sender, receiver) = Channel::new(1);
    // The host does not matter to the client, since it knows one server only.
    let mut request =
        Request::post(format!("http://localhost{PATH}")).header(header::CONTENT_LENGTH, body.len());
    if let Some(signature) = signature {
        request = request.header("x-nylas-signature", signature);
    }
    let response = client.request(request.body(receiver).unwrap());
    let sending = async move {
        sleep(DELAY / 2).await;
        // Whoever is refused early need not take it.
        let _ = sender.send(Frame::data(body.into())).await;
    };
    let (response, ()) = timeout(PATIENCE, async { tokio::join!(response, sending) })
        .await
        .expect("there is an answer or an error");
    let response = response.ok()?;
    let status = response.status();
    response.into_body().collect().await.ok()?;
    Some(status)
}

/// As a proxy with one connection to the server behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_pooled_connection_is_not_lost() {
    let address = line(serve_endpoint().await).await;
    let body = notification("message.created", "n-5");
    let mut lost = Vec::new();
    for size in [100, 60_000, 600_000] {
        let client = pool::client(address, 1);
        let (mut refused, mut accepted) = (0, 0);
        for _ in 0..ROUNDS {
            let unsigned = post(&client, None, vec![b'x'; size]);
            let genuine = post(&client, Some(sign(&body).to_hex()), body.clone());
            let (unsigned, genuine) = tokio::join!(unsigned, genuine);
            // Who is still sending may not see that he is refused.
            refused += usize::from(unsigned == Some(StatusCode::UNAUTHORIZED));
            accepted += usize::from(genuine == Some(StatusCode::OK));
        }
        assert!(refused > 0, "{size}");
        lost.push((size, ROUNDS - accepted));
    }
    assert_eq!(lost, [(100, 0), (60_000, 0), (600_000, 0)]);
}

const SECONDS: u32 = 4;

/// The fewer it may have, the sooner a notification follows a stranger's body.
const PROXY_CONNECTIONS: usize = 8;

async fn through_a_proxy(mode: proxy::Mode) {
    let upstream = serve_endpoint().await;
    let address = proxy::serve(upstream, PROXY_CONNECTIONS, mode).await;
    let traffic = Traffic::play(address, SECONDS).await;
    traffic.check(SECONDS).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cost_nothing_behind_a_proxy_that_streams() {
    through_a_proxy(proxy::Mode::Streaming).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cost_nothing_behind_a_proxy_that_buffers() {
    through_a_proxy(proxy::Mode::Buffering).await;
}

/// What SECURITY.md and the guide say of hyper's timeout: it runs on idle connections as well, so a
/// proxy that keeps them for longer sends its next request on one that ends.
#[tokio::test(start_paused = true)]
async fn the_timeout_for_a_head_ends_idle_connections() {
    const LIMIT: Duration = Duration::from_secs(30);
    let endpoint = WebhookLayer::new(proven()).layer(TriggerRouter::new());
    let (mut client, server) = tokio::io::duplex(1 << 16);
    tokio::spawn(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(LIMIT)
            .serve_connection(TokioIo::new(server), TowerToHyperService::new(endpoint)),
    );
    client
        .write_all(&delivery(&notification("message.created", "n-1")))
        .await
        .unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.contains("connection: close"), "{answer}");
    assert_eq!(start.elapsed(), LIMIT);
}
