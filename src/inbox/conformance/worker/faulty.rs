//! A worker over an engine in trouble.

use std::time::Duration;

use super::{Bench, Calls, HOUR, MINUTE, SECOND, assert_all_done, router, run};
use crate::inbox::conformance::{
    Engine,
    faults::{Call, Fault, Faults},
    process::Process,
};
use crate::{
    inbox::{Browse, EntryKey},
    report::Ack,
};

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

pub(in crate::inbox::conformance) async fn an_engine_that_fails_is_asked_again<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    for fault in [Fault::Fails, Fault::Panics] {
        let (handled, keys, inbox) = in_trouble(bench, &Call::ALL, fault, 10 * MINUTE).await;
        handled.assert_once_each(&keys);
        assert_all_done(bench, &inbox).await;
    }
}

pub(in crate::inbox::conformance) async fn an_engine_that_hangs_is_asked_again<
    E: Engine<Inbox: Browse>,
>(
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
pub(in crate::inbox::conformance) async fn an_entry_that_is_held_is_not_handled_twice<
    E: Engine<Inbox: Browse>,
>(
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

pub(in crate::inbox::conformance) async fn a_claim_that_comes_late_is_given_back<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let late = Fault::IsLate(20 * SECOND);
    let (handled, keys, inbox) = in_trouble(bench, &[Call::Claim], late, 10 * MINUTE).await;
    handled.assert_once_each(&keys);
    assert_all_done(bench, &inbox).await;
}

pub(in crate::inbox::conformance) async fn an_answer_that_is_lost_is_repeated<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let lost = Fault::LosesAnswer;
    let calls = [Call::Settle, Call::Extend];
    let (handled, keys, inbox) = in_trouble(bench, &calls, lost, 10 * MINUTE).await;
    handled.assert_once_each(&keys);
    assert_all_done(bench, &inbox).await;
}
