use http::StatusCode;
use tower_nylas::inbox::{DeadCause, Inspect};
use tower_nylas_inspector::{Inspector, Recent};

use crate::stage::{At, Stage, notification, serve};

pub(crate) async fn a_mail_is_found_by_its_id() {
    let stage = Stage::start().await;
    let mail = notification("message.created", "the-id-of-a-mail", "g-1", "a mail");
    assert_eq!(stage.deliver(mail).await, StatusCode::OK);
    let page = stage.page("?page=find&q=the-id-of-a-mail").await;
    assert!(page.contains("<h1>message.created"), "{page}");
    assert!(page.contains("accepted"), "its delivery is shown: {page}");
    // One that was never stored has its deliveries only.
    let mail = notification("message.created", "another-id", "g-1", "a mail");
    assert_eq!(stage.fail(mail).await, StatusCode::SERVICE_UNAVAILABLE);
    let page = stage.page("?page=find&q=another-id").await;
    assert!(page.contains("the database is away"), "{page}");
    let page = stage.page("?page=find&q=no-such-id").await;
    assert!(
        page.contains("No request of this kind is remembered"),
        "{page}"
    );
}

/// Ids are chosen by whoever sends, so that one says nothing about whose entry it is.
pub(crate) async fn an_id_of_several_destinations_shows_them_all() {
    let stage = Stage::start().await;
    let of = |grant| notification("message.created", "the-id", grant, "a mail");
    for (label, grant) in [("aaa", "g-other"), ("eu", "g-eu")] {
        assert_eq!(stage.deliver_to(label, of(grant)).await, StatusCode::OK);
    }
    let found = stage.json("?page=find&q=the-id").await;
    let labels: Vec<_> = found["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["destination"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["aaa", "eu"]);
    let page = stage.page("?page=find&q=the-id").await;
    assert!(
        !page.contains("method=\"post\""),
        "nothing is offered: {page}"
    );
    assert!(page.contains("to aaa") && page.contains("to eu"), "{page}");
    // A delivery leads to the entry that it has become.
    let list = stage.json("?page=deliveries").await;
    for (row, grant) in [(0, "g-eu"), (1, "g-other")] {
        let key = list["deliveries"][row]["key"].as_str().unwrap();
        let link = format!("?page=find&amp;key={key}");
        assert!(stage.page("?page=deliveries").await.contains(&link));
        let entry = stage.json(&link.replace("&amp;", "&")).await;
        assert_eq!(entry["entry"]["grant_id"], grant);
    }
    // And where it has become none, to itself, and not to the entry of another one.
    stage.inbox.purge_grant("g-eu").await.unwrap();
    let key = list["deliveries"][0]["key"].as_str().unwrap();
    let found = stage.json(&format!("?page=find&key={key}")).await;
    assert_eq!(found["deliveries"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["deliveries"][0]["destination"], "eu");
    // A process that has seen none of them is told the labels, and tells which it has tried.
    for (labels, is_found) in [(&["eu"][..], false), (&["eu", "aaa"], true)] {
        let builder = Inspector::builder().inbox(stage.inbox.clone());
        let builder = builder.labels(labels.iter().copied());
        let at = At(serve(builder.authorize(|_| true).build()).await);
        let (status, page) = at.get("?page=find&q=the-id").await;
        assert_eq!(status == StatusCode::OK, is_found, "{page}");
        assert!(
            is_found || page.contains("the labels default, eu"),
            "{page}"
        );
    }
}

pub(crate) async fn a_long_id_is_found() {
    let stage = Stage::start().await;
    let id = "n".repeat(300);
    let mail = |id: &str| notification("message.created", id, "g-1", "a mail");
    assert_eq!(stage.deliver(mail(&id)).await, StatusCode::OK);
    let found = stage.json(&format!("?page=find&q={id}")).await;
    assert_eq!(found["notification_id"], "n".repeat(256), "{found}");
    let found = stage.json(&format!("?page=deliveries&id={id}")).await;
    assert_eq!(found["deliveries"].as_array().unwrap().len(), 1);
    let (status, _) = stage.get("?page=deliveries&before=x").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

pub(crate) async fn groups_lead_to_their_entries() {
    let stage = Stage::start().await;
    stage.bury_many(3, DeadCause::Expired).await;
    stage
        .bury("{}".to_owned(), DeadCause::Malformed, "no trigger")
        .await;
    let page = stage.page("?page=dead").await;
    let link = "?page=inbox&amp;state=dead&amp;cause=expired&amp;trigger=message.created";
    assert!(page.contains(link), "{page}");
    let list = stage.json(&link.replace("&amp;", "&")).await;
    assert_eq!(list["entries"].as_array().unwrap().len(), 3);
    // Those without a trigger are a group as well, which is replayed alone.
    let link = "?page=inbox&amp;state=dead&amp;cause=malformed&amp;no_trigger=1";
    assert!(page.contains(link), "{page}");
    let groups = stage.json("?page=dead").await;
    let group = &groups["groups"][1];
    assert_eq!(group["filter"]["no_trigger"], true, "{group}");
    assert_eq!(group["link"], link.replace("&amp;", "&"));
    assert!(group["last_received_at"].is_string(), "{group}");
    let dry = stage.json("?page=replay&state=dead&no_trigger=1").await;
    assert_eq!(dry["count"], 1);
}

pub(crate) async fn deliveries_are_filtered() {
    let stage = Stage::start().await;
    stage.deliver(stage.message("a mail", "g-1")).await;
    let third = notification("grant.expired", "n-third", "g-1", "").replace(
        "\"webhook_delivery_attempt\":1",
        "\"webhook_delivery_attempt\":3",
    );
    stage.fail(third).await;
    stage.forge().await;
    for (query, kinds) in [
        ("", &["refused", "failed", "accepted"][..]),
        ("&kind=all", &["refused", "failed", "accepted"]),
        ("&kind=accepted", &["accepted"]),
        ("&kind=refused", &["refused"]),
        ("&kind=lost", &["failed"]),
        ("&kind=challenge", &[]),
        ("&trigger=grant.expired", &["failed"]),
        ("&id=n-third", &["failed"]),
        ("&id=n-thir", &[]),
    ] {
        let found = stage.json(&format!("?page=deliveries{query}")).await;
        let found: Vec<_> = found["deliveries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["kind"])
            .collect();
        assert_eq!(found, kinds, "{query}");
    }
    let page = stage.page("?page=deliveries&kind=lost").await;
    assert!(
        page.contains("the database is away") && page.contains("503"),
        "{page}"
    );
}

pub(crate) async fn refusals_push_no_delivery_out() {
    let stage = Stage::start().await;
    stage.deliver(stage.message("a mail", "g-1")).await;
    for _ in 0..300 {
        stage.forge().await;
    }
    let found = stage.json("").await;
    assert_eq!(found["deliveries"]["accepted"], 1);
    assert_eq!(found["deliveries"]["refused"], 200);
    assert!(format!("{:?}", Recent::new(usize::MAX)).contains("verified: 0"));
    assert!(format!("{:?}", Inspector::builder().read_only()).contains("is_read_only: true"));
}

pub(crate) async fn a_page_reloads_itself_if_asked_to() {
    let stage = Stage::start().await;
    let page = stage.page("?page=dead&refresh=5&did=replay&n=1").await;
    assert!(
        page.contains(r#"<meta http-equiv="refresh" content="5">"#),
        "{page}"
    );
    assert!(
        page.contains(r#"href="?page=dead&amp;refresh=30""#),
        "{page}"
    );
    for query in [
        "?page=dead",
        "?page=dead&refresh=1",
        "?page=dead&refresh=5;url=x",
    ] {
        assert!(!stage.page(query).await.contains("http-equiv"), "{query}");
    }
}

pub(crate) async fn what_is_not_there() {
    let stage = Stage::start().await;
    let key = "0".repeat(32);
    for (query, expected) in [
        ("?page=nowhere".to_owned(), StatusCode::NOT_FOUND),
        (format!("?page=entry&key={key}"), StatusCode::NOT_FOUND),
        ("?page=entry".to_owned(), StatusCode::BAD_REQUEST),
        ("?page=entry&key=0".to_owned(), StatusCode::BAD_REQUEST),
        ("?page=inbox&before=-1".to_owned(), StatusCode::BAD_REQUEST),
        ("?page=replay".to_owned(), StatusCode::BAD_REQUEST),
        ("?page=purge".to_owned(), StatusCode::BAD_REQUEST),
        ("?page=find".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        let (status, page) = stage.get(&query).await;
        assert_eq!(status, expected, "{query}");
        assert!(page.contains("Back to the overview"), "{page}");
    }
    let response = stage.client().put(stage.url("")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET, HEAD, POST");
    let request = stage.client().put(stage.url(""));
    let request = request.header("accept", "application/json");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let response = stage.client().head(stage.url("")).send().await.unwrap();
    let length = response.headers()["content-length"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(length.parse::<usize>().unwrap() > 1000);
    assert!(response.bytes().await.unwrap().is_empty());
}
