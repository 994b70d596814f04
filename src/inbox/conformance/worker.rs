//! A worker over the inbox.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use http::{Request, Response};
use tokio::sync::oneshot;
use tower_service::Service;

use super::{
    Engine,
    bench::{Bench, LABEL},
    faults::{Call, Fault, Faults},
    process::Process,
};
use crate::{
    inbox::{
        Browse, DeadCause, Delivery, Enqueue, Entry, EntryKey, EntryState, Inbox, StoredEntry,
        Worker, assume_verified,
    },
    report::{Ack, BoxError},
    router::TriggerRouter,
    time::Timer,
    verify::VerifiedBody,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The calls of a handler, in their order.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<(EntryKey, Instant, u32)>>>);

impl Calls {
    /// How often the entry was handled before.
    fn note(&self, delivery: Option<Delivery>, timer: &dyn Timer) -> usize {
        let delivery = delivery.expect("a worker tells which entry it is");
        let key = delivery.key();
        let before = self.of(key).len();
        self.all().push((key, timer.now(), delivery.failures()));
        before
    }

    fn all(&self) -> MutexGuard<'_, Vec<(EntryKey, Instant, u32)>> {
        self.0.lock().unwrap()
    }

    /// The times of one entry.
    fn of(&self, key: EntryKey) -> Vec<Instant> {
        let all = self.all();
        let of_key = all.iter().filter(|(called, ..)| *called == key);
        of_key.map(|(_, at, _)| *at).collect()
    }

    fn assert_once_each(&self, keys: &[EntryKey]) {
        let mut counts: HashMap<EntryKey, usize> = HashMap::new();
        for (key, ..) in self.all().iter() {
            *counts.entry(*key).or_default() += 1;
        }
        let twice = counts.values().filter(|count| **count > 1).count();
        assert_eq!(twice, 0, "{twice} entries were handled more than once");
        let missing = keys.iter().filter(|key| !counts.contains_key(key)).count();
        assert_eq!(missing, 0, "{missing} entries were not handled");
        assert_eq!(counts.len(), keys.len());
    }
}

/// A worker that runs in a process.
struct Running {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Running {
    async fn drain(self) {
        let _ = self.stop.send(());
        self.stopped.await.unwrap();
    }
}

impl<E: Engine> Bench<'_, E> {
    fn worker<I: Inbox, S>(&self, inbox: I, service: S, process: &Process) -> Worker<I, S> {
        let (spawn, process) = (self.engine.spawner(), process.clone());
        Worker::on_runtime(inbox, service, self.timer.clone(), move |task| {
            spawn(process.task(task));
        })
    }
}

fn run<E, I, S, R>(bench: &Bench<'_, E>, worker: Worker<I, S>, process: &Process) -> Running
where
    E: Engine,
    I: Inbox,
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: Send + 'static,
{
    let (stop, is_stopped) = oneshot::channel();
    let (has_stopped, stopped) = oneshot::channel();
    let task = process.task(Box::pin(async move {
        let shutdown = async {
            let _ = is_stopped.await;
        };
        worker.run_until(shutdown).await.unwrap();
        let _ = has_stopped.send(());
    }));
    bench.spawn(task);
    Running { stop, stopped }
}

/// Answers as `answer` says, which is told how often the entry was handled before.
fn router<A, F>(calls: &Calls, timer: &Arc<dyn Timer>, answer: A) -> TriggerRouter
where
    A: Fn(usize, EntryKey) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Ack, BoxError>> + Send + 'static,
{
    let (calls, timer) = (calls.clone(), timer.clone());
    TriggerRouter::new().fallback(move |delivery: Option<Delivery>, _: VerifiedBody| {
        let key = delivery.as_ref().map(Delivery::key);
        let before = calls.note(delivery, &*timer);
        answer(before, key.expect("noted"))
    })
}

async fn assert_all_done<E: Engine>(bench: &Bench<'_, E>, inbox: &impl Browse) {
    bench.pass(SECOND).await;
    let stats = inbox.stats().await.unwrap();
    let open = (stats.ready, stats.waiting, stats.claimed, stats.dead);
    assert_eq!(open, (0, 0, 0, 0), "{stats:?}");
}

async fn dead(inbox: &impl Browse) -> Vec<StoredEntry> {
    inbox.dead(None, 1000).await.unwrap()
}

pub(super) async fn an_entry_is_handled_once_and_done<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let (calls, process) = (Calls::default(), Process::default());
    let timer = bench.timer.clone();
    let service = router(&calls, &bench.timer, move |_, _| {
        let work = timer.sleep(SECOND);
        async move {
            work.await;
            Ok(Ack::Done)
        }
    });
    let worker = bench.worker(inbox.clone(), service, &process);
    let running = run(bench, worker.report_stats(), &process);
    let keys = bench.store(&inbox, 100).await;
    bench.pass(MINUTE).await;
    running.drain().await;
    calls.assert_once_each(&keys);
    assert_all_done(bench, &inbox).await;
}

