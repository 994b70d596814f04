use axum::body::to_bytes;
use http::Request;
use rusqlite::Connection;
use tower::ServiceExt;
use tower_nylas::inbox::DeadCause;
use tower_nylas_inspector::Inspector;

use crate::stage::Stage;

/// A snapshot that somebody holds keeps the log of SQLite from being emptied.
pub(crate) async fn none_is_held_while_a_client_is_slow() {
    let stage = Stage::start().await;
    let key = stage.bury_many(60, DeadCause::Expired).await[0];
    let inspector = Inspector::builder()
        .inbox(stage.inbox.clone())
        .show_bodies()
        .authorize(|_| true)
        .build();
    let connection = Connection::open(&stage.file).unwrap();
    let is_busy = || -> bool {
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap()
    };
    // That it can be seen.
    let reader = Connection::open(&stage.file).unwrap();
    let snapshot = reader.unchecked_transaction().unwrap();
    snapshot
        .query_row("SELECT count(*) FROM jobs", [], |row| row.get::<_, i64>(0))
        .unwrap();
    stage.store(stage.message("one more", "g-1")).await;
    assert!(is_busy());
    drop(snapshot);
    for query in [
        "",
        "?page=inbox",
        "?page=dead",
        &format!("?page=entry&key={key}"),
    ] {
        let request = Request::get(format!("/{query}"))
            .body(String::new())
            .unwrap();
        let answer = inspector.clone().oneshot(request).await.unwrap();
        assert!(answer.status().is_success());
        // Its client has read nothing of it so far.
        stage.store(stage.message("one more", "g-1")).await;
        assert!(!is_busy(), "{query}");
        let page = to_bytes(axum::body::Body::new(answer.into_body()), 1 << 20)
            .await
            .unwrap();
        assert!(!page.is_empty());
    }
}
