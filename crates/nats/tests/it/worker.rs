//! A worker over the inbox, in real time: the suite's cases of it last for days.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;
use tower_nylas::{
    Ack, BoxError, TriggerRouter, VerifiedBody,
    inbox::{Appended, Browse, DeadCause, Delivery, Entry, EntryState, Inbox},
    testing,
};
use tower_nylas_kit::inbox::{Handled, Working, entry};

use crate::server::{builder, named, shared};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn failures_come_again_and_are_counted() {
    let inbox = builder().open(&shared().await).await.unwrap();
    let (tries, handled) = (Arc::new(AtomicU32::new(0)), Handled::default());
    let (count, done) = (tries.clone(), handled.clone());
    let router =
        TriggerRouter::new().fallback(move |delivery: Option<Delivery>, _: VerifiedBody| {
            let delivery = delivery.expect("it is behind a worker");
            let before = count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(delivery.failures(), before.min(1), "{delivery:?}");
            assert_eq!(delivery.crashes(), 0);
            let answer: Result<Ack, BoxError> = match before {
                0 => Err("it fails".into()),
                1 => Ok(Ack::RetryAfter(Duration::from_secs(1))),
                _ => {
                    done.note(delivery.key());
                    Ok(Ack::Done)
                }
            };
            std::future::ready(answer)
        });
    let working = Working::start(std::slice::from_ref(&inbox), &router, 16);
    let stored = entry("n-1");
    inbox.append(stored.clone()).await.unwrap();
    assert_eq!(handled.wait_for(&[stored.key()], PATIENCE).await, 0);
    working.end().await;
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.dead), (0, 0, 0));
}

pub(crate) async fn what_no_handler_reads_is_a_dead_letter() {
    let inbox = builder().open(&shared().await).await.unwrap();
    let working = Working::start(std::slice::from_ref(&inbox), &TriggerRouter::new(), 16);
    let stored = Entry::new(&testing::verified("[1]"), Duration::from_secs(1));
    inbox.append(stored.clone()).await.unwrap();
    let letters = loop {
        let letters = inbox.dead(None, 10).await.unwrap();
        if !letters.is_empty() {
            break letters;
        }
        tokio::task::yield_now().await;
    };
    working.end().await;
    assert_eq!(letters[0].key, stored.key());
    assert_eq!(letters[0].state, EntryState::Dead(DeadCause::Malformed));
    assert!(letters[0].why.contains("`type`"), "{}", letters[0].why);
}

/// Each replica gets every entry, as if Nylas had sent all of them three times.
pub(crate) async fn several_processes_share_the_entries() {
    const REPLICAS: usize = 3;
    const ENTRIES: usize = 1500;
    let (url, name) = (shared().await, format!("shared_{}", std::process::id()));
    let mut inboxes = Vec::new();
    for _ in 0..REPLICAS {
        inboxes.push(named(&name).open(&url).await.unwrap());
    }
    let handled = Handled::default();
    let working = Working::start(&inboxes, &handled.router(), 16);
    let entries: Vec<_> = (0..ENTRIES).map(|n| entry(&format!("n-{n}"))).collect();
    let mut appending = JoinSet::new();
    for entry in &entries {
        for inbox in &inboxes {
            let (inbox, entry) = (inbox.clone(), entry.clone());
            appending.spawn(async move { inbox.append(entry).await.unwrap() });
        }
    }
    let appended = appending.join_all().await;
    let new = appended
        .iter()
        .filter(|appended| **appended == Appended::New);
    assert_eq!(new.count(), ENTRIES);
    let keys: Vec<_> = entries.iter().map(Entry::key).collect();
    assert_eq!(handled.wait_for(&keys, PATIENCE).await, 0);
    working.end().await;
    let stats = inboxes[0].stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.dead), (0, 0, 0));
    assert_eq!(stats.bytes, 0);
}
