//! Code of the application that panics where no handler runs: the answer is given all the same, and
//! so is the end of a request told.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    AcknowledgeLayer, BoxError, Rejection, Report, SecretSource, TriggerRouter, VerifiedBody,
    VerifySignatureLayer, WebhookLayer, testing::VirtualClock, webhook::Webhook,
};
use tower_nylas_kit::{
    body::Scripted,
    delivery::{PATH, UUID, delivery, delivery_signed, notification, proven, sign},
    faulty::{Mute, PanicsOnDrop},
    parts::Log,
    serve::serve_axum,
    wire::{Connection, head},
};

fn layer() -> WebhookLayer {
    WebhookLayer::with_timer(proven(), VirtualClock::new())
}

fn mail() -> Vec<u8> {
    notification("message.created", "n-1")
}

fn request() -> Request<Full<Bytes>> {
    let request = Request::post(PATH).header("x-nylas-signature", sign(&mail()).to_hex());
    request.body(Full::new(mail().into())).unwrap()
}

/// The requests of one connection, so that a panic that reached the server would show.
async fn answers(webhook: Webhook<TriggerRouter>, requests: &[Vec<u8>]) -> Vec<u16> {
    let address = serve_axum(axum::Router::new().route_service(PATH, webhook)).await;
    let mut connection = Connection::open(address).await;
    let mut statuses = Vec::new();
    for request in requests {
        connection.write(request).await;
        statuses.push(connection.read(false).await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn a_lookup_is_503() {
    let source = || {
        SecretSource::lookup(|request| {
            assert!(!request.headers.contains_key("x-bug"), "a bug");
            Ok(Some(proven()))
        })
    };
    let reports = Log::default();
    let log = reports.clone();
    let whole = WebhookLayer::with_timer(source(), VirtualClock::new())
        .observe(move |report: Report<'_>| log.note(report.to_string()))
        .layer(TriggerRouter::new());
    let alone =
        VerifySignatureLayer::with_timer(source(), VirtualClock::new()).layer(TriggerRouter::new());
    let buggy = || {
        let mut request = request();
        request.headers_mut().insert("x-bug", "1".parse().unwrap());
        request
    };
    let expected = "the lookup of the webhook secret failed; it must succeed before the third attempt: \
                    it panicked: a bug";
    let response = whole.clone().oneshot(buggy()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let report = reports.take().concat();
    assert!(report.contains(expected), "{report}");
    assert_eq!(whole.oneshot(request()).await.unwrap().status(), 200);

    let response = alone.clone().oneshot(buggy()).await.unwrap();
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(rejection.to_string(), expected);
    assert_eq!(alone.oneshot(request()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_observer_changes_no_answer() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let layer = layer().observe(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        panic!("a bug");
    });
    let triggers = TriggerRouter::new().on("message.created", async || ());
    let requests = [
        head("GET", &format!("{PATH}?challenge={UUID}"), &[]).into_bytes(),
        delivery(&mail()),
        delivery_signed(&mail(), &sign(b"other").to_hex()),
        delivery(&mail()),
    ];
    let statuses = answers(layer.layer(triggers), &requests).await;
    assert_eq!(statuses, [200, 200, 401, 200]);
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

/// The log shows the text of an error, and so does the observer here.
#[tokio::test]
async fn the_text_of_an_error_changes_no_answer() {
    let reports = Log::default();
    let log = reports.clone();
    let layer = layer().observe(move |report| {
        log.note("called");
        log.note(report.to_string());
    });
    let triggers = TriggerRouter::new()
        .on("message.created", async || Err::<(), _>(Mute))
        .on("event.*", async || ());
    let subscriber = tracing_subscriber::fmt().with_test_writer().finish();
    let _default = tracing::subscriber::set_default(subscriber);
    let webhook = layer.layer(triggers);
    let response = webhook.clone().oneshot(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reports.take(), ["called"]);

    let source = SecretSource::lookup(|_| Err(Box::new(Mute) as BoxError));
    let webhook = WebhookLayer::with_timer(source, VirtualClock::new()).layer(TriggerRouter::new());
    let response = webhook.oneshot(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// A client that goes away ends its own request only: over HTTP/2, others share its task.
#[test]
fn a_handler_that_is_dropped_harms_nobody() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let handler = service_fn(move |_: Request<VerifiedBody>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async {
            let _local = PanicsOnDrop;
            std::future::pending::<Result<Response<Full<Bytes>>, BoxError>>().await
        }
    });
    let timer = VirtualClock::new();
    let whole = layer().layer(handler.clone());
    let alone = VerifySignatureLayer::with_timer(proven(), timer.clone())
        .layer(AcknowledgeLayer::with_timer(timer).layer(handler));
    drop_half_way(whole);
    drop_half_way(alone);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

fn drop_half_way<S>(mut service: S)
where
    S: Service<Request<Scripted<Bytes>>>,
{
    let body = Bytes::from(mail());
    let request = request().map(|_| Scripted::frames([body]));
    let response = pin!(service.call(request));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(response.poll(&mut cx), Poll::Pending));
}
