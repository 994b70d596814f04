//! Which handler gets a notification, and what it gets: over a socket, with the whole layer around.

use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    Ack, Notification, Secrets, TriggerRouter, VerifiedBody, WebhookLayer, router::Handler,
    testing::VirtualClock,
};
use tower_nylas_kit::{
    delivery::{PATH, SECRET, delivery, sign},
    endpoint::Endpoint,
};

fn layer() -> WebhookLayer {
    let secrets = Secrets::builder().label("eu").secret(SECRET).unwrap();
    WebhookLayer::with_timer(secrets, VirtualClock::new())
}

fn notification(trigger: &str) -> Vec<u8> {
    format!(
        r#"{{"specversion":"1.0","type":"{trigger}","source":"/google/emails/realtime","id":"n-1","time":1790252200,"webhook_delivery_attempt":2,"data":{{"application_id":"app","object":{{"id":"o-1","grant_id":"g-1"}},"reason":"why"}},"new":[1]}}"#
    )
    .into_bytes()
}

/// Notes the routes by which notifications came.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn handler(&self, route: &'static str) -> impl Handler<(Notification,)> {
        let log = self.0.clone();
        move |n: Notification| {
            log.lock()
                .unwrap()
                .push(format!("{route} <- {}", n.trigger()));
            async {}
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn the_most_specific_route_gets_a_notification() {
    let log = Log::default();
    // In an order that would go wrong if the first that matches won.
    let filters = [
        "message.*",
        "message.intelligence.*",
        "message.created",
        "message.created.truncated",
        "message.created.cleaned",
        "message.updated",
        "message.updated.metadata",
        "message.opened",
        "thread.*",
        "thread.replied.legacy",
    ];
    let mut router = TriggerRouter::new().fallback(log.handler("fallback"));
    for filter in filters {
        router = router.on(filter, log.handler(filter));
    }
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    for (trigger, route) in [
        ("message.created", "message.created"),
        ("message.created.transformed", "message.created"),
        ("message.created.truncated", "message.created.truncated"),
        (
            "message.created.transformed.truncated",
            "message.created.truncated",
        ),
        ("message.created.metadata", "message.created"),
        ("message.created.cleaned", "message.created.cleaned"),
        (
            "message.created.cleaned.transformed.truncated",
            "message.created.cleaned",
        ),
        ("message.updated.metadata", "message.updated.metadata"),
        (
            "message.updated.metadata.truncated",
            "message.updated.metadata",
        ),
        ("message.opened", "message.opened"),
        // Another payload, so not for the handler of `message.opened`.
        ("message.opened.legacy", "message.*"),
        ("message.intelligence.order", "message.intelligence.*"),
        ("message.from_the_future.truncated", "message.*"),
        ("thread.replied", "thread.*"),
        ("thread.replied.legacy", "thread.replied.legacy"),
        ("messages.created", "fallback"),
        ("message", "fallback"),
        ("yacht.sunk", "fallback"),
        ("", "fallback"),
        ("*", "fallback"),
    ] {
        let answer = endpoint.send(&delivery(&notification(trigger))).await;
        assert_eq!(answer.status, 200, "{trigger}");
        assert_eq!(log.take(), [format!("{route} <- {trigger}")]);
    }
    assert_eq!(router.unrouted_count(), 0);
}

#[tokio::test]
async fn without_a_fallback_the_rest_is_acknowledged_and_counted() {
    let log = Log::default();
    let router = TriggerRouter::new().on("message.created", log.handler("it"));
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    for trigger in ["message.created.cleaned", "message.deleted", "yacht.sunk"] {
        let answer = endpoint.send(&delivery(&notification(trigger))).await;
        assert_eq!(answer.status, 200);
        let expected = format!(
            "notification {trigger} n-1 to eu acknowledged: no route for {trigger}: add one, or do not subscribe to it"
        );
        assert_eq!(endpoint.reports(), [expected]);
    }
    assert_eq!((log.take().len(), router.unrouted_count()), (0, 3));
}

#[tokio::test]
async fn a_handler_takes_nothing_a_body_a_request_or_a_notification() {
    #[derive(Deserialize)]
    struct Object {
        id: String,
    }
    async fn nothing() {}
    async fn body(body: VerifiedBody) -> Ack {
        assert_eq!(body.bytes(), &notification("a.body"));
        assert_eq!(body.verified_by(), "eu");
        Ack::Done
    }
    async fn request(request: Request<VerifiedBody>) -> Result<(), String> {
        assert_eq!(request.uri(), PATH);
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.body().bytes(), &notification("a.request"));
        Ok(())
    }
    async fn untyped(n: Notification) -> Result<Ack, Infallible> {
        assert_eq!(n.object["id"], "o-1");
        assert_eq!(
            (n.id().unwrap_or_default(), n.attempt(), n.time()),
            ("n-1", Some(2), Some(1_790_252_200))
        );
        assert_eq!(n.grant_id().as_deref(), Some("g-1"));
        assert_eq!(
            (&n.data_extra()["reason"], &n.extra()["new"][0]),
            (&"why".into(), &1.into())
        );
        assert_eq!(n.body().bytes(), &notification("an.untyped.truncated"));
        assert!(n.is_truncated());
        Ok(Ack::Discard)
    }
    async fn typed(
        n: Notification<Object>,
    ) -> Result<Ack, Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(n.object.id, "o-1");
        Ok(Ack::Done)
    }
    let router = TriggerRouter::new()
        .on_unlisted("a.nothing", nothing)
        .on_unlisted("a.body", body)
        .on_unlisted("a.request", request)
        .on_unlisted("an.untyped", untyped)
        .on_unlisted("a.typed", typed);
    let endpoint = Endpoint::serve(layer(), router.clone()).await;
    for trigger in [
        "a.nothing",
        "a.body",
        "a.request",
        "an.untyped.truncated",
        "a.typed",
    ] {
        let answer = endpoint.send(&delivery(&notification(trigger))).await;
        assert_eq!(answer.status, 200, "{trigger}: {:?}", endpoint.reports());
    }
    assert_eq!(router.unrouted_count(), 0);
}

