//! Extractors: proof of verification or nothing.

#![cfg(feature = "axum")]

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    middleware,
    routing::{MethodRouter, post},
};
use http::StatusCode;
use tower_nylas::{
    Notification, Trigger, TriggerRouter, VerifiedBody, WebhookLayer,
    extract::{MissingVerification, NotificationRejection},
    notification::object::Message,
};
use tower_nylas_kit::{
    delivery::{PATH, delivery, delivery_head, notification_of, proven, sign},
    serve::serve_axum,
    wire::send,
};

const MESSAGE: &str = include_str!("../../src/testing/samples/message.created.truncated.json");

fn layer() -> WebhookLayer {
    WebhookLayer::new(proven())
}

type Seen = Arc<Mutex<Vec<String>>>;

async fn receive(
    State(seen): State<Seen>,
    trigger: Trigger,
    body: VerifiedBody,
    n: Notification<Message>,
) {
    let entry = format!(
        "{trigger} {} {} {}",
        n.id().unwrap_or_default(),
        n.object.id,
        body.verified_by()
    );
    seen.lock().unwrap().push(entry);
}

fn expected() -> String {
    let json: serde_json::Value = serde_json::from_str(MESSAGE).unwrap();
    format!(
        "message.created.truncated {} {} default",
        json["id"].as_str().unwrap(),
        json["data"]["object"]["id"].as_str().unwrap()
    )
}

/// The handler of this app gets what was verified.
async fn assert_received(app: Router, seen: &Seen) {
    let address = serve_axum(app).await;
    let answer = send(address, &delivery(MESSAGE.as_bytes())).await;
    assert_eq!(answer.status, 200);
    assert_eq!(*seen.lock().unwrap(), [expected()]);
}

#[tokio::test]
async fn extractors_give_what_was_verified() {
    let seen = Seen::default();
    let app = Router::new()
        .route(PATH, post(receive).layer(layer()))
        .with_state(seen.clone());
    assert_received(app, &seen).await;
}

#[tokio::test]
async fn extractors_work_behind_the_router_of_triggers() {
    let seen = Seen::default();
    let triggers =
        TriggerRouter::new().on_service("message.created", post(receive).with_state(seen.clone()));
    let app = Router::new().route_service(PATH, layer().layer(triggers));
    assert_received(app, &seen).await;
}

/// What stands between the layer and the handler cannot smuggle in another body.
#[tokio::test]
async fn a_replaced_body_changes_nothing() {
    async fn replace(
        request: axum::extract::Request,
        next: middleware::Next,
    ) -> axum::response::Response {
        next.run(request.map(|_| "{\"type\":\"forged\"}".into()))
            .await
    }
    let seen = Seen::default();
    let app = Router::new()
        .route(PATH, post(receive))
        .layer(middleware::from_fn(replace))
        .layer(layer())
        .with_state(seen.clone());
    assert_received(app, &seen).await;
}

