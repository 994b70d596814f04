//! HTTP/1.1 over a bare TCP connection, for what the simulated Nylas does not send.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// How a request body is put on the wire.
pub(crate) enum Sending {
    /// With its length.
    Whole(Vec<u8>),
    /// Only this length is announced; no byte follows.
    Announced(u64),
    /// In chunks of 64 KiB, without a length.
    Chunked(Vec<u8>),
    /// This much with a length one byte longer, and then nothing.
    Stalled(Vec<u8>),
}

/// The head of an answer, word for word.
pub(crate) struct Answer {
    pub(crate) head: String,
}

impl Answer {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("nothing")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }
}

pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
}

impl Wire {
    pub(crate) async fn without_body(&self, method: &str, query: &str) -> io::Result<Answer> {
        let head = format!(
            "{method} /webhooks/nylas{query} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        );
        self.exchange(head.into_bytes()).await
    }

    pub(crate) async fn post(
        &self,
        headers: &[(&str, &str)],
        sending: Sending,
    ) -> io::Result<Answer> {
        let mut request = format!(
            "POST /webhooks/nylas HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             connection: close\r\n",
            self.address
        );
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        let (framing, body) = match sending {
            Sending::Whole(body) => (format!("content-length: {}", body.len()), body),
            Sending::Announced(length) => (format!("content-length: {length}"), Vec::new()),
            Sending::Stalled(body) => (format!("content-length: {}", body.len() + 1), body),
            Sending::Chunked(body) => ("transfer-encoding: chunked".to_owned(), chunked(&body)),
        };
        request.push_str(&framing);
        request.push_str("\r\n\r\n");
        let mut request = request.into_bytes();
        request.extend_from_slice(&body);
        self.exchange(request).await
    }

    async fn exchange(&self, request: Vec<u8>) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut reader, mut writer) = stream.into_split();
        // A server that has made up its mind may stop reading, so writing may fail.
        let writing = tokio::spawn(async move {
            let _ = writer.write_all(&request).await;
            writer
        });
        let answer = timeout(PATIENCE, read_answer(&mut reader)).await;
        writing.abort();
        answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(body.len() + body.len() / 1024);
    for chunk in body.chunks(64 * 1024) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

async fn read_answer(reader: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(reader.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    Ok(Answer { head })
}
