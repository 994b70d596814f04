//! For the tests about mounts and about the layers around them: an application that notes what its
//! handlers saw, servers on free loopback ports, and one client for HTTP/1.0, HTTP/1.1 and HTTP/2.

#![allow(dead_code, unreachable_pub)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower::Service;
use tower_nylas::{
    BoxError, Notification, Report, Secrets, TriggerRouter, WebhookLayer, WebhookSecret,
};

pub const PATH: &str = "/webhooks/nylas";
pub const SECRET: &str = "k7-Hq_inventedSecret";
pub const UUID: &str = "bc609b38-c81f-47fb-a275-1d9bd61be968";

/// Longer than anything here takes; only a hung test ever waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn sign(body: &[u8]) -> String {
    WebhookSecret::new(SECRET).unwrap().sign(body).to_hex()
}

/// A compact notification, padded to at least `size` bytes.
pub fn notification(trigger: &str, id: &str, size: usize) -> Vec<u8> {
    let mut body = format!(
        r#"{{"specversion":"1.0","type":"{trigger}","source":"/test","id":"{id}","time":1790252200,"#
    );
    body.push_str(
        r#""webhook_delivery_attempt":1,"data":{"application_id":"a","object":{"body":""#,
    );
    while body.len() < size {
        body.push_str("some words of an invented mail, ");
    }
    body.push_str(r#""}}}"#);
    body.into_bytes()
}

/// What happened behind and in front of the verification, in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was noted since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The parts of an endpoint, for a test to put together.
#[derive(Clone)]
pub struct Parts {
    pub webhook: WebhookLayer,
    pub triggers: TriggerRouter,
    /// The ids of the notifications that reached the handler of `message.created`.
    pub handled: Log,
    /// What the operator was told.
    pub reports: Log,
}

impl Parts {
    pub fn new(secrets: Secrets) -> Self {
        let (handled, reports) = (Log::default(), Log::default());
        let (handler_log, observer_log) = (handled.clone(), reports.clone());
        Self {
            webhook: WebhookLayer::new(secrets)
                .observe(move |report: Report<'_>| observer_log.note(report.to_string())),
            triggers: TriggerRouter::new()
                .on("message.created", move |n: Notification| {
                    let log = handler_log.clone();
                    async move { log.note(n.id().unwrap_or_default()) }
                })
                .on("grant.expired", async || Err::<(), _>("on purpose"))
                .on("event.created", async || -> () { panic!("on purpose") }),
            handled,
            reports,
        }
    }

    pub fn known() -> Self {
        Self::new(Secrets::new(SECRET).unwrap())
    }

    pub fn pending() -> Self {
        Self::new(Secrets::pending())
    }
}

/// Serves an axum application.
pub async fn serve_axum(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Serves any tower service under hyper, with HTTP/1 and HTTP/2 on the same port.
pub async fn serve_hyper<S, R>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    R: Body<Error: Into<BoxError>> + Send + 'static,
    R::Data: Send,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Which protocol the client speaks. HTTP/2 is spoken by prior knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Http10,
    Http11,
    Http2,
}

impl Wire {
    pub const ALL: [Self; 3] = [Self::Http10, Self::Http11, Self::Http2];
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Over HTTP/1.1: the body as chunks, without `Content-Length`.
    pub chunked: bool,
}

impl Ask {
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
            chunked: false,
        }
    }

    pub fn challenge(query: &str) -> Self {
        Self::new(Method::GET, format!("{PATH}?{query}"))
    }

    /// A delivery as Nylas sends it.
    pub fn delivery(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut ask = Self::new(Method::POST, PATH)
            .header("content-type", "application/json")
            .header("x-nylas-signature", sign(&body));
        ask.body = body;
        ask
    }

    /// A delivery to a destination with `compressed_delivery`.
    #[cfg(feature = "gzip")]
    pub fn compressed(body: &[u8]) -> Self {
        Self::delivery(gzip(body)).header("content-encoding", "gzip")
    }

    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    fn bytes(&self, wire: Wire) -> Vec<u8> {
        let version = if wire == Wire::Http10 { "1.0" } else { "1.1" };
        let mut lines = vec![
            format!("{} {} HTTP/{version}", self.method, self.target),
            "host: localhost".to_owned(),
            "connection: close".to_owned(),
        ];
        // Only HTTP/1.1 knows chunks.
        let chunked = self.chunked && wire == Wire::Http11;
        if chunked {
            lines.push("transfer-encoding: chunked".to_owned());
        } else if self.method == Method::POST {
            lines.push(format!("content-length: {}", self.body.len()));
        }
        let headers = self.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        let head = lines.join("\r\n") + "\r\n\r\n";
        if chunked {
            let size = format!("{:x}\r\n", self.body.len());
            return [
                head.as_bytes(),
                size.as_bytes(),
                &self.body,
                b"\r\n0\r\n\r\n",
            ]
            .concat();
        }
        [head.as_bytes(), &self.body].concat()
    }
}

