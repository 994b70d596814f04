//! Streams and consumers that somebody deletes, or changes, while the inbox is in use.

use std::time::Duration;

use tower_nylas::{
    Notification, TriggerRouter,
    inbox::{Browse, Delivery, Entry, Inbox},
    testing,
};
use tower_nylas_kit::inbox::{Handled, Working, dead, entry, retry};

use crate::kept::Bench;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn the_consumer_is_created_again_and_failures_are_known() {
    let bench = Bench::new("consumerless").await;
    bench.inbox.append(entry("n-1")).await.unwrap();
    for _ in 0..3 {
        bench.settle_next(retry(Duration::ZERO, true)).await;
    }
    let stream = bench.context.get_stream(&bench.name).await.unwrap();
    stream.delete_consumer("workers").await.unwrap();
    // It counts deliveries from the start.
    bench.settle_next(retry(Duration::ZERO, true)).await;
    let claim = bench.next().await;
    assert_eq!((claim.crashes, claim.failures), (0, 4));
}

pub(crate) async fn the_entries_are_created_again_and_what_is_at_their_places_is_new() {
    let bench = Bench::new("entryless").await;
    bench.inbox.append(entry("n-1")).await.unwrap();
    for _ in 0..3 {
        bench.settle_next(retry(Duration::ZERO, true)).await;
    }
    bench.context.delete_stream(&bench.name).await.unwrap();
    while bench.inbox.append(entry("n-2")).await.is_err() {
        tokio::task::yield_now().await;
    }
    bench.settle_next(retry(Duration::ZERO, true)).await;
    let claim = bench.next().await;
    assert_eq!(claim.entry.key(), entry("n-2").key());
    assert_eq!((claim.crashes, claim.failures), (0, 1));
}

pub(crate) async fn the_tries_are_created_again_and_nothing_is_a_crash() {
    let bench = Bench::new("tryless").await;
    bench.inbox.append(entry("n-1")).await.unwrap();
    for _ in 0..6 {
        bench.settle_next(retry(Duration::ZERO, true)).await;
    }
    let name = format!("{}_tries", bench.name);
    bench.context.delete_stream(name).await.unwrap();
    let claim = bench.next().await;
    assert_eq!(claim.crashes, 0);
    let failed = retry(Duration::ZERO, true);
    bench.inbox.settle(&claim.receipt, failed).await.unwrap();
    let claim = bench.next().await;
    assert_eq!((claim.crashes, claim.failures), (0, 1));
}

pub(crate) async fn the_dead_letters_are_created_again() {
    let bench = Bench::new("letterless").await;
    bench.inbox.append(entry("n-1")).await.unwrap();
    let name = format!("{}_dead", bench.name);
    bench.context.delete_stream(name).await.unwrap();
    bench.settle_next(dead()).await;
    assert_eq!(bench.messages("_dead").await, 1);
    assert_eq!(bench.messages("").await, 0);
}

/// Each entry that is no notification has a slot of the worker until its letter is stored.
pub(crate) async fn letters_that_are_refused_do_not_hold_up_the_others() {
    let bench = Bench::new("refused").await;
    let stream = bench.context.get_stream(format!("{}_dead", bench.name));
    let mut config = stream.await.unwrap().cached_info().config.clone();
    config.max_message_size = 10;
    bench.context.update_stream(config.clone()).await.unwrap();
    let malformed = Entry::new(&testing::verified("[1]"), Duration::from_secs(1));
    bench.inbox.append(malformed).await.unwrap();
    bench.inbox.append(entry("n-1")).await.unwrap();
    let handled = Handled::default();
    let note = handled.clone();
    let router =
        TriggerRouter::new().fallback(move |_: Notification, delivery: Option<Delivery>| {
            note.note(delivery.expect("it is behind a worker").key());
            std::future::ready(())
        });
    let working = Working::start(std::slice::from_ref(&bench.inbox), &router, 1);
    assert_eq!(handled.wait_for(&[entry("n-1").key()], PATIENCE).await, 0);
    working.end().await;
    // It is there.
    let stats = bench.inbox.stats().await.unwrap();
    assert_eq!((stats.ready + stats.claimed, stats.dead), (1, 0));
}
