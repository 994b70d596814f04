//! What a server answered.

use std::io;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};

/// An answer as it was on the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Over HTTP/1 everything up to the body; over HTTP/2 nothing.
    pub head: String,
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
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

    /// The head of an answer of HTTP/1, with the empty line behind it.
    pub(super) fn parse(head: &[u8]) -> io::Result<Self> {
        let head = std::str::from_utf8(head).map_err(malformed)?;
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let (version, status) = status_line.split_once(' ').ok_or_else(|| malformed(head))?;
        let version = match version {
            "HTTP/1.0" => Version::HTTP_10,
            "HTTP/1.1" => Version::HTTP_11,
            other => return Err(malformed(other)),
        };
        let status = status.get(..3).unwrap_or(status);
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(line))?;
            let name: HeaderName = name.parse().map_err(malformed)?;
            let value = HeaderValue::from_str(value.trim()).map_err(malformed)?;
            headers.append(name, value);
        }
        Ok(Self {
            status: status.parse().map_err(malformed)?,
            version,
            headers,
            body: Vec::new(),
            head: head.to_owned(),
        })
    }

    /// How long the body is, as the head says.
    pub(super) fn declared_length(&self) -> io::Result<usize> {
        if let Some(coding) = self.headers.get("transfer-encoding") {
            return Err(malformed(format!("transfer-encoding: {coding:?}")));
        }
        let Some(length) = self.headers.get("content-length") else {
            return Ok(0);
        };
        let length = length.to_str().map_err(malformed)?;
        length.parse().map_err(malformed)
    }

    /// Whether the server says that it closes the connection.
    pub(super) fn closes(&self) -> bool {
        let connection = self.headers.get("connection");
        connection.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
    }
}

/// An answer whose end is told by `Content-Length` alone, as Nylas wants it of a challenge.
#[track_caller]
pub fn assert_exact(answer: &Answer, body: &[u8], what: &str) {
    assert_eq!(answer.status, StatusCode::OK, "{what}: {answer:?}");
    assert_eq!(
        String::from_utf8_lossy(&answer.body),
        String::from_utf8_lossy(body),
        "{what}"
    );
    assert_eq!(answer.body, body, "{what}");
    let length = body.len().to_string();
    assert_eq!(
        answer.header("content-length"),
        Some(&*length),
        "{what}: {answer:?}"
    );
    assert_eq!(
        answer.header("transfer-encoding"),
        None,
        "{what}: {answer:?}"
    );
}

fn malformed(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("no answer with a length over HTTP/1: {why}"),
    )
}
