//! What a forger can make the server do, and what the challenge costs.

use criterion::Criterion;
use http::{HeaderValue, Request};
use tower_nylas::{Secrets, TriggerRouter, WebhookLayer};

use crate::{
    bodies::{Frames, SECRET, TypeAt, head, message, signature},
    drive::{Nothing, call},
};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reject");
    let secrets = Secrets::new(SECRET).expect("the secret is good");
    let service = WebhookLayer::new(secrets).layer(TriggerRouter::new());
    let body = message(2_000, TypeAt::BeforeData);
    let genuine = head(&body, &signature(&body));
    let with = |value: Option<&'static str>| {
        let mut head = genuine.clone();
        let headers = head.headers_mut();
        headers.remove("x-nylas-signature");
        if let Some(value) = value {
            headers.insert("x-nylas-signature", HeaderValue::from_static(value));
        }
        head
    };
    let forged = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    for (what, head) in [
        ("unsigned", with(None)),
        ("malformed", with(Some("not a signature"))),
        ("forged", with(Some(forged))),
    ] {
        group.bench_function(what, |b| {
            b.iter(|| call(&service, head.clone().map(|()| Frames::whole(body.clone()))));
        });
        group.bench_function(format!("{what}_pass_through"), |b| {
            b.iter(|| call(&Nothing, head.clone().map(|()| Frames::whole(body.clone()))));
        });
    }
    let oversized = message(5_000_000, TypeAt::BeforeData);
    group.bench_function("oversized", |b| {
        b.iter(|| {
            call(
                &service,
                genuine.clone().map(|()| Frames::whole(oversized.clone())),
            )
        });
    });
    group.bench_function("challenge", |b| {
        let request = Request::get("/?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968")
            .body(())
            .expect("the request is well-formed");
        b.iter(|| {
            call(
                &service,
                request.clone().map(|()| Frames::whole(body.clone())),
            )
        });
    });
    group.finish();
}