pub(super) async fn a_failure_comes_again_later_each_time<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let (calls, process) = (Calls::default(), Process::default());
    let service = router(&calls, &bench.timer, async |before, _| match before {
        0..5 => Err("it fails".into()),
        _ => Ok(Ack::Done),
    });
    let worker = bench.worker(inbox.clone(), service, &process);
    let running = run(bench, worker, &process);
    let keys = bench.store(&inbox, 1).await;
    bench.pass(5 * MINUTE).await;
    running.drain().await;
    let times = calls.of(keys[0]);
    assert_eq!(times.len(), 6);
    for (pause, full) in times.windows(2).zip([2, 4, 8, 16, 32]) {
        let pause = pause[1].saturating_duration_since(pause[0]);
        let full = full * SECOND;
        assert!(full * 3 / 4 <= pause, "{pause:?} in place of {full:?}");
        assert!(pause <= full + 2 * SECOND, "{pause:?} in place of {full:?}");
    }
    let failures: Vec<_> = calls
        .all()
        .iter()
        .map(|(_, _, failures)| *failures)
        .collect();
    assert_eq!(failures, [0, 1, 2, 3, 4, 5]);
    assert_all_done(bench, &inbox).await;
}

pub(super) async fn a_throttled_entry_waits_and_has_not_failed<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let (calls, process) = (Calls::default(), Process::default());
    let service = router(&calls, &bench.timer, async |before, _| {
        Ok(match before {
            0..3 => Ack::RetryAfter(100 * SECOND),
            _ => Ack::Done,
        })
    });
    let worker = bench.worker(inbox.clone(), service, &process);
    let running = run(bench, worker, &process);
    let keys = bench.store(&inbox, 1).await;
    bench.pass(10 * MINUTE).await;
    running.drain().await;
    let times = calls.of(keys[0]);
    assert_eq!(times.len(), 4);
    for pause in times.windows(2) {
        let pause = pause[1].saturating_duration_since(pause[0]);
        assert!(pause >= 100 * SECOND && pause <= 102 * SECOND, "{pause:?}");
    }
    assert!(calls.all().iter().all(|(_, _, failures)| *failures == 0));
    assert_all_done(bench, &inbox).await;
}

pub(super) async fn what_no_handler_reads_is_dead_at_once<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let process = Process::default();
    let unread = TriggerRouter::new();
    let put_aside = unread.clone().on_malformed(async || Ok::<_, BoxError>(()));
    for router in [unread, put_aside] {
        let running = run(
            bench,
            bench.worker(inbox.clone(), router, &process),
            &process,
        );
        let body = assume_verified(format!("[{}]", bench.entry().key()), LABEL);
        let entry = Entry::new(&body, bench.timer.unix_time());
        let key = bench.append(&inbox, entry).await;
        bench.pass(3 * SECOND).await;
        running.drain().await;
        let dead = dead(&inbox).await;
        assert_eq!(dead[0].key, key);
        assert_eq!(dead[0].state, EntryState::Dead(DeadCause::Malformed));
        assert_eq!((dead[0].crashes, dead[0].failures), (0, 0));
        assert!(dead[0].why.contains("`type`"), "{}", dead[0].why);
    }
    assert_eq!(dead(&inbox).await.len(), 2);
}

pub(super) async fn a_panic_is_a_failure<E: Engine<Inbox: Browse>>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let (calls, process) = (Calls::default(), Process::default());
    let service = router(&calls, &bench.timer, async |before, _| {
        assert!(before > 0, "a handler that panics the first time");
        Ok(Ack::Done)
    });
    let running = run(
        bench,
        bench.worker(inbox.clone(), service, &process),
        &process,
    );
    let keys = bench.store(&inbox, 3).await;
    bench.pass(MINUTE).await;
    running.drain().await;
    for key in keys {
        assert_eq!(calls.of(key).len(), 2);
    }
    assert_all_done(bench, &inbox).await;
}

/// An entry that was not tried for days has a try left.
pub(super) async fn an_entry_expires_only_after_an_answer<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 2).await;
    let mended = keys[1];
    let (calls, process) = (Calls::default(), Process::default());
    let service = router(&calls, &bench.timer, move |before, key| async move {
        if before > 0 && key == mended {
            return Ok(Ack::Done);
        }
        Err("it fails".into())
    });
    let start = || {
        let worker = bench.worker(inbox.clone(), service.clone(), &process);
        run(bench, worker, &process)
    };
    let running = start();
    bench.pass(SECOND).await;
    running.drain().await;
    bench.pass(100 * HOUR).await;
    let running = start();
    bench.pass(SECOND).await;
    running.drain().await;
    let ends = dead(&inbox).await;
    assert_eq!((ends.len(), ends[0].key), (1, keys[0]));
    assert_eq!(ends[0].state, EntryState::Dead(DeadCause::Expired));
    assert_eq!(calls.of(keys[0]).len(), 2);
    assert_eq!(calls.of(mended).len(), 2);

    // While the worker runs, 72 hours of failures are the end.
    let keys = bench.store(&inbox, 1).await;
    let running = start();
    bench.pass(71 * HOUR).await;
    assert_eq!(dead(&inbox).await.len(), 1);
    bench.pass(3 * HOUR).await;
    assert_eq!(dead(&inbox).await.len(), 2);
    let tries = calls.of(keys[0]).len();
    assert!((80..110).contains(&tries), "{tries} tries");
    running.drain().await;
}

