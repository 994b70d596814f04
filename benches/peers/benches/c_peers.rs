//! What verifying costs without HTTP, next to implementations that need a C compiler (their code is
//! partly assembly): how far is pure Rust from the floor?
//!
//! Everybody has the key prepared and the signature decoded, and compares in constant time.

#![forbid(unsafe_code)]

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_nylas::{Secrets, WebhookSecret};

const SECRET: &str = "an-invented-secret-1";
const KB: usize = 1024;
const SIZES: [usize; 5] = [6 * KB / 10, 2 * KB, 16 * KB, 100 * KB, KB * KB];

fn verify(c: &mut Criterion) {
    let secrets = Secrets::new(SECRET).expect("a secret");
    let signer = WebhookSecret::new(SECRET).expect("a secret");
    let bare = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    let ring = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let aws_lc = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());

    let mut group = c.benchmark_group("verify");
    for size in SIZES {
        // What the bytes are makes no difference to SHA-256.
        let body = vec![b'.'; size];
        let signature = signer.sign(&body);
        let tag = hex::decode(signature.to_hex()).expect("64 digits");

        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::new("tower-nylas", size), &body, |b, body| {
            b.iter(|| {
                let verified = secrets.verify(black_box(body), &signature);
                assert!(verified.is_ok());
            });
        });
        group.bench_with_input(BenchmarkId::new("hmac+sha2", size), &body, |b, body| {
            b.iter(|| {
                let mut mac = bare.clone();
                mac.update(black_box(body));
                assert!(mac.verify_slice(&tag).is_ok());
            });
        });
        group.bench_with_input(BenchmarkId::new("ring", size), &body, |b, body| {
            b.iter(|| {
                let verified = ring::hmac::verify(&ring, black_box(body), &tag);
                assert!(verified.is_ok());
            });
        });
        group.bench_with_input(BenchmarkId::new("aws-lc-rs", size), &body, |b, body| {
            b.iter(|| {
                let verified = aws_lc_rs::hmac::verify(&aws_lc, black_box(body), &tag);
                assert!(verified.is_ok());
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50);
    targets = verify
}
criterion_main!(benches);