#[derive(Debug, Clone, PartialEq)]
struct Tenant(&'static str);

#[tokio::test]
async fn the_extensions_of_the_request_reach_the_handler() {
    let router = TriggerRouter::new()
        .on_unlisted("a.request", async |request: Request<VerifiedBody>| {
            assert_eq!(request.extensions().get(), Some(&Tenant("acme")));
        })
        .fallback(async |n: Notification| {
            assert_eq!(n.extensions().get(), Some(&Tenant("acme")));
        });
    for trigger in ["a.request", "a.notification"] {
        let body = notification(trigger);
        let request = Request::post(PATH)
            .header("x-nylas-signature", sign(&body).to_hex())
            .extension(Tenant("acme"))
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response = layer()
            .layer(router.clone())
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
    }
}

/// A service, axum's method router with a state, and a whole axum application, as they are.
#[tokio::test]
async fn any_service_is_a_route() {
    let bodies = Log::default();
    let log = bodies.clone();
    let service = service_fn(move |request: Request<VerifiedBody>| {
        log.0.lock().unwrap().push("service".into());
        async move {
            let collected = request.into_body().collect().await?.to_bytes();
            assert_eq!(collected, notification("a.service"));
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let with_state = axum::routing::post(
        async |axum::extract::State(log): axum::extract::State<Log>, body: Bytes| {
            assert_eq!(body, notification("a.method"));
            log.0.lock().unwrap().push("method".into());
            http::StatusCode::ACCEPTED
        },
    )
    .with_state(bodies.clone());
    let log = bodies.clone();
    let application = axum::Router::new().route(
        PATH,
        axum::routing::post(
            async move |axum::Json(json): axum::Json<serde_json::Value>| {
                log.0.lock().unwrap().push(json["id"].to_string());
            },
        ),
    );
    let router = TriggerRouter::new()
        .on_unlisted_service("a.service", service)
        .on_unlisted_service("a.method", with_state)
        .on_unlisted_service("an.*", application.clone())
        .fallback_service(application);
    let endpoint = Endpoint::serve(layer(), router).await;
    for trigger in ["a.service", "a.method", "an.application", "something.else"] {
        let answer = endpoint.send(&delivery(&notification(trigger))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, ""),
            "{trigger}"
        );
    }
    assert_eq!(bodies.take(), ["service", "method", "\"n-1\"", "\"n-1\""]);
}

#[tokio::test]
async fn what_a_routed_service_answers_is_settled() {
    let router = TriggerRouter::new().fallback_service(service_fn(
        async |request: Request<VerifiedBody>| {
            let envelope = tower_nylas::notification::Envelope::peek(request.body()).unwrap();
            let status = envelope.name().rsplit('.').next().unwrap().to_owned();
            Response::builder()
                .status(&*status)
                .header("retry-after", "17")
                .body(Full::new(Bytes::from("inner")))
        },
    ));
    let endpoint = Endpoint::serve(layer(), router).await;
    for (trigger, status, retry_after) in [
        ("answer.204", 200, None),
        ("answer.429", 429, Some("17")),
        ("answer.404", 503, Some("17")),
        ("answer.none", 503, None),
    ] {
        let answer = endpoint.send(&delivery(&notification(trigger))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (status, ""),
            "{trigger}"
        );
        assert_eq!(answer.header("retry-after"), retry_after, "{trigger}");
    }
}

mod conflicts {
    use super::*;

    fn message(build: impl FnOnce() -> TriggerRouter) -> String {
        let thrown = catch_unwind(AssertUnwindSafe(build)).expect_err("this is a conflict");
        *thrown.downcast::<String>().expect("a formatted message")
    }

    async fn handler() {}

    /// The message names the filter and where the first route is; the panic itself happens where
    /// the second one is.
    #[test]
    fn the_same_route_twice_names_both() {
        let first_line = line!() + 1;
        let router = TriggerRouter::new().on("message.created", handler);
        let again = message(|| router.clone().on("message.created", handler));
        assert!(again.contains("`message.created`"), "{again}");
        assert!(
            again.contains(&format!("{}:{first_line}:", file!())),
            "{again}"
        );

        let service = service_fn(async |_: Request<VerifiedBody>| {
            Ok::<_, Infallible>(Response::<Full<Bytes>>::default())
        });
        let by_service = message(|| router.clone().on_service("message.created", service));
        assert_eq!(by_service, again);
    }

    #[test]
    fn so_do_two_families_two_spellings_and_two_fallbacks() {
        let family = TriggerRouter::new().on("event.*", handler);
        assert!(message(|| family.on("event.*", handler)).contains("`event.*`"));

        let spelling = TriggerRouter::new().on_unlisted("a.b.transformed.truncated", handler);
        let other = message(|| spelling.on_unlisted("a.b.truncated.transformed", handler));
        assert!(other.contains("`a.b.transformed.truncated`"), "{other}");

        let fallback = TriggerRouter::new().fallback(handler);
        let again = message(|| fallback.fallback(handler));
        assert!(
            again.contains("two fallbacks") && again.contains(file!()),
            "{again}"
        );
    }

    #[test]
    fn what_is_no_filter_says_why() {
        let invalid = message(|| TriggerRouter::new().on("Message.Created", handler));
        assert!(
            invalid.contains("`Message.Created` is no trigger filter"),
            "{invalid}"
        );
        let invalid = message(|| TriggerRouter::new().on("*", handler));
        assert!(invalid.contains("fallback"), "{invalid}");
    }

    /// Overlapping is no conflict: the more specific one wins.
    #[test]
    fn routes_that_overlap_are_fine() {
        let _ = TriggerRouter::new()
            .on_unlisted("a.*", handler)
            .on_unlisted("a.b.*", handler)
            .on_unlisted("a.b", handler)
            .on_unlisted("a.b.truncated", handler)
            .on_unlisted("a.b.metadata", handler)
            .on_unlisted(String::from("a.b.cleaned"), handler)
            .fallback(handler);
    }
}

/// Building on a router that is in use leaves that one as it is.
#[tokio::test]
async fn a_clone_shares_its_counter_and_not_its_later_routes() {
    let router = TriggerRouter::new();
    let more = router.clone().fallback(async || Ack::Retry);
    for (router, status) in [(&router, 200), (&more, 503)] {
        let endpoint = Endpoint::serve(layer(), router.clone()).await;
        let answer = endpoint.send(&delivery(&notification("a.b"))).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!((router.unrouted_count(), more.unrouted_count()), (1, 1));
}
