//! From a verified body to its handler.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use http::Request;
use serde_json::Value;
use tower_nylas::{
    Notification, Secrets, Signature, TriggerRouter, VerifiedBody,
    notification::{Envelope, object::Message},
    trigger::TriggerKind,
};

use crate::{
    bodies::{SECRET, SIZES, TypeAt, message, signature},
    drive::call,
    handwritten::BorrowedEnvelope,
};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    let secrets = Secrets::new(SECRET).expect("the secret is good");
    let router = sixty_routes();
    for (size_name, size) in SIZES {
        for (order, type_at) in [
            ("type_before_data", TypeAt::BeforeData),
            ("type_first", TypeAt::First),
            ("type_after_data", TypeAt::AfterData),
        ] {
            let bytes = message(size, type_at);
            let hex = signature(&bytes);
            let proof = Signature::from_hex(hex).expect("hex");
            let body = VerifiedBody::verify(bytes, &proof, &secrets).expect("genuine");
            let id = |what: &str| BenchmarkId::new(format!("{what}/{order}"), size_name);

            group.bench_function(id("peek"), |b| {
                b.iter(|| {
                    Envelope::peek(black_box(&body))
                        .expect("an envelope")
                        .id()
                        .is_some()
                });
            });
            group.bench_function(id("peek_and_dispatch"), |b| {
                b.iter(|| call(&router, Request::new(body.clone())));
            });
            group.bench_function(id("peer_borrowed_envelope"), |b| {
                b.iter(|| {
                    let bytes = black_box(body.bytes());
                    let envelope: BorrowedEnvelope<'_> =
                        serde_json::from_slice(bytes).expect("JSON");
                    envelope.name == "message.created"
                });
            });
            group.bench_function(id("peer_value"), |b| {
                b.iter(|| {
                    let value: Value =
                        serde_json::from_slice(black_box(body.bytes())).expect("JSON");
                    value["type"] == "message.created"
                });
            });
            group.bench_function(id("typed_notification"), |b| {
                b.iter(|| {
                    Notification::<Message>::try_from(black_box(body.clone())).expect("typed")
                });
            });
        }
    }
    group.finish();
}

/// A route for every documented trigger, and some families.
pub(crate) fn sixty_routes() -> TriggerRouter {
    async fn nothing(_: VerifiedBody) {}
    let mut router = TriggerRouter::new();
    for kind in TriggerKind::KNOWN {
        router = router.on(kind.as_str(), nothing);
    }
    for family in [
        "message",
        "event",
        "grant",
        "calendar",
        "contact",
        "booking",
        "notetaker",
    ] {
        router = router.on(format!("{family}.*"), nothing);
    }
    router
}
