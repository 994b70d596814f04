//! A receiver that starts before its server does.

use tokio::sync::Mutex;
use tower_nylas::inbox::LazyInbox;
use tower_nylas_kit::inbox::{Scratch, scenes, servers::Sync};
use tower_nylas_nats::OpenError;
use tower_nylas_sqlite::SqliteInbox;

use crate::server::{builder, restart, start};

/// What comes before is stored in a file, and moved and handled when the server is there.
pub(crate) async fn what_comes_before_the_server_is_handled() {
    let server = Mutex::new(start(Sync::Interval).await);
    let url = server.lock().await.url();
    // Its port is free from now on, and nothing was stored in it.
    server.lock().await.stop();
    let builder = builder();
    let inbox = LazyInbox::new(move || {
        let (builder, url) = (builder.clone(), url.clone());
        async move { builder.open(&url).await }
    });
    let why = inbox.open().await.unwrap_err();
    let why = why.downcast_ref::<OpenError>().unwrap();
    assert!(matches!(why, OpenError::Unreachable(_)), "{why}");
    let scratch = Scratch::new_of_system();
    let local = SqliteInbox::open(scratch.path("local.db")).await.unwrap();
    let is_away = async || assert!(inbox.get().is_none());
    let comes = async || {
        assert!(inbox.get().is_none());
        restart(&mut *server.lock().await).await;
    };
    let spilled = scenes::spill(inbox.clone(), local.clone(), is_away, comes).await;
    println!("{spilled:?}");
    // As in an outage: those whose append has timed out while the server started.
    assert!(spilled.again <= scenes::SENDERS, "{spilled:?}");
    inbox.get().unwrap().close().await;
    local.close().await;
}
