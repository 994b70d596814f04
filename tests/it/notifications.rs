//! The envelope of a notification, and what handlers can ask for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use http::{Request, StatusCode};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_nylas::{
    Ack, MalformedReason, Notification, Outcome, Secrets, TriggerRouter, VerifiedBody,
    WebhookLayer, WebhookSecret,
    notification::{
        Envelope, Malformed,
        object::{Event, Grant, Message, MessageOpened, Object, SendResult},
    },
    testing::{self, SAMPLES},
};

fn read<T: tower_nylas::notification::Payload>(body: &Value) -> Result<Notification<T>, Malformed> {
    testing::verified(body.to_string()).try_into()
}

fn sample(trigger: &str) -> Value {
    serde_json::from_str(testing::sample(trigger).expect("the sample is there")).unwrap()
}

fn rebuilt(trigger: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = sample(trigger);
    change(&mut body);
    body
}

fn remove(body: &mut Value, path: &[&str]) {
    let (last, parents) = path.split_last().unwrap();
    let parent = parents.iter().fold(body, |value, key| &mut value[*key]);
    assert!(
        parent.as_object_mut().unwrap().remove(*last).is_some(),
        "{path:?}"
    );
}

async fn route(router: TriggerRouter, body: &Value) -> http::Response<()> {
    let request = Request::new(testing::verified(body.to_string()));
    router.oneshot(request).await.unwrap().map(|_| ())
}

// The envelope.

#[test]
fn every_field_of_the_envelope_is_read() {
    let body = sample("message.created");
    let n: Notification<Message> = read(&body).unwrap();
    assert_eq!(n.trigger().to_string(), "message.created");
    assert_eq!(n.id(), body["id"].as_str());
    assert_eq!(n.source(), body["source"].as_str());
    assert_eq!(n.specversion(), Some("1.0"));
    assert_eq!(n.time(), body["time"].as_i64());
    let seconds = body["time"].as_u64().unwrap();
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(n.occurred_at(), Some(moment));
    assert_eq!(n.attempt(), Some(1));
    assert_eq!(n.application_id(), body["data"]["application_id"].as_str());
    assert_eq!(
        n.object.subject.as_deref(),
        Some("Quarterly ferry timetable")
    );
    assert_eq!(n.body().verified_by(), "testing");
    assert_eq!(
        serde_json::from_slice::<Value>(n.body().bytes()).unwrap(),
        body
    );
    let raw: Value = serde_json::from_slice(n.raw_object().unwrap()).unwrap();
    assert_eq!(raw, body["data"]["object"]);
}

#[test]
fn all_but_type_and_data_may_be_missing() {
    for path in [
        &["specversion"][..],
        &["source"],
        &["id"],
        &["time"],
        &["webhook_delivery_attempt"],
        &["data", "application_id"],
    ] {
        let body = rebuilt("message.created", |body| remove(body, path));
        let n: Notification<Message> = read(&body).unwrap();
        let lost = match path[path.len() - 1] {
            "specversion" => n.specversion().is_none(),
            "source" => n.source().is_none(),
            "id" => n.id().is_none(),
            "time" => n.time().is_none() && n.occurred_at().is_none(),
            "webhook_delivery_attempt" => n.attempt().is_none(),
            _ => n.application_id().is_none(),
        };
        assert!(lost, "{path:?}");
    }
    for path in [&["type"][..], &["data"], &["data", "object"]] {
        let body = rebuilt("message.created", |body| remove(body, path));
        assert!(read::<Message>(&body).is_err(), "{path:?}");
    }
}

/// Trap 22: `time` is documented as an integer, and some receivers expect something else.
#[test]
fn a_strange_time_or_attempt_loses_no_notification() {
    for (strange, time) in [
        (json!("1790252200"), Some(1_790_252_200)),
        (json!("2026-09-24T12:00:00Z"), None),
        (json!(1.5), None),
        (json!(-1), Some(-1)),
        (json!({}), None),
        (Value::Null, None),
    ] {
        let body = rebuilt("message.created", |body| {
            body["time"] = strange.clone();
            body["webhook_delivery_attempt"] = strange.clone();
        });
        let n: Notification<Message> = read(&body).unwrap();
        assert_eq!(n.time(), time, "{strange}");
        if time == Some(-1) {
            assert_eq!((n.attempt(), n.occurred_at()), (None, None));
        }
    }
}

