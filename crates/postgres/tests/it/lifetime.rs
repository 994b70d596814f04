//! What happens when an inbox is closed, and when it is opened again.

use std::time::Duration;

use tower_nylas::{
    inbox::{
        AppendError, Appended, Browse, Entry, EntryState, Inbox, Inspect, Query, SettleError,
        Settlement,
    },
    testing::{self, VirtualClock},
};
use tower_nylas_postgres::PostgresInbox;

use crate::{entries::entry, server::Server};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn a_closed_inbox_refuses_everything(server: &Server) {
    let inbox = open(server, "closed").await;
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.claim(1, HOUR).await }
    });
    tokio::task::yield_now().await;
    inbox.clone().close().await;
    // Closed again, nothing happens.
    inbox.close().await;
    assert!(waiting.await.unwrap().is_err());

    let appended = inbox.append(entry("n-2")).await;
    assert!(
        matches!(appended, Err(AppendError::Unavailable(_))),
        "{appended:?}"
    );
    let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
    assert!(
        matches!(settled, Err(SettleError::Unavailable(_))),
        "{settled:?}"
    );
    let error = inbox.claim(1, HOUR).await.unwrap_err();
    assert_eq!(error.to_string(), "the inbox is closed");
    assert_eq!(
        inbox.stats().await.unwrap_err().to_string(),
        "the inbox is closed"
    );
}

/// What was asked for is written before the inbox is closed.
pub(crate) async fn what_waits_is_written_before_the_end(server: &Server) {
    let inbox = open(server, "ending").await;
    let appends: Vec<_> = (0..600)
        .map(|number| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.append(entry(&format!("n-{number}"))).await })
        })
        .collect();
    tokio::task::yield_now().await;
    inbox.close().await;
    let mut stored = 0;
    for append in appends {
        match append.await.unwrap() {
            Ok(Appended::New) => stored += 1,
            Err(AppendError::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let inbox = open(server, "ending").await;
    assert!(inbox.stats().await.unwrap().ready >= stored);
    inbox.close().await;
}

/// Hours in which no process ran count for what waits, and not for what is forgotten.
pub(crate) async fn time_without_a_process(server: &Server) {
    let clock = VirtualClock::new();
    let open = async || {
        let builder = PostgresInbox::builder().schema("times");
        let builder = builder.window(72 * HOUR).clock(clock.clone());
        builder.open(server.url()).await.unwrap()
    };
    let inbox = open().await;
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let retry = Settlement::Retry {
        after: 20 * HOUR,
        failed: true,
        why: "throttled".to_owned(),
    };
    inbox.settle(&claim.receipt, retry).await.unwrap();
    inbox.close().await;

    clock.advance(10 * HOUR);
    let inbox = open().await;
    assert!(inbox.claim(1, Duration::ZERO).await.unwrap().is_empty());
    inbox.close().await;

    // As a clock that is a year ahead for a while would have it.
    clock.advance(24 * 365 * HOUR);
    let inbox = open().await;
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(claim.failures, 1);
    assert!(claim.failing_for <= 3 * HOUR, "{:?}", claim.failing_for);
    inbox
        .settle(&claim.receipt, Settlement::Done)
        .await
        .unwrap();
    clock.advance(60 * HOUR);
    assert_eq!(
        inbox.append(entry("n-1")).await.unwrap(),
        Appended::Duplicate
    );
    clock.advance(13 * HOUR);
    assert_eq!(inbox.append(entry("n-1")).await.unwrap(), Appended::New);
    inbox.close().await;
}

/// A text of PostgreSQL cannot have the character U+0000, and a neighbour is not to suffer from it.
pub(crate) async fn texts_that_cannot_be_stored(server: &Server) {
    let inbox = open(server, "texts").await;
    let body =
        r#"{"type":"a\u0000b","id":"n-0","data":{"object":{"id":"m","grant_id":"g\u0000"}}}"#;
    let odd = Entry::new(&testing::verified(body), Duration::ZERO);
    assert_eq!(odd.grant_id(), Some("g\0"));
    let (first, second) = tokio::join!(inbox.append(odd.clone()), inbox.append(entry("n-1")));
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (Appended::New, Appended::New)
    );
    let mut query = Query::default();
    query.grant_id = Some("g\0".to_owned());
    let listed = inbox.list(&query).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].entry.as_ref().unwrap().content(), odd.content());
    assert_eq!(listed[0].state, EntryState::Ready);
    assert_eq!(inbox.purge_grant("g\0").await.unwrap(), 1);
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let retry = Settlement::Retry {
        after: Duration::MAX,
        failed: true,
        why: "a\0b".to_owned(),
    };
    inbox.settle(&claim.receipt, retry).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().waiting, 1);
    inbox.close().await;
}

async fn open(server: &Server, schema: &str) -> PostgresInbox {
    let builder = PostgresInbox::builder().schema(schema);
    builder.open(server.url()).await.unwrap()
}
