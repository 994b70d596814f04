use http::StatusCode;
use tower_nylas::inbox::DeadCause;

use crate::stage::Stage;

pub(crate) async fn every_page_has_a_twin() {
    let stage = Stage::start().await;
    let key = stage
        .bury(
            stage.message("a mail", "g-1"),
            DeadCause::Expired,
            "a reason",
        )
        .await;
    stage.deliver(stage.message("another", "g-1")).await;
    let overview = stage.json("").await;
    assert_eq!(overview["inbox"]["dead"], 1);
    assert_eq!(overview["deliveries"]["accepted"], 1);
    assert_eq!(overview["health"]["level"], "ok");
    assert_eq!(overview["is_paused"], false);
    let groups = stage.json("?page=dead").await;
    assert_eq!(groups["groups"][0]["trigger"], "message.created");
    assert_eq!(groups["groups"][0]["cause"], "expired");
    assert_eq!(groups["groups"][0]["count"], 1);
    let list = stage.json("?page=inbox&state=dead").await;
    let entry = &list["entries"][0];
    assert_eq!(entry["key"], key.to_string());
    assert_eq!(
        (&entry["state"], &entry["cause"]),
        (&"dead".into(), &"expired".into())
    );
    assert_eq!(entry["why"], "a reason");
    assert_eq!(entry["grant_id"], "g-1");
    let detail = stage.json(&format!("?page=entry&key={key}")).await;
    let what: Vec<_> = detail["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["what"])
        .collect();
    assert_eq!(what, ["stored", "claimed", "dead"]);
    let deliveries = stage.json("?page=deliveries").await;
    assert_eq!(deliveries["deliveries"][0]["kind"], "accepted");
    for (query, expected) in [
        ("?page=none", StatusCode::NOT_FOUND),
        ("?page=entry&key=x", StatusCode::BAD_REQUEST),
        ("?page=inbox&state=x", StatusCode::BAD_REQUEST),
    ] {
        let (status, value) = stage.json_of(query).await;
        assert_eq!(status, expected);
        assert!(value["error"].is_string(), "{value}");
    }
    // A browser accepts everything, and gets a page.
    for (accept, content_type) in [
        (
            "text/html,application/xhtml+xml,*/*;q=0.8,application/json;q=0",
            "text/html; charset=utf-8",
        ),
        (
            "text/html, application/json;q=0.1",
            "text/html; charset=utf-8",
        ),
        ("text/html;q=0.1, application/json", "application/json"),
        ("application/json, */*", "application/json"),
    ] {
        let request = stage.client().get(stage.url(""));
        let response = request.header("accept", accept).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], content_type, "{accept}");
        assert_eq!(response.headers()["vary"], "accept");
    }
}

pub(crate) async fn pages_go_on_where_the_last_one_ended() {
    let stage = Stage::with(|builder| builder.most_listed(3).loopback_only()).await;
    let keys = stage.bury_many(8, DeadCause::Expired).await;
    for _ in 0..8 {
        stage.deliver(stage.message("a mail", "g-1")).await;
    }
    let mut found = Vec::new();
    let mut next = Some("?page=inbox&state=dead&cause=expired&grant=g-many".to_owned());
    while let Some(query) = next {
        let page = stage.json(&query).await;
        let entries = page["entries"].as_array().unwrap();
        found.extend(
            entries
                .iter()
                .map(|entry| entry["key"].as_str().unwrap().to_owned()),
        );
        next = page["next"].as_str().map(str::to_owned);
    }
    let expected: Vec<_> = keys.iter().rev().map(ToString::to_string).collect();
    assert_eq!(found, expected);
    let mut count = 0;
    let mut next = Some("?page=deliveries&kind=accepted".to_owned());
    while let Some(query) = next {
        let page = stage.json(&query).await;
        count += page["deliveries"].as_array().unwrap().len();
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(count, 8);
}

pub(crate) async fn the_cap_of_a_list_holds() {
    let stage = Stage::with(|builder| builder.most_listed(1_000_000).loopback_only()).await;
    stage.bury_many(201, DeadCause::Expired).await;
    for query in [
        "?page=inbox",
        "?page=inbox&max=100000",
        "?page=inbox&state=dead",
    ] {
        let page = stage.json(query).await;
        assert_eq!(page["entries"].as_array().unwrap().len(), 200, "{query}");
    }
}