/// What the envelope says beside its type is not worth a notification either.
#[test]
fn a_strange_text_in_the_envelope_loses_no_notification() {
    for (strange, text) in [
        (json!(7), Some("7")),
        (json!(["x"]), None),
        (Value::Null, None),
    ] {
        let body = rebuilt("message.created", |body| {
            for field in ["id", "source", "specversion"] {
                body[field] = strange.clone();
            }
            body["data"]["application_id"] = strange.clone();
        });
        let n: Notification<Message> = read(&body).unwrap();
        assert_eq!(n.id(), text);
        assert_eq!(n.source(), text);
        assert_eq!(n.specversion(), text);
        assert_eq!(n.application_id(), text);
    }
}

/// Trap 19: the grant id stands in different places.
#[test]
fn the_grant_id_is_found_wherever_it_lies() {
    let grant = "b9275b83-8772-57af-842a-dea8b64a5fa1";
    let moved = |in_data: bool, in_object: bool| {
        let mut body = sample("message.created");
        remove(&mut body, &["data", "object", "grant_id"]);
        if in_data {
            body["data"]["grant_id"] = grant.into();
        }
        if in_object {
            body["data"]["object"]["grant_id"] = grant.into();
        }
        read::<Value>(&body)
            .unwrap()
            .grant_id()
            .map(std::borrow::Cow::into_owned)
    };
    assert_eq!(moved(true, false).as_deref(), Some(grant));
    assert_eq!(moved(false, true).as_deref(), Some(grant));
    assert_eq!(moved(true, true).as_deref(), Some(grant));
    assert_eq!(moved(false, false), None);

    let transactional = read::<Value>(&sample("message.transactional.bounced")).unwrap();
    assert_eq!(transactional.grant_id(), None);
    let booking = read::<Value>(&sample("booking.created")).unwrap();
    assert!(booking.grant_id().is_some());
}

#[test]
fn unknown_fields_are_kept_at_both_levels() {
    let body = rebuilt("grant.expired", |body| {
        body["priority"] = json!(["high"]);
        body["data"]["workspace_id"] = "w-1".into();
    });
    let n: Notification<Grant> = read(&body).unwrap();
    assert_eq!(n.extra()["priority"], json!(["high"]));
    assert_eq!(n.data_extra()["workspace_id"], "w-1");
}

#[test]
fn a_failed_send_tells_why_and_may_have_no_object() {
    let body = rebuilt("message.send_failed", |body| {
        body["data"]["object"] = Value::Null;
    });
    let n: Notification<SendResult> = read(&body).unwrap();
    assert_eq!(n.reason(), Some("Provider refused the message"));
    let error = n.error().unwrap();
    assert_eq!(error.status_code, Some(429));
    assert_eq!(n.object.id, None);
    assert_eq!(
        read::<SendResult>(&sample("message.send_success"))
            .unwrap()
            .error(),
        None
    );
}

/// Trap 39: the order of keys differs between producers.
#[test]
fn the_type_may_come_after_the_object() {
    let body = r#"{"data":{"object":{"grant_id":"g","id":"m","subject":"{\"type\":\"no\"}"}},
        "id":"n","type":"message.created.transformed"}"#;
    let body = testing::verified(body);
    let envelope = Envelope::peek(&body).unwrap();
    assert_eq!(
        (envelope.name(), envelope.id()),
        ("message.created.transformed", Some("n"))
    );
    let n = Notification::<Object>::try_from(body).unwrap();
    assert_eq!(n.object.type_name(), "Message");
    assert!(n.trigger().is_transformed());
}

#[test]
fn every_sample_is_read_as_the_object_of_its_trigger() {
    for (name, body) in SAMPLES {
        let n = Notification::<Object>::try_from(testing::verified(*body)).unwrap();
        assert_eq!(n.trigger().to_string(), *name);
        assert!(n.trigger().kind().is_known(), "{name}");
        assert_ne!(n.object.type_name(), "Unknown", "{name}");
        assert_eq!(n.is_truncated(), name.ends_with(".truncated"), "{name}");
    }
}

