//! A destination as the application wants it, whatever it is at the beginning, and whenever the
//! program is ended.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    api::{
        self, Desired, DestinationStatus, ErrorKind, Plan, ReconcileError, Reconciled, Recorded,
    },
    testing::nylas::{Cut, Readings},
};

use super::{
    access,
    memory::Memory,
    nylas::{Nylas, PUT_SECRET},
};

const URL: &str = "https://app.example/webhooks/nylas";
const OWN: &str = "orders, production";

fn desired() -> Desired {
    Desired::new(URL, OWN, ["message.created", "event.updated"])
}

/// As Nylas has it after a first run.
fn own() -> Value {
    json!({"webhook_url": URL, "description": OWN,
        "trigger_types": ["event.updated", "message.created"]})
}

fn with(changes: &Value) -> Value {
    changed(own(), changes)
}

fn changed(mut destination: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        destination[name] = value.clone();
    }
    destination
}

async fn run(
    desired: &Desired,
    nylas: &Nylas,
    store: &Memory,
) -> Result<Reconciled, ReconcileError> {
    api::reconcile(desired, &access(), nylas.client(), store).await
}

async fn plan(desired: &Desired, nylas: &Nylas, store: &Memory) -> Plan {
    let plan = api::dry_run(desired, &access(), nylas.client(), store).await;
    plan.unwrap()
}

/// There is one destination, and its secret is in the store.
fn assert_in_order(nylas: &Nylas, store: &Memory) {
    let [destination] = &nylas.destinations()[..] else {
        panic!("{:?}", nylas.destinations());
    };
    assert_eq!(destination["webhook_url"], URL);
    assert_eq!(destination["description"], OWN);
    let recorded = store.recorded().unwrap();
    assert_eq!(destination["id"], recorded.id.as_str());
    assert!(recorded.is_current);
    assert_eq!(destination["webhook_secret"], store.secret().unwrap());
}

