//! The management API: its paths, its errors, and what it changes.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_nylas::testing::nylas::{Cut, DestinationUpdate, Event, Fault, Readings, Status, Step};
use tower_nylas_kit::{
    serve::serve_hyper,
    wire::{Connection, head, send},
};

use super::{scripted::Scripted, *};

const KEY: &str = Simulator::API_KEY;

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {KEY}"))
        .body(Full::new(body.into()))
        .unwrap()
}

/// The status and the JSON of the answer, without its `request_id`.
fn call(stage: &Api, method: &str, path: &str, body: &str) -> (u16, Value) {
    send_request(stage, request(method, path, body.to_owned()))
}

fn send_request(stage: &Api, request: Request<Full<Bytes>>) -> (u16, Value) {
    let answer = stage
        .clock
        .run_until(stage.nylas.management().oneshot(request));
    let Ok(answer) = answer;
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body = stage.clock.run_until(answer.into_body().collect()).unwrap();
    let mut body: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    let id = body.as_object_mut().unwrap().remove("request_id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 36);
    (status, body)
}

fn refused(kind: &str, message: &str) -> Value {
    json!({"error": {"type": kind, "message": message}})
}

struct Api {
    clock: VirtualClock,
    nylas: Simulator,
    script: Scripted,
}

fn api() -> Api {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).build();
    let script = Scripted::default();
    script.host(&nylas, URL);
    Api {
        clock,
        nylas,
        script,
    }
}

fn wanted() -> Value {
    json!({"webhook_url": URL, "trigger_types": ["message.created", "event.updated"],
        "description": "orders", "notification_email_addresses": ["ops@app.example.com"],
        "compressed_delivery": true})
}

