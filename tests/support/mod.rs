//! What several test files need: a server on a free loopback port, and a client that speaks HTTP/1
//! over a bare TCP connection, so that a test sees every byte of the answer as it came.

#![allow(dead_code, unreachable_pub)]

pub mod body;
pub mod endpoint;

use std::{fmt::Write as _, io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower_nylas::{Signature, WebhookSecret};

pub const PATH: &str = "/webhooks/nylas";
pub const SECRET: &str = "k7-Hq_inventedSecret";

/// Longer than anything here takes; only a hung test ever waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves the application with axum on a free loopback port until the runtime ends.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

pub fn sign(body: &[u8]) -> Signature {
    sign_with(SECRET, body)
}

pub fn sign_with(secret: &str, body: &[u8]) -> Signature {
    WebhookSecret::new(secret).unwrap().sign(body)
}

/// A request line and headers, with the empty line behind them.
pub fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head + "\r\n"
}

/// A whole signed delivery, as Nylas sends it.
pub fn delivery(body: &[u8]) -> Vec<u8> {
    delivery_signed(body, &sign(body).to_hex())
}

pub fn delivery_signed(body: &[u8], signature: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("content-length", &length),
        ("x-nylas-signature", signature),
    ];
    let mut request = head("POST", PATH, &headers).into_bytes();
    request.extend_from_slice(body);
    request
}

/// An answer as it was on the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Everything up to the body.
    pub head: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that must be there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| &**value);
        assert!(
            values.next().is_none(),
            "{name} is there twice: {}",
            self.head
        );
        value
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One connection.
pub struct Connection(TcpStream);

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.expect("the server listens")
    }

    /// Connects, unless nobody listens there.
    pub async fn try_open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self(stream))
    }

    /// Writes what the server still takes; one that has answered may have stopped reading.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Reads one answer. `HEAD` has no body, whatever its headers say.
    pub async fn read(&mut self, to_head_request: bool) -> Answer {
        let answer = self.read_answer(to_head_request);
        let answer = timeout(PATIENCE, answer).await.expect("the server answers");
        answer.unwrap_or_else(|error| panic!("no whole answer: {error}"))
    }

    /// Reads one answer, unless the connection ends before it is there whole.
    pub async fn try_read(&mut self) -> Option<Answer> {
        let answer = timeout(PATIENCE, self.read_answer(false)).await;
        answer.expect("the server answers or closes").ok()
    }

    async fn read_answer(&mut self, to_head_request: bool) -> io::Result<Answer> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            bytes.push(self.0.read_u8().await?);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap();
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            head: head.clone(),
            status,
            headers,
            body: Vec::new(),
        };
        assert_eq!(answer.header("transfer-encoding"), None, "{head}");
        if !to_head_request {
            let length = answer
                .header("content-length")
                .unwrap_or("0")
                .parse()
                .unwrap();
            answer.body.resize(length, 0);
            self.0.read_exact(&mut answer.body).await?;
        }
        Ok(answer)
    }

    /// Whether the server closes the connection without another byte.
    pub async fn is_closed_by_server(&mut self) -> bool {
        let mut byte = [0];
        matches!(
            timeout(PATIENCE, self.0.read(&mut byte)).await,
            Ok(Ok(0) | Err(_))
        )
    }
}

/// Sends one request on a connection of its own and reads the answer.
pub async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut connection = Connection::open(address).await;
    connection.write(request).await;
    connection.read(request.starts_with(b"HEAD")).await
}