#[tokio::test]
async fn a_destination_is_created_once() {
    let (nylas, store) = (Nylas::new(), Memory::default());
    let desired = desired()
        .notification_email_addresses(["ops@app.example"])
        .compressed_delivery(true);
    let planned = plan(&desired, &nylas, &store).await;
    let line = format!("create {URL} for event.updated, message.created");
    assert_eq!(planned.to_string(), line);
    assert_eq!(nylas.requests(), ["GET /v3/webhooks"]);
    assert!(nylas.destinations().is_empty() && store.recorded().is_none());

    let reconciled = run(&desired, &nylas, &store).await.unwrap();
    assert_eq!(nylas.requests(), ["GET /v3/webhooks", "POST /v3/webhooks"]);
    assert_eq!(store.calls(), ["save"]);
    assert_in_order(&nylas, &store);
    assert_eq!(reconciled.secret.unwrap().expose(), store.secret().unwrap());
    assert_eq!(reconciled.plan.to_string(), line);
    let created = &nylas.destinations()[0];
    assert_eq!(
        created["notification_email_addresses"],
        json!(["ops@app.example"])
    );
    assert_eq!(created["compressed_delivery"], true);

    let again = run(&desired, &nylas, &store).await.unwrap();
    assert!(again.plan.is_empty() && again.secret.is_none());
    assert_eq!(again.destination.id, store.recorded().unwrap().id);
    assert_eq!(
        again.plan.to_string(),
        format!("{}: nothing to change", again.destination.id)
    );
    assert_eq!(nylas.requests(), ["GET /v3/webhooks"]);
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn only_what_differs_is_changed() {
    let store = Memory::with("wh-1", PUT_SECRET);
    let desired = desired()
        .notification_email_addresses(["ops@app.example"])
        .compressed_delivery(false);
    let emails = json!(["ops@app.example"]);
    for (changes, field) in [
        (
            json!({"trigger_types": ["message.created"]}),
            "trigger_types",
        ),
        (
            json!({"webhook_url": "https://old.example/"}),
            "webhook_url",
        ),
        (json!({"description": "another"}), "description"),
        (
            json!({"notification_email_addresses": []}),
            "notification_email_addresses",
        ),
        (json!({"compressed_delivery": true}), "compressed_delivery"),
    ] {
        let nylas = Nylas::new();
        let same = with(&json!({"notification_email_addresses": emails}));
        nylas.put("wh-1", &changed(same, &changes));
        let planned = plan(&desired, &nylas, &store).await;
        assert_eq!(planned.to_string(), format!("wh-1: change {field}"));
        nylas.requests();
        let reconciled = run(&desired, &nylas, &store).await.unwrap();
        assert_eq!(
            nylas.requests(),
            ["GET /v3/webhooks", "PUT /v3/webhooks/wh-1"]
        );
        assert_eq!(reconciled.destination.description.as_deref(), Some(OWN));
        assert!(plan(&desired, &nylas, &store).await.is_empty());
    }
    assert!(store.calls().is_empty());
}

/// What is not set is Nylas' own affair.
#[tokio::test]
async fn what_is_not_wanted_in_particular_is_left() {
    let (nylas, store) = (Nylas::new(), Memory::with("wh-1", PUT_SECRET));
    nylas.put(
        "wh-1",
        &with(
            &json!({"notification_email_addresses": ["a@b.example"], "compressed_delivery": true}),
        ),
    );
    nylas.put(
        "wh-2",
        &with(&json!({"webhook_url": "https://app.example/other"})),
    );
    let none = desired().notification_email_addresses(Vec::<String>::new());
    assert!(plan(&none, &nylas, &store).await.is_empty());
    let no_triggers = Desired::new(URL, OWN, Vec::<String>::new());
    assert!(plan(&no_triggers, &nylas, &store).await.is_empty());
}

#[tokio::test]
async fn a_destination_that_is_not_recorded_is_adopted_with_a_new_secret() {
    let (nylas, store) = (Nylas::new(), Memory::default());
    nylas.put("wh-1", &with(&json!({"trigger_types": ["grant.expired"]})));
    let planned = plan(&desired(), &nylas, &store).await;
    let lines = "wh-1: rotate its secret, since the one in the store is missing or in doubt\n\
                 wh-1: change trigger_types";
    assert_eq!(planned.to_string(), lines);
    nylas.requests();
    let reconciled = run(&desired(), &nylas, &store).await.unwrap();
    let requests = [
        "GET /v3/webhooks",
        "POST /v3/webhooks/rotate-secret/wh-1",
        "PUT /v3/webhooks/wh-1",
    ];
    assert_eq!(nylas.requests(), requests);
    assert_eq!(store.calls(), ["begin", "save"]);
    assert!(reconciled.secret.is_some());
    assert_in_order(&nylas, &store);

    // Deleted by somebody, and recorded.
    nylas.remove("wh-1");
    run(&desired(), &nylas, &store).await.unwrap();
    assert_in_order(&nylas, &store);
}

#[tokio::test]
async fn what_is_foreign_or_ambiguous_is_left_alone() {
    let foreign = |description: Value| with(&json!({"description": description}));
    for (others, recorded, expected) in [
        (
            vec![("wh-2", foreign("invoices".into()))],
            false,
            "the destination wh-2 is not this application's own: its description is \"invoices\"",
        ),
        (
            vec![("wh-2", foreign(Value::Null))],
            false,
            "the destination wh-2 is not this application's own: it has no description",
        ),
        (
            vec![
                (
                    "wh-1",
                    with(&json!({"webhook_url": "https://old.example/"})),
                ),
                ("wh-2", foreign("invoices".into())),
            ],
            true,
            "the destination wh-2 is not this application's own: its description is \"invoices\"",
        ),
        (
            vec![
                (
                    "wh-1",
                    with(&json!({"webhook_url": "https://old.example/"})),
                ),
                ("wh-2", own()),
            ],
            true,
            "more than one destination could be meant: wh-1 wh-2",
        ),
        // The store is a copy of another environment's.
        (
            vec![(
                "wh-1",
                with(&json!({"webhook_url": "https://old.example/", "description": "orders, old"})),
            )],
            true,
            "the destination wh-1 is not this application's own: its description is \"orders, old\"",
        ),
        (
            vec![("wh-2", own()), ("wh-3", own())],
            false,
            "more than one destination could be meant: wh-2 wh-3",
        ),
    ] {
        let nylas = Nylas::new();
        for (id, other) in others {
            nylas.put(id, &other);
        }
        let before = nylas.destinations();
        let store = if recorded {
            Memory::with("wh-1", "s")
        } else {
            Memory::default()
        };
        let error = run(&desired(), &nylas, &store).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(nylas.requests(), ["GET /v3/webhooks"]);
        assert_eq!(nylas.destinations(), before);
        assert!(store.calls().is_empty());
    }
}

#[tokio::test]
async fn a_stopped_destination_is_active_again_only_when_asked() {
    for status in ["pause", "paused", "inactive", "failed"] {
        let nylas = Nylas::with(200, Readings::default().pause_word(status));
        let store = Memory::with("wh-1", PUT_SECRET);
        nylas.put("wh-1", &with(&json!({"status": status})));
        let stopped = nylas.destinations();
        let left = run(&desired(), &nylas, &store).await.unwrap();
        assert!(left.plan.is_empty());
        let line = format!(
            "wh-1: nothing to change\nit is left {status}: reactivate it if that is not meant"
        );
        assert_eq!(left.plan.to_string(), line);
        assert_eq!(nylas.destinations(), stopped);

        let desired = desired().reactivate(true);
        let planned = plan(&desired, &nylas, &store).await;
        assert_eq!(planned.to_string(), "wh-1: change status");
        let active = run(&desired, &nylas, &store).await.unwrap();
        assert_eq!(active.destination.status, Some(DestinationStatus::Active));
        assert!(
            plan(&desired, &nylas, &store)
                .await
                .left_stopped()
                .is_none()
        );
    }
    // It still delivers.
    let (nylas, store) = (Nylas::new(), Memory::with("wh-1", PUT_SECRET));
    nylas.put("wh-1", &with(&json!({"status": "failing"})));
    let planned = plan(&desired().reactivate(true), &nylas, &store).await;
    assert!(planned.is_empty() && planned.left_stopped().is_none());
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_the_challenge_is_refused() {
    let (nylas, store) = (Nylas::with(404, Readings::default()), Memory::default());
    let error = run(&desired(), &nylas, &store).await.unwrap_err();
    let ReconcileError::Send(error) = error else {
        panic!("{error}");
    };
    assert_eq!(*error.api().unwrap().kind(), ErrorKind::NotVerified);
    assert!(nylas.destinations().is_empty() && store.calls().is_empty());
}

/// Another process has created it between the list and the request.
#[tokio::test]
async fn a_conflict_is_looked_at_again() {
    let (nylas, store) = (Nylas::new(), Memory::default());
    let racing = {
        let (nylas, first) = (nylas.clone(), Arc::new(AtomicBool::new(true)));
        service_fn(move |request: Request<Full<Bytes>>| {
            let is_create = request.method() == "POST" && request.uri().path() == "/v3/webhooks";
            if is_create && first.swap(false, Ordering::SeqCst) {
                nylas.put("wh-9", &own());
            }
            nylas.client().oneshot(request)
        })
    };
    let reconciled = api::reconcile(&desired(), &access(), racing, &store)
        .await
        .unwrap();
    assert_eq!(reconciled.destination.id.as_str(), "wh-9");
    let requests = [
        "GET /v3/webhooks",
        "POST /v3/webhooks",
        "GET /v3/webhooks",
        "POST /v3/webhooks/rotate-secret/wh-9",
    ];
    assert_eq!(nylas.requests(), requests);
    assert_in_order(&nylas, &store);
}

/// Cut at every request, before Nylas has got it and before its answer arrives; then it is run
/// again.
#[tokio::test]
async fn what_was_cut_is_repaired_by_running_it_again() {
    let beginnings: [fn() -> (Nylas, Memory); 4] = [
        || (Nylas::new(), Memory::default()),
        || (Nylas::new(), Memory::with("wh-gone", "old")),
        || {
            let nylas = Nylas::new();
            nylas.put(
                "wh-8",
                &with(&json!({"trigger_types": ["grant.expired"], "status": "failed"})),
            );
            (nylas, Memory::default())
        },
        || {
            let nylas = Nylas::new();
            nylas.put("wh-8", &own());
            (nylas, Memory::default())
        },
    ];
    let desired = desired().reactivate(true);
    let mut cuts = 0;
    for begin in beginnings {
        for cut in [Cut::Request, Cut::Answer] {
            for request in 0..4 {
                let (nylas, store) = begin();
                nylas.cut(request, cut);
                match run(&desired, &nylas, &store).await {
                    Ok(_) => assert!(nylas.requests().len() <= request),
                    Err(
                        ReconcileError::Send(error) | ReconcileError::NotUpdated { why: error, .. },
                    ) => {
                        assert!(error.is_retryable(), "{error}");
                        cuts += 1;
                        nylas.requests();
                        run(&desired, &nylas, &store).await.unwrap();
                    }
                    Err(other) => panic!("{other}"),
                }
                assert_in_order(&nylas, &store);
                assert!(plan(&desired, &nylas, &store).await.is_empty());
            }
        }
    }
    // Two requests in the first two and in the last, three in the other, each cut twice.
    assert_eq!(cuts, 2 * (2 + 2 + 3 + 2));
}

/// Whoever goes on after an error needs the secret that Nylas signs with from now on.
#[tokio::test]
async fn the_new_secret_is_in_the_error_of_the_update_behind_it() {
    for cut in [Cut::Request, Cut::Answer] {
        let (nylas, store) = (Nylas::new(), Memory::default());
        nylas.put("wh-1", &with(&json!({"trigger_types": ["grant.expired"]})));
        nylas.cut(2, cut);
        let error = run(&desired(), &nylas, &store).await.unwrap_err();
        assert!(
            matches!(error, ReconcileError::NotUpdated { .. }),
            "{error}"
        );
        let secret = error.secret().unwrap().expose();
        assert_eq!(nylas.destinations()[0]["webhook_secret"], secret);
        assert_eq!(store.secret().as_deref(), Some(secret));
        assert!(!format!("{error} {error:?}").contains(secret));
        assert_eq!(
            error.to_string(),
            "the request to Nylas' API has failed; the secret is a new one, and saved"
        );
    }
}

#[tokio::test]
async fn a_store_that_fails_loses_no_secret() {
    let (nylas, store) = (Nylas::new(), Memory::default());
    store.fail(Some("load"));
    let error = run(&desired(), &nylas, &store).await.unwrap_err();
    assert!(matches!(error, ReconcileError::Store(_)), "{error}");
    assert!(nylas.requests().is_empty());

    store.fail(Some("save"));
    let error = run(&desired(), &nylas, &store).await.unwrap_err();
    let ReconcileError::NotSaved {
        id: created,
        secret,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(nylas.destinations()[0]["webhook_secret"], secret.expose());
    assert!(
        !format!("{error} {error:?}").contains(secret.expose()),
        "{error:?}"
    );
    assert_eq!(error.secret().unwrap().expose(), secret.expose());
    let created = created.clone();
    nylas.requests();

    // The next run finds it without a secret, and cannot begin.
    store.fail(Some("begin"));
    let error = run(&desired(), &nylas, &store).await.unwrap_err();
    assert!(matches!(error, ReconcileError::Store(_)), "{error}");
    assert_eq!(nylas.requests(), ["GET /v3/webhooks"]);

    store.fail(Some("save"));
    run(&desired(), &nylas, &store).await.unwrap_err();
    assert_eq!(store.recorded(), Some(Recorded::in_doubt(created.clone())));
    store.fail(None);
    run(&desired(), &nylas, &store).await.unwrap();
    assert_eq!(store.recorded(), Some(Recorded::current(created)));
    assert_in_order(&nylas, &store);
}
