//! What is answered is committed as it should be, whatever a connection is set to.

use tower_nylas::inbox::{Appended, Inbox};
use tower_nylas_kit::inbox::entry;
use tower_nylas_postgres::PostgresInbox;

use crate::{pooler::Pooler, server::Server};

/// The role's commits do not wait for a standby. Those of appends do.
pub(crate) async fn a_role_that_does_not_wait_for_the_standby(server: &Server) {
    let url = format!("{}?options=-c%20synchronous_commit%3Dlocal", server.url());
    let inbox = PostgresInbox::open(&url).await.unwrap();
    waits_for_the_standby(server, inbox).await;

    let builder = PostgresInbox::builder().accept_lossy_commits();
    let inbox = builder.open(&url).await.unwrap();
    commits_wait(server).await;
    assert_eq!(inbox.append(entry("n-2")).await.unwrap(), Appended::New);
    server.set("synchronous_standby_names", "").await;
    inbox.close().await;
}

/// Another application has set the server's connections behind a pooler to something else.
pub(crate) async fn a_pooler_that_others_use() {
    let server = Server::start(&[]).await;
    let pooler = Pooler::start(&server).await;
    let inbox = PostgresInbox::open(&pooler.url).await.unwrap();
    // All of them at the same time, so that each has another one.
    let mut others = Vec::new();
    for _ in 0..Pooler::CONNECTIONS {
        let other = Server::try_connect(&pooler.url).await.unwrap();
        other.batch_execute("BEGIN").await.unwrap();
        others.push(other);
    }
    for other in &others {
        let set = "SET synchronous_commit = off";
        other.batch_execute(set).await.unwrap();
    }
    for other in &others {
        other.batch_execute("COMMIT").await.unwrap();
    }
    waits_for_the_standby(&server, inbox).await;
}

/// An append waits for a standby that there is not, and has stored all the same when it is no
/// longer asked for.
async fn waits_for_the_standby(server: &Server, inbox: PostgresInbox) {
    commits_wait(server).await;
    let appending = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.append(entry("n-1")).await }
    });
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity \
                 WHERE wait_event = 'SyncRep' AND query LIKE '%No key comes twice%')";
    server.wait_until(waits).await;
    server.set("synchronous_standby_names", "").await;
    let appended = match appending.await.unwrap() {
        Ok(appended) => appended,
        // It took longer than an append waits.
        Err(_) => inbox.append(entry("n-1")).await.unwrap(),
    };
    assert!(matches!(appended, Appended::New | Appended::Duplicate));
    inbox.close().await;
}

/// Lets commits wait, and returns when the first one does.
async fn commits_wait(server: &Server) {
    server.set("synchronous_standby_names", "nobody").await;
    let client = server.connect().await;
    tokio::spawn(async move {
        // The server takes a moment to notice.
        while client
            .batch_execute("CREATE TABLE canary (); DROP TABLE canary")
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    });
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity \
                 WHERE wait_event = 'SyncRep' AND query LIKE '%canary ()%')";
    server.wait_until(waits).await;
}
