//! The floor: what HTTP and axum cost alone.

use axum::{Router, body::Bytes, routing::post};

use crate::notification::PATH;

pub(super) fn app() -> Router {
    Router::new().route(PATH, post(receive))
}

async fn receive(body: Bytes) {
    std::hint::black_box(body);
}