#[tokio::test]
async fn every_sample_with_an_unknown_suffix_still_parses_and_routes() {
    for (name, body) in SAMPLES {
        let mut body: Value = serde_json::from_str(body).unwrap();
        let strange = format!("{name}.of_tomorrow");
        body["type"] = strange.clone().into();
        let seen = Arc::new(Mutex::new(String::new()));
        let seen_by_handler = seen.clone();
        let family = format!("{}.*", name.split('.').next().unwrap());
        let router = TriggerRouter::new().on(family, move |n: Notification<Object>| {
            *seen_by_handler.lock().unwrap() = n.trigger().to_string();
            async {}
        });
        assert_eq!(
            route(router, &body).await.status(),
            StatusCode::OK,
            "{name}"
        );
        assert_eq!(*seen.lock().unwrap(), strange);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let body = testing::verified(bytes);
        let _ = Envelope::peek(&body);
        let _ = Notification::<Value>::try_from(body.clone());
        let _ = Notification::<Object>::try_from(body);
    }

    #[test]
    fn a_damaged_sample_never_panics(
        index in 0..SAMPLES.len(), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut bytes = SAMPLES[index].1.as_bytes().to_vec();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        let body = testing::verified(bytes);
        let _ = Envelope::peek(&body);
        if let Ok(n) = Notification::<Object>::try_from(body) {
            let _ = (n.grant_id(), n.error(), n.occurred_at());
        }
    }
}

// What a handler can ask for.

fn build_panic(build: impl FnOnce() -> TriggerRouter) -> String {
    let panic = catch_unwind(AssertUnwindSafe(build)).expect_err("the router is refused");
    panic
        .downcast_ref::<String>()
        .expect("the panic has a message")
        .clone()
}

#[test]
fn a_type_that_does_not_model_a_trigger_of_its_filter_is_refused() {
    async fn on_message(_: Notification<Message>) {}
    async fn on_opened(_: Notification<MessageOpened>) {}
    async fn on_event(_: Notification<Event>) {}

    for (filter, message) in [
        ("message.*", "`message.send_success`"),
        ("message.opened", "`message.opened`"),
        ("grant.expired", "`grant.expired`"),
    ] {
        let panic = build_panic(|| TriggerRouter::new().on(filter, on_message));
        assert!(panic.contains(message), "{panic}");
        assert!(panic.contains(&format!("`{filter}`")), "{panic}");
    }
    let panic = build_panic(|| TriggerRouter::new().on("message.opened.legacy", on_opened));
    assert!(panic.contains("`message.opened.legacy`"), "{panic}");
    let panic = build_panic(|| TriggerRouter::new().fallback(on_message));
    assert!(panic.contains("the fallback"), "{panic}");

    let _ = TriggerRouter::new()
        .on("message.created", on_message)
        .on("message.created.cleaned", on_message)
        .on("message.updated.truncated", on_message)
        .on("message.opened", on_opened)
        .on("event.*", on_event)
        // Not documented, so the user knows better.
        .on_unlisted("message.of_tomorrow", on_message)
        .on("message.*", async |_: Notification<Object>| ())
        .fallback(async |_: Notification| ());
}

