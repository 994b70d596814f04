//! HTTP/1 by hand.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{Answer, PATIENCE};

/// One connection. What begins with `try_` waits as long as it takes and returns errors; the rest
/// is for tests, which fail instead.
#[derive(Debug)]
pub struct Connection<IO = TcpStream> {
    io: IO,
    /// What was read beyond the last answer.
    ahead: Vec<u8>,
    is_reusable: bool,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.expect("the server listens")
    }

    pub async fn try_open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Ends the connection by a reset, in the middle of whatever it is doing.
    pub fn reset(self) -> io::Result<()> {
        self.io.set_zero_linger()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub fn over(io: IO) -> Self {
        Self {
            io,
            ahead: Vec::new(),
            is_reusable: true,
        }
    }

    /// Whether another request may follow the last answer.
    pub fn is_reusable(&self) -> bool {
        self.is_reusable
    }

    /// Writes what the server still takes; one that has answered may have stopped reading.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = self.try_write(bytes).await;
    }

    pub async fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await
    }

    /// Reads one answer. `HEAD` has no body, whatever its headers say.
    pub async fn read(&mut self, to_head_request: bool) -> Answer {
        let answer = read_answer(&mut self.io, &mut self.ahead, to_head_request);
        let answer = timeout(PATIENCE, answer).await.expect("the server answers");
        answer.unwrap_or_else(|error| panic!("no whole answer: {error}"))
    }

    /// Reads one answer, unless the connection ends before it is there whole.
    pub async fn read_or_end(&mut self) -> Option<Answer> {
        let answer = timeout(PATIENCE, self.try_read()).await;
        match answer.expect("the server answers or closes") {
            Ok(answer) => Some(answer),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => panic!("{error}"),
            Err(_) => None,
        }
    }

    pub async fn try_read(&mut self) -> io::Result<Answer> {
        let answer = read_answer(&mut self.io, &mut self.ahead, false).await?;
        self.is_reusable = !answer.closes();
        Ok(answer)
    }

    /// Reads until the server closes the connection; what stood behind the head is the body.
    pub async fn read_to_end(mut self) -> Answer {
        while read_more(&mut self.io, &mut self.ahead).await.is_ok() {}
        let bytes = self.ahead;
        let end = end_of_head(&bytes)
            .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
        let mut answer = Answer::parse(&bytes[..end]).unwrap();
        answer.body = bytes[end..].to_vec();
        answer
    }

    /// Writes the pieces of a request with a pause behind each, and reads the answer, which may
    /// come before all is written.
    pub async fn try_exchange(&mut self, pieces: &[&[u8]], pause: Duration) -> io::Result<Answer> {
        self.is_reusable = false;
        let (mut reader, mut writer) = tokio::io::split(&mut self.io);
        let writing = async {
            for piece in pieces {
                writer.write_all(piece).await?;
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
            io::Result::Ok(())
        };
        let mut reading = std::pin::pin!(read_answer(&mut reader, &mut self.ahead, false));
        let (answer, is_whole) = tokio::select! {
            answer = &mut reading => (answer?, false),
            // If the server has stopped reading, its answer may still be there.
            written = writing => (reading.await?, written.is_ok()),
        };
        self.is_reusable = is_whole && !answer.closes();
        Ok(answer)
    }

    /// Whether the server closes the connection without another byte.
    pub async fn is_closed_by_server(&mut self) -> bool {
        let mut byte = [0];
        self.ahead.is_empty()
            && matches!(
                timeout(PATIENCE, self.io.read(&mut byte)).await,
                Ok(Ok(0) | Err(_))
            )
    }
}

async fn read_answer(
    io: &mut (impl AsyncRead + Unpin),
    ahead: &mut Vec<u8>,
    to_head_request: bool,
) -> io::Result<Answer> {
    let end = loop {
        if let Some(end) = end_of_head(ahead) {
            break end;
        }
        read_more(io, ahead).await?;
    };
    let mut answer = Answer::parse(&ahead[..end])?;
    if to_head_request {
        ahead.drain(..end);
        return Ok(answer);
    }
    let length = answer.declared_length()?;
    while ahead.len() < end + length {
        read_more(io, ahead).await?;
    }
    answer.body = ahead[end..end + length].to_vec();
    ahead.drain(..end + length);
    Ok(answer)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(at + 4)
}

async fn read_more(io: &mut (impl AsyncRead + Unpin), ahead: &mut Vec<u8>) -> io::Result<()> {
    match io.read_buf(ahead).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
