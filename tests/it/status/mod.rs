//! Every row of the status table, over a socket: status, headers and body as they are on the wire.
//!
//! A client that was answered before its body was read finds the connection closed (HTTP/1), so
//! such tests send the head alone.

mod before_the_body;
mod encodings;
mod handlers;
mod hints;
mod precedence;
mod services;
mod test_events;
mod timer;
mod while_reading;

use std::{
    convert::Infallible,
    panic::panic_any,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    Ack, BoxError, Mismatch, Outcome, Rejection, SecretSource, Secrets, TriggerRouter,
    VerifiedBody, WebhookLayer, acknowledge::AcknowledgeLayer, router::Handler,
    testing::VirtualClock, verify::UnknownTenant,
};
use tower_nylas_kit::{
    body::{Scripted, Step, Untouchable},
    delivery::{PATH, SECRET, delivery, delivery_signed, proven, sign, sign_test_event, sign_with},
    endpoint::Endpoint,
    wire::{Answer, Connection, head},
};

const HUNDRED_MEBIBYTES: &str = "104857600";

fn secrets() -> Secrets {
    proven()
}

fn layer() -> WebhookLayer {
    WebhookLayer::with_timer(secrets(), VirtualClock::new())
}

/// A counting router: done with everything.
fn counting_router() -> (TriggerRouter, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let router = TriggerRouter::new().fallback(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    (router, calls)
}

async fn endpoint(layer: WebhookLayer) -> Endpoint {
    Endpoint::serve(layer, counting_router().0).await
}

/// The whole layer around one handler for everything.
async fn endpoint_of<Args: 'static>(handler: impl Handler<Args>) -> Endpoint {
    Endpoint::serve(layer(), TriggerRouter::new().fallback(handler)).await
}

/// The names of the headers that the crate is answerable for, sorted.
fn header_names(answer: &Answer) -> Vec<String> {
    let names = answer.headers.iter().map(|(name, _)| name.to_string());
    let mut names: Vec<_> = names
        .filter(|name| !["date", "connection"].contains(&&**name))
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_rejected(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.head);
    assert_eq!(answer.text(), text);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        answer.header("content-length"),
        Some(&*text.len().to_string())
    );
    let allow: &[&str] = if status == 405 { &["allow"] } else { &[] };
    let expected = [allow, &["content-length", "content-type"]].concat();
    assert_eq!(header_names(answer), expected);
}

/// Behind the verification there is nothing but a status, and sometimes a `Retry-After`.
#[track_caller]
fn assert_settled(answer: &Answer, status: u16, retry_after: Option<&str>) {
    assert_eq!(answer.status, status, "{}", answer.head);
    assert_eq!(answer.text(), "");
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(answer.header("retry-after"), retry_after);
    let retry_after: &[&str] = retry_after.map_or(&[], |_| &["retry-after"]);
    let expected = [&["content-length"], retry_after].concat();
    assert_eq!(header_names(answer), expected);
}

#[track_caller]
fn assert_reported(endpoint: &Endpoint, expected: &str) {
    let reports = endpoint.reports();
    assert!(
        matches!(&*reports, [report] if report.contains(expected)),
        "{reports:?} is not one report with {expected:?}"
    );
}
