//! Over real connections.

use axum::Router;
use tower_nylas::{TriggerRouter, WebhookLayer, testing::nylas::Fate};
use tower_nylas_kit::serve::serve_axum;

use super::*;

#[tokio::test]
async fn a_server_lives_with_the_simulated_nylas_as_with_the_real_one() {
    let secrets = Secrets::pending();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let attempts = seen.clone();
    let triggers =
        TriggerRouter::new().on("message.created", move |it: tower_nylas::Notification| {
            attempts.lock().unwrap().push(it.attempt());
            let is_first = it.attempt() == Some(1);
            async move { if is_first { Err("not yet") } else { Ok(()) } }
        });
    let webhooks = WebhookLayer::new(secrets.clone()).layer(triggers);
    let address = serve_axum(Router::new().route_service("/webhooks/nylas", webhooks)).await;

    // Waits of minutes take less than a second.
    let nylas = Simulator::builder().speed(6000).build();
    let url = format!("http://{address}/webhooks/nylas");
    let new = NewDestination::new(&*url, ["message.created"]);
    let created = nylas.create(&new.compressed_delivery(true)).await.unwrap();
    secrets.set(created.secret()).unwrap();
    nylas.emit("message.created");
    nylas.settled().await;
    let ledger = nylas.ledger();
    ledger.no_event_lost();
    assert_eq!(*seen.lock().unwrap(), [Some(1), Some(2)]);
    // What became of it does not leave the server's process.
    assert!(
        ledger
            .attempts()
            .iter()
            .all(|(_, it)| it.seen.outcome().is_none())
    );

    let nobody = NewDestination::new("http://127.0.0.1:1/", ["message.created"]);
    let refused = nylas.create(&nobody).await.unwrap_err();
    assert!(
        refused.to_string().contains("the connection was refused"),
        "{refused}"
    );
    let gone = NewDestination::new("http://127.0.0.1:1/", ["event.updated"]);
    let gone = nylas.put(
        "wh-1",
        "an-invented-secret",
        &gone,
        tower_nylas::testing::nylas::Status::Active,
    );
    let gone = gone.unwrap();
    nylas.emit("event.updated");
    nylas.settled().await;
    let ledger = nylas.ledger().of(&gone);
    assert_eq!(ledger.attempts().len(), 3);
    assert_eq!(ledger.with_fate(Fate::Lost).len(), 1);
}