#[test]
fn a_type_of_ones_own_is_taken_on_trust() {
    #[derive(Deserialize)]
    struct Mine {}
    let _ = TriggerRouter::new()
        .on("message.*", async |n: Notification<Mine>| {
            let Mine {} = n.object;
        })
        .fallback(async |_: Notification<Mine>| ());
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_sent_again_and_reported_with_its_bytes() {
    async fn on_message(_: Notification<Message>) {}
    let body = json!({"type": "message.created", "id": "n-1", "data": {"object": {"id": "m-1"}}});

    let response = route(
        TriggerRouter::new().on("message.created", on_message),
        &body,
    )
    .await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let Some(outcome) = response.extensions().get() else {
        panic!("it is reported");
    };
    let Outcome::Unread {
        trigger: Some(trigger),
        reason: MalformedReason::MissingField { field, .. },
        is_lost: false,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(trigger.to_string(), "message.created");
    assert_eq!(field, "grant_id");
    let text = outcome.to_string();
    let expected = "nothing reads it: message.created: the field `grant_id` is \
                    missing";
    assert!(text.starts_with(expected), "{text}");

    let seen = Arc::new(Mutex::new(Vec::new()));
    let bytes = seen.clone();
    let retrying = TriggerRouter::new()
        .on("message.created", on_message)
        .on_malformed(move |malformed: Malformed| {
            *bytes.lock().unwrap() = malformed.body().bytes().to_vec();
            async { Ack::RetryAfter(Duration::from_secs(7)) }
        });
    let response = route(retrying, &body).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(matches!(
        response.extensions().get(),
        Some(Outcome::RetryAfter(_))
    ));
    assert_eq!(*seen.lock().unwrap(), body.to_string().into_bytes());
}

#[test]
fn the_reason_says_what_is_wrong_and_where() {
    let reason = |body: &str| {
        let body = testing::verified(body.to_owned());
        let malformed = Notification::<Message>::try_from(body.clone()).unwrap_err();
        let peeked = Envelope::peek(&body).err();
        (
            malformed.reason().clone(),
            peeked.map(|why| why.reason().clone()),
        )
    };
    for (body, expected, peeked) in [
        (
            "{\"id\":1}",
            MalformedReason::NoType,
            Some(MalformedReason::NoType),
        ),
        ("[]", MalformedReason::NoType, Some(MalformedReason::NoType)),
        (
            "{\"type\":7}",
            MalformedReason::TypeNotString,
            Some(MalformedReason::TypeNotString),
        ),
        (
            "{\"deltas\":[]}",
            MalformedReason::Deltas,
            Some(MalformedReason::Deltas),
        ),
        (
            "{\"type\":\"message.created\",\n\"data\":{\"object\"",
            MalformedReason::UnexpectedEnd {
                line: 2,
                column: 16,
            },
            None,
        ),
        (
            "{\"type\":\"message.created\",\n]",
            MalformedReason::Syntax { line: 2, column: 1 },
            None,
        ),
        (
            "{\"type\":\"message.created\",\"data\":\n{}}",
            MalformedReason::MissingField {
                field: "object".to_owned(),
                path: "/data".to_owned(),
            },
            None,
        ),
    ] {
        assert_eq!(reason(body), (expected, peeked), "{body}");
    }
    let error: &dyn std::error::Error = &MalformedReason::UnfitValue {
        path: "/data/object".to_owned(),
        expected: "a list".to_owned(),
    };
    assert_eq!(error.to_string(), "the value at /data/object is not a list");
}

#[test]
fn what_is_wrong_with_a_body_is_told_without_quoting_it() {
    for body in [
        r#"{"type":"message.created","data":{"object":{"id":"s3cret","grant_id":["s3cret"]}}}"#,
        r#"{"type":"message.created","data":"s3cret"}"#,
        r#"{"type":["s3cret"]}"#,
        r#""s3cret""#,
        r#"{"s3cret":"#,
    ] {
        let malformed = Notification::<Message>::try_from(testing::verified(body)).unwrap_err();
        let told = format!(
            "{malformed} {malformed:?} {} {:?} {:?}",
            malformed.reason(),
            malformed.reason(),
            malformed.body(),
        );
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[tokio::test]
async fn handlers_see_what_outer_layers_put_into_the_extensions() {
    #[derive(Clone)]
    struct Peer(&'static str);

    let secret = "an-invented-secret";
    let router = TriggerRouter::new().on("grant.*", async |n: Notification| {
        match n.extensions().get() {
            Some(Peer("192.0.2.7")) => Ok(()),
            _ => Err("no peer"),
        }
    });
    let service = WebhookLayer::new(Secrets::new(secret).unwrap()).layer(router);
    let body = testing::sample("grant.expired").unwrap();
    for (peer, status) in [(Some(Peer("192.0.2.7")), 200), (None, 503)] {
        let mut request = testing::signed_request(&WebhookSecret::new(secret).unwrap(), body);
        request.extensions_mut().extend(
            peer.map(|peer| {
                let mut extensions = http::Extensions::new();
                extensions.insert(peer);
                extensions
            })
            .unwrap_or_default(),
        );
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

// Compile-time facts.

#[allow(dead_code)]
fn the_services_and_their_futures_can_be_shared_and_sent(request: Request<VerifiedBody>) {
    fn service<S: Clone + Send + Sync + 'static>(_: &S) {}
    fn future<F: Future + Send>(_: F) {}

    let router = TriggerRouter::new();
    service(&router);
    service(&WebhookLayer::new(Secrets::pending()).layer(router.clone()));
    future(router.oneshot(request));
}
