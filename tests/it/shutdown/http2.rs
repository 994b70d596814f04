//! HTTP/2: what was accepted on a connection is finished, and nothing new is.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Channel, Full, combinators::UnsyncBoxBody};
use hyper::client::conn::http2::SendRequest;
use tokio::{task::JoinHandle, time::timeout};

use tower_nylas_kit::{
    delivery::{PATH, notification, sign},
    wire::{PATIENCE, http2},
};

use super::server::{Drain, Framework, Server};

pub(crate) type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;
pub(crate) type Sender = SendRequest<Body>;

/// A connection, and the task that ends with it.
pub(crate) async fn connect(address: SocketAddr) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let (sender, connection) = http2::connect(address).await.unwrap();
    (sender, tokio::spawn(connection))
}

pub(crate) fn delivery(signed: &[u8], body: Body) -> Request<Body> {
    Request::post(format!("http://localhost{PATH}"))
        .header("x-nylas-signature", sign(signed).to_hex())
        .body(body)
        .unwrap()
}

pub(crate) fn whole(body: &[u8]) -> Request<Body> {
    delivery(body, Full::from(body.to_vec()).boxed_unsync())
}

/// The status, unless the connection or the stream ends first.
pub(crate) async fn send(sender: &mut Sender, request: Request<Body>) -> Option<StatusCode> {
    let answer = timeout(PATIENCE, sender.send_request(request)).await;
    let answer = answer.expect("the server answers or closes");
    answer.ok().map(|response| response.status())
}

#[tokio::test]
async fn accepted_streams_are_finished_and_new_ones_refused() {
    for framework in Framework::WITH_HTTP2 {
        let mut server = Server::start(framework);
        let (sender, connection) = connect(server.address).await;

        let body = notification("event.created", "in its body");
        let (first, rest) = body.split_at(body.len() / 2);
        let (mut frames, channel) = Channel::new(1);
        let in_its_body = delivery(&body, channel.boxed_unsync());
        let mut other = sender.clone();
        let in_its_body = tokio::spawn(async move { send(&mut other, in_its_body).await });
        frames
            .send_data(Bytes::copy_from_slice(first))
            .await
            .unwrap();
        server.handlers.until(|log| log.arrived == 1).await;

        let in_its_handler = whole(&notification("message.created", "in its handler"));
        let mut other = sender.clone();
        let in_its_handler = tokio::spawn(async move { send(&mut other, in_its_handler).await });
        server.handlers.until(|log| log.begun.len() == 1).await;

        server.shut_down().await;
        // Those that were sent before the client heard of it are accepted, and then finished.
        let mut accepted = 0;
        let mut late = sender;
        while let Some(status) = {
            let request = whole(&notification("event.created", "late"));
            send(&mut late, request).await
        } {
            assert_eq!(status, StatusCode::OK, "{framework:?}");
            accepted += 1;
            let log = server.handlers.log();
            assert_eq!(log.finished.len(), accepted, "{framework:?}: {log:?}");
        }
        assert!(!in_its_body.is_finished() && !in_its_handler.is_finished());

        frames
            .send_data(Bytes::copy_from_slice(rest))
            .await
            .unwrap();
        drop(frames);
        server.handlers.open_the_gate();
        for stream in [in_its_body, in_its_handler] {
            assert_eq!(stream.await.unwrap(), Some(StatusCode::OK), "{framework:?}");
        }
        let log = server.handlers.log();
        assert_eq!(log.finished.len(), accepted + 2, "{framework:?}: {log:?}");
        drop(late);
        connection.await.unwrap().unwrap();
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}
