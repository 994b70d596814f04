//! The samples and the sender of the feature `testing`, against services and over a socket.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, Read},
    net::SocketAddr,
    panic::catch_unwind,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{BoxError, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_nylas::{
    Ack, Notification, Outcome, Rejection, Secrets, Signature, TriggerRouter, VerifiedBody,
    WebhookLayer, WebhookSecret,
    notification::{Malformed, object::Grant},
    testing::{
        self, ChallengeError, Change, Delivery, DeliveryAttempt, NoAnswer, Nylas, VirtualClock,
    },
    time::Timer,
    webhook::Webhook,
};
use tower_nylas_kit::{
    delivery::{PATH, SECRET, proven},
    serve::{listen, serve_axum},
};

/// The examples embed those of API v2, which no function returns.
#[test]
fn every_sample_is_embedded() {
    const SAMPLES_OF_V2: &[(&str, &str)] = &include!("../../src/testing/samples/v2/all.rs");

    for (folder, embedded) in [("", testing::SAMPLES), ("/v2", SAMPLES_OF_V2)] {
        let folder = format!("{}/src/testing/samples{folder}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files
            .filter_map(|file| {
                let name = file.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".json").map(str::to_owned)
            })
            .collect();
        names.sort_unstable();
        let mut embedded: Vec<_> = embedded.iter().map(|(name, _)| *name).collect();
        embedded.sort_unstable();
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
    let early = nylas.deliver(body).await;
    assert_eq!(early.statuses(), [StatusCode::SERVICE_UNAVAILABLE; 3]);
    assert!(!early.is_accepted());
    assert_eq!(fate(&early), (Some(false), Some(true)));

    secrets.set(SECRET).unwrap();
    let delivery = nylas.deliver(body).await;
    assert_eq!(delivery.statuses(), [503, 503, 200]);
    assert!(delivery.is_accepted());
    // The wire does not say what becomes of a notification after a 200.
    assert_eq!(fate(&delivery), (None, None));
    assert_eq!(*attempts.lock().unwrap(), [Some(1), Some(2), Some(3)]);

    nylas.rotate(WebhookSecret::new("another-inventedOne").unwrap());
    let refused = nylas.deliver(body).await;
    assert_eq!(refused.statuses(), [StatusCode::UNAUTHORIZED]);
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
        assert_eq!(nylas.deliver("{}").await.statuses().len(), 3, "{status}");
    }
    for status in [
        200, 202, 204, 302, 400, 401, 403, 404, 410, 413, 422, 500, 501,
    ] {
        let mut nylas = Nylas::new(answering(status, |_| whole(String::new())), secret());
        let delivery = nylas.deliver("{}").await;
        assert_eq!(delivery.statuses().len(), 1, "{status}");
        assert_eq!(delivery.is_accepted(), status == 200, "{status}");
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A handler of `message.created` that fails at the first attempt.
fn failing_once() -> TriggerRouter {
    TriggerRouter::new().on("message.created", async |mail: Notification| {
        match mail.attempt() {
            Some(1) => Err("the database does not answer"),
            _ => Ok(()),
        }
    })
}

/// Whether it is handled, and whether it is lost.
fn fate(delivery: &Delivery) -> (Option<bool>, Option<bool>) {
    (delivery.is_handled(), delivery.is_lost())
}

fn to(triggers: TriggerRouter) -> Nylas<Webhook<TriggerRouter>> {
    Nylas::new(WebhookLayer::new(proven()).layer(triggers), secret())
}

#[tokio::test]
async fn a_delivery_tells_attempt_by_attempt_what_became_of_it() {
    let body = testing::sample("message.created").unwrap();
    let delivery = to(failing_once()).deliver(body).await;
    assert_eq!(delivery.statuses(), [503, 200]);
    let [first, second] = delivery.attempts() else {
        panic!("{delivery}");
    };
    assert_eq!(first.answer().unwrap(), 503);
    assert!(matches!(first.outcome(), Some(Outcome::Failed(_))));
    assert_eq!(first.is_handled(), Some(false));
    assert!(matches!(second.outcome(), Some(Outcome::Done)));
    assert_eq!(second.is_handled(), Some(true));
    assert_eq!(fate(&delivery), (Some(true), Some(false)));
    assert_eq!(
        delivery.to_string(),
        "attempt 1: 503 Service Unavailable (its handler failed: the database does not answer); \
         attempt 2: 200 OK (handled)"
    );
}

/// The same 200 on the wire, and only some of them for a notification that was handled.
#[tokio::test]
async fn handled_is_what_a_handler_took() {
    let grants = || TriggerRouter::new().on("grant.expired", async || ());
    let malformed = || grants().on_malformed(async |_: Malformed| ());
    let no_json = r#"{"type":"grant.expired""#;
    let expired = testing::sample("grant.expired").unwrap();
    let unrouted = testing::sample("event.created").unwrap();
    let answering = |ack: Ack| {
        TriggerRouter::new().on("grant.expired", move || {
            let ack = ack.clone();
            async move { ack }
        })
    };
    let given_up = Ack::GiveUp("no such grant".into());
    for (triggers, body, is_handled) in [
        (grants(), expired, true),
        (answering(Ack::Discard), expired, true),
        (answering(given_up), expired, true),
        (malformed(), no_json, true),
        (grants(), unrouted, false),
    ] {
        let delivery = to(triggers).deliver(body).await;
        assert_eq!(delivery.statuses(), [200], "{delivery}");
        assert_eq!(
            fate(&delivery),
            (Some(is_handled), Some(false)),
            "{delivery}"
        );
    }

    let delivery = to(answering(Ack::Retry)).deliver(expired).await;
    assert_eq!(delivery.statuses(), [503; 3]);
    assert_eq!(fate(&delivery), (Some(false), Some(true)));

    // Read by nobody, and 200 at the third attempt.
    let unfit = r#"{"type":"grant.expired","webhook_delivery_attempt":1,"data":[]}"#;
    let typed = TriggerRouter::new().on("grant.expired", async |_: Notification<Grant>| ());
    let delivery = to(typed).deliver(unfit).await;
    assert_eq!(delivery.statuses(), [503, 503, 200], "{delivery}");
    assert_eq!(fate(&delivery), (Some(false), Some(true)));

    let endpoint = WebhookLayer::new(proven())
        .acknowledge_test_events(true)
        .layer(grants());
    let delivery = Nylas::new(endpoint, testing::test_event_secret())
        .deliver(expired)
        .await;
    assert!(delivery.is_accepted());
    assert_eq!(fate(&delivery), (Some(false), Some(false)));
}

/// A duplicate is not handled, and what the store of ids does not remember is.
#[cfg(feature = "dedup")]
#[tokio::test]
async fn only_the_first_of_duplicates_is_handled() {
    use tower_nylas::{
        DeduplicateLayer,
        dedup::{Begun, NotificationKey, SeenIds},
    };

    struct Away;

    impl SeenIds for Away {
        type Claim = ();

        async fn begin(&self, _: NotificationKey) -> Result<Begun<()>, BoxError> {
            Err("the store does not answer".into())
        }

        async fn finish(&self, (): ()) -> Result<(), BoxError> {
            Ok(())
        }

        async fn release(&self, (): ()) -> Result<(), BoxError> {
            Ok(())
        }
    }

    let body = testing::sample("grant.expired").unwrap();
    let grants = || TriggerRouter::new().on("grant.expired", async || ());
    let once = WebhookLayer::new(proven()).layer(DeduplicateLayer::new().layer(grants()));
    let always = WebhookLayer::new(proven()).layer(DeduplicateLayer::over(Away).layer(grants()));
    let (mut once, mut always) = (Nylas::new(once, secret()), Nylas::new(always, secret()));
    for is_first in [true, false] {
        let delivery = once.deliver(body).await;
        assert_eq!(delivery.is_handled(), Some(is_first), "{delivery}");
        assert_eq!(delivery.is_lost(), Some(false), "{delivery}");

        let delivery = always.deliver(body).await;
        assert_eq!(delivery.is_handled(), Some(true), "{delivery}");
    }
}

/// The first test of many: a fresh layer does not know yet that its own secret is right.
#[tokio::test]
async fn a_forged_one_is_refused_once_the_secret_is_proven() {
    let forged = async |secrets| {
        let endpoint = WebhookLayer::new(secrets).layer(failing_once());
        let forger = WebhookSecret::new("another-inventedOne").unwrap();
        Nylas::new(endpoint, forger).deliver("{}").await
    };
    let refused = forged(testing::proven_secrets(SECRET).unwrap()).await;
    assert_eq!(refused.statuses(), [StatusCode::UNAUTHORIZED]);
    let rejection = refused.attempts()[0].rejection();
    assert!(matches!(rejection, Some(Rejection::SignatureMismatch(_))));
    assert_eq!(fate(&refused), (Some(false), Some(true)));
    let text = refused.to_string();
    assert!(
        text.contains("401 Unauthorized (the signature does not match"),
        "{text}"
    );

    let fresh = forged(Secrets::new(SECRET).unwrap()).await;
    assert_eq!(fresh.statuses(), [StatusCode::SERVICE_UNAVAILABLE; 3]);
    let rejection = fresh.attempts()[0].rejection();
    assert!(matches!(rejection, Some(Rejection::SecretUnproven(_))));
}

/// Whatever carries requests elsewhere brings no extensions back, and so no outcome.
#[tokio::test]
async fn of_a_client_only_the_answer_is_known() {
    let client = answering(200, |_| whole(String::new()));
    let mut nylas = Nylas::with_client(client, "/hooks".parse().unwrap(), secret());
    let delivery = nylas.deliver("{}").await;
    assert!(delivery.is_accepted());
    assert!(delivery.attempts()[0].outcome().is_none());
    assert_eq!(fate(&delivery), (None, None));
    assert_eq!(delivery.to_string(), "attempt 1: 200 OK");
}

/// What a layer outside takes, the handler deadline does not bound.
#[test]
fn an_answer_after_ten_seconds_is_none() {
    let delivered_after = |wait| {
        let clock = VirtualClock::new();
        let webhooks = WebhookLayer::with_timer(proven(), clock.clone()).layer(failing_once());
        let timer = clock.clone();
        let endpoint = service_fn(move |request: Request<Full<Bytes>>| {
            let (sleep, webhooks) = (timer.sleep(seconds(wait)), webhooks.clone());
            async move {
                sleep.await;
                webhooks.oneshot(request).await
            }
        });
        let mut nylas = Nylas::new(endpoint, secret()).timer(clock.clone());
        let delivery = clock.run_until(nylas.deliver(testing::sample("message.created").unwrap()));
        // A late call is dropped, as by a server whose client is gone.
        assert_eq!(clock.sleepers(), 0);
        (delivery, clock.elapsed())
    };
    let (delivery, elapsed) = delivered_after(9);
    assert_eq!(delivery.statuses(), [503, 200]);
    assert_eq!(elapsed, seconds(18));

    let (delivery, elapsed) = delivered_after(11);
    assert_unanswered(&delivery, |why| matches!(why, NoAnswer::TimedOut));
    assert_eq!(elapsed, seconds(30));
    assert!(
        delivery
            .to_string()
            .starts_with("attempt 1: no answer within 10s; attempt 2: ")
    );
}

#[test]
fn nor_is_a_challenge_answered_after_ten_seconds() {
    let clock = VirtualClock::new();
    let endpoint =
        service_fn(|_: Request<Full<Bytes>>| pending::<Result<Response<Body>, BoxError>>());
    let mut nylas = Nylas::new(endpoint, secret()).timer(clock.clone());
    let refused = clock.run_until(nylas.challenge());
    assert!(matches!(
        refused,
        Err(ChallengeError::NoAnswer(NoAnswer::TimedOut))
    ));
    assert_eq!(clock.elapsed(), seconds(10));
}

#[test]
fn what_answers_at_once_needs_no_runtime() {
    let body = testing::sample("message.created").unwrap();
    let clock = VirtualClock::new();
    let endpoint = WebhookLayer::with_timer(proven(), clock.clone()).layer(failing_once());
    let delivery = clock.run_until(Nylas::new(endpoint, secret()).deliver(body));
    assert_eq!(delivery.is_handled(), Some(true), "{delivery}");
}

#[test]
#[should_panic(expected = "Tokio")]
fn what_waits_needs_a_timer_that_can_sleep() {
    let endpoint =
        service_fn(|_: Request<Full<Bytes>>| pending::<Result<Response<Body>, BoxError>>());
    let _ = VirtualClock::new().run_until(Nylas::new(endpoint, secret()).deliver("{}"));
}

/// The error of an endpoint in this process says what happened, as one of a connection does.
#[tokio::test]
async fn an_error_is_no_answer() {
    let failing = async |error: fn() -> BoxError| {
        let endpoint =
            service_fn(
                move |_: Request<Full<Bytes>>| async move { Err::<Response<Body>, _>(error()) },
            );
        Nylas::new(endpoint, secret()).deliver("{}").await
    };
    let refused = failing(|| io::Error::from(io::ErrorKind::ConnectionRefused).into()).await;
    assert_unanswered(&refused, |why| matches!(why, NoAnswer::Refused(_)));
    for error in [
        (|| io::Error::from(io::ErrorKind::ConnectionReset).into()) as fn() -> BoxError,
        || io::Error::from(io::ErrorKind::ConnectionAborted).into(),
        || io::Error::from(io::ErrorKind::BrokenPipe).into(),
        || io::Error::from(io::ErrorKind::UnexpectedEof).into(),
    ] {
        let ended = failing(error).await;
        assert_unanswered(&ended, |why| matches!(why, NoAnswer::Disconnected(_)));
    }
    let other = failing(|| "no route to host".into()).await;
    assert_unanswered(&other, |why| matches!(why, NoAnswer::Failed(_)));
    assert!(
        other
            .to_string()
            .starts_with("attempt 1: there was no answer: no route to host;")
    );
}

/// Nylas tries three times, and gives up then.
fn assert_unanswered(delivery: &Delivery, is_it: fn(&NoAnswer) -> bool) {
    assert_eq!(delivery.attempts().len(), 3, "{delivery}");
    let is_such = |attempt: &DeliveryAttempt| attempt.answer().is_err_and(is_it);
    assert!(delivery.attempts().iter().all(is_such), "{delivery:?}");
    assert_eq!(delivery.statuses(), [StatusCode::OK; 0]);
    assert_eq!(fate(delivery), (Some(false), Some(true)));
}

fn at(address: SocketAddr) -> Nylas<testing::HttpClient> {
    Nylas::at(format!("http://{address}/").parse().unwrap(), secret())
}

#[tokio::test]
async fn a_url_without_a_server_refuses() {
    let (listener, address) = listen().await;
    drop(listener);
    assert!(matches!(
        at(address).challenge().await,
        Err(ChallengeError::NoAnswer(NoAnswer::Refused(_)))
    ));
    let delivery = at(address).deliver("{}").await;
    assert_unanswered(&delivery, |why| matches!(why, NoAnswer::Refused(_)));
}

/// Reads each request to its end, writes this, and ends the connection.
async fn ending(answer: &'static str, is_reset: bool) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // A body that is left would reset the connection.
            let is_whole = |request: &[u8]| {
                request.ends_with(if request.starts_with(b"GET") {
                    &b"\r\n\r\n"[..]
                } else {
                    b"{}"
                })
            };
            while !is_whole(&request) {
                assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0);
            }
            connection.write_all(answer.as_bytes()).await.unwrap();
            if is_reset {
                connection.set_zero_linger().unwrap();
            }
        }
    });
    address
}

