//! An axum handler as most people write it: correct, and without a thought for its cost. The HMAC
//! is keyed for every request, the whole body becomes a tree.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::notification::{PATH, SECRET};

#[derive(Clone)]
struct App {
    secret: String,
}

pub(super) fn app() -> Router {
    Router::new().route(PATH, post(receive)).with_state(App {
        secret: SECRET.to_owned(),
    })
}

async fn receive(State(app): State<App>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Some(signature) = headers.get("x-nylas-signature") else {
        return StatusCode::UNAUTHORIZED;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app.secret.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    mac.update(&body);
    let expected = hex::encode(mac.finalize().into_bytes());
    if !bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
        return StatusCode::UNAUTHORIZED;
    }

    let Ok(notification) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match notification["type"].as_str() {
        Some("message.created") => handle(1, &notification["data"]),
        Some("message.updated") => handle(2, &notification["data"]),
        Some("message.send_success") => handle(3, &notification["data"]),
        Some("message.send_failed") => handle(4, &notification["data"]),
        Some("message.bounce_detected") => handle(5, &notification["data"]),
        Some("event.created") => handle(6, &notification["data"]),
        Some("event.updated") => handle(7, &notification["data"]),
        Some("event.deleted") => handle(8, &notification["data"]),
        Some("grant.expired") => handle(9, &notification["data"]),
        Some("thread.replied") => handle(10, &notification["data"]),
        _ => {}
    }
    StatusCode::OK
}

fn handle(route: u8, data: &Value) {
    std::hint::black_box((route, data));
}
