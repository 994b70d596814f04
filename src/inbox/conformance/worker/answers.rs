//! What the answer of a handler means for its entry.

use super::{Bench, Calls, HOUR, LABEL, MINUTE, SECOND, assert_all_done, dead, router, run};
use crate::inbox::conformance::{Engine, process::Process};
use crate::{
    inbox::{Browse, DeadCause, Entry, EntryState, assume_verified},
    report::{Ack, BoxError},
    router::TriggerRouter,
};

pub(in crate::inbox::conformance) async fn an_entry_is_handled_once_and_done<
    E: Engine<Inbox: Browse>,
>(
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

pub(in crate::inbox::conformance) async fn a_failure_comes_again_later_each_time<
    E: Engine<Inbox: Browse>,
>(
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

pub(in crate::inbox::conformance) async fn a_throttled_entry_waits_and_has_not_failed<
    E: Engine<Inbox: Browse>,
>(
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

pub(in crate::inbox::conformance) async fn what_no_handler_reads_is_dead_at_once<
    E: Engine<Inbox: Browse>,
>(
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

pub(in crate::inbox::conformance) async fn a_panic_is_a_failure<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
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
pub(in crate::inbox::conformance) async fn an_entry_expires_only_after_an_answer<
    E: Engine<Inbox: Browse>,
>(
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
