//! What odd engines, handlers and shutdowns can do to a worker.

use std::{
    future::{pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tower::ServiceExt;
use tower_nylas::{
    Ack, BoxError, TriggerRouter,
    inbox::{
        Browse, Claimed, Enqueue, Entry, Inbox, Inspect, MemoryInbox, MemoryReceipt, Query,
        SettleError, Settlement, Worker,
        conformance::{Call, Fault, Faults},
    },
    testing::{self, VirtualClock},
    time::{Clock, Timer},
};
use tower_nylas_kit::forward;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// In a few seconds.
const MOST_CLAIMS: usize = 1000;

struct World {
    clock: VirtualClock,
    inbox: MemoryInbox,
    faults: Faults<MemoryInbox>,
    calls: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let inbox = MemoryInbox::with_timer(clock.clone());
        Self {
            faults: Faults::new(inbox.clone(), clock.clone()),
            inbox,
            clock,
            calls: Arc::default(),
        }
    }

    fn store(&self, count: usize) {
        for number in 0..count {
            let body = format!(r#"{{"type":"message.created","id":"n-{number}"}}"#);
            let entry = Entry::new(&testing::verified(body), self.clock.unix_time());
            self.clock.run_until(self.inbox.append(entry)).unwrap();
        }
    }

    /// Each call takes so long, and ends so.
    fn handlers(&self, takes: Duration, ends: fn(usize) -> Result<Ack, BoxError>) -> TriggerRouter {
        let (calls, clock) = (self.calls.clone(), self.clock.clone());
        TriggerRouter::new().fallback(move || {
            let number = calls.fetch_add(1, Ordering::SeqCst);
            let work = clock.sleep(takes);
            async move {
                work.await;
                ends(number)
            }
        })
    }

    fn worker<I: Inbox, S>(&self, inbox: I, service: S) -> Worker<I, S> {
        let spawn = self.clock.clone();
        Worker::on_runtime(inbox, service, self.clock.clone(), move |task| {
            spawn.spawn(task);
        })
    }

    /// How often a handler was called.
    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Entries that a new worker gets, with their crashes and failures.
    fn due(&self) -> Vec<(u32, u32)> {
        let claims = self.clock.run_until(self.inbox.claim(1000, Duration::ZERO));
        let counts = |claim: &Claimed<_>| (claim.crashes, claim.failures);
        claims.unwrap().iter().map(counts).collect()
    }
}

/// Its tasks end, and its entries are given back.
#[test]
fn a_worker_that_is_dropped_at_any_poll_leaves_nothing_behind() {
    for polls in 0..60 {
        let world = World::new();
        let handlers = world.handlers(MINUTE, |_| Ok(Ack::Done));
        let worker = world.worker(world.inbox.clone(), handlers).report_stats();
        world.store(40);
        world.clock.run_until(async {
            let mut running = pin!(worker.concurrency(4).run_until(pending()));
            let mut left = polls;
            poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                let _ = running.as_mut().poll(cx);
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        });
        world.clock.run_for(10 * SECOND);
        assert_eq!(world.due(), [(0, 0); 40], "after {polls} polls");
        assert_eq!(world.clock.sleepers(), 0, "after {polls} polls");
    }
}

/// Its effects are there, so it must not run again.
#[test]
fn a_handler_that_ends_in_its_last_poll_is_done() {
    let world = World::new();
    let (clock, calls) = (world.clock.clone(), world.calls.clone());
    let handlers = TriggerRouter::new().fallback(move || {
        calls.fetch_add(1, Ordering::SeqCst);
        let (clock, mut never) = (clock.clone(), clock.sleep(10 * MINUTE));
        // The cut polls it, and nothing else.
        poll_fn(move |cx| {
            if clock.elapsed() < 11 * SECOND {
                return never.as_mut().poll(cx);
            }
            Poll::Ready(())
        })
    });
    world.store(1);
    let worker = world.worker(world.inbox.clone(), handlers);
    let stop = world.clock.sleep(8 * SECOND);
    let running = worker.drain_timeout(3 * SECOND).run_until(stop);
    world.clock.run_until(running).unwrap();
    assert_eq!((world.calls(), world.due()), (1, vec![]));
}

/// The engine has counted the failure, and its answer comes late or never.
#[test]
fn a_failure_is_counted_once() {
    for fault in [
        Fault::IsLate(4 * SECOND),
        Fault::IsLate(9 * SECOND),
        Fault::LosesAnswer,
    ] {
        let world = World::new();
        let handlers = world.handlers(SECOND, |_| Err("it fails".into()));
        world.store(1);
        world.faults.set(&[Call::Settle], fault);
        let worker = world.worker(world.faults.clone(), handlers);
        let stop = world.clock.sleep(MINUTE);
        world.clock.run_until(worker.run_until(stop)).unwrap();
        let stored = world.clock.run_until(world.inbox.list(&Query::default()));
        let failures = stored.unwrap()[0].failures as usize;
        assert_eq!(failures, world.calls(), "{fault:?}");
    }
}

/// An inbox that does what [`Faults`] does not.
#[derive(Clone)]
struct Odd {
    inner: MemoryInbox,
    clock: VirtualClock,
    what: What,
    claims: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    /// Hangs, and panics when it is dropped.
    PanicsOnDrop,
    /// Answers, but slowly.
    SettlesSlowly,
    /// Claims more than were asked for.
    ClaimsTwice,
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a future that panics on drop");
    }
}

impl Inbox for Odd {
    type Receipt = MemoryReceipt;

    forward!(inner: append, extend);

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<MemoryReceipt>>, BoxError> {
        if self.claims.fetch_add(1, Ordering::SeqCst) > MOST_CLAIMS {
            return pending().await;
        }
        let mut claims = self.inner.claim(max, wait).await?;
        if self.what == What::ClaimsTwice {
            claims.extend(self.inner.claim(max, Duration::ZERO).await?);
        }
        Ok(claims)
    }

    async fn settle(
        &self,
        receipt: &MemoryReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        match self.what {
            What::PanicsOnDrop if self.clock.elapsed() < MINUTE => {
                let _guard = PanicsOnDrop;
                pending::<()>().await;
            }
            What::SettlesSlowly => self.clock.sleep(SECOND).await,
            _ => {}
        }
        self.inner.settle(receipt, settlement).await
    }
}

impl World {
    fn odd(&self, inner: MemoryInbox, what: What) -> Odd {
        let claims = Arc::default();
        let clock = self.clock.clone();
        Odd {
            inner,
            clock,
            what,
            claims,
        }
    }
}

#[test]
fn a_call_that_panics_when_it_is_dropped_ends_nothing() {
    let world = World::new();
    let handlers = world.handlers(SECOND, |_| Ok(Ack::Done));
    world.store(20);
    let odd = world.odd(world.inbox.clone(), What::PanicsOnDrop);
    let worker = world.worker(odd, handlers);
    let stop = world.clock.sleep(2 * MINUTE);
    world.clock.run_until(worker.run_until(stop)).unwrap();
    assert_eq!(world.calls(), 20);
    world.clock.run_for(MINUTE);
    assert_eq!(world.due(), []);
}

/// While many suspects are put off, the others do not lose their leases.
#[test]
fn a_slow_engine_costs_no_neighbour_its_lease() {
    let world = World::new();
    world.store(64);
    let claims = || world.clock.run_until(world.inbox.claim(64, Duration::ZERO));
    for _ in 0..2 {
        assert_eq!(claims().unwrap().len(), 64);
        world.clock.run_for(MINUTE);
    }
    // They all have crashed twice. One that has not is claimed after them.
    let body = testing::verified(r#"{"type":"message.created","id":"innocent"}"#);
    let innocent = Entry::new(&body, world.clock.unix_time());
    let key = innocent.key();
    world.clock.run_until(world.inbox.append(innocent)).unwrap();
    let handlers = world.handlers(SECOND, |_| Err("it fails".into()));
    let worker = world.worker(
        world.odd(world.inbox.clone(), What::SettlesSlowly),
        handlers,
    );
    let stop = world.clock.sleep(2 * MINUTE);
    world
        .clock
        .run_until(worker.concurrency(100).run_until(stop))
        .unwrap();
    let stored = world.clock.run_until(world.inbox.list(&Query::default()));
    let stored = stored.unwrap();
    let innocent = stored.iter().find(|stored| stored.key == key).unwrap();
    assert_eq!(innocent.crashes, 0);
}

/// Neither the same entry again and again, nor more than were asked for, keep it busy.
#[test]
fn an_engine_without_leases_does_not_make_it_spin() {
    let world = World::new();
    let inbox = MemoryInbox::with_timer(world.clock.clone()).lease(Duration::ZERO);
    let body = testing::verified(r#"{"type":"message.created","id":"n-1"}"#);
    let entry = Entry::new(&body, world.clock.unix_time());
    world.clock.run_until(inbox.append(entry)).unwrap();
    let handlers = world.handlers(SECOND, |_| Ok(Ack::Done));
    let odd = world.odd(inbox, What::ClaimsTwice);
    let claims = odd.claims.clone();
    let stop = world.clock.sleep(5 * SECOND);
    let running = world.worker(odd, handlers).run_until(stop);
    world.clock.run_until(running).unwrap();
    let claims = claims.load(Ordering::SeqCst);
    assert!(claims < MOST_CLAIMS, "{claims} claims");
    assert_eq!(world.calls(), 1);
}

/// A first inbox that panics is as one that fails.
#[test]
fn the_other_inbox_stores_when_the_first_one_panics() {
    let world = World::new();
    let other = MemoryInbox::with_timer(world.clock.clone());
    world.faults.set(&[Call::Append], Fault::Panics);
    let enqueue = Enqueue::with_timer(world.faults.clone(), world.clock.clone()).or(other.clone());
    let body = testing::verified(r#"{"type":"message.created","id":"n-1"}"#);
    let request = http::Request::new(body);
    let response = world.clock.run_until(enqueue.oneshot(request)).unwrap();
    assert_eq!(response.status(), 200);
    let stats = world.clock.run_until(other.stats()).unwrap();
    assert_eq!(stats.ready, 1);
}

/// The engine claims, but neither extends nor settles for more than five leases, and the handler
/// has failed. That no process has ended is known to the worker that held it.
#[test]
fn leases_that_an_outage_ends_bury_nothing() {
    let world = World::new();
    let handlers = world.handlers(SECOND, |number| match number {
        0..3 => Err("it fails".into()),
        _ => Ok(Ack::Done),
    });
    world.store(3);
    let broken = [Call::Extend, Call::Settle];
    world.faults.set(&broken, Fault::Fails);
    let worker = world.worker(world.faults.clone(), handlers);
    let (timer, mended) = (world.clock.clone(), world.faults.clone());
    let stop = async move {
        timer.sleep(10 * MINUTE).await;
        mended.set(&broken, None);
        timer.sleep(10 * MINUTE).await;
    };
    world.clock.run_until(worker.run_until(stop)).unwrap();
    let stats = world.clock.run_until(world.inbox.stats()).unwrap();
    assert_eq!((stats.dead, stats.ready, stats.waiting), (0, 0, 0));
    assert_eq!(world.calls(), 6);
}

#[test]
fn a_handler_that_panics_when_it_is_cut_is_given_back() {
    let world = World::new();
    let clock = world.clock.clone();
    let handlers = TriggerRouter::new().fallback(move || {
        let (guard, work) = (PanicsOnDrop, clock.sleep(10 * MINUTE));
        async move {
            let _guard = guard;
            work.await;
        }
    });
    world.store(3);
    let worker = world.worker(world.inbox.clone(), handlers);
    let stop = world.clock.sleep(8 * SECOND);
    let running = worker.drain_timeout(3 * SECOND).run_until(stop);
    world.clock.run_until(running).unwrap();
    assert_eq!(world.due(), [(0, 0); 3]);
}

#[test]
fn two_workers_share_the_entries_and_each_is_handled_once() {
    let world = World::new();
    world.store(200);
    let handlers = world.handlers(50 * SECOND, |_| Ok(Ack::Done));
    let run = || {
        let worker = world.worker(world.inbox.clone(), handlers.clone());
        let stop = world.clock.sleep(20 * MINUTE);
        async move { worker.run_until(stop).await.unwrap() }
    };
    world.clock.spawn(run());
    world.clock.run_until(run());
    assert_eq!(world.calls(), 200);
    world.clock.run_for(MINUTE);
    assert_eq!(world.due(), []);
}
