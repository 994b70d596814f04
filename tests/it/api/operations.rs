//! The operations on destinations: what they send, and the documented responses.

use serde_json::{Value, json};
use tower_nylas::api::{
    CreateWebhook, DeleteWebhook, Destination, DestinationStatus, GetWebhook, IpAddresses,
    ListWebhooks, MockPayload, RotateSecret, SendTestEvent, UpdateWebhook,
};

use super::{answer, id, request, send};

const BASE: &str = "https://api.us.nylas.com/v3/webhooks";
const URL: &str = "https://app.example/webhooks/nylas";

/// What every response about a destination has.
fn destination() -> Value {
    json!({
        "id": "UMWjAjMeWQ4D8gYF2moonK4486",
        "description": "orders, production",
        "trigger_types": ["message.created", "event.updated"],
        "webhook_url": URL,
        "status": "active",
        "notification_email_addresses": ["ops@app.example"],
    })
}

fn with(changes: &Value) -> Value {
    let mut destination = destination();
    for (name, value) in changes.as_object().unwrap() {
        destination[name] = value.clone();
    }
    destination
}

fn success(data: &Value) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    answer(200, json!({"request_id": "r-1", "data": data}).to_string())
}

fn check(read: &Destination) {
    assert_eq!(read.id.as_str(), "UMWjAjMeWQ4D8gYF2moonK4486");
    assert_eq!(read.description.as_deref(), Some("orders, production"));
    assert_eq!(*read.trigger_types, ["message.created", "event.updated"]);
    assert_eq!(read.webhook_url.as_deref(), Some(URL));
    assert_eq!(read.status, Some(DestinationStatus::Active));
    assert_eq!(*read.notification_email_addresses, ["ops@app.example"]);
}

#[test]
fn create() {
    let create = CreateWebhook::new(URL, ["message.created", "event.updated"]);
    let plain = json!({"trigger_types": ["message.created", "event.updated"], "webhook_url": URL});
    assert_eq!(request(&create), (format!("POST {BASE}"), plain.clone()));
    let create = create
        .description("orders, production")
        .notification_email_addresses(["ops@app.example"])
        .compressed_delivery(true);
    let mut whole = plain;
    whole["description"] = "orders, production".into();
    whole["notification_email_addresses"] = json!(["ops@app.example"]);
    whole["compressed_delivery"] = true.into();
    assert_eq!(request(&create).1, whole);

    let created =
        with(&json!({"webhook_secret": "an-invented-secret", "compressed_delivery": true}));
    let issued = send(&create, success(&created)).unwrap();
    check(&issued.destination);
    assert_eq!(issued.destination.compressed_delivery, Some(true));
    assert_eq!(issued.secret.expose(), "an-invented-secret");
    assert!(issued.destination.extra.is_empty());
    assert!(!format!("{issued:?}").contains("invented"), "{issued:?}");
}

#[test]
fn list() {
    assert_eq!(request(&ListWebhooks), (format!("GET {BASE}"), Value::Null));
    let sdk = json!({"status_updated_at": 1_790_252_200, "created_at": 1_790_252_100,
        "updated_at": "2026-09-24T12:00:00Z", "of_tomorrow": 7});
    let second = json!({"id": "wh-2", "trigger_types": null, "compressed_delivery": "no"});
    let list = send(&ListWebhooks, success(&json!([with(&sdk), second]))).unwrap();
    check(&list[0]);
    let times = [&list[0].status_updated_at, &list[0].created_at];
    let times = times.map(|time| time.as_ref().unwrap().as_i64());
    assert_eq!(times, [Some(1_790_252_200), Some(1_790_252_100)]);
    let updated_at = list[0].updated_at.as_ref().unwrap();
    assert_eq!(updated_at.as_str(), Some("2026-09-24T12:00:00Z"));
    assert_eq!(list[0].extra["of_tomorrow"], 7);
    // What does not fit is left out.
    assert!(list[1].trigger_types.is_absent());
    assert_eq!(list[1].compressed_delivery, None);
    assert_eq!(send(&ListWebhooks, success(&json!([]))).unwrap(), []);
}

/// A list must not seem to lack what exists: the application would create it again.
#[test]
fn a_list_that_cannot_be_read_as_a_whole_is_an_error() {
    for (data, reason) in [
        (
            json!([destination(), {"status": "active"}]),
            "`id` is missing at /data/1",
        ),
        (json!([destination(), null]), "/data/1 is not an object"),
        (json!([{"id": ".."}]), "/data/0/id"),
        (json!(null), "/data is not a list"),
        (destination(), "/data is not a list"),
    ] {
        let error = send(&ListWebhooks, success(&data)).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.is_retryable());
    }
}

