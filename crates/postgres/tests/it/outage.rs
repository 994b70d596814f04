//! A server that dies and comes back: what was accepted is handled.

use std::time::Duration;

use tokio::sync::Mutex;
use tower_nylas::inbox::{Appended, Browse, Inbox};
use tower_nylas_kit::inbox::{Handled, Scratch, Sending, Working, entry, scenes};
use tower_nylas_postgres::PostgresInbox;
use tower_nylas_sqlite::SqliteInbox;

use crate::server::Server;

/// How often it is killed, and after how many more entries.
const KILLS: usize = 5;
const BETWEEN: usize = 300;

/// How long all of them may take to be handled after the last start.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many are handled at a time, and so can be unsettled at a kill.
const CONCURRENCY: usize = 16;

pub(crate) async fn killed_under_load() {
    let mut server = Server::start(&[]).await;
    let inbox = PostgresInbox::builder()
        .lease(Duration::from_secs(2))
        .open(server.url())
        .await
        .unwrap();
    let handled = Handled::default();
    let inboxes = [inbox.clone()];
    let working = Working::start(&inboxes, &handled.router(), CONCURRENCY);
    let sending = Sending::start(&inboxes, 16);
    for _ in 0..KILLS {
        sending.wait_for_more(BETWEEN).await;
        server.kill();
        server.restart().await;
    }
    sending.wait_for_more(BETWEEN).await;
    let refused = sending.refused();
    let accepted = sending.end().await;
    let again = handled.wait_for(&accepted, PATIENCE).await;
    println!(
        "{KILLS} kills: {} accepted, {refused} appends refused, {again} handled again",
        accepted.len()
    );
    assert!(refused > 0);
    assert!(again <= KILLS * CONCURRENCY, "{again}");
    working.end().await;
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.dead), (0, 0, 0));
    assert_eq!(stats.bytes, 0);
    inbox.close().await;
}

/// What comes meanwhile is stored in a file, and moved when the server is back.
pub(crate) async fn spilled() {
    let server = Mutex::new(Server::start(&[]).await);
    let url = server.lock().await.url().to_owned();
    let inbox = PostgresInbox::open(&url).await.unwrap();
    let scratch = Scratch::new_of_system();
    let local = SqliteInbox::open(scratch.path("local.db")).await.unwrap();
    let goes_away = async || server.lock().await.kill();
    let comes_back = async || server.lock().await.restart().await;
    let spilled = scenes::spill(inbox.clone(), local.clone(), goes_away, comes_back).await;
    println!("{spilled:?}");
    // The one worker had them, and forgets none of those that it could not settle.
    assert_eq!(spilled.again, 0);
    inbox.close().await;
    local.close().await;
}

/// Somebody drops the database. Appends are refused meanwhile, each with what is missing; when it
/// is there again, and was opened by anybody, they go on.
pub(crate) async fn a_database_that_is_dropped(server: &Server) {
    server.execute("CREATE DATABASE dropped").await;
    let (before, _) = server.url().rsplit_once('/').unwrap();
    let url = format!("{before}/dropped");
    let inbox = PostgresInbox::open(&url).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    server.execute("DROP DATABASE dropped WITH (FORCE)").await;
    is_refused(&inbox, "3D000").await;
    server.execute("CREATE DATABASE dropped").await;
    is_refused(&inbox, "42P01").await;
    let other = PostgresInbox::open(&url).await.unwrap();
    assert_eq!(inbox.append(entry("n-1")).await.unwrap(), Appended::New);
    assert_eq!(
        other.append(entry("n-1")).await.unwrap(),
        Appended::Duplicate
    );
    other.close().await;
    inbox.close().await;
}

/// With this code, as soon as that is noticed.
async fn is_refused(inbox: &PostgresInbox, code: &str) {
    let started = std::time::Instant::now();
    while let why = inbox.append(entry("n-1")).await.unwrap_err().to_string()
        && !why.contains(code)
    {
        assert!(started.elapsed() < PATIENCE, "{why}");
        tokio::task::yield_now().await;
    }
}

/// Connections end, and the next call has another one.
pub(crate) async fn connections_that_are_cut(server: &Server) {
    let builder = PostgresInbox::builder().schema("cut");
    let inbox = builder.open(server.url()).await.unwrap();
    let other = server.connect().await;
    for number in 0..5 {
        let entry = entry(&format!("n-{number}"));
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'tower-nylas'";
        other.batch_execute(cut).await.unwrap();
        // As a client that sends again what was refused.
        let mut tries = 0;
        while let Err(why) = inbox.append(entry.clone()).await {
            tries += 1;
            assert!(tries < 100, "{why}");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(inbox.stats().await.unwrap().ready, 5);
    inbox.close().await;
}
