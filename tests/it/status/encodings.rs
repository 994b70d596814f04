//! `Content-Encoding` of verified bodies.

use std::sync::Mutex;

use tower_nylas::CodingFault;
use tower_nylas_kit::delivery::notification;

use super::*;

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

/// None of these names one coding that the crate knows.
const UNKNOWN: [&[&str]; 10] = [
    &["br"],
    &["deflate"],
    &["zstd"],
    &["gzip, br"],
    &["gzip", "gzip"],
    &["gzip,gzip"],
    &["g\u{fc}nzip"],
    &["gzip;q=1"],
    &["UTF-8"],
    &["none"],
];

/// What the inner service received: headers, what is reported of the coding, and bytes.
type Received = Arc<Mutex<Vec<(http::HeaderMap, Option<CodingFault>, Bytes)>>>;

async fn recording(layer: WebhookLayer) -> (Endpoint, Received) {
    let received = Received::default();
    let record = received.clone();
    let inner = service_fn(move |request: Request<VerifiedBody>| {
        let (parts, body) = request.into_parts();
        let fault = parts.extensions.get().copied();
        record
            .lock()
            .unwrap()
            .push((parts.headers, fault, body.into_bytes()));
        async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
    });
    (Endpoint::serve(layer, inner).await, received)
}

