//! A server that dies and comes back: what was accepted is handled.

use std::time::Duration;

use tokio::sync::Mutex;
use tower_nylas::inbox::{AppendError, Appended, Browse, Inbox, Settlement};
use tower_nylas_kit::inbox::{
    Handled, Scratch, Sending, Working, entry, scenes,
    servers::{Sync, nats_version},
};
use tower_nylas_sqlite::SqliteInbox;

use crate::server::{builder, restart, start};

/// How often it is killed, and after how many more entries.
const KILLS: usize = 5;
const BETWEEN: usize = 300;

/// How many are handled at a time, and so can be unsettled at a kill.
const CONCURRENCY: usize = 16;

const PATIENCE: Duration = Duration::from_secs(60);

/// With either setting, where the server has both. A killed process loses nothing that it has
/// written, so this does not tell them apart.
pub(crate) async fn killed_under_load() {
    for sync in [Sync::Interval, Sync::Always] {
        let mut server = start(sync).await;
        let inbox = builder()
            .lease(Duration::from_secs(2))
            .open(&server.url())
            .await
            .unwrap();
        let handled = Handled::default();
        let inboxes = [inbox.clone()];
        let working = Working::start(&inboxes, &handled.router(), CONCURRENCY);
        let sending = Sending::start(&inboxes, 16);
        for _ in 0..KILLS {
            sending.wait_for_more(BETWEEN).await;
            server.kill();
            restart(&mut server).await;
        }
        sending.wait_for_more(BETWEEN).await;
        let refused = sending.refused();
        let accepted = sending.end().await;
        let again = handled.wait_for(&accepted, PATIENCE).await;
        println!(
            "{}, {}, {KILLS} kills: {} accepted, {refused} appends refused, {again} handled again",
            nats_version(),
            sync.setting(),
            accepted.len()
        );
        assert!(refused > 0);
        working.end().await;
        // What has come again while its settlement was on its way.
        let stats = inbox.stats().await.unwrap();
        assert_eq!((stats.ready, stats.dead), (0, 0));
        inbox.close().await;
    }
}

/// What comes meanwhile is stored in a file, and moved when the server is back.
pub(crate) async fn spilled() {
    let server = Mutex::new(start(Sync::Interval).await);
    let url = server.lock().await.url();
    let inbox = builder().open(&url).await.unwrap();
    let scratch = Scratch::new_of_system();
    let local = SqliteInbox::open(scratch.path("local.db")).await.unwrap();
    // A kill would take acknowledgements with it, and what was handled would come again.
    let goes_away = async || server.lock().await.stop();
    let comes_back = async || restart(&mut *server.lock().await).await;
    let spilled = scenes::spill(inbox.clone(), local.clone(), goes_away, comes_back).await;
    println!("{spilled:?}");
    // Those whose append has timed out, and was sent when the server was back, can be handled
    // twice: one for each sender.
    assert!(spilled.again <= scenes::SENDERS, "{spilled:?}");
    inbox.close().await;
    local.close().await;
}

/// Documented: the stream has only the keys of what is there.
pub(crate) async fn a_restart_forgets_the_keys_of_what_was_handled() {
    let mut server = start(Sync::Interval).await;
    let inbox = builder().open(&server.url()).await.unwrap();
    for id in ["n-done", "n-open"] {
        inbox.append(entry(id)).await.unwrap();
    }
    let claim = inbox.claim(1, PATIENCE).await.unwrap().remove(0);
    assert_eq!(claim.entry.key(), entry("n-done").key());
    inbox
        .settle(&claim.receipt, Settlement::Done)
        .await
        .unwrap();
    server.stop();
    restart(&mut server).await;
    let append = async |id: &str| loop {
        // The client connects again.
        if let Ok(appended) = inbox.append(entry(id)).await {
            return appended;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(append("n-open").await, Appended::Duplicate);
    assert_eq!(append("n-done").await, Appended::New);
}

pub(crate) async fn a_server_that_is_away_is_unavailable() {
    let mut server = start(Sync::Interval).await;
    let inbox = builder().open(&server.url()).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, PATIENCE).await.unwrap().remove(0);
    server.kill();
    let appended = inbox.append(entry("n-2")).await;
    assert!(
        matches!(appended, Err(AppendError::Unavailable(_))),
        "{appended:?}"
    );
    assert!(inbox.claim(1, Duration::from_secs(1)).await.is_err());
    assert!(
        inbox
            .settle(&claim.receipt, Settlement::Done)
            .await
            .is_err()
    );
    assert!(inbox.stats().await.is_err());
    restart(&mut server).await;
    // The same receipt is good again.
    while inbox
        .settle(&claim.receipt, Settlement::Done)
        .await
        .is_err()
    {
        tokio::task::yield_now().await;
    }
}
