//! The objects that notifications name.

use http::Method;
use serde_json::{Value, json};
use tower_nylas::{
    Notification,
    api::{Api, DownloadAttachment, GetObject, InvalidId, Operation, RefetchError},
    notification::object::Message,
    testing::{self, SAMPLES},
};

use super::{API_KEY, access, answer, request, send};

const BASE: &str = "https://api.us.nylas.com/v3";

fn read(body: &Value) -> Notification {
    testing::verified(body.to_string()).try_into().unwrap()
}

fn sample(trigger: &str) -> Value {
    serde_json::from_str(testing::sample(trigger).expect("the sample is there")).unwrap()
}

/// The URL of the object of a notification.
fn url(body: &Value) -> Result<String, RefetchError> {
    let request = GetObject::of(&read(body))?.request(&access());
    assert_eq!(request.method(), Method::GET);
    Ok(request.uri().to_string())
}

/// With `/` and what else an id may have.
fn encoded(id: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let bytes = id.bytes().map(|byte| {
        if keep(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    bytes.collect()
}

#[test]
fn every_trigger_leads_to_its_object() {
    let text = |body: &Value, path: &str| {
        let value = body.pointer(path);
        encoded(
            value
                .and_then(Value::as_str)
                .unwrap_or_else(|| panic!("{path}")),
        )
    };
    for (trigger, place, id) in [
        ("message.created", "messages", "id"),
        ("message.created.truncated", "messages", "id"),
        ("message.created.cleaned.truncated", "messages", "id"),
        ("message.updated.transformed", "messages", "id"),
        ("message.created.metadata", "messages", "id"),
        ("message.send_success", "messages", "id"),
        ("message.send_failed", "messages/schedules", "schedule_id"),
        ("message.bounce_detected", "messages", "origin/id"),
        ("message.opened", "messages", "message_id"),
        ("message.link_clicked", "messages", "message_id"),
        ("message.bounced", "messages", "message/id"),
        ("message.complaint", "messages", "message/id"),
        ("message.delivered", "messages", "message/id"),
        ("message.rejected", "messages", "message/id"),
        ("message.intelligence.order", "messages", "fetched_email_id"),
        ("thread.replied", "threads", "thread_id"),
        ("folder.created", "folders", "id"),
        ("contact.updated", "contacts", "id"),
        ("calendar.updated", "calendars", "id"),
        ("notetaker.created", "notetakers", "id"),
    ] {
        let body = sample(trigger);
        let grant = read(&body).grant_id().unwrap().into_owned();
        let id = text(&body, &format!("/data/object/{id}"));
        let expected = format!("{BASE}/grants/{grant}/{place}/{id}");
        assert_eq!(url(&body), Ok(expected), "{trigger}");
    }

    let event = sample("event.updated");
    let calendar = text(&event, "/data/object/calendar_id");
    let path = url(&event).unwrap();
    assert!(
        path.ends_with(&format!("?calendar_id={calendar}")),
        "{path}"
    );
    let booking = sample("booking.created");
    let configuration = text(&booking, "/data/object/configuration_id");
    let id = text(&booking, "/data/object/booking_id");
    let expected = format!("{BASE}/scheduling/bookings/{id}?configuration_id={configuration}");
    assert_eq!(url(&booking), Ok(expected));
    let grant = sample("grant.expired");
    let id = text(&grant, "/data/object/grant_id");
    assert_eq!(url(&grant), Ok(format!("{BASE}/grants/{id}")));
    let mut alone = sample("notetaker.created");
    alone["data"]["object"]["grant_id"] = Value::Null;
    let id = text(&alone, "/data/object/id");
    assert_eq!(url(&alone), Ok(format!("{BASE}/notetakers/{id}")));
}

#[test]
fn every_sample_has_an_object_or_none_for_a_reason() {
    for (name, body) in SAMPLES {
        let url = url(&serde_json::from_str(body).unwrap());
        let nowhere = name.starts_with("message.transactional.") || name.starts_with("alert.");
        if name.ends_with(".deleted") {
            assert_eq!(url, Err(RefetchError::Deleted), "{name}");
        } else if name.ends_with(".legacy") || nowhere {
            assert_eq!(url, Err(RefetchError::NoPath), "{name}");
        } else {
            assert!(url.is_ok(), "{name}: {url:?}");
        }
    }
    let unknown = json!({"type": "yacht.sunk", "data": {"object": {"id": "y", "grant_id": "g"}}});
    assert_eq!(url(&unknown), Err(RefetchError::NoPath));
}

#[test]
fn ids_are_encoded_and_cannot_climb_the_path() {
    let body = |id: &str| json!({"type": "message.created", "data": {"object": {"id": id, "grant_id": "g"}}});
    assert_eq!(
        url(&body("<a/b@c#d?e ä>")).unwrap(),
        format!("{BASE}/grants/g/messages/%3Ca%2Fb%40c%23d%3Fe%20%C3%A4%3E")
    );
    for id in ["", ".", "..", &"m".repeat(4097)] {
        assert_eq!(url(&body(id)), Err(RefetchError::Missing("id")), "{id:?}");
    }
    let number =
        json!({"type": "message.created", "data": {"object": {"id": 42, "grant_id": "g"}}});
    assert_eq!(
        url(&number).unwrap(),
        format!("{BASE}/grants/g/messages/42")
    );
    let no_grant = json!({"type": "message.created", "data": {"object": {"id": "m"}}});
    assert_eq!(url(&no_grant), Err(RefetchError::Missing("grant_id")));
    let no_calendar =
        json!({"type": "event.created", "data": {"object": {"id": "m", "grant_id": "g"}}});
    assert_eq!(url(&no_calendar), Err(RefetchError::Missing("calendar_id")));

    assert_eq!(GetObject::thread("g", "").unwrap_err(), InvalidId::Unusable);
    let long = "ä".repeat(2049);
    assert_eq!(
        GetObject::thread("g", &long).unwrap_err(),
        InvalidId::TooLong(4098)
    );
    // The longest ids, each byte of which takes three, behind the longest base; and no more of
    // them.
    let longest = "<".repeat(4096);
    let get = GetObject::event(&longest, &longest, &longest).unwrap();
    let get = get.fields(&longest).unwrap().select(&longest).unwrap();
    let base = format!("https://a.example/{}", "b".repeat(1000));
    let request = get.request(&Api::at(&base, API_KEY).unwrap());
    assert!(request.uri().to_string().len() > 5 * 3 * 4096 + 1000);
    assert_eq!(get.select(&longest).unwrap_err(), InvalidId::TooLong(4096));
}

/// The table of objects, by their ids.
#[test]
fn objects_whose_ids_are_known() {
    fn line(operation: Result<impl Operation, InvalidId>) -> String {
        request(&operation.unwrap()).0
    }

    for (line, expected) in [
        (line(GetObject::message("g", "m")), "grants/g/messages/m"),
        (line(GetObject::thread("g", "t")), "grants/g/threads/t"),
        (line(GetObject::folder("g", "f")), "grants/g/folders/f"),
        (line(GetObject::calendar("g", "c")), "grants/g/calendars/c"),
        (
            line(GetObject::event("g", "e#1", "c@x")),
            "grants/g/events/e%231?calendar_id=c%40x",
        ),
        (line(GetObject::contact("g", "c")), "grants/g/contacts/c"),
        (line(GetObject::grant("g")), "grants/g"),
        (
            line(GetObject::booking("b", "c")),
            "scheduling/bookings/b?configuration_id=c",
        ),
        (
            line(GetObject::scheduled_send("g", "s")),
            "grants/g/messages/schedules/s",
        ),
        (
            line(GetObject::notetaker(Some("g"), "n")),
            "grants/g/notetakers/n",
        ),
        (line(GetObject::notetaker(None, "n")), "notetakers/n"),
        (
            line(GetObject::notetaker_media(Some("g"), "n")),
            "grants/g/notetakers/n/media",
        ),
        (
            line(GetObject::notetaker_history(None, "n")),
            "notetakers/n/history",
        ),
        (
            line(GetObject::attachment("g", "a", "m")),
            "grants/g/attachments/a?message_id=m",
        ),
        (
            line(DownloadAttachment::new("g", "a", "m")),
            "grants/g/attachments/a/download?message_id=m",
        ),
        (
            line(
                GetObject::message("g", "m")
                    .unwrap()
                    .select("id,body")
                    .unwrap()
                    .fields("raw_mime"),
            ),
            "grants/g/messages/m?select=id%2Cbody&fields=raw_mime",
        ),
    ] {
        assert_eq!(line, format!("GET {BASE}/{expected}"));
    }
}

#[test]
fn an_object_is_read_as_leniently_as_in_a_notification() {
    let get = GetObject::message("g-1", "m-1").unwrap();
    let body = br#"{"request_id":"r","data":{"id":1,"grant_id":"g-1","date":"1790252200",
        "subject":["no","string"],"snippet":"\ud83d","to":{"email":"kai@mail.example"}}}"#;
    let message: Message = send(&get, answer(200, &body[..])).unwrap();
    assert_eq!((&*message.id, message.date), ("1", Some(1_790_252_200)));
    assert_eq!(
        (message.subject, message.snippet.as_deref()),
        (None, Some("\u{fffd}"))
    );
    assert_eq!(message.to[0].email.as_deref(), Some("kai@mail.example"));

    let value: Value = send(&get.read_as(), answer(200, r#"{"data":{"id":"m-1"}}"#)).unwrap();
    assert_eq!(value, json!({"id": "m-1"}));
    let download = DownloadAttachment::new("g", "a", "m").unwrap();
    assert_eq!(
        send(&download, answer(200, &b"\xff\x00"[..])).unwrap(),
        &b"\xff\x00"[..]
    );
}
