use http::StatusCode;
use tower_nylas::inbox::{Browse, EntryState};

use crate::stage::Stage;

pub(crate) async fn a_worker_is_paused_and_resumed() {
    let stage = Stage::start().await;
    stage.mend();
    let (status, location) = stage.post("action=pause").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(
        stage
            .page(&location)
            .await
            .contains("workers of this process claim nothing any more")
    );
    stage.work();
    stage.store(stage.message("a mail", "g-1")).await;
    // It lasts as long as the worker would need for it many times over.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(stage.count(EntryState::Ready).await, 1);
    assert_eq!(stage.json("").await["is_paused"], true);
    assert!(
        stage
            .page("?page=dead")
            .await
            .contains("Workers of this process claim nothing.")
    );
    stage.post("action=resume").await;
    let is_empty = async || stage.inbox.stats().await.unwrap().ready == 0;
    stage.until("it is handled", is_empty).await;
    assert_eq!(stage.json("").await["is_paused"], false);
}
