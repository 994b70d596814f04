//! What other implementations of this and of similar protocols got wrong, each as a test. Most of
//! it is shown more thoroughly elsewhere; here is the list.

use std::{
    cell::Cell,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::SizeHint;
use http_body_util::Full;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    Ack, AcknowledgeLayer, ChallengeLayer, DecompressionLayer, Secrets, TriggerRouter,
    VerifiedBody, VerifySignatureLayer, WebhookLayer, WebhookSecret, testing::VirtualClock,
};
use tower_nylas_kit::{
    body::{Scripted, Untouchable},
    delivery::{PATH, SECRET, delivery, delivery_signed, proven, sign, sign_with},
    endpoint::Endpoint,
    serve::serve_axum,
    wire::{head, send},
};

fn layer() -> WebhookLayer {
    WebhookLayer::with_timer(proven(), VirtualClock::new())
}

fn request<B>(body: B, signature: &str) -> Request<B> {
    let request = Request::post(PATH).header("x-nylas-signature", signature);
    request.body(body).unwrap()
}

/// A notification without a route.
const OTHER: &[u8] = br#"{"type":"folder.created"}"#;

/// The answer to a body with a signature of any text.
async fn answer(body: &'static [u8], signature: &str) -> StatusCode {
    let request = request(Full::new(Bytes::from_static(body)), signature);
    let webhook = layer().layer(TriggerRouter::new());
    webhook.oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn comparing_only_up_to_the_shorter_length() {
    let genuine = sign(b"{}").to_hex();
    for length in 0..64 {
        assert_eq!(answer(b"{}", &genuine[..length]).await, 401, "{length}");
    }
    assert_eq!(answer(OTHER, &sign(OTHER).to_hex()).await, 200);
}

/// Besides taking a time that tells how much was right, this refuses another spelling.
#[tokio::test]
async fn comparing_texts() {
    let genuine = sign(OTHER).to_hex();
    assert_eq!(answer(OTHER, &genuine.to_uppercase()).await, 200);
}

#[tokio::test]
async fn panicking_on_a_signature_that_is_none() {
    for text in [
        "0",
        "xyz",
        &"0".repeat(65),
        &"zz".repeat(32),
        &"0".repeat(10_000),
    ] {
        assert_eq!(answer(b"{}", text).await, 401, "{text}");
    }
}

#[tokio::test]
async fn panicking_on_a_body_that_is_not_utf8() {
    let body = b"{\"type\":\"\xff\xfe\",\"id\":\xc3}";
    assert_eq!(answer(body, &sign(body).to_hex()).await, 200);
    assert_eq!(answer(body, &sign(b"other").to_hex()).await, 401);
}

#[tokio::test]
async fn reserving_as_many_bytes_as_content_length_says() {
    let inner = service_fn(async |request: Request<VerifiedBody>| {
        // The request's head may hold the same bytes.
        let (_, body) = request.into_parts();
        let bytes = body.into_bytes().try_into_mut().expect("the only owner");
        assert!(bytes.capacity() <= 8 * bytes.len(), "{}", bytes.capacity());
        Ok::<_, Infallible>(Response::<Full<Bytes>>::default())
    });
    let body = Scripted::frames([&b"ab"[..], b"cd"]).claiming(SizeHint::with_exact(4 << 20));
    let verify = VerifySignatureLayer::with_timer(proven(), VirtualClock::new());
    let request = request(body, &sign(b"abcd").to_hex());
    let response = verify.layer(inner).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn telling_the_expected_signature_in_the_error() {
    let endpoint = Endpoint::serve(layer(), TriggerRouter::new()).await;
    let (expected, received) = (sign(b"{}").to_hex(), sign(b"other").to_hex());
    let answer = endpoint.send(&delivery_signed(b"{}", &received)).await;
    for text in [&answer.head, answer.text(), &endpoint.reports().concat()] {
        assert!(!text.is_empty());
        assert!(
            !text.contains(&expected) && !text.contains(&received),
            "{text}"
        );
    }
}

#[test]
fn printing_the_secret() {
    let secret = WebhookSecret::new(SECRET).unwrap();
    let secrets = proven();
    let layer = WebhookLayer::with_timer(secrets.clone(), VirtualClock::new());
    let texts = format!("{secret:?} {secret:#?} {secrets:?} {secrets:#?} {layer:?} {layer:#?}");
    assert!(!texts.contains(SECRET), "{texts}");
}

#[tokio::test]
async fn skipping_the_check_without_a_header() {
    let request = Request::post(PATH)
        .body(Full::new(Bytes::from("{}")))
        .unwrap();
    let webhook = layer().layer(TriggerRouter::new());
    assert_eq!(webhook.oneshot(request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn skipping_the_check_without_a_secret() {
    assert!(Secrets::new("").is_err());
    assert!(Secrets::any_of([""; 0]).is_err());
    assert!(Secrets::any_of(["fine", ""]).is_err());

    // HMAC takes an empty key, and then anybody can sign: this is `{}` with that.
    let with_nothing = "22f8eea909400af98adf3681a9f31923ef6b7fcba4abb553d92823a3e9d5c25e";
    let pending = WebhookLayer::with_timer(Secrets::pending(), VirtualClock::new());
    let request = request(Full::new(Bytes::from("{}")), with_nothing);
    let webhook = pending.layer(TriggerRouter::new());
    assert_eq!(webhook.oneshot(request).await.unwrap().status(), 503);
}

#[tokio::test]
async fn signing_json_that_was_parsed_and_written_again() {
    // Spaces, an escape, a float, a key twice, a trailing line break: all would change.
    let body = b"{ \"type\": \"a.b\", \"n\": 1.0, \"t\": \"\\u00e9\", \"t\": 1 }\n";
    assert_eq!(answer(body, &sign(body).to_hex()).await, 200);
    let parsed: serde_json::Value = serde_json::from_slice(body).unwrap();
    let written = serde_json::to_vec(&parsed).unwrap();
    assert_eq!(answer(body, &sign(&written).to_hex()).await, 401);
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn signing_the_inflated_bytes() {
    let plain = br#"{"type":"a.b"}"#;
    let compressed = Bytes::from(tower_nylas_kit::delivery::gzip(plain));
    for (signed, status) in [(&compressed[..], 200), (plain, 401)] {
        let mut request = request(Full::new(compressed.clone()), &sign(signed).to_hex());
        let gzip = http::HeaderValue::from_static("gzip");
        request.headers_mut().insert("content-encoding", gzip);
        let webhook = layer().layer(TriggerRouter::new());
        assert_eq!(webhook.oneshot(request).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn reading_the_body_before_looking_at_a_header() {
    let request = request(Untouchable { claims: 10 }, "no signature");
    let webhook = layer().layer(TriggerRouter::new());
    assert_eq!(webhook.oneshot(request).await.unwrap().status(), 401);
}

/// axum limits what its extractors read, not what a middleware reads.
#[tokio::test]
async fn reading_a_body_without_limit() {
    let frame = Bytes::from(vec![b' '; 64 * 1024]);
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = polls.clone();
    let body = Scripted::frames(vec![frame; 1000]).on_poll(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let webhook = layer().layer(TriggerRouter::new());
    let response = webhook
        .oneshot(request(body, &sign(b"").to_hex()))
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
    // 4 MiB, and the frame that was one too many.
    assert_eq!(polls.load(Ordering::SeqCst), 65);
}

/// `axum::Router::layer` demands `Infallible`, `Clone`, `Send` and `Sync`.
#[tokio::test]
async fn failing_with_a_boxed_error() {
    let app = axum::Router::new()
        .route(PATH, axum::routing::post(async |body: Bytes| body))
        .layer(layer());
    let address = serve_axum(app).await;
    assert_eq!(send(address, &delivery(b"{}")).await.status, 200);
    assert_eq!(send(address, &delivery_signed(b"{}", "")).await.status, 401);
}

/// Whatever the body is: even one that cannot leave its thread.
#[test]
fn losing_clone_and_sync_to_the_type_of_the_body() {
    type LocalBody = Scripted<Local>;
    struct Local(#[allow(dead_code)] std::rc::Rc<Cell<u8>>);

    impl bytes::Buf for Local {
        fn remaining(&self) -> usize {
            0
        }
        fn chunk(&self) -> &[u8] {
            &[]
        }
        fn advance(&mut self, _: usize) {}
    }

    fn mounted<S>(_: &S)
    where
        S: Service<Request<LocalBody>, Error = Infallible> + Clone + Send + Sync + 'static,
    {
    }
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}

    let secrets = Secrets::pending();
    mounted(&layer().layer(TriggerRouter::new()));
    mounted(
        &VerifySignatureLayer::with_timer(secrets, VirtualClock::new()).layer(TriggerRouter::new()),
    );
    shared(&layer());
    shared(&TriggerRouter::new());
    shared(&DecompressionLayer::new().layer(TriggerRouter::new()));
    shared(&ChallengeLayer::new().layer(TriggerRouter::new()));
    shared(&AcknowledgeLayer::with_timer(VirtualClock::new()).layer(TriggerRouter::new()));
}

/// Ready only after it was asked, and each clone for itself.
#[derive(Debug)]
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.ready, "called without being asked whether it is ready");
        self.ready = false;
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn calling_a_clone_that_was_never_ready() {
    let body = br#"{"type":"a.b"}"#;
    let signed = || {
        let full = Full::new(Bytes::from_static(body));
        request(full, &sign(body).to_hex())
    };
    let strict = || Strict { ready: false };
    let secrets = proven();
    let verify = VerifySignatureLayer::with_timer(secrets.clone(), VirtualClock::new());
    let verified = VerifiedBody::verify(Bytes::from_static(body), &sign(body), &secrets).unwrap();
    let verified = || Request::new(verified.clone());

    let router = TriggerRouter::new().fallback_service(strict());
    let statuses = [
        layer()
            .layer(strict())
            .oneshot(signed())
            .await
            .unwrap()
            .status(),
        layer()
            .layer(router)
            .oneshot(signed())
            .await
            .unwrap()
            .status(),
        verify
            .layer(strict())
            .oneshot(signed())
            .await
            .unwrap()
            .status(),
        ChallengeLayer::new()
            .layer(strict())
            .oneshot(signed())
            .await
            .unwrap()
            .status(),
        DecompressionLayer::new()
            .layer(strict())
            .oneshot(verified())
            .await
            .unwrap()
            .status(),
    ];
    assert_eq!(statuses, [StatusCode::OK; 5]);
    let acknowledge = AcknowledgeLayer::with_timer(VirtualClock::new()).layer(strict());
    // Here a panic would be a 503.
    assert_eq!(acknowledge.oneshot(signed()).await.unwrap().status(), 200);
}

#[test]
fn trying_only_one_secret_during_a_rotation() {
    let secrets = Secrets::new("old").unwrap();
    secrets.rotate("new", Duration::from_secs(60)).unwrap();
    for secret in ["old", "new"] {
        assert_eq!(secrets.verify(b"{}", &sign_with(secret, b"{}")), Ok(()));
    }
}

#[tokio::test]
async fn crashing_on_an_unknown_trigger() {
    let router = TriggerRouter::new().on("message.created", async || ());
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    for trigger in [
        "",
        ".",
        "yacht",
        "yacht.sunk",
        "message.created.truncated.x",
        "é.è",
    ] {
        let body = format!(r#"{{"type":"{trigger}"}}"#);
        assert_eq!(endpoint.send(&delivery(body.as_bytes())).await.status, 200);
    }
    assert_eq!(router.unrouted_count(), 6);
}

#[tokio::test]
async fn answering_what_loses_a_genuine_notification() {
    for inner in [201, 202, 204, 301, 400, 401, 403, 404, 410, 422, 500, 501] {
        let inner = service_fn(move |_: Request<VerifiedBody>| async move {
            Response::builder()
                .status(inner)
                .body(Full::<Bytes>::default())
        });
        let endpoint = Endpoint::serve(layer(), inner).await;
        let status = endpoint.send(&delivery(b"{}")).await.status;
        assert!([200, 503].contains(&status.as_u16()), "{status}");
    }
    let failing = TriggerRouter::new().fallback(async || Err::<Ack, _>("failed"));
    let endpoint = Endpoint::serve(layer(), failing).await;
    let body = br#"{"type":"a.b"}"#;
    assert_eq!(endpoint.send(&delivery(body)).await.status, 503);
}

#[tokio::test]
async fn answering_the_challenge_with_anything_but_its_value() {
    let endpoint = Endpoint::serve(layer(), TriggerRouter::new()).await;
    let value = "bc609b38-c81f-47fb-a275-0f8a87a9e1cd";
    let target = format!("{PATH}?challenge={value}");
    let answer = endpoint.send(head("GET", &target, &[]).as_bytes()).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, value));
    assert_eq!(answer.header("content-length"), Some("36"));
    assert_eq!(answer.header("transfer-encoding"), None);
}
