//! A switch with which an operator stops the worker for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tower_nylas::{
    TriggerRouter, VerifiedBody,
    inbox::{Browse, Entry, Inbox, MemoryInbox, Pause, Worker},
    testing::{self, VirtualClock},
    time::{Clock, Timer},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

struct Stage {
    clock: VirtualClock,
    inbox: MemoryInbox,
    handled: Arc<AtomicUsize>,
    pause: Pause,
}

impl Stage {
    fn new() -> Self {
        let clock = VirtualClock::new();
        Self {
            inbox: MemoryInbox::with_timer(clock.clone()),
            clock,
            handled: Arc::default(),
            pause: Pause::new(),
        }
    }

    fn store(&self, id: &str) {
        let body = format!(r#"{{"type":"message.created","id":"{id}","data":{{"object":{{}}}}}}"#);
        let entry = Entry::new(&testing::verified(body), self.clock.unix_time());
        self.clock.run_until(self.inbox.append(entry)).unwrap();
    }

    /// A worker whose handlers take so long, until a moment of the clock.
    fn work(&self, each: Duration, until: Duration) {
        let (clock, handled) = (self.clock.clone(), self.handled.clone());
        let service = TriggerRouter::new().fallback(move |_: VerifiedBody| {
            let (clock, handled) = (clock.clone(), handled.clone());
            async move {
                clock.sleep(each).await;
                handled.fetch_add(1, Ordering::SeqCst);
            }
        });
        let tasks = self.clock.clone();
        let worker = Worker::on_runtime(
            self.inbox.clone(),
            service,
            self.clock.clone(),
            move |task| tasks.spawn(task),
        );
        let worker = worker.pause(&self.pause).concurrency(2);
        let end = self.clock.sleep(until);
        self.clock.spawn(async move {
            worker.run_until(end).await.unwrap();
        });
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }
}

#[test]
fn nothing_is_claimed_until_it_is_over() {
    let stage = Stage::new();
    stage.pause.pause();
    stage.work(SECOND, 2 * HOUR);
    for id in ["n-1", "n-2", "n-3"] {
        stage.store(id);
    }
    stage.clock.run_for(HOUR);
    let stats = stage.clock.run_until(stage.inbox.stats()).unwrap();
    assert_eq!((stats.ready, stats.claimed), (3, 0), "{stats:?}");
    assert_eq!(stage.handled(), 0);
    stage.pause.resume();
    stage.clock.run_for(10 * SECOND);
    assert_eq!(stage.handled(), 3);
}

#[test]
fn what_is_being_handled_ends_and_its_place_stays_free() {
    let stage = Stage::new();
    for id in ["n-1", "n-2", "n-3"] {
        stage.store(id);
    }
    // Two have the only places, and the third one waits for one.
    stage.work(10 * SECOND, 2 * HOUR);
    stage.clock.run_for(5 * SECOND);
    stage.pause.pause();
    assert!(stage.pause.clone().is_paused());
    stage.clock.run_for(HOUR);
    assert_eq!(stage.handled(), 2);
    let stats = stage.clock.run_until(stage.inbox.stats()).unwrap();
    assert_eq!((stats.ready, stats.claimed), (1, 0), "{stats:?}");
}

#[test]
fn a_worker_that_is_paused_can_stop() {
    let stage = Stage::new();
    stage.pause.pause();
    stage.store("n-1");
    let worker = Worker::on_runtime(
        stage.inbox.clone(),
        TriggerRouter::new(),
        stage.clock.clone(),
        {
            let tasks = stage.clock.clone();
            move |task| tasks.spawn(task)
        },
    );
    let worker = worker.pause(&stage.pause);
    let began = stage.clock.elapsed();
    stage
        .clock
        .run_until(worker.run_until(stage.clock.sleep(SECOND)))
        .unwrap();
    assert!(stage.clock.elapsed().saturating_sub(began) < 5 * SECOND);
}