#[tokio::test]
async fn an_unknown_one_of_bytes_that_decide_nothing_is_503_and_not_routed() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    // Brotli has no magic number; the last ones are JSON, but no notification begins so.
    for body in [&b"\x0b\x02\x80{}\x03"[..], b"\x1f", b"", b"\"text\"", b"1"] {
        for encodings in UNKNOWN {
            assert_settled(&send(&endpoint, encodings, body).await, 503, None);
            assert_reported(&endpoint, "neither gzip nor identity");
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// Requests as they were on the wire, each of which other receivers or this one once lost.
#[tokio::test]
async fn what_was_lost_once_is_handled() {
    let lost: [&[u8]; if cfg!(feature = "gzip") { 3 } else { 2 }] = [
        include_bytes!("../cases/F3-content-encoding-gzip-on-plain-json.http"),
        include_bytes!("../cases/F3-content-encoding-utf-8.http"),
        #[cfg(feature = "gzip")]
        include_bytes!("../cases/F7-gzip-then-zero-padding.http"),
    ];
    let secrets = Secrets::new("field-secret-0123456789").unwrap();
    let layer = WebhookLayer::with_timer(secrets, VirtualClock::new());
    let (endpoint, received) = recording(layer).await;
    for request in lost {
        assert_settled(&endpoint.send(request).await, 200, None);
        let (_, fault, body) = received.lock().unwrap().pop().unwrap();
        assert!(fault.is_some());
        assert!(body.starts_with(br#"{"specversion":"1.0","type":"message.created""#));
    }
}

/// Proxies and senders put labels on readable bytes (body-parser#100 and #253, strider#1021).
#[tokio::test]
async fn on_plain_json_is_removed_and_the_body_handled() {
    let (endpoint, received) = recording(layer()).await;
    let plain = notification("a.b", "n-1");
    let fronts: [&[u8]; 5] = [b"", b" \t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"[1]"];
    for front in fronts {
        let body = [front, &plain].concat();
        for encodings in UNKNOWN.into_iter().chain([&["gzip"][..], &["X-Gzip"]]) {
            assert_settled(&send(&endpoint, encodings, &body).await, 200, None);
            let (headers, fault, bytes) = received.lock().unwrap().pop().unwrap();
            assert_eq!(bytes, body);
            assert!(!headers.contains_key("content-encoding"));
            assert_eq!(headers["content-length"], body.len().to_string());
            let fault = fault.unwrap();
            let said = (fault.was_gzip, fault.is_mislabelled, fault.ignored);
            assert_eq!(said, (false, true, 0));
            let text = "the body is plain JSON, but its Content-Encoding says that it is encoded";
            assert_eq!(fault.to_string(), text);
        }
    }
}

#[tokio::test]
async fn identity_is_no_encoding() {
    let (endpoint, received) = recording(layer()).await;
    for encodings in [&["identity"][..], &["Identity, IDENTITY"], &[""], &[]] {
        let answer = send(&endpoint, encodings, &notification("a.b", "n-1")).await;
        assert_settled(&answer, 200, None);
        let (headers, fault, _) = received.lock().unwrap().pop().unwrap();
        // It is true, so it stays.
        let label = headers
            .get("content-encoding")
            .map(|label| label.to_str().unwrap());
        assert_eq!(label, encodings.first().copied());
        assert_eq!(fault, None);
    }
}

#[cfg(not(feature = "gzip"))]
#[tokio::test]
async fn gzip_without_the_feature_is_503_and_says_what_to_do() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    // The same if a proxy dropped the header, or added another.
    for encodings in [&["gzip"][..], &[], &["br"]] {
        let answer = send(&endpoint, encodings, b"\x1f\x8b\x08 and so on").await;
        assert_settled(&answer, 503, None);
        assert_reported(&endpoint, "enable the feature `gzip`");
    }
    let answer = send(&endpoint, &["gzip"], b"neither one nor the other").await;
    assert_settled(&answer, 503, None);
    assert_reported(&endpoint, "enable the feature `gzip`");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[cfg(feature = "gzip")]
mod gzip {
    use tower_nylas_kit::delivery::gzip;

    use super::*;

    #[tokio::test]
    async fn reaches_the_handler_inflated_and_says_so() {
        let (endpoint, received) = recording(layer()).await;
        let plain = notification("folder.created", "n-1");
        let (one, two) = plain.split_at(20);
        let labelled = [
            (&["gzip"][..], gzip(&plain)),
            (&["GZip"], gzip(&plain)),
            (&["x-gzip"], gzip(&plain)),
            (&["identity, gzip"], gzip(&plain)),
            (&["identity", " gzip "], gzip(&plain)),
            // Two members, as RFC 1952 allows.
            (&["gzip"], [gzip(one), gzip(two)].concat()),
            (&["gzip"], [gzip(&plain), gzip(b"")].concat()),
        ];
        // A proxy that drops or changes the header and leaves the bytes alone: the signature
        // matches, so the notification must not be lost for a coding that can be seen.
        let mislabelled = UNKNOWN.into_iter().chain([&[][..], &[""], &["identity"]]);
        let mislabelled = mislabelled.map(|encodings| (encodings, gzip(&plain)));
        let labelled_count = labelled.len();
        for (index, (encodings, body)) in labelled.into_iter().chain(mislabelled).enumerate() {
            assert_settled(&send(&endpoint, encodings, &body).await, 200, None);
            let (headers, fault, bytes) = received.lock().unwrap().pop().unwrap();
            assert_eq!(bytes, plain);
            assert!(!headers.contains_key("content-encoding"));
            assert_eq!(headers["content-length"], plain.len().to_string());
            let is_mislabelled = index >= labelled_count;
            assert_eq!(fault.is_some(), is_mislabelled, "{encodings:?}");
            if let Some(fault) = fault {
                let text = "the body is gzip, but its Content-Encoding does not say so";
                assert_eq!(fault.to_string(), text);
            }
        }
    }

    /// What other receivers ignore as well, and node#7502 and tornado#6 did not.
    #[tokio::test]
    async fn with_anything_but_a_member_behind_it_is_handled() {
        let (endpoint, received) = recording(layer()).await;
        let plain = notification("folder.created", "n-1");
        let (one, two) = plain.split_at(20);
        let behind: [&[u8]; 7] = [
            &[0; 10],
            b"\r\n",
            b"garbage",
            b"{}",
            b"\x1f",
            b"\x1f\x8b",
            // No such compression method.
            b"\x1f\x8b\x07 and the rest of a head",
        ];
        for behind in behind {
            for whole in [gzip(&plain), [gzip(one), gzip(two)].concat()] {
                for encodings in [&["gzip"][..], &[]] {
                    let body = [&*whole, behind].concat();
                    assert_settled(&send(&endpoint, encodings, &body).await, 200, None);
                    let (headers, fault, bytes) = received.lock().unwrap().pop().unwrap();
                    assert_eq!(bytes, plain);
                    assert_eq!(headers["content-length"], plain.len().to_string());
                    let fault = fault.unwrap();
                    let said = (fault.was_gzip, fault.is_mislabelled, fault.ignored);
                    assert_eq!(said, (true, encodings.is_empty(), behind.len()));
                    let text = format!("{} bytes behind its last gzip member", behind.len());
                    assert!(fault.to_string().contains(&text), "{fault}");
                }
            }
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
        let cuts = (0..whole.len()).map(|end| whole[..end].to_vec());
        // A later member may be a part of the notification.
        let cuts_of_a_later_one = (3..whole.len()).map(|end| [&*whole, &whole[..end]].concat());
        let others = [
            b"neither gzip nor JSON".to_vec(),
            [&*whole, &wrong_checksum].concat(),
            [&*whole, &wrong_length].concat(),
            wrong_checksum,
            wrong_length,
        ];
        for body in cuts.chain(cuts_of_a_later_one).chain(others) {
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
        assert_reported(&endpoint, "acknowledged: handled");
        assert_eq!(received.lock().unwrap().pop().unwrap().2.len(), 100_000);

        for bomb in [
            gzip(&vec![b' '; 100_001]),
            gzip(&vec![0; 5 << 20]),
            [&*exact, &*gzip(b" ")].concat(),
            [exact, gzip(b" "), b"garbage".to_vec()].concat(),
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
