//! HTTP/1: one request at a time on each connection.

use tower_nylas_kit::{
    delivery::{PATH, delivery, notification, sign},
    wire::{Connection, head},
};

use super::server::{Drain, Framework, Server};

/// Sends the head of a delivery, and returns once the server waits for its body.
async fn begin(connection: &mut Connection, body: &[u8]) {
    let (length, signature) = (body.len().to_string(), sign(body).to_hex());
    let headers = [
        ("content-length", &*length),
        ("x-nylas-signature", &*signature),
        ("expect", "100-continue"),
    ];
    connection
        .write(head("POST", PATH, &headers).as_bytes())
        .await;
    assert_eq!(connection.read(false).await.status, 100);
}

#[tokio::test]
async fn a_request_in_the_middle_of_its_body_is_finished() {
    for framework in Framework::ALL {
        let mut server = Server::start(framework);
        let mut connection = server.connect().await;
        let body = notification("event.created", "n-1");
        let (first, rest) = body.split_at(body.len() / 2);
        begin(&mut connection, &body).await;
        connection.write(first).await;

        server.shut_down().await;
        assert!(server.handlers.log().begun.is_empty(), "{framework:?}");
        connection.write(rest).await;
        assert_eq!(connection.read(false).await.status, 200, "{framework:?}");
        assert_eq!(server.handlers.log().finished, ["n-1"], "{framework:?}");
        assert!(connection.is_closed_by_server().await, "{framework:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}

#[tokio::test]
async fn a_request_in_its_handler_is_finished() {
    for framework in Framework::ALL {
        let mut server = Server::start(framework);
        let mut connection = server.connect().await;
        let body = notification("message.created", "n-1");
        connection.write(&delivery(&body)).await;
        server.handlers.until(|log| log.begun == ["n-1"]).await;

        server.shut_down().await;
        assert!(server.handlers.log().finished.is_empty(), "{framework:?}");
        server.handlers.open_the_gate();
        assert_eq!(connection.read(false).await.status, 200, "{framework:?}");
        assert_eq!(server.handlers.log().finished, ["n-1"], "{framework:?}");
        assert!(connection.is_closed_by_server().await, "{framework:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}

/// Nylas keeps connections open between notifications. Their next request finds no server.
#[tokio::test]
async fn idle_connections_are_closed() {
    for framework in Framework::ALL {
        let mut server = Server::start(framework);
        let mut used = server.connect().await;
        let body = notification("event.created", "n-1");
        used.write(&delivery(&body)).await;
        assert_eq!(used.read(false).await.status, 200, "{framework:?}");
        let mut fresh = server.connect().await;

        server.shut_down().await;
        assert!(used.is_closed_by_server().await, "{framework:?}");
        assert!(fresh.is_closed_by_server().await, "{framework:?}");
        used.write(&delivery(&notification("event.created", "n-2")))
            .await;
        assert!(used.read_or_end().await.is_none(), "{framework:?}");
        let log = server.handlers.log();
        assert_eq!(log.finished, ["n-1"], "{framework:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}

/// The listener goes first, not last: a server that still drains takes nothing new.
#[tokio::test]
async fn a_connection_after_the_signal_is_refused() {
    for framework in Framework::ALL {
        let mut server = Server::start(framework);
        let mut connection = server.connect().await;
        let body = notification("message.created", "n-1");
        connection.write(&delivery(&body)).await;
        server.handlers.until(|log| log.begun == ["n-1"]).await;
        server.shut_down().await;

        let late = tokio::net::TcpStream::connect(server.address).await;
        assert!(late.is_err(), "{framework:?}");
        assert!(server.handlers.log().finished.is_empty(), "{framework:?}");
        server.handlers.open_the_gate();
        assert_eq!(connection.read(false).await.status, 200, "{framework:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}

/// Whether a request that was sent behind another is still read is up to the server. If it is
/// answered, then by its handler.
#[tokio::test]
async fn a_pipelined_request_is_answered_by_its_handler_or_not_at_all() {
    for framework in Framework::ALL {
        let mut server = Server::start(framework);
        let mut connection = server.connect().await;
        let mut both = delivery(&notification("message.created", "n-1"));
        both.extend(delivery(&notification("event.created", "n-2")));
        connection.write(&both).await;
        server.handlers.until(|log| log.begun == ["n-1"]).await;

        server.shut_down().await;
        server.handlers.open_the_gate();
        let mut answered = 0;
        while let Some(answer) = connection.read_or_end().await {
            assert_eq!(answer.status, 200, "{framework:?}");
            answered += 1;
        }
        let log = server.handlers.log();
        assert!(answered >= 1, "{framework:?}: {log:?}");
        assert_eq!(log.finished.len(), answered, "{framework:?}: {log:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}
