//! How long a drain lasts: no longer than the deadlines of the layer, if the peers play along, and
//! no longer than its own in any case.

use std::time::Duration;

use tower_nylas::WebhookLayer;
use tower_nylas_kit::{
    delivery::{PATH, delivery, notification, sign},
    wire::head,
};

use super::server::{Drain, Framework, Server};

const SOON: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_body_that_never_ends_is_given_up_by_the_layer() {
    for framework in Framework::ALL {
        let soon = |layer: WebhookLayer| layer.read_timeout(SOON);
        let mut server = Server::start_with(framework, soon, WebhookLayer::NYLAS_TIMEOUT);
        let mut connection = server.connect().await;
        let whole = delivery(&notification("event.created", "n-1"));
        connection.write(&whole[..whole.len() - 1]).await;
        server.handlers.until(|log| log.arrived == 1).await;

        server.shut_down().await;
        assert_eq!(connection.read(false).await.status, 408, "{framework:?}");
        drop(connection);
        assert!(server.handlers.log().begun.is_empty(), "{framework:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}

#[tokio::test]
async fn a_handler_that_never_ends_is_given_up_by_the_layer() {
    for framework in Framework::ALL {
        let soon = |layer: WebhookLayer| layer.handler_timeout(SOON);
        let mut server = Server::start_with(framework, soon, WebhookLayer::NYLAS_TIMEOUT);
        let mut connection = server.connect().await;
        let body = notification("message.created", "n-1");
        connection.write(&delivery(&body)).await;
        server.handlers.until(|log| log.begun == ["n-1"]).await;

        server.shut_down().await;
        assert_eq!(connection.read(false).await.status, 503, "{framework:?}");
        assert_eq!(server.handlers.log().dropped, ["n-1"], "{framework:?}");
        assert_eq!(server.end().await, Drain::Complete, "{framework:?}");
    }
}

/// What is under way when the runtime ends is dropped, and nobody reads a `200` for it. A head that
/// never ends would hold the drain for ever: it is not the layer's, and axum sets it no deadline.
#[tokio::test]
async fn a_drain_that_is_cut_off_answers_nothing() {
    for framework in Framework::ALL {
        let mut server = Server::start_with(framework, |layer| layer, SOON);
        let mut in_its_handler = server.connect().await;
        let body = notification("message.created", "n-1");
        in_its_handler.write(&delivery(&body)).await;
        server.handlers.until(|log| log.begun == ["n-1"]).await;
        let mut in_its_body = server.connect().await;
        let whole = delivery(&notification("event.created", "n-2"));
        in_its_body.write(&whole[..whole.len() - 1]).await;
        server.handlers.until(|log| log.arrived == 2).await;
        let mut in_its_head = server.connect().await;
        let signature = sign(&body).to_hex();
        let head = head("POST", PATH, &[("x-nylas-signature", &signature)]);
        in_its_head.write(&head.as_bytes()[..head.len() - 2]).await;

        server.shut_down().await;
        let handlers = server.handlers.clone();
        assert_eq!(server.end().await, Drain::CutOff, "{framework:?}");
        for connection in [&mut in_its_handler, &mut in_its_body, &mut in_its_head] {
            assert!(connection.read_or_end().await.is_none(), "{framework:?}");
        }
        let log = handlers.log();
        assert_eq!(log.dropped, ["n-1"], "{framework:?}");
        assert!(log.finished.is_empty(), "{framework:?}: {log:?}");
    }
}
