//! What a client asks.

use std::fmt::Write as _;

use http::Method;

use crate::delivery::{PATH, gzip, sign};

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

/// A request line of HTTP/1.1 and headers, with the empty line behind them.
pub fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    head_of("1.1", method, target, headers.iter().copied())
}

fn head_of<'a>(
    version: &str,
    method: &str,
    target: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut head = format!("{method} {target} HTTP/{version}\r\nhost: localhost\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head + "\r\n"
}

/// A request to send over any of the protocols.
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
            .header("x-nylas-signature", sign(&body).to_hex());
        ask.body = body;
        ask
    }

    /// A delivery to a destination with `compressed_delivery`.
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

    /// On a connection of its own, of HTTP/1.
    pub(super) fn bytes(&self, wire: Wire) -> Vec<u8> {
        let version = if wire == Wire::Http10 { "1.0" } else { "1.1" };
        let length = self.body.len().to_string();
        let mut headers = vec![("connection", "close")];
        // Only HTTP/1.1 knows chunks.
        let chunked = self.chunked && wire == Wire::Http11;
        if chunked {
            headers.push(("transfer-encoding", "chunked"));
        } else if self.method == Method::POST {
            headers.push(("content-length", &length));
        }
        headers.extend(self.headers.iter().map(|(name, value)| (*name, &**value)));
        let head = head_of(version, self.method.as_str(), &self.target, headers);
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
