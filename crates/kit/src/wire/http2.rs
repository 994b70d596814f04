//! HTTP/2 by prior knowledge.

use std::{error::Error, io, net::SocketAddr};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{Answer, Ask};

/// What moves the bytes of a connection, for a task of its own.
pub type Connection<IO, B> = http2::Connection<TokioIo<IO>, B, TokioExecutor>;

/// Opens a connection for streams with bodies of any kind.
pub async fn connect<B>(
    address: SocketAddr,
) -> io::Result<(SendRequest<B>, Connection<TcpStream, B>)>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let opened = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    opened.map_err(io::Error::other)
}

pub(super) async fn exchange<IO>(io: IO, ask: &Ask) -> Answer
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let opened = http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await;
    let (mut client, connection) = opened.unwrap();
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
    Answer {
        head: String::new(),
        status: head.status,
        version: head.version,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}
