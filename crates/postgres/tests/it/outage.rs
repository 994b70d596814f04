//! A server that dies and comes back: what was accepted is handled.

use std::time::Duration;

use tokio::sync::oneshot;
use tower_nylas::inbox::{Browse, Inbox, Worker};
use tower_nylas_kit::inbox::{Handled, Sending, entry};
use tower_nylas_postgres::PostgresInbox;

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
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = Worker::new(inbox.clone(), handled.router()).concurrency(CONCURRENCY);
    let working = tokio::spawn(worker.run_until(async {
        let _ = stopped.await;
    }));
    let sending = Sending::start(std::slice::from_ref(&inbox), 16);
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
    let _ = stop.send(());
    working.await.unwrap().unwrap();
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.dead), (0, 0, 0));
    assert_eq!(stats.bytes, 0);
    inbox.close().await;
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
