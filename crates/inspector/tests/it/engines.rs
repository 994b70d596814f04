use std::sync::{Arc, Mutex};

use http::StatusCode;
use tower_nylas::inbox::{DeadCause, Entry, Inbox, MemoryInbox, Settlement};
use tower_nylas::testing;
use tower_nylas_inspector::Inspector;

use crate::stage::{At, PATH, Stage, notification, serve};

async fn get(address: std::net::SocketAddr, query: &str) -> (StatusCode, String) {
    let url = format!("http://{address}{PATH}{query}");
    let response = reqwest::get(url).await.unwrap();
    (response.status(), response.text().await.unwrap())
}

async fn bury(inbox: &impl Inbox, id: &str) {
    let body = notification("message.created", id, "g-1", "a mail");
    let entry = Entry::new(&testing::verified(body), std::time::Duration::ZERO);
    inbox.append(entry).await.unwrap();
    let wait = std::time::Duration::ZERO;
    let claim = inbox.claim(1, wait).await.unwrap().pop().unwrap();
    let (cause, why) = (DeadCause::Expired, "a reason".to_owned());
    inbox
        .settle(&claim.receipt, Settlement::Dead { cause, why })
        .await
        .unwrap();
}

pub(crate) async fn one_that_cannot_search_shows_its_dead() {
    let inbox = MemoryInbox::new();
    for id in ["n-1", "n-2"] {
        bury(&inbox, id).await;
    }
    let builder = Inspector::builder().browse(inbox.clone());
    let address = serve(builder.authorize(|_| true).build()).await;
    let (_, page) = get(address, "?page=dead").await;
    assert!(page.contains("a reason"), "{page}");
    for query in ["?page=inbox", "?page=inbox&state=dead"] {
        let (status, page) = get(address, query).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("message.created") && !page.contains(">All<"),
            "{page}"
        );
    }
    // Its dead ones are no answer to that.
    let (status, page) = get(address, "?page=inbox&state=ready").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("lists dead entries only"), "{page}");
    let (_, page) = get(address, "").await;
    assert!(!page.contains("state=ready"), "{page}");
    let (status, page) = get(address, "?page=find&q=n-1").await;
    assert_eq!(
        status,
        StatusCode::NOT_FOUND,
        "its label is another one: {page}"
    );
    let key = tower_nylas::inbox::EntryKey::from(tower_nylas::notification::NotificationKey::new(
        "testing", "n-1",
    ));
    let (status, page) = get(address, &format!("?page=entry&key={key}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("keeps none"), "{page}");
    let (status, _) = get(address, "?page=purge&grant=g-1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

pub(crate) async fn one_that_fails_is_told() {
    let stage = Stage::start().await;
    let key = stage.store(stage.message("a mail", "g-1")).await;
    stage.inbox.close().await;
    let page = stage.page("").await;
    assert!(page.contains("The inbox does not answer: "), "{page}");
    for query in [
        "?page=inbox",
        "?page=dead",
        "?page=replay&state=dead",
        "?page=purge&grant=g",
    ] {
        let (status, page) = stage.get(query).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{query}: {page}");
    }
    let (status, value) = stage.post_json(&format!("action=replay&key={key}")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(value["error"].is_string());
    let actions = stage.actions();
    assert!(
        actions.len() == 1 && actions[0].contains("failed: "),
        "{actions:?}"
    );
}

pub(crate) async fn no_inbox_at_all() {
    let recent = tower_nylas_inspector::Recent::new(10);
    let told = Arc::new(Mutex::new(Vec::new()));
    let record = told.clone();
    let builder = Inspector::builder()
        .recent(&recent)
        .on_action(move |action| record.lock().unwrap().push(action.to_string()));
    let address = serve(builder.authorize(|_| true).build()).await;
    let (status, page) = get(address, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("Dead letters"), "{page}");
    for query in [
        "?page=inbox",
        "?page=dead",
        "?page=replay&state=dead",
        "?page=purge&grant=g",
    ] {
        assert_eq!(
            get(address, query).await.0,
            StatusCode::NOT_FOUND,
            "{query}"
        );
    }
    assert_eq!(get(address, "?page=deliveries").await.0, StatusCode::OK);
    let (status, page) = get(address, "?page=find&q=n-1").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for form in ["action=purge&grant=g-1&confirm=1", "action=pause"] {
        let (status, answer) = At(address).post(form).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    }
    assert_eq!(
        *told.lock().unwrap(),
        [
            "purge by \"somebody\" of all entries of the grant \"g-1\", refused: \"there is no inbox\"",
            "pause by \"somebody\", refused: \"no worker can be paused from here\"",
        ]
    );
}