#[test]
fn get_update_delete() {
    let get = GetWebhook::new(id("wh/1"));
    assert_eq!(request(&get), (format!("GET {BASE}/wh%2F1"), Value::Null));
    check(&send(&get, success(&destination())).unwrap());

    let update = UpdateWebhook::new(id("wh-1"));
    assert_eq!(update.id().as_str(), "wh-1");
    assert_eq!(request(&update), (format!("PUT {BASE}/wh-1"), json!({})));
    let paused = update.clone().pause();
    assert_eq!(request(&paused).1, json!({"status": "pause"}));
    let update = update
        .webhook_url(URL)
        .trigger_types(["grant.expired"])
        .description("d")
        .notification_email_addresses(["ops@app.example"])
        .compressed_delivery(false)
        .reactivate();
    let all = json!({"webhook_url": URL, "trigger_types": ["grant.expired"], "description": "d",
        "notification_email_addresses": ["ops@app.example"], "compressed_delivery": false,
        "status": "active"});
    assert_eq!(request(&update).1, all);
    check(&send(&update, success(&destination())).unwrap());

    let delete = DeleteWebhook::new(id("wh-1"));
    assert_eq!(
        request(&delete),
        (format!("DELETE {BASE}/wh-1"), Value::Null)
    );
    send(&delete, success(&json!({"status": "success"}))).unwrap();
}

#[test]
fn every_status_is_known_by_all_its_names() {
    for (name, is_paused, is_stopped) in [
        ("active", false, false),
        ("pause", true, true),
        ("paused", true, true),
        ("inactive", true, true),
        ("failing", false, false),
        ("failed", false, true),
        ("of_tomorrow", false, false),
    ] {
        let data = with(&json!({"status": name}));
        let status = send(&GetWebhook::new(id("wh-1")), success(&data))
            .unwrap()
            .status;
        let status = status.unwrap();
        assert_eq!(status.as_str(), name);
        assert_eq!(
            (status.is_paused(), status.is_stopped()),
            (is_paused, is_stopped),
            "{name}"
        );
    }
}

#[test]
fn rotate_secret() {
    let rotate = RotateSecret::new(id("wh-1"));
    let line = format!("POST {BASE}/rotate-secret/wh-1");
    assert_eq!(request(&rotate), (line, Value::Null));
    let rotated = with(&json!({"webhook_secret": "another-invented-secret"}));
    let issued = send(&rotate, success(&rotated)).unwrap();
    check(&issued.destination);
    assert_eq!(issued.secret.expose(), "another-invented-secret");

    // What can only be a mistake is no secret, and is not shown.
    for secret in [
        json!(null),
        json!(""),
        json!("mock-webhook-secret"),
        json!("an invented"),
        json!(70_000_000_000_u64),
    ] {
        let rotated = with(&json!({"webhook_secret": secret}));
        let error = send(&rotate, success(&rotated)).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("/data/webhook_secret is not a webhook secret"),
            "{shown}"
        );
        assert!(
            !shown.contains("invented") && !shown.contains("mock") && !shown.contains("70"),
            "{shown}"
        );
    }
}

#[test]
fn trials() {
    let body = json!({"trigger_type": "message.created", "webhook_url": URL});
    let mock = MockPayload::new("message.created", URL);
    assert_eq!(
        request(&mock),
        (format!("POST {BASE}/mock-payload"), body.clone())
    );
    let payload = json!({"type": "message.created", "data": {"object": {"id": "m-1"}}});
    for data in [json!({"data": payload}), payload.clone()] {
        assert_eq!(send(&mock, success(&data)).unwrap(), payload);
    }

    let test = SendTestEvent::new("message.created", URL);
    assert_eq!(
        request(&test),
        (format!("POST {BASE}/send-test-event"), body)
    );
    send(&test, success(&json!("success"))).unwrap();
}

#[test]
fn ip_addresses() {
    let line = format!("GET {BASE}/ip-addresses");
    assert_eq!(request(&IpAddresses), (line, Value::Null));
    let data = json!({"ip_addresses": ["192.0.2.1", "192.0.2.0/24"], "updated_at": 1_790_252_200});
    let read = send(&IpAddresses, success(&data)).unwrap();
    assert_eq!(*read.ip_addresses, ["192.0.2.1", "192.0.2.0/24"]);
    assert_eq!(read.updated_at.unwrap().as_i64(), Some(1_790_252_200));
}
