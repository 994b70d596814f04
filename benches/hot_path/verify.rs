//! One signature, checked in every way.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use hmac::Mac;
use http::HeaderMap;
use tower_nylas::{Secrets, Signature, TriggerRouter, VerifiedBody, VerifySignatureLayer};
use webhook_verify::{CustomScheme, Encoding, HashAlg, Provider, Secret, VerifyOptions};

use crate::{
    bodies::{Frames, SECRET, SIZES, TypeAt, head, message, signature},
    drive::{Nothing, call},
    handwritten,
    minimal::Minimal,
};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    for (name, size) in SIZES {
        let body = message(size, TypeAt::BeforeData);
        let hex = signature(&body);
        let head = head(&body, &hex);
        let secrets = Secrets::new(SECRET).expect("the secret is good");
        group.throughput(Throughput::Bytes(body.len() as u64));
        let id = |what: &str| BenchmarkId::new(what, name);

        // The limit: one HMAC with a prepared key.
        let key = handwritten::key();
        let mut expected = [0; 32];
        hex::decode_to_slice(&hex, &mut expected).expect("hex");
        group.bench_function(id("floor"), |b| {
            b.iter(|| {
                let mut mac = key.clone();
                mac.update(black_box(&body));
                mac.verify_slice(&expected).expect("genuine");
            });
        });
        // What a request costs that nobody looks at.
        group.bench_function(id("pass_through"), |b| {
            b.iter(|| call(&Nothing, head.clone().map(|()| Frames::whole(body.clone()))));
        });

        group.bench_function(id("secrets_verify"), |b| {
            let signature = Signature::from_hex(&hex).expect("hex");
            b.iter(|| {
                secrets
                    .verify(black_box(&body), &signature)
                    .expect("genuine");
            });
        });
        group.bench_function(id("layer"), |b| {
            let service = VerifySignatureLayer::new(secrets.clone()).layer(Nothing);
            b.iter(|| call(&service, head.clone().map(|()| Frames::whole(body.clone()))));
        });
        group.bench_function(id("layer_and_router"), |b| {
            let router = TriggerRouter::new().on("message.created", async |_: VerifiedBody| ());
            let service = VerifySignatureLayer::new(secrets.clone()).layer(router);
            b.iter(|| call(&service, head.clone().map(|()| Frames::whole(body.clone()))));
        });
        group.bench_function(id("minimal"), |b| {
            let service = Minimal::new();
            b.iter(|| call(&service, head.clone().map(|()| Frames::whole(body.clone()))));
        });
        for (what, hint) in [
            ("frames_with_length", true),
            ("frames_without_length", false),
        ] {
            group.bench_function(id(what), |b| {
                let service = VerifySignatureLayer::new(secrets.clone()).layer(Nothing);
                b.iter(|| {
                    call(
                        &service,
                        head.clone().map(|()| Frames::split(body.clone(), hint)),
                    )
                });
            });
        }
        group.bench_function(id("two_secrets"), |b| {
            let both = Secrets::any_of(["another-inventedOne", SECRET]).expect("good secrets");
            let service = VerifySignatureLayer::new(both).layer(Nothing);
            b.iter(|| call(&service, head.clone().map(|()| Frames::whole(body.clone()))));
        });

        group.bench_function(id("peer_handwritten"), |b| {
            b.iter(|| assert!(handwritten::naive_check(head.headers(), black_box(&body))));
        });
        group.bench_function(id("peer_standardwebhooks"), |b| {
            let (webhook, headers) = standard_webhook(&body);
            b.iter(|| webhook.verify(black_box(&body), &headers).expect("genuine"));
        });
        group.bench_function(id("peer_webhook_verify"), |b| {
            let secret = Secret::new(SECRET);
            let headers = [("x-nylas-signature", &*hex)];
            b.iter(|| {
                let options = VerifyOptions::default();
                webhook_verify::verify(NYLAS, &headers, black_box(&body), &secret, options)
                    .expect("genuine");
            });
        });
    }
    group.finish();
}

const NYLAS: Provider = Provider::Custom(CustomScheme {
    hash: HashAlg::Sha256,
    signature_header: "x-nylas-signature",
    timestamp_header: None,
    encoding: Encoding::Hex,
    prefix: None,
    signed_string: |_, body| body.to_vec(),
});

/// Its scheme signs an id and the time as well, and refuses a time that is five minutes old.
fn standard_webhook(body: &[u8]) -> (standardwebhooks::Webhook, HeaderMap) {
    let webhook = standardwebhooks::Webhook::from_bytes(SECRET.into()).expect("any key");
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |time| time.as_secs());
    let signed = webhook
        .sign("n-1", now.cast_signed(), body)
        .expect("signed");
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", "n-1"),
        ("webhook-timestamp", &now.to_string()),
        ("webhook-signature", &signed),
    ] {
        headers.insert(name, value.parse().expect("a header"));
    }
    (webhook, headers)
}
