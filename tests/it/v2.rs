//! Bodies of Nylas API v2, through the same layer as everything else.

use std::sync::{Arc, Mutex};

use axum::Router;
use tower_nylas::{Notification, TriggerRouter, VerifiedBody, WebhookLayer, notification::Deltas};
use tower_nylas_kit::{
    delivery::{PATH, delivery, delivery_signed, proven, sign_with},
    serve::serve_axum,
    wire::send,
};

const CREATED: &str = include_str!("../../src/testing/samples/v2/message.created.json");
const OPENED: &str = include_str!("../../src/testing/samples/v2/message.opened.json");

fn unexpected(what: &str) {
    panic!("{what}");
}

/// One body with the deltas of both samples.
fn two_deltas() -> String {
    let read = |sample| serde_json::from_str::<serde_json::Value>(sample).unwrap();
    let (created, opened) = (read(CREATED), read(OPENED));
    serde_json::json!({"deltas": [created["deltas"][0], opened["deltas"][0]]}).to_string()
}

async fn serve_triggers(triggers: TriggerRouter) -> std::net::SocketAddr {
    // The key is the application's client secret.
    let webhooks = WebhookLayer::new(proven()).layer(triggers);
    serve_axum(Router::new().route_service(PATH, webhooks)).await
}

#[tokio::test]
async fn several_deltas_in_one_body_reach_their_handler() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let triggers = TriggerRouter::new()
        .on("message.created", async |_: Notification| {
            unexpected("no notification of v3");
        })
        .on_deltas(move |body: Deltas| {
            let names = body
                .deltas
                .iter()
                .map(|delta| format!("{:?}", delta.r#type));
            log.lock().unwrap().extend(names);
            async {}
        });
    let address = serve_triggers(triggers).await;
    assert_eq!(
        send(address, &delivery(two_deltas().as_bytes()))
            .await
            .status,
        200
    );
    let seen = seen.lock().unwrap().join(" ");
    assert!(
        seen.contains("MessageCreated") && seen.contains("MessageOpened"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_body_that_another_key_signed_is_refused() {
    let triggers = TriggerRouter::new().on_deltas(async |_: Deltas| unexpected("forged"));
    let address = serve_triggers(triggers).await;
    let forged = sign_with("another-inventedOne", CREATED.as_bytes()).to_hex();
    let answer = send(address, &delivery_signed(CREATED.as_bytes(), &forged)).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn without_a_handler_they_are_acknowledged_and_reported() {
    let report = Arc::new(Mutex::new(String::new()));
    let told = report.clone();
    let webhooks = WebhookLayer::new(proven())
        .observe(move |report| *told.lock().unwrap() = report.to_string())
        .layer(TriggerRouter::new().fallback(async |_: Notification| unexpected("no type")));
    let address = serve_axum(Router::new().route_service(PATH, webhooks)).await;
    assert_eq!(
        send(address, &delivery(CREATED.as_bytes())).await.status,
        200
    );
    let report = report.lock().unwrap();
    assert!(report.contains("Nylas API v2"), "{report}");
}

#[tokio::test]
async fn the_raw_body_is_a_handler_s_choice_as_well() {
    let triggers = TriggerRouter::new().on_deltas(async |body: VerifiedBody| {
        if body.bytes() == CREATED {
            Ok(())
        } else {
            Err("other bytes")
        }
    });
    let address = serve_triggers(triggers).await;
    assert_eq!(
        send(address, &delivery(CREATED.as_bytes())).await.status,
        200
    );
}

#[test]
#[should_panic(expected = "a handler for deltas takes `Deltas`")]
fn a_handler_of_notifications_is_refused() {
    let _ = TriggerRouter::new().on_deltas(async |_: Notification| ());
}

#[test]
#[should_panic(expected = "there are two handlers for deltas")]
fn a_second_handler_is_refused() {
    let _ = TriggerRouter::new()
        .on_deltas(async |_: Deltas| ())
        .on_deltas(async |_: Deltas| ());
}

#[test]
#[should_panic(expected = "takes no notification")]
fn deltas_are_no_notification() {
    let _ = TriggerRouter::new().on("message.created", async |_: Deltas| ());
}
