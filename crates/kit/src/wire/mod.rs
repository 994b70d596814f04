//! One client, over HTTP/1 and HTTP/2.
//!
//! HTTP/1 is written and read by hand over a bare connection, so that a test sees every byte of the
//! answer as it came, and may stop or pause between any two bytes of its request. HTTP/2 is left to
//! hyper.

mod answer;
mod ask;
mod connection;
pub mod http2;

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

pub use self::{
    answer::{Answer, assert_exact},
    ask::{Ask, Wire, head},
    connection::Connection,
};

/// Longer than anything in a test takes; only a hung test ever waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Sends one request of HTTP/1.1 on a connection of its own and reads the answer.
pub async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut connection = Connection::open(address).await;
    connection.write(request).await;
    connection.read(request.starts_with(b"HEAD")).await
}

/// Sends one request on a connection of its own and reads the answer.
pub async fn send_over(address: SocketAddr, wire: Wire, ask: &Ask) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    exchange(stream, wire, ask).await
}

/// The same over a connection of any kind, which ends with it.
///
/// Over HTTP/1 the body of the answer is whatever stood behind the head until the connection was
/// closed, so chunks would be seen as such.
pub async fn exchange<IO>(io: IO, wire: Wire, ask: &Ask) -> Answer
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let answer = async {
        match wire {
            Wire::Http10 | Wire::Http11 => {
                let mut connection = Connection::over(io);
                connection.write(&ask.bytes(wire)).await;
                connection.read_to_end().await
            }
            Wire::Http2 => http2::exchange(io, ask).await,
        }
    };
    timeout(PATIENCE, answer)
        .await
        .unwrap_or_else(|_| panic!("no answer over {wire:?} to {} {}", ask.method, ask.target))
}
