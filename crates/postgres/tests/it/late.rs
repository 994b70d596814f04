//! A receiver that starts before its server does.

use tokio::sync::Mutex;
use tower_nylas::inbox::LazyInbox;
use tower_nylas_kit::inbox::{Scratch, scenes};
use tower_nylas_postgres::{OpenError, PostgresInbox};
use tower_nylas_sqlite::SqliteInbox;

use crate::server::Server;

/// What comes before is stored in a file, and moved and handled when the server is there.
pub(crate) async fn what_comes_before_the_server_is_handled() {
    let server = Mutex::new(Server::start(&[]).await);
    let url = server.lock().await.url().to_owned();
    // Its port is free from now on, and it has no schema yet.
    server.lock().await.kill();
    let inbox = LazyInbox::new(move || {
        let url = url.clone();
        async move { PostgresInbox::open(&url).await }
    });
    let why = inbox.open().await.unwrap_err();
    let why = why.downcast_ref::<OpenError>().unwrap();
    assert!(matches!(why, OpenError::Unreachable(_)), "{why}");
    let scratch = Scratch::new_of_system();
    let local = SqliteInbox::open(scratch.path("local.db")).await.unwrap();
    let is_away = async || assert!(inbox.get().is_none());
    let comes = async || {
        assert!(inbox.get().is_none());
        server.lock().await.restart().await;
    };
    let spilled = scenes::spill(inbox.clone(), local.clone(), is_away, comes).await;
    println!("{spilled:?}");
    assert_eq!(spilled.again, 0);
    inbox.get().unwrap().close().await;
    local.close().await;
}
