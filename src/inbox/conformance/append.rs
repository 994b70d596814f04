use std::{collections::HashSet, future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use tokio::sync::mpsc;

use super::{
    Engine,
    bench::{Bench, LABEL, SOON, dead},
    passed_over,
};
use crate::inbox::{AppendError, Appended, DeadCause, Entry, Inbox, Settlement, assume_verified};

pub(super) async fn what_is_stored_comes_as_it_was<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    // A content need not be a notification, nor text.
    let bytes = |content: &'static [u8]| {
        Entry::new(&assume_verified(content, LABEL), Duration::from_millis(1))
    };
    for entry in [bench.entry(), bytes(b""), bytes(b"\0\xff'\"\r\n")] {
        bench.append(&inbox, entry.clone()).await;
        let claim = bench.claim(&inbox).await;
        assert_eq!(claim.entry.key(), entry.key());
        assert_eq!(claim.entry.content(), entry.content());
        assert_eq!(claim.entry.head(), entry.head());
        assert_eq!(claim.entry.received_at(), entry.received_at());
        assert_eq!(claim.entry.verified_by(), LABEL);
        assert_eq!((claim.crashes, claim.failures), (0, 0));
        assert!(claim.failing_for.is_zero());
        bench.settle(&inbox, &claim, Settlement::Done).await;
    }
}

pub(super) async fn a_key_is_stored_once<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let entry = bench.entry();
    let duplicate = async || {
        let appended = inbox.append(entry.clone()).await.unwrap();
        assert_eq!(appended, Appended::Duplicate);
    };
    bench.append(&inbox, entry.clone()).await;
    duplicate().await;
    let claim = bench.claim(&inbox).await;
    duplicate().await;
    bench
        .settle(&inbox, &claim, dead(DeadCause::Malformed))
        .await;
    duplicate().await;
    bench.assert_nothing_is_due(&inbox).await;
}

pub(super) async fn a_key_is_remembered_for_the_window_after_its_entry_is_done<E: Engine>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let entry = bench.entry();
    bench.append(&inbox, entry.clone()).await;
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, Settlement::Done).await;
    bench.pass(bench.options().window / 2).await;
    let appended = inbox.append(entry).await.unwrap();
    assert_eq!(appended, Appended::Duplicate);
    bench.assert_nothing_is_due(&inbox).await;
}

pub(super) async fn a_key_is_forgotten_after_the_window<E: Engine>(bench: &Bench<'_, E>) {
    let mut options = bench.options();
    options.window = bench.lease() * 2;
    let inbox = bench.engine.open(options).await;
    let (done, open) = (bench.entry(), bench.entry());
    bench.append(&inbox, done.clone()).await;
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, Settlement::Done).await;
    bench.append(&inbox, open.clone()).await;
    bench.pass(options.window * 2).await;
    // Pruning may take place with a later call.
    bench.append(&inbox, bench.entry()).await;
    bench.append(&inbox, done).await;
    if !bench.engine.remembers_what_is_open() {
        return passed_over("a key is remembered for as long as its entry is there");
    }
    // What is not handled is never forgotten.
    assert_eq!(inbox.append(open).await.unwrap(), Appended::Duplicate);
}

pub(super) async fn a_thousand_at_once_with_duplicates_among_them<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let entries: Vec<Entry> = (0..500).map(|_| bench.entry()).collect();
    let entries = Arc::new(entries);
    let (sender, mut appended) = mpsc::channel(1000);
    for number in 0..1000 {
        let (inbox, entry) = (inbox.clone(), entries[number % 500].clone());
        let sender = sender.clone();
        bench.spawn(Box::pin(async move {
            let _ = sender.send(inbox.append(entry).await).await;
        }));
    }
    drop(sender);
    let (mut new, mut duplicates) = (0, 0);
    while let Some(appended) = appended.recv().await {
        match appended.unwrap() {
            Appended::New => new += 1,
            Appended::Duplicate => duplicates += 1,
        }
    }
    assert_eq!((new, duplicates), (500, 500));
    let mut keys = HashSet::new();
    loop {
        let claims = bench.claims(&inbox).await;
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            assert!(keys.insert(claim.entry.key()), "claimed twice: {claim:?}");
            bench.settle(&inbox, &claim, Settlement::Done).await;
        }
    }
    let stored: HashSet<_> = entries.iter().map(Entry::key).collect();
    assert_eq!(keys, stored);
}

/// The limit counts for new entries alone: claims and settlements go on, and make room.
pub(super) async fn full_is_an_error_at_once_and_ends<E: Engine>(bench: &Bench<'_, E>) {
    let mut options = bench.options();
    options.max_bytes = 1 << 20;
    let inbox = bench.engine.open(options).await;
    let mut stored = 0;
    let refused = loop {
        let entry = large(bench, 64 << 10);
        match inbox.append(entry.clone()).await {
            Ok(appended) => assert_eq!(appended, Appended::New),
            Err(AppendError::Full) => break entry,
            Err(other) => panic!("{other}"),
        }
        stored += 1;
        if stored == 1000 {
            // An engine without such a limit has them all.
            assert_eq!(bench.claims(&inbox).await.len(), stored);
            return passed_over("full is an error at once and ends");
        }
    };
    assert!(stored > 0);
    let claims = bench.claims(&inbox).await;
    assert_eq!(claims.len(), stored);
    for claim in &claims {
        inbox.extend(&claim.receipt).await.unwrap();
        bench.settle(&inbox, claim, Settlement::Done).await;
    }
    bench.append(&inbox, refused).await;
}

pub(super) async fn what_is_larger_than_the_inbox_is_refused<E: Engine>(bench: &Bench<'_, E>) {
    let mut options = bench.options();
    options.max_bytes = 1 << 20;
    let inbox = bench.engine.open(options).await;
    let entry = large(bench, 8 << 20);
    match inbox.append(entry.clone()).await {
        Ok(_) => assert_eq!(bench.claim(&inbox).await.entry.key(), entry.key()),
        Err(AppendError::TooLarge { limit }) => assert!(limit < 8 << 20),
        Err(AppendError::Full) => {}
        Err(other) => panic!("{other}"),
    }
    bench.append(&inbox, bench.entry()).await;
}

/// A client may disconnect at any moment.
pub(super) async fn a_dropped_append_stores_the_whole_entry_or_nothing<E: Engine>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let entries: Vec<Entry> = (0..20).map(|_| bench.entry()).collect();
    for (polls, entry) in entries.iter().enumerate() {
        let mut append = pin!(inbox.append(entry.clone()));
        let mut left = polls % 5;
        poll_fn(|cx| {
            if left == 0 || append.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
    for entry in &entries {
        inbox.append(entry.clone()).await.unwrap();
    }
    bench.pass(SOON).await;
    let claims = bench.claims(&inbox).await;
    let mut keys: Vec<_> = claims.iter().map(|claim| claim.entry.key()).collect();
    let mut stored: Vec<_> = entries.iter().map(Entry::key).collect();
    keys.sort_unstable();
    stored.sort_unstable();
    assert_eq!(keys, stored);
}

fn large<E: Engine>(bench: &Bench<'_, E>, bytes: usize) -> Entry {
    let id = bench.entry().key();
    let body = format!(
        r#"{{"type":"message.created","id":"{id}","data":{{"object":{{"id":"m","grant_id":"g","body":"{}"}}}}}}"#,
        "x".repeat(bytes)
    );
    Entry::new(&assume_verified(body, LABEL), bench.timer.unix_time())
}
