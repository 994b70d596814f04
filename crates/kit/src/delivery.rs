//! Genuine notifications as Nylas sends them, with a secret that is invented.

use std::sync::LazyLock;

pub use tower_nylas::testing::gzip;
use tower_nylas::{Secrets, Signature, WebhookSecret, testing};

pub const PATH: &str = "/webhooks/nylas";
pub const SECRET: &str = "k7-Hq_inventedSecret";
pub const UUID: &str = "bc609b38-c81f-47fb-a275-1d9bd61be968";

/// The secrets of a server that has received a genuine notification.
pub fn proven() -> Secrets {
    testing::proven_secrets(SECRET).unwrap()
}

pub fn sign(body: &[u8]) -> Signature {
    // Senders of a load sign much, on the cores of the receiver.
    static KEY: LazyLock<WebhookSecret> = LazyLock::new(|| WebhookSecret::new(SECRET).unwrap());
    KEY.sign(body)
}

pub fn sign_with(secret: &str, body: &[u8]) -> Signature {
    WebhookSecret::new(secret).unwrap().sign(body)
}

/// Signs as Nylas signs a test event: with a secret that is public.
pub fn sign_test_event(body: &[u8]) -> Signature {
    testing::test_event_secret().sign(body)
}

/// A compact notification at its first attempt, as short as it can be.
pub fn notification(trigger: &str, id: &str) -> Vec<u8> {
    notification_of(trigger, id, 1, 0)
}

/// A compact notification of this size, or of the least size that it can have.
pub fn notification_of(trigger: &str, id: &str, attempt: u32, size: usize) -> Vec<u8> {
    let start = format!(
        r#"{{"specversion":"1.0","type":"{trigger}","source":"/test","id":"{id}","time":1790252200,"webhook_delivery_attempt":{attempt},"data":{{"application_id":"a-1","object":{{"id":"m-1","grant_id":"g-1","body":""#
    );
    let end = r#""}}}"#;
    let text = "some words of an invented mail, ";
    let padding = size.saturating_sub(start.len() + end.len());
    let mut body = start;
    body.reserve(size);
    for _ in 0..padding / text.len() {
        body.push_str(text);
    }
    body.push_str(&text[..padding % text.len()]);
    body.push_str(end);
    body.into_bytes()
}

/// The head of a delivery over HTTP/1.1. A body without a length comes in chunks.
#[cfg(feature = "net")]
pub fn delivery_head(length: Option<usize>, signature: Option<&str>) -> Vec<u8> {
    let length = length.map(|length| length.to_string());
    let framing = match &length {
        Some(length) => ("content-length", &**length),
        None => ("transfer-encoding", "chunked"),
    };
    let mut headers = vec![("content-type", "application/json"), framing];
    headers.extend(signature.map(|signature| ("x-nylas-signature", signature)));
    crate::wire::head("POST", PATH, &headers).into_bytes()
}

/// A whole signed delivery over HTTP/1.1.
#[cfg(feature = "net")]
pub fn delivery(body: &[u8]) -> Vec<u8> {
    delivery_signed(body, &sign(body).to_hex())
}

#[cfg(feature = "net")]
pub fn delivery_signed(body: &[u8], signature: &str) -> Vec<u8> {
    let mut request = delivery_head(Some(body.len()), Some(signature));
    request.extend_from_slice(body);
    request
}