#[tokio::test]
async fn a_connection_that_ends_is_no_answer() {
    for is_reset in [false, true] {
        for answer in ["", "HTTP/1.1 200 O"] {
            let delivery = at(ending(answer, is_reset).await).deliver("{}").await;
            assert_unanswered(&delivery, |why| matches!(why, NoAnswer::Disconnected(_)));
        }
    }
    // The head of an answer is enough for a notification, and not for a challenge.
    let address = ending("HTTP/1.1 200 OK\r\ncontent-length: 36\r\n\r\nbc6", false).await;
    assert!(at(address).deliver("{}").await.is_accepted());
    let cut = at(address).challenge().await;
    assert!(
        matches!(
            cut,
            Err(ChallengeError::NoAnswer(NoAnswer::Disconnected(_)))
        ),
        "{cut:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_costs_no_time() {
    // The system accepts connections for it.
    let (_listener, address) = listen().await;
    let clock = VirtualClock::new();
    let mut nylas = at(address).timer(clock.clone());
    let time_passes = async {
        for _ in 0..3 {
            clock.wait_for_sleeper().await;
            clock.advance(seconds(10));
        }
    };
    let (delivery, ()) = tokio::join!(nylas.deliver("{}"), time_passes);
    assert_unanswered(&delivery, |why| matches!(why, NoAnswer::TimedOut));
}

/// What [`Nylas`] sends, attempt by attempt.
type Requests = Arc<Mutex<Vec<(http::HeaderMap, Bytes)>>>;

#[tokio::test]
async fn a_compressed_delivery_is_signed_as_it_is_sent() {
    let requests = Requests::default();
    let seen = requests.clone();
    let endpoint = service_fn(move |request: Request<Full<Bytes>>| {
        let seen = seen.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            seen.lock().unwrap().push((parts.headers, body));
            let mut response = Response::new(whole(String::new()));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok::<_, Infallible>(response)
        }
    });
    let mut nylas = Nylas::new(endpoint, secret()).compressed_delivery(true);
    let delivery = nylas
        .deliver(testing::sample("message.created").unwrap())
        .await;
    assert_eq!(delivery.statuses(), [503; 3]);

    for (attempt, (headers, body)) in (1..).zip(&*requests.lock().unwrap()) {
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!(headers["content-length"], body.len().to_string());
        let signature: Signature = headers["x-nylas-signature"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(secret().verify(body, &signature));
        let mut plain = String::new();
        let mut inflated = flate2::read::GzDecoder::new(&body[..]);
        inflated.read_to_string(&mut plain).unwrap();
        let notification: Value = serde_json::from_str(&plain).unwrap();
        assert_eq!(notification["webhook_delivery_attempt"], attempt);
    }
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_compressed_delivery_is_handled() {
    let body = testing::sample("message.created").unwrap();
    let delivery = to(failing_once())
        .compressed_delivery(true)
        .deliver(body)
        .await;
    assert_eq!(delivery.statuses(), [503, 200]);
    assert_eq!(delivery.is_handled(), Some(true));
}

/// What a handler of several tenants sees of them.
#[tokio::test]
async fn a_body_is_verified_by_a_tenant() {
    let router = TriggerRouter::new().on("grant.expired", async |body: VerifiedBody| {
        assert_eq!((body.verified_by(), body.by_lookup()), ("acme", true));
    });
    let body = testing::verified_by("acme", testing::sample("grant.expired").unwrap());
    let response = router.oneshot(Request::new(body)).await.unwrap();
    assert_eq!(response.status(), 200);

    let body = testing::verified("{}");
    assert_eq!((body.verified_by(), body.by_lookup()), ("testing", false));
}

#[test]
fn a_sample_has_what_was_changed_and_all_else() {
    let mut expected: Value =
        serde_json::from_str(testing::sample("message.created").unwrap()).unwrap();
    let fields = expected.as_object_mut().unwrap();
    fields.remove("time");
    fields["data"]["object"]["subject"] = json!("Invoice 7");
    fields["data"]["object"]["unread"] = Value::Null;
    fields["data"]["object"]["to"][0]["email"] = json!("sales@example.com");
    fields["data"]["object"]["metadata"]["a/b~c.d"] = json!([1]);

    let changed = testing::sample_with(
        "message.created",
        [
            Change::set("data.object.subject", "Invoice 7"),
            Change::set("data.object.unread", Value::Null),
            ("/data/object/to/0/email", "sales@example.com").into(),
            Change::add("/data/object/metadata/a~1b~0c.d", json!([1])),
            Change::remove("time"),
        ],
    );
    assert_eq!(serde_json::from_str::<Value>(&changed).unwrap(), expected);
    assert_eq!(changed, expected.to_string(), "compact");

    let pairs = testing::sample_with("message.created", [("data.object.subject", "Invoice 7")]);
    assert!(pairs.contains(r#""subject":"Invoice 7""#));
}

#[test]
fn a_misspelled_path_of_a_sample_panics() {
    let message = |trigger: &'static str, change: Change| {
        let panic = catch_unwind(|| testing::sample_with(trigger, [change])).unwrap_err();
        *panic.downcast::<String>().unwrap()
    };
    assert_eq!(
        message("message.create", Change::remove("time")),
        "there is no sample of `message.create`"
    );
    for (change, hindrance) in [
        (
            Change::set("data.object.subjct", "a"),
            "`data.object.subjct` does not exist",
        ),
        (
            Change::set("data.object.to.1", json!({})),
            "`data.object.to.1` does not exist",
        ),
        (
            Change::add("time", 1),
            "`time` exists, or is no field of an object",
        ),
        (
            Change::add("data.objct.a", 1),
            "`data.objct.a` exists, or is no field of an object",
        ),
        (
            Change::add("data.object.to.1", 1),
            "`data.object.to.1` exists, or is no field of an object",
        ),
        (Change::remove("tme"), "`tme` is no field of an object"),
        (
            Change::remove("data.object.to.0"),
            "`data.object.to.0` is no field of an object",
        ),
    ] {
        let expected = format!("in the sample of `message.created`, {hindrance}");
        assert_eq!(message("message.created", change), expected);
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