#[tokio::test]
async fn without_the_layer_there_is_an_error_that_names_it_and_no_data() {
    let seen = Seen::default();
    let app = Router::new()
        .route("/all", post(receive))
        .route("/trigger", post(async |_: Trigger| ()))
        .route("/body", post(async |_: VerifiedBody| ()))
        .route("/notification", post(async |_: Notification| ()))
        .with_state(seen.clone());
    let address = serve_axum(app).await;
    for path in ["/all", "/trigger", "/body", "/notification"] {
        let request = String::from_utf8(delivery(MESSAGE.as_bytes())).unwrap();
        let answer = send(address, request.replace(PATH, path).as_bytes()).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.text().contains("WebhookLayer"), "{}", answer.text());
        assert!(!answer.text().contains("ferry"), "{}", answer.text());
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_sent_again_and_lost_after_the_third_attempt() {
    let reports = tower_nylas_kit::parts::Log::default();
    let log = reports.clone();
    let app = Router::new().route(
        PATH,
        post(async |_: Notification<Message>| ())
            .layer(layer().observe(move |report| log.note(report.to_string()))),
    );
    let address = serve_axum(app).await;
    for (attempt, status, fate) in [
        (1, 503, "answered 503, to be sent again: nothing reads it"),
        (2, 503, "answered 503, to be sent again: nothing reads it"),
        (
            3,
            200,
            "answered 200 at the last attempt, so it is lost: nothing reads it",
        ),
    ] {
        let body = format!(
            r#"{{"type":"message.created","webhook_delivery_attempt":{attempt},"data":{{"object":{{}}}}}}"#
        );
        let answer = send(address, &delivery(body.as_bytes())).await;
        assert_eq!(answer.status, status, "{attempt}");
        let report = reports.take().concat();
        assert!(report.contains(fate), "{report}");
    }
}

#[test]
fn rejections_are_types_that_tell_apart() {
    use axum::response::IntoResponse;
    let rejection = NotificationRejection::from(MissingVerification);
    assert!(matches!(
        rejection,
        NotificationRejection::MissingVerification(_)
    ));
    assert_eq!(
        rejection.into_response().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// axum limits what its extractors read to 2 MB. That limit is for bodies that nobody has read yet:
/// behind the verification, its `413` would lose a notification that was received completely.
#[tokio::test]
async fn axum_extractors_get_large_verified_bodies() {
    async fn bytes(body: Bytes) {
        assert_eq!(body.len(), SIZE);
    }
    async fn string(body: String) {
        assert_eq!(body.len(), SIZE);
    }
    async fn json(Json(body): Json<serde_json::Value>) {
        assert_eq!(body["type"], "message.created");
    }
    const SIZE: usize = 3_000_000;
    let handlers: [fn() -> MethodRouter; 3] = [|| post(bytes), || post(string), || post(json)];
    let large = notification_of("message.created", "n-1", 1, SIZE);
    let mut request = delivery_head(Some(SIZE), Some(&sign(&large).to_hex()));
    request.extend_from_slice(&large);
    for handler in handlers {
        let triggers = TriggerRouter::new().on_service("message.created", handler());
        let app = Router::new()
            .route("/direct", handler().layer(layer()))
            .route_service("/service", layer().layer(handler()))
            .route_service("/triggers", layer().layer(triggers));
        let address = serve_axum(app).await;
        for path in ["/direct", "/service", "/triggers"] {
            assert_eq!(
                send(address, &to(path, &request)).await.status,
                200,
                "{path}"
            );
        }
    }
}

/// The same for what is large only after it was inflated.
#[cfg(feature = "gzip")]
#[tokio::test]
async fn axum_extractors_get_large_inflated_bodies() {
    let large = notification_of("message.created", "n-1", 1, 9_000_000);
    let packed = tower_nylas_kit::delivery::gzip(&large);
    let app = Router::new().route(
        PATH,
        post(async |body: Bytes| assert_eq!(body.len(), 9_000_000)).layer(layer()),
    );
    let answer = send(serve_axum(app).await, &delivery(&packed)).await;
    assert_eq!(answer.status, 200);
}

/// A limit of the application's own is no accident.
#[tokio::test]
async fn a_limit_that_is_set_inside_holds_and_is_reported() {
    let body = notification_of("message.created", "n-1", 1, 2000);
    let reports = Seen::default();
    for (limit, status) in [(1999, 503), (2000, 200)] {
        let handler: MethodRouter = post(async |_: Bytes| ());
        let inner: MethodRouter = handler.layer(DefaultBodyLimit::max(limit));
        let record = reports.clone();
        let layer = layer().observe(move |report| record.lock().unwrap().push(report.to_string()));
        let triggers = TriggerRouter::new().on_service("message.created", inner.clone());
        let app = Router::new()
            .route_service("/service", layer.layer(inner))
            .route_service("/triggers", layer.layer(triggers));
        let address = serve_axum(app).await;
        for path in ["/service", "/triggers"] {
            let answer = send(address, &to(path, &delivery(&body))).await;
            assert_eq!(answer.status, status, "{path} {limit}");
        }
    }
    let reports = reports.lock().unwrap();
    let reported = "answered 413 Payload Too Large: a limit on bodies inside";
    assert!(
        reports[..2].iter().all(|report| report.contains(reported)),
        "{reports:?}"
    );
    assert_eq!(
        reports[2..],
        ["notification message.created n-1 acknowledged: handled"; 2]
    );
}

/// A request to another path.
fn to(path: &str, request: &[u8]) -> Vec<u8> {
    let line = format!("POST {PATH} ");
    let rest = request.strip_prefix(line.as_bytes()).unwrap();
    [format!("POST {path} ").as_bytes(), rest].concat()
}

/// With gzip, extractors see the inflated bytes under the same proof.
#[cfg(all(feature = "gzip", feature = "testing"))]
#[tokio::test]
async fn extractors_give_the_inflated_bytes() {
    let compressed = tower_nylas_kit::delivery::gzip(MESSAGE.as_bytes());
    let seen = Seen::default();
    let app = Router::new()
        .route(PATH, post(receive).layer(layer()))
        .with_state(seen.clone());
    let secret = tower_nylas::WebhookSecret::new(tower_nylas_kit::delivery::SECRET).unwrap();
    let mut request = tower_nylas::testing::signed_request(&secret, compressed);
    *request.uri_mut() = http::Uri::from_static(PATH);
    request
        .headers_mut()
        .insert("content-encoding", http::HeaderValue::from_static("gzip"));
    let response = tower::ServiceExt::oneshot(app, request.map(axum::body::Body::new))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(*seen.lock().unwrap(), [expected()]);
}
