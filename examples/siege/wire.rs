//! HTTP/1.1 over a bare TCP connection: the well-behaved and the hostile side write the same bytes,
//! only at other times.

use std::{fmt::Write as _, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::ReadHalf},
    time::sleep,
};

pub(crate) const PATH: &str = "/webhooks/nylas";

/// An answer, as far as anybody here looks at it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the connection is of no further use.
    closes: bool,
}

pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read beyond the last answer.
    ahead: Vec<u8>,
    pub(crate) is_reusable: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            ahead: Vec::new(),
            is_reusable: true,
        })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Writes the pieces of a request with a pause behind each, and reads the answer, which may
    /// come before all is written.
    pub(crate) async fn exchange(
        &mut self,
        pieces: &[&[u8]],
        pause: Duration,
    ) -> io::Result<Answer> {
        self.is_reusable = false;
        let (mut reader, mut writer) = self.stream.split();
        let writing = async {
            for piece in pieces {
                writer.write_all(piece).await?;
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
            io::Result::Ok(())
        };
        let mut reading = std::pin::pin!(read_answer(&mut reader, &mut self.ahead));
        let (answer, is_whole) = tokio::select! {
            answer = &mut reading => (answer?, false),
            // If the server has stopped reading, its answer may still be there.
            written = writing => (reading.await?, written.is_ok()),
        };
        self.is_reusable = is_whole && !answer.closes;
        Ok(answer)
    }

    pub(crate) async fn read(&mut self) -> io::Result<Answer> {
        let (mut reader, _) = self.stream.split();
        let answer = read_answer(&mut reader, &mut self.ahead).await?;
        self.is_reusable = !answer.closes;
        Ok(answer)
    }

    /// Ends the connection by a reset, in the middle of whatever it is doing.
    pub(crate) fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }
}

async fn read_answer(reader: &mut ReadHalf<'_>, ahead: &mut Vec<u8>) -> io::Result<Answer> {
    let end = loop {
        if let Some(at) = ahead.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(reader, ahead).await?;
    };
    let head = String::from_utf8_lossy(&ahead[..end]).to_ascii_lowercase();
    let malformed = || io::Error::other("no answer of HTTP/1");
    let status = head.split(' ').nth(1).ok_or_else(malformed)?;
    let status = status.parse().map_err(|_| malformed())?;
    let header = |name| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    };
    let length: usize = header("content-length")
        .map_or(Ok(0), str::parse)
        .map_err(|_| malformed())?;
    let closes = header("connection") == Some("close");
    while ahead.len() < end + length {
        read_more(reader, ahead).await?;
    }
    let body = ahead[end..end + length].to_vec();
    ahead.drain(..end + length);
    Ok(Answer {
        status,
        body,
        closes,
    })
}

async fn read_more(reader: &mut ReadHalf<'_>, ahead: &mut Vec<u8>) -> io::Result<()> {
    match reader.read_buf(ahead).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// The head of a delivery, however its body is framed.
pub(crate) fn delivery_head(framing: &str, signature: Option<&str>) -> String {
    let mut head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{framing}\r\n"
    );
    if let Some(signature) = signature {
        let _ = write!(head, "x-nylas-signature: {signature}\r\n");
    }
    head + "\r\n"
}

/// A notification of this size, or of the least size that it can have.
pub(crate) fn notification(id: &str, attempt: u32, size: usize) -> Vec<u8> {
    let mut body = format!(
        r#"{{"specversion":"1.0","type":"message.created","source":"/siege","id":"{id}","time":1790252200,"webhook_delivery_attempt":{attempt},"data":{{"application_id":"a-1","object":{{"id":"m-1","grant_id":"g-1","body":""#
    );
    let end = r#""}}}"#;
    let padding = size.saturating_sub(body.len() + end.len());
    body.extend(std::iter::repeat_n('x', padding));
    (body + end).into_bytes()
}
