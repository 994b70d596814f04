//! The whole job in process, through an axum `Router`.

use axum::{Router, body::Body};
use criterion::{BenchmarkId, Criterion, Throughput};
use tower_nylas::{Secrets, WebhookLayer};

use crate::{
    bodies::{SECRET, SIZES, TypeAt, head, message, signature},
    drive::call,
    handwritten, route,
};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack");
    let secrets = Secrets::new(SECRET).expect("the secret is good");
    let webhooks = WebhookLayer::new(secrets).layer(route::sixty_routes());
    let ours = Router::new().route_service("/webhooks/nylas", webhooks);
    for (name, size) in SIZES {
        let body = message(size, TypeAt::BeforeData);
        let head = head(&body, &signature(&body));
        group.throughput(Throughput::Bytes(body.len() as u64));
        for (what, app) in [
            ("ours", &ours),
            ("peer_value", &handwritten::value_app()),
            ("peer_borrowed_envelope", &handwritten::borrowed_app()),
        ] {
            group.bench_function(BenchmarkId::new(what, name), |b| {
                b.iter(|| {
                    let response = call(app, head.clone().map(|()| Body::from(body.clone())));
                    assert_eq!(response.status(), 200);
                });
            });
        }
    }
    group.finish();
}
