use tower_nylas::inbox::DeadCause;

use crate::stage::Stage;

const SUBJECT: &str = "what nobody else may read";

pub(crate) async fn they_are_hidden_by_default() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message(SUBJECT, "g-1"), DeadCause::Malformed, "no")
        .await;
    for query in [
        String::new(),
        "?page=inbox".to_owned(),
        "?page=dead".to_owned(),
        "?page=replay&state=dead".to_owned(),
        format!("?page=entry&key={key}"),
    ] {
        assert!(!stage.page(&query).await.contains(SUBJECT), "{query}");
        let json = stage.json(&query).await.to_string();
        assert!(!json.contains(SUBJECT), "{query}: {json}");
    }
    let page = stage.page(&format!("?page=entry&key={key}")).await;
    assert!(page.contains("Bodies are hidden."));
    assert!(stage.json(&format!("?page=entry&key={key}")).await["body"].is_null());
}

pub(crate) async fn they_are_shown_if_asked_for() {
    let stage = Stage::with(|builder| builder.show_bodies().loopback_only()).await;
    let key = stage
        .bury(stage.message(SUBJECT, "g-1"), DeadCause::Malformed, "no")
        .await;
    assert!(stage.page("?page=inbox").await.contains(SUBJECT));
    let entry = format!("?page=entry&key={key}");
    assert!(
        stage
            .page(&entry)
            .await
            .contains("&quot;subject&quot;: &quot;what nobody")
    );
    let body = &stage.json(&entry).await["body"];
    assert_eq!(
        (&body["is_json"], &body["is_cut"]),
        (&true.into(), &false.into())
    );
    assert!(body["text"].as_str().unwrap().contains(SUBJECT));
}
