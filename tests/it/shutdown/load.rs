//! The signal falls among many deliveries at once, wherever each of them happens to be.

use std::net::SocketAddr;

use tokio::task::JoinSet;

use tower_nylas_kit::{
    delivery::{delivery, notification},
    wire::Connection,
};

use super::{
    http2,
    server::{Drain, Framework, Server},
};

/// How many deliveries have been handled when the signal falls.
const BEFORE: usize = 200;

/// On each connection one delivery after the other, until there is no answer.
/// Returns the ids of those that were answered.
async fn over_http1(client: usize, address: SocketAddr) -> Vec<String> {
    let mut answered = Vec::new();
    // Every other client comes with a new connection each time.
    let mut kept: Option<Connection> = None;
    for number in 0.. {
        let id = format!("{client}-{number}");
        let connection = match kept.take() {
            Some(connection) => Some(connection),
            None => Connection::try_open(address).await.ok(),
        };
        let Some(mut connection) = connection else {
            break;
        };
        let body = notification("event.created", &id);
        connection.write(&delivery(&body)).await;
        let Some(answer) = connection.read_or_end().await else {
            break;
        };
        assert_eq!(answer.status, 200);
        answered.push(id);
        if client.is_multiple_of(2) {
            kept = Some(connection);
        }
    }
    answered
}

async fn over_http2(client: usize, mut sender: http2::Sender) -> Vec<String> {
    let mut answered = Vec::new();
    for number in 0.. {
        let id = format!("{client}-{number}");
        let request = http2::whole(&notification("event.created", &id));
        let Some(status) = http2::send(&mut sender, request).await else {
            break;
        };
        assert_eq!(status, http::StatusCode::OK);
        answered.push(id);
    }
    answered
}

/// Shuts down among the deliveries of these clients.
async fn shut_down_among(clients: JoinSet<Vec<String>>, mut server: Server, what: &str) {
    server
        .handlers
        .until(|log| log.finished.len() >= BEFORE)
        .await;
    server.shut_down().await;
    let handlers = server.handlers.clone();
    assert_eq!(server.end().await, Drain::Complete, "{what}");

    let mut answered: Vec<String> = clients.join_all().await.concat();
    answered.sort();
    let mut log = handlers.log();
    log.finished.sort();
    // Each `200` has a handler that ran to its end, and each such handler its `200`.
    assert_eq!(answered, log.finished, "{what}");
    assert_eq!(log.begun.len(), log.finished.len(), "{what}");
    assert!(log.dropped.is_empty(), "{what}: {:?}", log.dropped);
}

#[tokio::test]
async fn among_many_connections() {
    for framework in Framework::ALL {
        let server = Server::start(framework);
        let mut clients = JoinSet::new();
        for client in 0..32 {
            clients.spawn(over_http1(client, server.address));
        }
        shut_down_among(clients, server, &format!("{framework:?}")).await;
    }
}

#[tokio::test]
async fn among_many_streams() {
    for framework in Framework::WITH_HTTP2 {
        let server = Server::start(framework);
        let mut clients = JoinSet::new();
        for connection in 0..4 {
            let (sender, _) = http2::connect(server.address).await;
            for stream in 0..8 {
                clients.spawn(over_http2(8 * connection + stream, sender.clone()));
            }
        }
        shut_down_among(clients, server, &format!("{framework:?}")).await;
    }
}