pub(super) async fn one_entry_that_ends_the_process_buries_no_neighbour<
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

pub(super) async fn a_drain_leaves_neither_crash_nor_failure<E: Engine<Inbox: Browse>>(
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

pub(super) async fn a_worker_does_not_feed_its_own_inbox<E: Engine<Inbox: Browse>>(
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
    let again = super::bench::retry(Duration::ZERO, false);
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

pub(super) async fn a_long_handler_keeps_its_lease<E: Engine<Inbox: Browse>>(bench: &Bench<'_, E>) {
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

/// A worker over an engine that has a fault for a while, in which entries are being handled.
async fn in_trouble<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
    calls: &[Call],
    fault: Fault,
    duration: Duration,
) -> (Calls, Vec<EntryKey>, E::Inbox) {
    let inbox = bench.open().await;
    let faults = Faults::new(inbox.clone(), bench.timer.clone());
    let (handled, process) = (Calls::default(), Process::default());
    let timer = bench.timer.clone();
    let service = router(&handled, &bench.timer, move |_, _| {
        let work = timer.sleep(2 * SECOND);
        async move {
            work.await;
            Ok(Ack::Done)
        }
    });
    let worker = bench.worker(faults.clone(), service, &process);
    let running = run(bench, worker, &process);
    let mut keys = bench.store(&inbox, 40).await;
    bench.pass(SECOND).await;
    faults.set(calls, fault);
    keys.extend(bench.store(&inbox, 40).await);
    bench.pass(duration).await;
    faults.set(&Call::ALL, None);
    keys.extend(bench.store(&inbox, 40).await);
    bench.pass(2 * MINUTE).await;
    running.drain().await;
    (handled, keys, inbox)
}

pub(super) async fn an_engine_that_fails_is_asked_again<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    for fault in [Fault::Fails, Fault::Panics] {
        let (handled, keys, inbox) = in_trouble(bench, &Call::ALL, fault, 10 * MINUTE).await;
        handled.assert_once_each(&keys);
        assert_all_done(bench, &inbox).await;
    }
}

pub(super) async fn an_engine_that_hangs_is_asked_again<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    for calls in [
        &Call::ALL[..],
        &[Call::Settle, Call::Extend],
        &[Call::Claim],
    ] {
        let (handled, keys, inbox) = in_trouble(bench, calls, Fault::Hangs, HOUR).await;
        handled.assert_once_each(&keys);
        assert_all_done(bench, &inbox).await;
    }
}

/// Its lease ends, since the engine neither extends nor settles, and it is claimed again by the
/// same worker: while its handler runs, or when it has ended.
pub(super) async fn an_entry_that_is_held_is_not_handled_twice<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    for (fault, minutes) in [(Fault::Fails, 0), (Fault::Hangs, 0), (Fault::Fails, 4)] {
        let inbox = bench.open().await;
        let faults = Faults::new(inbox.clone(), bench.timer.clone());
        let (handled, process) = (Calls::default(), Process::default());
        let timer = bench.timer.clone();
        let service = router(&handled, &bench.timer, move |_, _| {
            let work = timer.sleep(minutes * MINUTE + SECOND);
            async move {
                work.await;
                Ok(Ack::Done)
            }
        });
        let worker = bench.worker(faults.clone(), service, &process);
        let running = run(bench, worker, &process);
        faults.set(&[Call::Extend, Call::Settle], fault);
        let keys = bench.store(&inbox, 3).await;
        bench.pass(10 * MINUTE).await;
        faults.set(&Call::ALL, None);
        bench.pass(2 * MINUTE).await;
        running.drain().await;
        handled.assert_once_each(&keys);
        assert_all_done(bench, &inbox).await;
    }
}

pub(super) async fn a_claim_that_comes_late_is_given_back<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let late = Fault::IsLate(20 * SECOND);
    let (handled, keys, inbox) = in_trouble(bench, &[Call::Claim], late, 10 * MINUTE).await;
    handled.assert_once_each(&keys);
    assert_all_done(bench, &inbox).await;
}

pub(super) async fn an_answer_that_is_lost_is_repeated<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let lost = Fault::LosesAnswer;
    let calls = [Call::Settle, Call::Extend];
    let (handled, keys, inbox) = in_trouble(bench, &calls, lost, 10 * MINUTE).await;
    handled.assert_once_each(&keys);
    assert_all_done(bench, &inbox).await;
}
