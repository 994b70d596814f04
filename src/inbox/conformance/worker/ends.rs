//! How a process, a worker and a lease end, and that entries do not go round in circles.

use std::{
    collections::HashSet,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Bench, Calls, MINUTE, SECOND, assert_all_done, dead, router, run};
use crate::inbox::conformance::{
    Engine,
    bench::retry,
    faults::{Call, Fault, Faults},
    process::Process,
};
use crate::{
    inbox::{Browse, DeadCause, Enqueue, EntryState},
    report::Ack,
};

pub(in crate::inbox::conformance) async fn one_entry_that_ends_the_process_buries_no_neighbour<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let mut keys = bench.store(&inbox, 501).await;
    // The first of the 64 that are claimed together.
    let fatal = keys.remove(3 * 64);
    let done = Arc::new(Mutex::new(HashSet::new()));
    // So that it takes time to put suspects off, which are claimed until then.
    let slow = Faults::new(inbox.clone(), bench.timer.clone());
    slow.set(&[Call::Settle], Fault::IsLate(SECOND / 10));
    let mut aborts = 0;
    // Each round is a process, and most end early.
    for _ in 0..20 {
        let process = Process::default();
        let (calls, timer) = (Calls::default(), bench.timer.clone());
        let (own, done) = (process.clone(), done.clone());
        let service = router(&calls, &bench.timer, move |_, key| {
            let (own, done, work) = (own.clone(), done.clone(), timer.sleep(SECOND));
            async move {
                work.await;
                if key == fatal {
                    own.abort();
                    pending::<()>().await;
                }
                done.lock().unwrap().insert(key);
                Ok(Ack::Done)
            }
        });
        let worker = bench.worker(slow.clone(), service, &process);
        let running = run(bench, worker.concurrency(64), &process);
        bench.pass(4 * MINUTE).await;
        if process.is_dead() {
            aborts += 1;
        } else {
            running.drain().await;
        }
    }
    assert_eq!(aborts, 5);
    let ends = dead(&inbox).await;
    assert_eq!(ends.len(), 1, "buried beside it: {}", ends.len() - 1);
    assert_eq!(ends[0].key, fatal);
    assert_eq!(ends[0].state, EntryState::Dead(DeadCause::Crashed));
    assert_eq!(ends[0].crashes, 5);
    assert_eq!(done.lock().unwrap().len(), 500);
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.waiting, stats.claimed), (0, 0, 0));
}

pub(in crate::inbox::conformance) async fn a_drain_leaves_neither_crash_nor_failure<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let (calls, process) = (Calls::default(), Process::default());
    let keys = bench.store(&inbox, 30).await;
    let long: HashSet<_> = keys[..5].iter().copied().collect();
    let (timer, is_long) = (bench.timer.clone(), long.clone());
    let service = router(&calls, &bench.timer, move |_, key| {
        let minutes = if is_long.contains(&key) { 60 } else { 0 };
        let work = timer.sleep(minutes * MINUTE + 10 * SECOND);
        async move {
            work.await;
            Ok(Ack::Done)
        }
    });
    let worker = bench.worker(inbox.clone(), service, &process);
    let running = run(bench, worker.concurrency(10), &process);
    bench.pass(5 * SECOND).await;
    let asked = bench.now();
    running.drain().await;
    let took = bench.now().saturating_duration_since(asked);
    assert!(took <= 37 * SECOND, "{took:?}");
    // Five have ended, five were given back, and twenty were never claimed.
    assert_eq!(calls.all().len(), 10);
    let claims = bench.claims(&inbox).await;
    assert_eq!(claims.len(), 25);
    assert!(
        claims
            .iter()
            .all(|claim| claim.crashes == 0 && claim.failures == 0)
    );
    let claimed: HashSet<_> = claims.iter().map(|claim| claim.entry.key()).collect();
    assert!(long.is_subset(&claimed));
}

pub(in crate::inbox::conformance) async fn a_worker_does_not_feed_its_own_inbox<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let process = Process::default();
    let own = Enqueue::with_timer(inbox.clone(), bench.timer.clone());
    let entry = bench.entry();
    let key = bench.append(&inbox, entry.clone()).await;
    let running = run(bench, bench.worker(inbox.clone(), own, &process), &process);
    bench.pass(SECOND).await;
    running.drain().await;
    bench.pass(10 * SECOND).await;
    let claim = bench.claim(&inbox).await;
    assert_eq!((claim.entry.key(), claim.failures), (key, 1));
    let again = retry(Duration::ZERO, false);
    bench.settle(&inbox, &claim, again).await;

    // To another inbox it may, and key and time are kept.
    let other = bench.open().await;
    let forward = Enqueue::with_timer(other.clone(), bench.timer.clone()).forwarding();
    let running = run(
        bench,
        bench.worker(inbox.clone(), forward, &process),
        &process,
    );
    bench.pass(SECOND).await;
    running.drain().await;
    let moved = bench.claim(&other).await.entry;
    assert_eq!(moved.key(), key);
    assert_eq!(moved.received_at(), entry.received_at());
    assert_all_done(bench, &inbox).await;
}

pub(in crate::inbox::conformance) async fn a_long_handler_keeps_its_lease<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let (calls, process) = (Calls::default(), Process::default());
    let (timer, lease) = (bench.timer.clone(), bench.lease());
    let service = router(&calls, &bench.timer, move |_, _| {
        let work = timer.sleep(lease * 9);
        async move {
            work.await;
            Ok(Ack::Done)
        }
    });
    // So the worker claims nothing meanwhile, not even these.
    let worker = bench
        .worker(inbox.clone(), service, &process)
        .concurrency(3);
    let running = run(bench, worker, &process);
    let keys = bench.store(&inbox, 3).await;
    bench.pass(SECOND).await;
    for _ in 0..8 {
        bench.pass(bench.lease()).await;
        bench.assert_nothing_is_due(&inbox).await;
    }
    bench.pass(bench.lease() * 2).await;
    running.drain().await;
    calls.assert_once_each(&keys);
    assert_all_done(bench, &inbox).await;
}
