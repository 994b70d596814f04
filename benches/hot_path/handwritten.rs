//! What users write without this crate: as most do, and as an expert would.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use sha2::Sha256;

use crate::bodies::SECRET;

/// A key made for each request, and the signature compared as text.
pub(crate) fn naive_check(headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(signature) = headers.get("x-nylas-signature") else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()) else {
        return false;
    };
    mac.update(body);
    let computed = hex::encode(mac.finalize().into_bytes());
    signature.as_bytes() == computed.as_bytes()
}

/// A prepared key, and the signature compared in constant time.
pub(crate) fn expert_check(key: &Hmac<Sha256>, headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(header) = headers.get("x-nylas-signature") else {
        return false;
    };
    let mut signature = [0; 32];
    if hex::decode_to_slice(header.as_bytes(), &mut signature).is_err() {
        return false;
    }
    let mut mac = key.clone();
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

pub(crate) fn key() -> Hmac<Sha256> {
    Hmac::new_from_slice(SECRET.as_bytes()).expect("any length is a key")
}

#[derive(Deserialize)]
pub(crate) struct BorrowedEnvelope<'a> {
    #[serde(rename = "type")]
    pub(crate) name: &'a str,
    #[allow(dead_code)]
    pub(crate) id: &'a str,
    #[serde(borrow)]
    #[allow(dead_code)]
    pub(crate) data: &'a RawValue,
}

async fn by_value(headers: HeaderMap, body: Bytes) -> StatusCode {
    if !naive_check(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(notification) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match notification["type"].as_str() {
        Some("message.created") => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    }
}

async fn by_borrowed_envelope(
    State(key): State<Hmac<Sha256>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if !expert_check(&key, &headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(envelope) = serde_json::from_slice::<BorrowedEnvelope<'_>>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match envelope.name {
        "message.created" => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    }
}

pub(crate) fn value_app() -> Router {
    Router::new()
        .route("/webhooks/nylas", post(by_value))
        .layer(DefaultBodyLimit::max(4 << 20))
}

pub(crate) fn borrowed_app() -> Router {
    Router::new()
        .route("/webhooks/nylas", post(by_borrowed_envelope))
        .layer(DefaultBodyLimit::max(4 << 20))
        .with_state(key())
}
