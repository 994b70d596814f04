//! The sender of the feature `testing`, against services and over a socket.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tower::{service_fn, util::BoxCloneSyncService};
use tower_nylas::{
    Ack, Notification, Secrets, TriggerRouter, WebhookLayer, WebhookSecret,
    testing::{self, ChallengeError, Nylas},
};
use tower_nylas_kit::{
    delivery::{PATH, SECRET},
    serve::serve_axum,
};

/// The examples do without the feature `testing`, and so without the list in there.
#[test]
fn the_examples_embed_every_sample() {
    const SAMPLES: &[(&str, &str)] = &include!("../../src/testing/samples/all.rs");
    const SAMPLES_OF_V2: &[(&str, &str)] = &include!("../../src/testing/samples/v2/all.rs");

    let mut known = testing::SAMPLES.to_vec();
    known.sort_unstable();
    assert_eq!(known, SAMPLES);

    for (folder, embedded) in [("", SAMPLES), ("/v2", SAMPLES_OF_V2)] {
        let folder = format!("{}/src/testing/samples{folder}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files
            .filter_map(|file| {
                let name = file.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".json").map(str::to_owned)
            })
            .collect();
        names.sort_unstable();
        let embedded: Vec<_> = embedded.iter().map(|(name, _)| *name).collect();
        assert_eq!(embedded, names);
    }
}

fn secret() -> WebhookSecret {
    WebhookSecret::new(SECRET).unwrap()
}

/// Asks for a repetition until the third attempt, and keeps the attempts.
fn reluctant() -> (TriggerRouter, Arc<Mutex<Vec<Option<u32>>>>) {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = attempts.clone();
    let router = TriggerRouter::new().on("message.created", move |n: Notification| {
        seen.lock().unwrap().push(n.attempt());
        let ack = if n.attempt() == Some(3) {
            Ack::Done
        } else {
            Ack::Retry
        };
        async move { ack }
    });
    (router, attempts)
}

#[tokio::test]
async fn plays_challenge_and_delivery_against_a_url() {
    let secrets = Secrets::pending();
    let (router, attempts) = reluctant();
    let webhooks = WebhookLayer::new(secrets.clone()).layer(router);
    let address = serve_axum(Router::new().route_service(PATH, webhooks)).await;
    let uri = format!("http://{address}{PATH}").parse().unwrap();

    let mut nylas = Nylas::at(uri, secret());
    nylas.challenge().await.unwrap();
    let body = testing::sample("message.created").unwrap();
    let early = nylas.deliver(body).await.unwrap();
    assert_eq!(early.statuses(), [StatusCode::SERVICE_UNAVAILABLE; 3]);
    assert!(!early.is_accepted());

    secrets.set(SECRET).unwrap();
    let delivery = nylas.deliver(body).await.unwrap();
    assert_eq!(delivery.statuses(), [503, 503, 200]);
    assert!(delivery.is_accepted());
    assert_eq!(*attempts.lock().unwrap(), [Some(1), Some(2), Some(3)]);

    nylas.rotate(WebhookSecret::new("another-inventedOne").unwrap());
    let refused = nylas.deliver(body).await.unwrap();
    assert_eq!(refused.statuses(), [StatusCode::UNAUTHORIZED]);
}

#[tokio::test]
async fn a_url_without_a_server_is_no_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut nylas = Nylas::at(format!("http://{address}/").parse().unwrap(), secret());
    assert!(matches!(
        nylas.challenge().await,
        Err(ChallengeError::Service(_))
    ));
    assert!(nylas.deliver("{}").await.is_err());
}

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Endpoint = BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, Infallible>;

fn answering(status: u16, body: fn(&str) -> Body) -> Endpoint {
    BoxCloneSyncService::new(service_fn(move |request: Request<Full<Bytes>>| {
        let query = request.uri().query().unwrap_or_default();
        let value = query
            .rsplit_once("challenge=")
            .map_or("", |(_, value)| value);
        let response = Response::builder()
            .status(status)
            .body(body(value))
            .unwrap();
        async { Ok(response) }
    }))
}

fn whole(text: String) -> Body {
    Full::new(Bytes::from(text)).boxed_unsync()
}

/// What Nylas refuses is refused here as well.
#[tokio::test]
async fn a_challenge_is_judged_as_strictly_as_nylas_does() {
    let judged = async |endpoint: Endpoint| {
        let uri = "/hooks?tenant=a".parse().unwrap();
        Nylas::new(endpoint, secret()).uri(uri).challenge().await
    };
    let exact = |value: &str| whole(value.to_owned());
    assert!(judged(answering(200, exact)).await.is_ok());
    for status in [201, 204, 302, 404] {
        let refused = judged(answering(status, exact)).await;
        assert!(matches!(refused, Err(ChallengeError::Status(seen)) if seen == status));
    }
    for other in [
        (|value| whole(format!("\"{value}\""))) as fn(&str) -> Body,
        |value| whole(format!("{value}\n")),
        |value| whole(value.to_uppercase()),
        |_| whole(String::new()),
    ] {
        let refused = judged(answering(200, other)).await;
        assert!(matches!(refused, Err(ChallengeError::Value)), "{refused:?}");
    }
    let chunked =
        |value: &str| WithoutLength(Full::new(Bytes::from(value.to_owned()))).boxed_unsync();
    let refused = judged(answering(200, chunked)).await;
    assert!(
        matches!(refused, Err(ChallengeError::Chunked)),
        "{refused:?}"
    );
}

/// A body that does not tell its length.
struct WithoutLength(Full<Bytes>);

impl http_body::Body for WithoutLength {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(cx)
    }
}

/// Only what Nylas repeats is repeated.
#[tokio::test]
async fn a_delivery_is_repeated_when_nylas_would() {
    for status in [408, 429, 502, 503, 504, 507] {
        let mut nylas = Nylas::new(answering(status, |_| whole(String::new())), secret());
        assert_eq!(
            nylas.deliver("{}").await.unwrap().statuses().len(),
            3,
            "{status}"
        );
    }
    for status in [
        200, 202, 204, 302, 400, 401, 403, 404, 410, 413, 422, 500, 501,
    ] {
        let mut nylas = Nylas::new(answering(status, |_| whole(String::new())), secret());
        let delivery = nylas.deliver("{}").await.unwrap();
        assert_eq!(delivery.statuses().len(), 1, "{status}");
        assert_eq!(delivery.is_accepted(), status == 200, "{status}");
    }
}

/// Trap 35: some senders' helpers encode the secret for a URL; it is used byte for byte.
#[test]
fn a_secret_is_used_as_it_is() {
    for (secret, encoded) in [
        ("a+b/c=", "a%2Bb%2Fc%3D"),
        ("a\u{fc}b", "a%C3%BCb"),
        ("6162", "ab"),
    ] {
        let signature = WebhookSecret::new(secret).unwrap().sign(b"{}");
        assert!(
            !WebhookSecret::new(encoded)
                .unwrap()
                .verify(b"{}", &signature)
        );
    }
}
