//! Nylas' management API: requests, responses, and what is built on them.

#![cfg(feature = "api")]

mod answers;
mod clients;
mod memory;
mod nylas;
mod objects;
mod operations;
mod reconcile;
mod rotate;

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::Value;
use tower::service_fn;
use tower_nylas::{
    api::{self, Api, Operation, SendError, WebhookId},
    testing::{VirtualClock, nylas::Simulator},
};

const API_KEY: &str = Simulator::API_KEY;

fn access() -> Api {
    Api::us(API_KEY).unwrap()
}

fn id(id: &str) -> WebhookId {
    WebhookId::new(id).unwrap()
}

/// Sends an operation to what answers with this response.
fn send<O: Operation>(
    operation: &O,
    answer: Response<Full<Bytes>>,
) -> Result<O::Output, SendError> {
    let client =
        service_fn(move |_: Request<Full<Bytes>>| ready(Ok::<_, Infallible>(answer.clone())));
    let clock = VirtualClock::new();
    let api = Api::with_timer(Api::US, API_KEY, clock.clone()).unwrap();
    clock.run_until(api::send(operation, &api, client))
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status.try_into().unwrap();
    answer
}

/// The request of an operation: method, URL, body.
fn request<O: Operation>(operation: &O) -> (String, Value) {
    let request = operation.request(&access());
    let headers = request.headers();
    assert_eq!(headers["authorization"], format!("Bearer {API_KEY}"));
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(headers["accept"], "application/json");
    let has_body = !request.body().is_empty();
    assert_eq!(headers.contains_key("content-type"), has_body);
    let body = if has_body {
        serde_json::from_slice(request.body()).unwrap()
    } else {
        Value::Null
    };
    (format!("{} {}", request.method(), request.uri()), body)
}