/// An answer. Over HTTP/1 its body is whatever stood behind the head until the connection closed,
/// so chunks would be seen as such.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header that must be there at most once.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let mut lines = std::str::from_utf8(&bytes[..end]).unwrap().split("\r\n");
        let status_line = lines.next().unwrap();
        let (version, rest) = status_line.split_once(' ').unwrap();
        let headers = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value.trim()).unwrap())
            })
            .collect();
        Self {
            status: rest[..3].parse().unwrap(),
            version: match version {
                "HTTP/1.0" => Version::HTTP_10,
                "HTTP/1.1" => Version::HTTP_11,
                other => panic!("{other}"),
            },
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }
}

/// Sends one request on a connection of its own and reads the answer.
pub async fn send(address: SocketAddr, wire: Wire, ask: &Ask) -> Reply {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    exchange(stream, wire, ask).await
}

pub async fn exchange<IO>(io: IO, wire: Wire, ask: &Ask) -> Reply
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let reply = async {
        match wire {
            Wire::Http10 | Wire::Http11 => over_http1(io, wire, ask).await,
            Wire::Http2 => over_http2(io, ask).await,
        }
    };
    timeout(PATIENCE, reply)
        .await
        .unwrap_or_else(|_| panic!("no answer over {wire:?} to {} {}", ask.method, ask.target))
}

async fn over_http1(mut io: impl AsyncRead + AsyncWrite + Unpin, wire: Wire, ask: &Ask) -> Reply {
    // A server that has answered may have stopped reading, and may then reset the connection.
    let _ = io.write_all(&ask.bytes(wire)).await;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = io.read(&mut buffer).await {
        bytes.extend_from_slice(&buffer[..read]);
    }
    Reply::parse(&bytes)
}

async fn over_http2<IO>(io: IO, ask: &Ask) -> Reply
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(&ask.method)
        .uri(format!("http://localhost{}", ask.target));
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    let body = Full::new(Bytes::from(ask.body.clone()));
    let response = client
        .send_request(request.body(body).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    Reply {
        status: head.status,
        version: head.version,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

/// A reply whose end is told by `Content-Length` alone, as Nylas wants it of a challenge.
#[track_caller]
pub fn assert_exact(reply: &Reply, body: &[u8], what: &str) {
    assert_eq!(reply.status, StatusCode::OK, "{what}: {reply:?}");
    assert_eq!(
        String::from_utf8_lossy(&reply.body),
        String::from_utf8_lossy(body),
        "{what}"
    );
    assert_eq!(reply.body, body, "{what}");
    let length = body.len().to_string();
    assert_eq!(
        reply.header("content-length"),
        Some(&*length),
        "{what}: {reply:?}"
    );
    assert_eq!(reply.header("transfer-encoding"), None, "{what}: {reply:?}");
}

#[cfg(feature = "gzip")]
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, body).unwrap();
    encoder.finish().unwrap()
}
