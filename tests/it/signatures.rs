//! Which bodies are taken for Nylas', and that nothing but their bytes matters.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::SizeHint;
use http_body_util::Full;
use proptest::prelude::*;
use serde::Deserialize;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    Ack, Secrets, Signature, TriggerRouter, VerifiedBody, VerifyError, VerifySignatureLayer,
    WebhookLayer, WebhookSecret,
    testing::{self, VirtualClock},
};
use tower_nylas_kit::{
    body::{Pieces, Scripted, Step},
    delivery::{PATH, SECRET, delivery_signed, proven, sign},
    endpoint::Endpoint,
    wire::head,
};

/// What the inner service received, and the status.
type Answer = (StatusCode, Option<Bytes>);

/// Sends a request through the verification alone.
fn verify<B>(secrets: &Secrets, request: Request<B>) -> Answer
where
    B: http_body::Body,
{
    let received = Arc::new(Mutex::new(None));
    let inner = service_fn(|request: Request<VerifiedBody>| {
        *received.lock().unwrap() = Some(request.into_body().into_bytes());
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    let layer = VerifySignatureLayer::with_timer(secrets.clone(), VirtualClock::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let answer = runtime
        .unwrap()
        .block_on(layer.layer(inner).oneshot(request));
    let received = received.lock().unwrap().take();
    (answer.unwrap().status(), received)
}

fn signed<B>(signature: &Signature, body: B) -> Request<B> {
    let request = Request::post(PATH).header("x-nylas-signature", signature.to_hex());
    request.body(body).unwrap()
}

fn whole(body: &[u8]) -> Full<Bytes> {
    Full::new(Bytes::copy_from_slice(body))
}

const REFUSED: Answer = (StatusCode::UNAUTHORIZED, None);
/// By secrets that have not verified anything yet.
const UNPROVEN: Answer = (StatusCode::SERVICE_UNAVAILABLE, None);

/// Takes whatever is verified.
fn all() -> TriggerRouter {
    TriggerRouter::new().fallback(async |_: VerifiedBody| ())
}

mod vectors {
    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        secret: String,
        content_encoding: Option<String>,
        body_base64: String,
        body_len: usize,
        signature: String,
        must_verify: bool,
    }

    impl Vector {
        fn secret(&self) -> WebhookSecret {
            if self.name == "test-event-secret" {
                assert!(WebhookSecret::new(&self.secret).is_err());
                return testing::test_event_secret();
            }
            WebhookSecret::new(&self.secret).unwrap()
        }
    }

    fn vectors() -> Vec<(Vector, Vec<u8>)> {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
        assert!(vectors.len() >= 8);
        assert_eq!(vectors.iter().filter(|v| !v.must_verify).count(), 1);
        let with_body = |vector: Vector| {
            let body = BASE64_STANDARD.decode(&vector.body_base64).unwrap();
            assert_eq!(body.len(), vector.body_len, "{}", vector.name);
            (vector, body)
        };
        vectors.into_iter().map(with_body).collect()
    }

    #[test]
    fn verify_on_plain_bytes_whole_and_in_pieces() {
        for (vector, body) in vectors() {
            let secrets = tower_nylas::testing::proven_secrets(vector.secret()).unwrap();
            let signature = Signature::from_hex(&vector.signature).unwrap();
            let expected = if vector.must_verify {
                Ok(())
            } else {
                Err(VerifyError::Mismatch)
            };
            assert_eq!(
                secrets.verify(&body, &signature),
                expected,
                "{}",
                vector.name
            );
            let mut verifier = secrets.verifier(signature);
            body.chunks(7).for_each(|piece| verifier.update(piece));
            assert_eq!(verifier.finish(), expected, "{}", vector.name);

            let computed = vector.secret().sign(&body);
            let same = computed.to_hex() == vector.signature;
            assert_eq!(same, vector.must_verify, "{}", vector.name);
        }
    }

    #[tokio::test]
    async fn verify_through_the_whole_layer_in_a_real_server() {
        for (vector, body) in vectors() {
            let received = Arc::new(Mutex::new(Vec::new()));
            let record = received.clone();
            let inner = service_fn(move |request: Request<VerifiedBody>| {
                record
                    .lock()
                    .unwrap()
                    .push(request.into_body().into_bytes());
                async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
            });
            let secrets = tower_nylas::testing::proven_secrets(vector.secret()).unwrap();
            let layer = WebhookLayer::with_timer(secrets, VirtualClock::new());
            let endpoint = Endpoint::serve(layer, inner).await;

            let length = body.len().to_string();
            let mut headers = vec![
                ("content-type", "application/json"),
                ("content-length", &*length),
                ("X-Nylas-Signature", &*vector.signature),
            ];
            let coding = vector.content_encoding.as_deref();
            headers.extend(coding.map(|coding| ("content-encoding", coding)));
            let mut request = head("POST", PATH, &headers).into_bytes();
            request.extend_from_slice(&body);
            let answer = endpoint.send(&request).await;

            let inflates = coding.is_none() || cfg!(feature = "gzip");
            let expected = match (vector.must_verify, inflates) {
                (false, _) => 401,
                (true, true) => 200,
                (true, false) => 503,
            };
            assert_eq!(answer.status, expected, "{}", vector.name);
            let received = received.lock().unwrap();
            assert_eq!(received.len(), usize::from(expected == 200));
            if let Some(received) = received.first() {
                let plain = if coding.is_some() {
                    vectors().swap_remove(0).1
                } else {
                    body
                };
                assert_eq!(received, &plain, "{}", vector.name);
            }
        }
    }
}

mod headers {
    use super::*;

    /// Over a socket, since a header may hold bytes that no client library sends.
    #[tokio::test]
    async fn that_are_no_signature_are_401() {
        let layer = WebhookLayer::with_timer(proven(), VirtualClock::new());
        let router = TriggerRouter::new().fallback(async || Ack::Retry);
        let endpoint = Endpoint::serve(layer, router).await;
        let genuine = sign(b"{}").to_hex();
        let (short, long) = (&genuine[..63], format!("{genuine}0"));
        let base64 = BASE64_STANDARD.encode(decode(&genuine));
        let mut bad: Vec<Vec<u8>> = [
            "",
            " ",
            "0",
            short,
            &genuine[..62],
            &genuine[1..],
            &long,
            &format!("{genuine}00"),
            &genuine.repeat(2),
            &genuine.repeat(100),
            &format!("0x{}", &genuine[2..]),
            &format!("sha256={short}"),
            &format!("sha256= {genuine}"),
            &format!("sha256=sha256={genuine}"),
            &format!("sha1={genuine}"),
            &format!("v1={genuine}"),
            &format!("v1,{genuine}"),
            &format!("{genuine},v1"),
            &format!("{genuine},"),
            &format!(",{genuine}"),
            &format!("{genuine},,{genuine}"),
            &format!("{genuine};{genuine}"),
            &format!("{genuine}, {}", sign(b"other").to_hex()),
            &format!("{}, {genuine}", sign(b"other").to_hex()),
            &[&*genuine; 17].join(","),
            // As long as hyper takes.
            &format!("{genuine}{}", ",".repeat(300_000)),
            &",".repeat(300_000),
            &format!("{short}g"),
            &format!("{short} "),
            &format!("{short}-"),
            &format!("\"{genuine}\""),
            &format!("{genuine} {genuine}"),
            &base64,
            base64.trim_end_matches('='),
            "null",
            "undefined",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into();
        bad.push([short.as_bytes(), "é".as_bytes()].concat());
        bad.push([short.as_bytes(), &[0xff]].concat());
        bad.push(vec![0xff; 64]);
        // 64 characters that are digits to `char::is_numeric`, and 64 bytes that are none.
        bad.push("٣".repeat(64).into_bytes());
        bad.push("٣".repeat(32).into_bytes());

        for bad in bad {
            let mut request = b"POST /webhooks/nylas HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\
                x-nylas-signature: "
                .to_vec();
            request.extend_from_slice(&bad);
            request.extend_from_slice(b"\r\n\r\n{}");
            let answer = endpoint.send(&request).await;
            let bad = String::from_utf8_lossy(&bad);
            assert_eq!(answer.status, 401, "{bad}");
            assert_eq!(answer.text(), "signature not accepted", "{bad}");
        }
        assert_eq!(endpoint.polls(), 0);
    }

    #[tokio::test]
    async fn that_differ_are_401_even_if_one_is_right() {
        let layer = WebhookLayer::with_timer(proven(), VirtualClock::new());
        let endpoint = Endpoint::serve(layer, TriggerRouter::new()).await;
        let (genuine, other) = (sign(b"{}").to_hex(), sign(b"other").to_hex());
        for signatures in [
            [&*genuine, &*other],
            [&other, &genuine],
            [&genuine, ""],
            ["", &genuine],
            [&genuine, "sha256="],
            [&format!("{genuine}, {other}"), &genuine],
            [&genuine, &format!("{genuine}, {other}")],
        ] {
            let headers = [
                ("x-nylas-signature", signatures[0]),
                ("content-length", "2"),
                ("X-Nylas-Signature", signatures[1]),
            ];
            let request = head("POST", PATH, &headers) + "{}";
            assert_eq!(endpoint.send(request.as_bytes()).await.status, 401);
        }
    }

    /// Proxies repeat a header, and join its values.
    #[tokio::test]
    async fn that_are_repeated_count_as_one() {
        let layer = WebhookLayer::with_timer(proven(), VirtualClock::new());
        let endpoint = Endpoint::serve(layer, all()).await;
        let (genuine, other) = (sign(b"{}").to_hex(), sign(b"other").to_hex());
        let upper = format!("SHA256={}", genuine.to_uppercase());
        for (right, wrong) in [
            (vec![&*genuine; 2], vec![&*other; 2]),
            (vec![&genuine; 50], vec![&other; 50]),
            (
                vec![&genuine, &upper],
                vec![&other, &format!("sha256={other}")],
            ),
            (
                vec![&format!("{genuine},{genuine}")],
                vec![&format!("{other},{other}")],
            ),
            (
                vec![&format!("{upper}\t,  {genuine}"), &upper, &genuine],
                vec![&format!("{other},{other}"), &other],
            ),
            (
                vec![&[&*genuine; 16].join(", ")],
                vec![&[&*other; 16].join(", ")],
            ),
        ] {
            for (values, status) in [(right, 200), (wrong, 401)] {
                let mut headers = vec![("content-length", "2")];
                headers.extend(values.iter().map(|value| ("x-nylas-signature", *value)));
                let request = head("POST", PATH, &headers) + "{}";
                let answer = endpoint.send(request.as_bytes()).await;
                assert_eq!(answer.status, status, "{headers:?}");
            }
        }
        // The wrong ones were signatures, so their bodies were read.
        assert!(endpoint.polls() >= 12);
    }

    #[tokio::test]
    async fn are_read_in_any_case_and_with_white_space_around() {
        let layer = WebhookLayer::with_timer(proven(), VirtualClock::new());
        let endpoint = Endpoint::serve(layer, all()).await;
        let genuine = sign(b"{}").to_hex();
        for (name, value) in [
            ("X-Nylas-Signature", genuine.clone()),
            ("X-NYLAS-SIGNATURE", genuine.to_uppercase()),
            ("x-nylas-signature", format!(" \t{genuine}\t ")),
            ("x-nylas-signature", format!("sha256={genuine}")),
            (
                "x-nylas-signature",
                format!("SHA256={}", genuine.to_uppercase()),
            ),
        ] {
            let headers = [(name, &*value), ("content-length", "2")];
            let request = head("POST", PATH, &headers) + "{}";
            assert_eq!(
                endpoint.send(request.as_bytes()).await.status,
                200,
                "{name}"
            );
        }
    }

    fn decode(hex: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    proptest! {
        /// Whatever it is, it is no panic, and only the genuine one is taken.
        #[test]
        fn of_any_bytes_are_401(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut request = Request::post(PATH).body(whole(b"{}")).unwrap();
                request.headers_mut().insert("x-nylas-signature", value);
                prop_assert_eq!(verify(&proven(), request), REFUSED);
            }
        }

        #[test]
        fn of_64_hex_digits_are_401_unless_genuine(digits in "[0-9a-fA-F]{64}") {
            let request = Request::post(PATH).header("x-nylas-signature", digits);
            let request = request.body(whole(b"{}")).unwrap();
            prop_assert_eq!(verify(&proven(), request), REFUSED);
        }
    }
}

mod single_bits {
    use super::*;

    fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    }

    const BODY: &[u8] = br#"{"specversion":"1.0","type":"grant.expired","id":"n-1"}"#;

    #[test]
    fn every_one_of_a_body_counts() {
        let (secrets, signature) = (proven(), sign(BODY));
        let answer = verify(&secrets, signed(&signature, whole(BODY)));
        assert_eq!(answer, (StatusCode::OK, Some(Bytes::from_static(BODY))));
        for bit in 0..BODY.len() * 8 {
            let body = flipped(BODY, bit);
            let answer = verify(&secrets, signed(&signature, whole(&body)));
            assert_eq!(answer, REFUSED, "{bit}");
        }
    }

    #[test]
    fn every_one_of_a_signature_counts() {
        let secrets = proven();
        let genuine = sign(BODY).to_hex();
        for digit in 0..64 {
            for bit in 0..4 {
                let mut digits: Vec<char> = genuine.chars().collect();
                let value = digits[digit].to_digit(16).unwrap() ^ (1 << bit);
                digits[digit] = char::from_digit(value, 16).unwrap();
                let signature = Signature::from_hex(String::from_iter(digits)).unwrap();
                let answer = verify(&secrets, signed(&signature, whole(BODY)));
                assert_eq!(answer, REFUSED, "{digit} {bit}");
                assert_ne!(signature, sign(BODY));
            }
        }
    }

    /// In the text of the header; only the case of a letter means nothing.
    #[test]
    fn every_one_of_the_signatures_text_counts_but_for_its_case() {
        let secrets = proven();
        let genuine = sign(BODY).to_hex();
        for bit in 0..genuine.len() * 8 {
            let text = flipped(genuine.as_bytes(), bit);
            let Ok(value) = HeaderValue::from_bytes(&text) else {
                continue;
            };
            let mut request = Request::post(PATH).body(whole(BODY)).unwrap();
            request.headers_mut().insert("x-nylas-signature", value);
            let same = text.eq_ignore_ascii_case(genuine.as_bytes());
            let accepted = verify(&secrets, request).0 == StatusCode::OK;
            assert_eq!(accepted, same, "{bit}");
        }
    }

    #[test]
    fn every_one_of_a_secret_counts() {
        let signature = sign(BODY);
        let mut tried = 0;
        for bit in 0..SECRET.len() * 8 {
            // A secret is a text without white space and what cannot be seen.
            let Ok(text) = String::from_utf8(flipped(SECRET.as_bytes(), bit)) else {
                continue;
            };
            if let Ok(secrets) = Secrets::new(text) {
                tried += 1;
                let answer = verify(&secrets, signed(&signature, whole(BODY)));
                assert_eq!(answer, UNPROVEN, "{bit}");
            }
        }
        assert!(tried > SECRET.len() * 6, "{tried}");
    }

    proptest! {
        #[test]
        fn of_anything_count(
            secret in "[!-~]{1,100}".prop_filter("a mistake", |secret| Secrets::new(secret).is_ok()),
            body in proptest::collection::vec(any::<u8>(), 1..300),
            bit: proptest::sample::Index,
        ) {
            let secrets = Secrets::new(&secret).unwrap();
            let signature = WebhookSecret::new(&secret).unwrap().sign(&body);
            let genuine = signed(&signature, whole(&body));
            prop_assert_eq!(verify(&secrets, genuine).0, StatusCode::OK);

            let changed = flipped(&body, bit.index(body.len() * 8));
            prop_assert_eq!(verify(&secrets, signed(&signature, whole(&changed))), REFUSED);

            let bit = bit.index(secret.len() * 8);
            let secret = String::from_utf8(flipped(secret.as_bytes(), bit));
            if let Some(other) = secret.ok().and_then(|secret| Secrets::new(secret).ok()) {
                prop_assert_eq!(verify(&other, signed(&signature, whole(&body))), UNPROVEN);
            }
        }
    }
}

mod bodies {
    use super::*;

    /// A body in any frames: full, empty, late, with trailers behind.
    fn script<D>(
        body: &[u8],
        cuts: &[usize],
        kinds: &[u8],
        data: impl Fn(&[u8]) -> D,
    ) -> Vec<Step<D>> {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let mut steps = Vec::new();
        for (at, ends) in cuts.windows(2).enumerate() {
            match kinds.get(at).map(|kind| kind % 4) {
                Some(0) => steps.push(Step::Later),
                Some(1) => steps.push(Step::Data(data(&[]))),
                _ => {}
            }
            steps.push(Step::Data(data(&body[ends[0]..ends[1]])));
        }
        if kinds.first().is_some_and(|kind| kind % 2 == 0) {
            // Trailers are not signed, so not even a right signature counts there.
            let mut trailers = HeaderMap::new();
            let name = HeaderName::from_static("x-nylas-signature");
            trailers.insert(name, sign(body).to_hex().parse().unwrap());
            steps.push(Step::Trailers(trailers));
        }
        steps
    }

    fn check<D>(
        body: &[u8],
        steps: &[Step<D>],
        announces_end: bool,
        claims: u64,
    ) -> Result<(), TestCaseError>
    where
        D: Buf + Unpin + Clone,
    {
        let secrets = proven();
        let mut size_hint = SizeHint::new();
        size_hint.set_lower(claims);
        for (signature, expected) in [
            (
                sign(body),
                (StatusCode::OK, Some(Bytes::copy_from_slice(body))),
            ),
            (sign(b"another body"), REFUSED),
        ] {
            let in_frames = Scripted::new(steps.iter().cloned())
                .claiming(size_hint)
                .announcing_end(announces_end);
            prop_assert_eq!(
                &verify(&secrets, signed(&signature, whole(body))),
                &expected
            );
            prop_assert_eq!(&verify(&secrets, signed(&signature, in_frames)), &expected);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn give_the_same_answer_in_any_frames(
            body in proptest::collection::vec(any::<u8>(), 0..600),
            cuts in proptest::collection::vec(any::<usize>(), 0..8),
            kinds in proptest::collection::vec(any::<u8>(), 0..9),
            announces_end: bool,
            claims in 0_u64..=4 * 1024 * 1024,
        ) {
            let steps = script(&body, &cuts, &kinds, Bytes::copy_from_slice);
            check(&body, &steps, announces_end, claims)?;
            let steps = script(&body, &cuts, &kinds, Pieces::of);
            check(&body, &steps, announces_end, claims)?;
        }
    }

    #[test]
    fn in_very_many_frames_are_read_to_their_end() {
        let body = vec![b'a'; 10_000];
        let steps = body
            .iter()
            .map(|byte| Step::Data(Bytes::copy_from_slice(&[*byte])));
        check(&body, &steps.collect::<Vec<_>>(), false, 0).unwrap();
    }

    #[tokio::test]
    async fn empty_or_not_utf8_or_chunked_are_verified_in_a_real_server() {
        let layer = WebhookLayer::with_timer(proven(), VirtualClock::new());
        let endpoint = Endpoint::serve(layer, all()).await;
        for body in [
            &b""[..],
            b"\xff\xfe\0\x80",
            b"{\"type\":\"\xff.\xfe\"}",
            &[0; 1000],
        ] {
            let (genuine, forged) = (sign(body).to_hex(), sign(b"other").to_hex());
            for (signature, status) in [(&genuine, 200), (&forged, 401)] {
                let answer = endpoint.send(&delivery_signed(body, signature)).await;
                assert_eq!(answer.status, status);

                let headers = [
                    ("transfer-encoding", "chunked"),
                    ("x-nylas-signature", signature),
                ];
                let mut request = head("POST", PATH, &headers).into_bytes();
                for byte in body {
                    request.extend_from_slice(b"1;an=extension\r\n");
                    request.extend_from_slice(&[*byte, b'\r', b'\n']);
                }
                request.extend_from_slice(b"0\r\nx-nylas-signature: trailing\r\n\r\n");
                assert_eq!(endpoint.send(&request).await.status, status);
            }
        }
    }

    /// A signature in the trailers is none, however right it is.
    #[tokio::test]
    async fn with_a_signature_in_their_trailers_only_are_401() {
        let layer = WebhookLayer::with_timer(proven(), VirtualClock::new());
        let endpoint = Endpoint::serve(layer, TriggerRouter::new()).await;
        let headers = [
            ("transfer-encoding", "chunked"),
            ("trailer", "x-nylas-signature"),
        ];
        let head = head("POST", PATH, &headers);
        let signature = sign(b"{}").to_hex();
        let request = format!("{head}2\r\n{{}}\r\n0\r\nx-nylas-signature: {signature}\r\n\r\n");
        assert_eq!(endpoint.send(request.as_bytes()).await.status, 401);
    }
}

mod without_a_copy {
    use super::*;

    fn same_memory(a: &[u8], b: &[u8]) -> bool {
        a.as_ptr() == b.as_ptr() && a.len() == b.len()
    }

    #[test]
    fn a_body_of_one_frame_reaches_the_inner_service() {
        let secrets = proven();
        let sent = Bytes::from(vec![b'x'; 5000]).slice(10..4000);
        let empty = || Step::Data(Bytes::new());
        let data = || Step::Data(sent.clone());
        let scripts = [
            vec![data()],
            vec![Step::Later, data()],
            vec![empty(), data(), empty(), empty()],
            vec![data(), Step::Trailers(HeaderMap::new())],
        ];
        for (script, announces_end) in scripts.into_iter().zip([true, false].into_iter().cycle()) {
            let body = Scripted::new(script).announcing_end(announces_end);
            let (status, received) = verify(&secrets, signed(&sign(&sent), body));
            assert_eq!(status, StatusCode::OK);
            assert!(same_memory(&received.unwrap(), &sent));
        }
    }

    /// Kept as it came, a single byte would hold all of the server's buffer while it waits.
    #[test]
    fn but_not_what_has_to_wait() {
        let secrets = proven();
        let buffer: Arc<[u8]> = vec![b'x'; 5000].into();
        let sent = Bytes::from_owner(buffer.clone()).slice(10..20);
        let signature = sign(&sent);
        let steps = [Step::Data(sent), Step::Later, Step::Later];
        let holders = Arc::new(Mutex::new(Vec::new()));
        let noted = holders.clone();
        let body = Scripted::new(steps).on_poll(move |_| {
            noted.lock().unwrap().push(Arc::strong_count(&buffer));
        });
        let (status, received) = verify(&secrets, signed(&signature, body));
        assert_eq!(
            (status, &*received.unwrap()),
            (StatusCode::OK, &[b'x'; 10][..])
        );
        assert_eq!(*holders.lock().unwrap(), [2, 2, 1, 1]);
    }

    #[tokio::test]
    async fn a_body_of_one_frame_reaches_the_handler() {
        let json = br#"{"type":"folder.created","id":"n-1","data":{"object":{"id":"L"}}}"#;
        let sent = Bytes::copy_from_slice(json);
        let expected = sent.clone();
        let router = TriggerRouter::new().on(
            "folder.created",
            move |folder: tower_nylas::Notification| {
                let same = same_memory(folder.body().bytes(), &expected);
                let object = folder.raw_object().unwrap().as_ptr_range();
                let borrowed = expected.as_ptr_range();
                assert!(borrowed.start < object.start && object.end < borrowed.end);
                async move { if same { Ack::Done } else { Ack::Retry } }
            },
        );
        let secrets = proven();
        let webhook = WebhookLayer::with_timer(secrets, VirtualClock::new()).layer(router);
        let request = signed(&sign(&sent), Full::new(sent));
        let response = webhook.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}
