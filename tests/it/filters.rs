//! Which filters a router takes, and which triggers they need at Nylas.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    Notification, TriggerRouter, VerifiedBody,
    notification::object::Message,
    testing,
    trigger::{Trigger, TriggerKind},
};

async fn nothing() {}

fn message(build: impl FnOnce() -> TriggerRouter) -> String {
    let thrown = catch_unwind(AssertUnwindSafe(build)).expect_err("no such name is known");
    *thrown.downcast::<String>().expect("a formatted message")
}

#[test]
fn every_known_name_is_taken_with_its_automatic_forms() {
    for kind in TriggerKind::KNOWN {
        let forms = ["", ".transformed", ".truncated", ".transformed.truncated"];
        let forms = forms.map(|form| format!("{kind}{form}"));
        let router = TriggerRouter::new();
        let router = forms
            .iter()
            .fold(router, |router, name| router.on(name, nothing));
        let debug = format!("{router:?}");
        assert!(
            forms
                .iter()
                .all(|name| debug.contains(&format!("{name:?}"))),
            "{debug}"
        );
        // Every prefix of it is a family.
        for (dot, _) in kind.as_str().match_indices('.') {
            let _ = TriggerRouter::new().on(format!("{}.*", &kind.as_str()[..dot]), nothing);
        }
        // So is what Nylas appends.
        let _ = TriggerRouter::new().on(format!("{kind}.*"), nothing);
    }
    assert!(Trigger::from("contact.created").kind().is_known());
    let _ = TriggerRouter::new().on("contact.created", nothing);
}

#[test]
fn another_name_is_refused_with_the_nearest_known_one() {
    for (filter, nearest) in [
        ("message.craeted", "message.created"),
        ("mesage.created", "message.created"),
        ("messages.created", "message.created"),
        ("message.create.truncated", "message.created.truncated"),
        ("message.created.clean", "message.created.cleaned"),
        ("message.opened.metadata", "message.created.metadata"),
        ("event.created.metadata", "message.created.metadata"),
        ("message.intelligence", "message.intelligence.*"),
        ("messages.*", "message.*"),
        ("grants.*", "grant.*"),
    ] {
        let panic = message(|| TriggerRouter::new().on(filter, nothing));
        assert!(panic.contains(&format!("no trigger `{filter}`")), "{panic}");
        let expected = format!("did you mean `{nearest}`?");
        assert!(panic.contains(&expected), "{panic}");
        assert!(panic.contains("`on_unlisted`"), "{panic}");
    }
    let service = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, std::convert::Infallible>(Response::<Full<Bytes>>::default())
    });
    let panic = message(|| TriggerRouter::new().on_service("message.craeted", service));
    assert!(panic.contains("did you mean `message.created`?"), "{panic}");
}

#[tokio::test]
async fn on_unlisted_takes_any_name() {
    let service = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, std::convert::Infallible>(Response::<Full<Bytes>>::default())
    });
    let router = TriggerRouter::new()
        .on_unlisted("yacht.sunk", nothing)
        .on_unlisted("submarine.*", nothing)
        .on_unlisted_service("yacht.found", service)
        // A later version of this crate may know more names, and must not panic then.
        .on_unlisted("message.created", async |_: Notification<Message>| ())
        .on_unlisted_service("event.*", service);
    for trigger in [
        "yacht.sunk.truncated",
        "submarine.risen",
        "yacht.found",
        "message.created",
        "event.created",
    ] {
        let body =
            format!(r#"{{"type":"{trigger}","data":{{"object":{{"id":"m","grant_id":"g"}}}}}}"#);
        let request = Request::new(testing::verified(body));
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{trigger}");
    }
    assert_eq!(router.unrouted_count(), 0);
}

/// The other rules hold: it is a filter, only one, and the handler can hold what comes.
#[test]
fn on_unlisted_still_panics_for_other_reasons() {
    let panic = message(|| TriggerRouter::new().on_unlisted("Yacht", nothing));
    assert!(panic.contains("is no trigger filter"), "{panic}");
    let twice = TriggerRouter::new().on("message.created", nothing);
    let panic = message(|| twice.on_unlisted("message.created", nothing));
    assert!(panic.contains("two routes"), "{panic}");
    let panic = message(|| {
        TriggerRouter::new().on_unlisted("event.*", async |_: Notification<Message>| ())
    });
    assert!(panic.contains("does not model"), "{panic}");
}

fn filters(filters: &[&str]) -> Vec<String> {
    let router = TriggerRouter::new().fallback(nothing).on_deltas(nothing);
    let router = filters
        .iter()
        .fold(router, |router, filter| router.on_unlisted(filter, nothing));
    router.filters()
}

#[test]
fn the_names_to_subscribe_to() {
    assert!(filters(&[]).is_empty());
    // Automatic forms stand for the name that one subscribes to, once, and all are sorted.
    assert_eq!(
        filters(&[
            "message.updated.metadata",
            "message.created.transformed.truncated",
            "message.created",
            "message.created.truncated",
            "event.deleted",
        ]),
        ["event.deleted", "message.created", "message.updated"]
    );
    // Those with a payload of their own are subscriptions of their own.
    assert_eq!(
        filters(&["message.created.cleaned.truncated", "message.opened.legacy"]),
        ["message.created.cleaned", "message.opened.legacy"]
    );
    // A family has the documented names; what is not documented only if it is named.
    assert_eq!(
        filters(&["contact.*"]),
        ["contact.deleted", "contact.updated"]
    );
    assert_eq!(
        filters(&["contact.*", "contact.created"]),
        ["contact.created", "contact.deleted", "contact.updated"]
    );
    assert_eq!(
        filters(&["message.intelligence.*"]),
        [
            "message.intelligence.order",
            "message.intelligence.return",
            "message.intelligence.tracking",
            "message.intelligence.travel"
        ]
    );
    assert_eq!(filters(&["event.created.*"]), ["event.created"]);
    // A name that is not known is passed on, a family of such cannot be.
    assert_eq!(
        filters(&["yacht.sunk.truncated", "submarine.*"]),
        ["yacht.sunk"]
    );
}

/// All families together are the 51 names to which one can subscribe.
#[test]
fn families_stand_for_all_documented_names() {
    let families: std::collections::BTreeSet<_> = TriggerKind::KNOWN
        .iter()
        .map(|kind| format!("{}.*", kind.as_str().split('.').next().unwrap()))
        .collect();
    let families: Vec<_> = families.iter().map(String::as_str).collect();
    let all = filters(&families);
    let mut expected: Vec<_> = TriggerKind::KNOWN
        .iter()
        .map(TriggerKind::to_string)
        .collect();
    expected.retain(|name| name != "contact.created" && !name.ends_with(".metadata"));
    expected.sort();
    assert_eq!(all, expected);
    assert_eq!(all.len(), 52);
}
