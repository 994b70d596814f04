//! `Content-Encoding` of verified bodies.

use super::*;
use tower_nylas_kit::delivery::notification;

async fn send(endpoint: &Endpoint, encodings: &[&str], body: &[u8]) -> Answer {
    let (signature, length) = (sign(body).to_hex(), body.len().to_string());
    let mut headers = vec![
        ("content-length", &*length),
        ("x-nylas-signature", &*signature),
    ];
    headers.extend(encodings.iter().map(|coding| ("content-encoding", *coding)));
    let mut request = head("POST", PATH, &headers).into_bytes();
    request.extend_from_slice(body);
    endpoint.send(&request).await
}

#[tokio::test]
async fn an_unknown_one_is_503_and_not_routed() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    for encodings in [
        &["br"][..],
        &["deflate"],
        &["zstd"],
        &["gzip, br"],
        &["gzip", "gzip"],
        &["gzip,gzip"],
        &["g\u{fc}nzip"],
        &["gzip;q=1"],
    ] {
        let answer = send(&endpoint, encodings, &notification("a.b", "n-1")).await;
        assert_settled(&answer, 503, None);
        assert_reported(&endpoint, "neither gzip nor identity");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn identity_is_no_encoding() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    for encodings in [&["identity"][..], &["Identity, IDENTITY"], &[""]] {
        let answer = send(&endpoint, encodings, &notification("a.b", "n-1")).await;
        assert_settled(&answer, 200, None);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[cfg(not(feature = "gzip"))]
#[tokio::test]
async fn gzip_without_the_feature_is_503_and_says_what_to_do() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    let answer = send(&endpoint, &["gzip"], &notification("a.b", "n-1")).await;
    assert_settled(&answer, 503, None);
    assert_reported(&endpoint, "enable the feature `gzip`");
    // The same if a proxy dropped the header.
    let answer = send(&endpoint, &[], b"\x1f\x8b\x08 and so on").await;
    assert_settled(&answer, 503, None);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[cfg(feature = "gzip")]
mod gzip {
    use std::sync::Mutex;

    use tower_nylas_kit::delivery::gzip;

    use super::*;

    /// What the inner service received: headers and bytes.
    type Received = Arc<Mutex<Vec<(http::HeaderMap, Bytes)>>>;

    async fn recording(layer: WebhookLayer) -> (Endpoint, Received) {
        let received = Received::default();
        let record = received.clone();
        let inner = service_fn(move |request: Request<VerifiedBody>| {
            let (parts, body) = request.into_parts();
            record
                .lock()
                .unwrap()
                .push((parts.headers, body.into_bytes()));
            async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
        });
        (Endpoint::serve(layer, inner).await, received)
    }

    #[tokio::test]
    async fn reaches_the_handler_inflated_and_says_so() {
        let (endpoint, received) = recording(layer()).await;
        let plain = notification("folder.created", "n-1");
        let (one, two) = plain.split_at(20);
        let bodies = [
            (&["gzip"][..], gzip(&plain)),
            (&["GZip"], gzip(&plain)),
            (&["x-gzip"], gzip(&plain)),
            (&["identity, gzip"], gzip(&plain)),
            (&["identity", " gzip "], gzip(&plain)),
            // Two members, as RFC 1952 allows.
            (&["gzip"], [gzip(one), gzip(two)].concat()),
            (&["gzip"], [gzip(&plain), gzip(b"")].concat()),
            // A proxy that drops the header and leaves the bytes alone: the signature matches, so
            // the notification must not be lost for a coding that can be seen.
            (&[], gzip(&plain)),
            (&["identity"], gzip(&plain)),
        ];
        for (encodings, body) in bodies {
            assert_settled(&send(&endpoint, encodings, &body).await, 200, None);
            let (headers, bytes) = received.lock().unwrap().pop().unwrap();
            assert_eq!(bytes, plain);
            assert!(!headers.contains_key("content-encoding"));
            assert_eq!(headers["content-length"], plain.len().to_string());
        }
    }

    #[tokio::test]
    async fn that_cannot_be_inflated_is_503_and_not_routed() {
        let (endpoint, received) = recording(layer()).await;
        let whole = gzip(&notification("folder.created", "n-1"));
        let mut wrong_checksum = whole.clone();
        let at = wrong_checksum.len() - 5;
        wrong_checksum[at] ^= 1;
        let mut wrong_length = whole.clone();
        *wrong_length.last_mut().unwrap() ^= 1;
        let trailing = [&*whole, b"trailing garbage"].concat();
        let padded = [&*whole, &[0; 8]].concat();
        let half_member = [&*whole, &whole[..12]].concat();
        let cuts = (0..whole.len()).map(|end| whole[..end].to_vec());
        let others = [
            notification("folder.created", "n-1"),
            wrong_checksum,
            wrong_length,
            trailing,
            padded,
            half_member,
        ];
        for body in cuts.chain(others) {
            assert_settled(&send(&endpoint, &["gzip"], &body).await, 503, None);
            assert_reported(&endpoint, "its gzip stream is cut or corrupt");
        }
        assert!(received.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn over_the_inflated_limit_is_503_and_up_to_it_200() {
        let (endpoint, received) = recording(layer().max_inflated_size(100_000)).await;
        let exact = gzip(&vec![b' '; 100_000]);
        assert_settled(&send(&endpoint, &["gzip"], &exact).await, 200, None);
        assert_reported(&endpoint, "notification done");
        assert_eq!(received.lock().unwrap().pop().unwrap().1.len(), 100_000);

        for bomb in [
            gzip(&vec![b' '; 100_001]),
            gzip(&vec![0; 5 << 20]),
            [exact, gzip(b" ")].concat(),
        ] {
            assert_settled(&send(&endpoint, &["gzip"], &bomb).await, 503, None);
            assert_reported(&endpoint, "inflates to more than 100000 bytes");
        }
        assert!(received.lock().unwrap().is_empty());
    }

    /// A forged bomb is refused for its signature, before anything is inflated.
    #[tokio::test]
    async fn is_not_looked_at_before_verification() {
        let (endpoint, _) = recording(layer()).await;
        let body = gzip(&vec![0; 5 << 20]);
        let (signature, length) = (sign(b"other").to_hex(), body.len().to_string());
        let headers = [
            ("content-length", &*length),
            ("x-nylas-signature", &*signature),
            ("content-encoding", "gzip"),
        ];
        let mut request = head("POST", PATH, &headers).into_bytes();
        request.extend_from_slice(&body);
        let answer = endpoint.send(&request).await;
        assert_rejected(&answer, 401, "signature not accepted");
    }
}