/// Created with a trailing slash or without one.
#[test]
fn a_destination_is_created_read_changed_and_deleted() {
    for path in ["/v3/webhooks", "/v3/webhooks/"] {
        let api = api();
        let (status, created) = call(&api, "POST", path, &wanted().to_string());
        assert_eq!(status, 200, "{created}");
        let mut created = created["data"].clone();
        let id = created["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 26);
        let fields = created.as_object_mut().unwrap();
        let secret = fields.remove("webhook_secret").unwrap();
        assert_eq!(secret.as_str().unwrap().len(), 20);
        let mut expected = wanted();
        expected["id"] = id.clone().into();
        expected["status"] = "active".into();
        assert_eq!(created, expected);

        api.clock.run_for(MINUTE);
        let times = |updated: u64| {
            json!({"created_at": 1_767_225_600, "updated_at": updated,
                "status_updated_at": 1_767_225_600})
        };
        let with = |changes: &Value| {
            let mut expected = expected.clone();
            for (name, value) in changes.as_object().unwrap() {
                expected[name] = value.clone();
            }
            expected
        };
        let listed = call(&api, "GET", path, "");
        assert_eq!(
            listed,
            (200, json!({"data": [with(&times(1_767_225_600))]}))
        );
        let one = format!("/v3/webhooks/{id}");
        let mut got = with(&times(1_767_225_600));
        got.as_object_mut().unwrap().remove("compressed_delivery");
        assert_eq!(call(&api, "GET", &one, ""), (200, json!({"data": got})));

        let update = json!({"description": "invoices", "trigger_types": [], "webhook_url": "",
            "compressed_delivery": false});
        let updated = call(&api, "PUT", &one, &update.to_string());
        let mut expected = with(&times(1_767_225_660));
        expected["description"] = "invoices".into();
        expected["compressed_delivery"] = false.into();
        assert_eq!(updated, (200, json!({"data": expected})));

        let rotate = format!("/v3/webhooks/rotate-secret/{id}");
        let (_, rotated) = call(&api, "POST", &rotate, "{}");
        assert_ne!(rotated["data"]["webhook_secret"], secret);
        let now = api.nylas.destinations()[0].secret().to_owned();
        assert_eq!(rotated["data"]["webhook_secret"], now);
        api.nylas.emit("message.created");
        api.clock.run_until(api.nylas.settled());
        assert!(api.script.seen()[0].is_signed_with(&now));

        let deleted = call(&api, "DELETE", &one, "");
        assert_eq!(deleted, (200, json!({"data": {"status": "success"}})));
        assert!(api.nylas.destinations().is_empty());
        let expected = refused("70000", "destination.id.not.found : record not found");
        for (method, path) in [
            ("GET", &one),
            ("PUT", &one),
            ("DELETE", &one),
            ("POST", &rotate),
        ] {
            assert_eq!(call(&api, method, path, "{}"), (404, expected.clone()));
        }
    }
}

#[test]
fn what_cannot_be_created_gets_the_errors_of_nylas() {
    let with = |changes: Value| {
        let mut body = wanted();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    };
    let invalid = |message: &str| (400, refused("invalid_request_error", message));
    for (body, expected) in [
        (
            "{".to_owned(),
            invalid("the body of the request is no JSON"),
        ),
        (
            "[]".to_owned(),
            invalid("the body of the request is no JSON object"),
        ),
        ("{}".to_owned(), invalid("webhook_url is required")),
        // The field of v2.
        (
            json!({"callback_url": URL, "trigger_types": ["message.created"]}).to_string(),
            invalid("webhook_url is required"),
        ),
        (
            with(json!({"trigger_types": null})),
            invalid("trigger_types is required"),
        ),
        (
            with(json!({"trigger_types": []})),
            invalid("trigger_types is required"),
        ),
        (
            with(json!({"trigger_types": "message.created"})),
            invalid("trigger_types is not a list of strings"),
        ),
        (
            with(json!({"trigger_types": ["message.created", "message.creatd"]})),
            invalid("trigger_types: \"message.creatd\" is no trigger"),
        ),
        // Those that come by themselves.
        (
            with(json!({"trigger_types": ["message.created.truncated"]})),
            invalid("trigger_types: \"message.created.truncated\" is no trigger"),
        ),
        (
            with(json!({"trigger_types": ["message.created.metadata"]})),
            invalid("trigger_types: \"message.created.metadata\" is no trigger"),
        ),
        (
            with(json!({"compressed_delivery": "yes"})),
            invalid("compressed_delivery is not a boolean"),
        ),
        (
            with(json!({"webhook_url": "app.example.com"})),
            invalid("webhook_url is no absolute URL of http or https"),
        ),
    ] {
        let api = api();
        assert_eq!(
            call(&api, "POST", "/v3/webhooks", &body),
            expected,
            "{body}"
        );
        assert!(api.nylas.destinations().is_empty());
    }
    let api = api();
    let body = wanted().to_string();
    assert_eq!(call(&api, "POST", "/v3/webhooks", &body).0, 200);
    let conflict = refused("conflict", "there is a destination with this webhook_url");
    assert_eq!(call(&api, "POST", "/v3/webhooks", &body), (409, conflict));
}

#[test]
fn a_failed_challenge_has_the_text_of_nylas() {
    let nobody =
        json!({"webhook_url": "https://nobody.example.com/", "trigger_types": ["grant.expired"]});
    let api = api();
    let (status, answer) = call(&api, "POST", "/v3/webhooks", &nobody.to_string());
    let message = answer["error"]["message"].as_str().unwrap();
    let start = "unable.verify.webhook_url : the connection was refused";
    assert!(status == 400 && message.starts_with(start), "{message}");

    api.nylas
        .inject(Fault::proxy_answers(StatusCode::NOT_FOUND));
    let answer = call(&api, "POST", "/v3/webhooks", &wanted().to_string());
    let message = "unable.verify.webhook_url : status is not ok, got 404";
    assert_eq!(answer, (400, refused("70005", message)));
    assert!(api.nylas.destinations().is_empty());
    api.nylas.clear_faults();

    // Also at the activation of one that there is, which stays as it was.
    let id = create(&api.clock, &api.nylas, &new_destination()).id;
    let path = format!("/v3/webhooks/{id}");
    assert_eq!(call(&api, "PUT", &path, r#"{"status":"pause"}"#).0, 200);
    api.nylas
        .inject(Fault::proxy_answers(StatusCode::BAD_GATEWAY));
    assert_eq!(call(&api, "PUT", &path, r#"{"status":"active"}"#).0, 400);
    assert_eq!(
        call(&api, "PUT", &path, r#"{"description":"paused"}"#).0,
        200
    );
    assert_eq!(api.nylas.status_of(&id), Some(Status::Paused));
    assert_eq!(
        call(&api, "PUT", &path, r#"{"status":"failed"}"#),
        (
            400,
            refused(
                "invalid_request_error",
                "status is neither active nor pause"
            )
        )
    );
    let ledger = api.nylas.ledger();
    let failed = ledger
        .notes()
        .filter(|it| matches!(it.step, Step::ChallengeFailed(_)));
    assert_eq!(failed.count(), 3);
}

#[test]
fn only_the_key_of_the_application_is_accepted() {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).api_key("another-key").build();
    let api = Api {
        clock,
        nylas,
        script: Scripted::default(),
    };
    let unauthorized = (
        401,
        refused("unauthorized", "the API key is missing or wrong"),
    );
    assert_eq!(call(&api, "GET", "/v3/webhooks", ""), unauthorized);
    let mut bare = request("GET", "/v3/webhooks", "");
    bare.headers_mut().remove("authorization");
    assert_eq!(send_request(&api, bare), unauthorized);
    let mut right = request("GET", "/v3/webhooks", "");
    let headers = right.headers_mut();
    headers.insert("authorization", "Bearer another-key".parse().unwrap());
    assert_eq!(send_request(&api, right), (200, json!({"data": []})));
    // Nothing of the others is kept, and no more than a part of a long path.
    let mut long = request("GET", &format!("/v3/{}", "x".repeat(5000)), "");
    let headers = long.headers_mut();
    headers.insert("authorization", "Bearer another-key".parse().unwrap());
    assert_eq!(send_request(&api, long).0, 404);
    let requests = api.nylas.management().requests();
    assert_eq!(requests[0], "GET /v3/webhooks");
    assert_eq!((requests.len(), requests[1].len()), (2, 4 + 256));
}

#[test]
fn what_there_is_not_is_not_found() {
    let api = api();
    let not_found = (404, refused("not_found_error", "there is nothing here"));
    for path in [
        "/",
        "/v3",
        "/v2/webhooks",
        "/v3/webhooks/a/b",
        "/v3/grants/g/messages/m",
    ] {
        assert_eq!(call(&api, "GET", path, ""), not_found, "{path}");
    }
    let not_allowed = (
        405,
        refused("invalid_request_error", "the method is not allowed here"),
    );
    for (method, path) in [
        ("DELETE", "/v3/webhooks"),
        ("POST", "/v3/webhooks/wh-1"),
        ("GET", "/v3/webhooks/rotate-secret/wh-1"),
    ] {
        assert_eq!(call(&api, method, path, ""), not_allowed, "{method} {path}");
    }
}

#[test]
fn mock_payloads_and_test_events_are_samples() {
    let api = api();
    let trial = json!({"trigger_type": "message.created.truncated", "webhook_url": URL});
    let (status, mocked) = call(
        &api,
        "POST",
        "/v3/webhooks/mock-payload",
        &trial.to_string(),
    );
    assert_eq!(status, 200);
    let sample = tower_nylas::testing::sample("message.created.truncated").unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    assert_eq!(mocked["data"]["data"], sample);

    let path = "/v3/webhooks/send-test-event";
    let sent = call(&api, "POST", path, &trial.to_string());
    assert_eq!(sent, (200, json!({"data": "success"})));
    let seen = &api.script.seen()[0];
    assert_eq!(seen.json(), sample);
    let signature = tower_nylas_kit::delivery::sign_test_event(&seen.body);
    assert_eq!(seen.signature, signature.to_hex());
    // As Nylas' own CLI does it.
    let bare = json!({"webhook_url": URL}).to_string();
    assert_eq!(call(&api, "POST", path, &bare).0, 200);
    let bare = json!({"trigger_type": "message.created"}).to_string();
    assert_eq!(
        call(&api, "POST", "/v3/webhooks/mock-payload", &bare).0,
        200
    );

    for unlisted in ["booking.created", "yacht.sunk"] {
        let trial = json!({"trigger_type": unlisted, "webhook_url": URL}).to_string();
        let message = format!("trigger_type: {unlisted:?} is no trigger");
        let expected = (400, refused("invalid_request_error", &message));
        assert_eq!(call(&api, "POST", path, &trial), expected);
    }
    let (status, addresses) = call(&api, "GET", "/v3/webhooks/ip-addresses", "");
    assert_eq!(status, 200);
    assert_eq!(
        addresses["data"]["ip_addresses"],
        json!(["192.0.2.17", "192.0.2.18"])
    );
}

#[test]
fn objects_can_be_fetched_also_those_of_truncated_notifications() {
    let api = api();
    api.nylas
        .store_object("g-1", "events", "e#1", json!({"id": "e#1"}));
    let path = "/v3/grants/g-1/events/e%231";
    assert_eq!(
        call(&api, "GET", path, ""),
        (200, json!({"data": {"id": "e#1"}}))
    );
    api.nylas.remove_object("g-1", "events", "e#1");
    assert_eq!(call(&api, "GET", path, "").0, 404);

    let event = Event::new("message.created")
        .object_id("<1@mail.example>")
        .size(2 << 20);
    create(&api.clock, &api.nylas, &new_destination());
    api.nylas.emit(event);
    api.clock.run_until(api.nylas.settled());
    let truncated = api.script.seen()[0].json();
    let grant = truncated["data"]["object"]["grant_id"].as_str().unwrap();
    let path = format!("/v3/grants/{grant}/messages/%3C1%40mail.example%3E");
    let (status, whole) = call(&api, "GET", &path, "");
    assert_eq!(status, 200);
    assert!(whole["data"]["body"].as_str().unwrap().len() > 1 << 20);
    assert_eq!(
        whole["data"]["subject"],
        truncated["data"]["object"]["subject"]
    );
}

#[test]
fn what_a_paused_destination_is_called_is_a_reading() {
    let clock = VirtualClock::new();
    let readings = Readings::default().pause_word("inactive");
    let nylas = builder(&clock).readings(readings).build();
    let api = Api {
        clock,
        nylas,
        script: Scripted::default(),
    };
    api.script.host(&api.nylas, URL);
    let id = create(&api.clock, &api.nylas, &new_destination()).id;
    let pause = DestinationUpdate::new().pause();
    api.clock.run_until(api.nylas.update(&id, &pause)).unwrap();
    let (_, got) = call(&api, "GET", &format!("/v3/webhooks/{id}"), "");
    assert_eq!(got["data"]["status"], "inactive");
    // What was read can be written, and so can the words of the other sources.
    for (word, status) in [
        ("active", 200),
        ("inactive", 200),
        ("paused", 200),
        ("pause", 200),
        ("asleep", 400),
    ] {
        let body = json!({"status": word}).to_string();
        let answer = call(&api, "PUT", &format!("/v3/webhooks/{id}"), &body);
        assert_eq!(answer.0, status, "{word}");
    }
    assert_eq!(api.nylas.status_of(&id), Some(Status::Paused));
}

#[test]
fn a_secret_is_rotated_by_the_paths_of_every_source() {
    let api = api();
    let created = create(&api.clock, &api.nylas, &new_destination());
    let (id, mut secret) = (&created.id, created.secret().to_owned());
    for (method, path) in [
        ("POST", format!("/v3/webhooks/rotate-secret/{id}")),
        ("PUT", format!("/v3/webhooks/rotate-secret/{id}")),
        ("PUT", format!("/v3/webhooks/{id}/rotate-secret")),
    ] {
        let (status, rotated) = call(&api, method, &path, "");
        assert_eq!(status, 200, "{method} {path}");
        let now = rotated["data"]["webhook_secret"].as_str().unwrap();
        assert_ne!(now, secret);
        assert_eq!(api.nylas.destinations()[0].secret(), now);
        now.clone_into(&mut secret);
    }
}

/// Two get one URL while both are challenged.
#[test]
fn a_url_that_is_taken_during_the_challenge_is_a_conflict() {
    let api = api();
    let url = "https://other.example.com/";
    api.script.host(&api.nylas, url);
    let id = create(&api.clock, &api.nylas, &new_destination()).id;
    let _slow = api.nylas.inject(Fault::slow(SECOND));
    let update = DestinationUpdate::new().webhook_url(url);
    let new = NewDestination::new(url, ["message.created"]);
    let both = async { tokio::join!(api.nylas.update(&id, &update), api.nylas.create(&new)) };
    let (updated, created) = api.clock.run_until(both);
    let created = created.map(|created| created.id);
    assert_eq!(updated.is_ok(), created.is_err(), "{updated:?} {created:?}");
    let mut urls: Vec<_> = api.nylas.destinations();
    urls.retain(|it| it.webhook_url == url);
    assert_eq!(urls.len(), 1);
}

/// The status, and the JSON without its id of the request.
async fn answer_over_http(
    address: SocketAddr,
    method: &str,
    path: &str,
    key: &str,
    body: &str,
) -> (u16, Value) {
    let length = body.len().to_string();
    let authorization = format!("Bearer {key}");
    let headers = [
        ("authorization", &*authorization),
        ("content-length", &length),
    ];
    let answer = send(address, (head(method, path, &headers) + body).as_bytes()).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut json: Value = serde_json::from_str(answer.text()).unwrap();
    let id = json.as_object_mut().unwrap().remove("request_id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 36);
    (answer.status.as_u16(), json)
}

/// Over HTTP: the status, the type and the message, in JSON with an id of the request.
#[tokio::test]
async fn errors_over_http_have_the_shape_of_nylas() {
    let nylas = Simulator::builder().build();
    Scripted::default().host(&nylas, URL);
    let address = serve_hyper(nylas.management()).await;
    let unknown = json!({"webhook_url": URL, "trigger_types": ["message.creatd"]}).to_string();
    let endless = "[".repeat(100_000);
    let too_long = "x".repeat((1 << 20) + 1);
    let invalid = "invalid_request_error";
    for (method, path, key, body, status, kind, message) in [
        (
            "POST",
            "/v3/webhooks",
            KEY,
            &*unknown,
            400,
            invalid,
            "trigger_types: \"message.creatd\" is no trigger",
        ),
        (
            "GET",
            "/v3/webhooks",
            "another-key",
            "",
            401,
            "unauthorized",
            "the API key is missing or wrong",
        ),
        (
            "POST",
            "/v3/webhooks/rotate-secret/wh-1",
            KEY,
            "",
            404,
            "70000",
            "destination.id.not.found : record not found",
        ),
        (
            "PUT",
            "/v3/webhooks/%2e%2e%2f%ff",
            KEY,
            "{}",
            404,
            "70000",
            "destination.id.not.found : record not found",
        ),
        (
            "POST",
            "/v3/webhooks",
            KEY,
            "{\"webhook_url\":",
            400,
            invalid,
            "the body of the request is no JSON",
        ),
        (
            "POST",
            "/v3/webhooks",
            KEY,
            &*endless,
            400,
            invalid,
            "the body of the request is no JSON",
        ),
        (
            "POST",
            "/v3/webhooks",
            KEY,
            &*too_long,
            400,
            invalid,
            "the body of the request cannot be read",
        ),
        (
            "PATCH",
            "/v3/webhooks",
            KEY,
            "{}",
            405,
            invalid,
            "the method is not allowed here",
        ),
        (
            "GET",
            "/v3/else",
            KEY,
            "",
            404,
            "not_found_error",
            "there is nothing here",
        ),
    ] {
        let (was, json) = answer_over_http(address, method, path, key, body).await;
        assert_eq!(was, status, "{path}");
        assert_eq!(json, refused(kind, message));
    }
    assert!(nylas.destinations().is_empty());
}

/// On the wire: the connection ends without an answer.
#[tokio::test]
async fn a_connection_is_cut_before_nylas_has_the_request_or_behind_what_it_does() {
    let nylas = Simulator::builder().build();
    Scripted::default().host(&nylas, URL);
    let management = nylas.management();
    let address = serve_hyper(management.clone()).await;
    let body = wanted().to_string();
    let authorization = format!("Bearer {KEY}");
    let length = body.len().to_string();
    let headers = [
        ("authorization", &*authorization),
        ("content-length", &length),
    ];
    let request = [head("POST", "/v3/webhooks", &headers), body].concat();
    for (cut, destinations) in [(Cut::Request, 0), (Cut::Answer, 1)] {
        management.cut(0, cut);
        let mut connection = Connection::open(address).await;
        connection.write(request.as_bytes()).await;
        let answer = connection.read_or_end().await;
        assert!(answer.is_none(), "{answer:?}");
        assert_eq!(nylas.destinations().len(), destinations);
    }
    assert_eq!(send(address, request.as_bytes()).await.status, 409);
    assert_eq!(management.requests(), ["POST /v3/webhooks"; 3]);
}
