//! `MemoryInbox` does what every engine has to do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use tower_nylas::{
    inbox::{
        BoxInbox, MemoryInbox, Task,
        conformance::{self, Engine, Options},
    },
    testing::VirtualClock,
    time::{Clock, Sleep, Timer},
};

/// A virtual clock whose wall clock can be set.
#[derive(Clone, Default)]
struct Shifted {
    clock: VirtualClock,
    seconds: Arc<AtomicI64>,
}

impl Clock for Shifted {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn unix_time(&self) -> Duration {
        let seconds = self.seconds.load(Ordering::SeqCst);
        let shift = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            self.clock.unix_time().saturating_sub(shift)
        } else {
            self.clock.unix_time().saturating_add(shift)
        }
    }
}

impl Timer for Shifted {
    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }
}

#[derive(Default)]
struct Memory(Shifted);

impl Engine for Memory {
    type Inbox = MemoryInbox;

    async fn open(&self, options: Options) -> MemoryInbox {
        MemoryInbox::with_timer(self.0.clone())
            .lease(options.lease)
            .window(options.window)
            .max_bytes(options.max_bytes)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.0.clone())
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        let clock = self.0.clock.clone();
        Arc::new(move |task| clock.spawn(task))
    }

    fn shift_wall_clock(&self, seconds: i64) -> bool {
        self.0.seconds.store(seconds, Ordering::SeqCst);
        true
    }
}

/// The same engine with its type erased.
#[derive(Default)]
struct Boxed(Memory);

impl Engine for Boxed {
    type Inbox = BoxInbox;

    async fn open(&self, options: Options) -> BoxInbox {
        BoxInbox::new(self.0.open(options).await)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.timer()
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        self.0.spawner()
    }
}

#[test]
fn a_memory_inbox_is_an_inbox() {
    let engine = Memory::default();
    engine.0.clock.run_until(conformance::run(&engine));
}

#[test]
fn a_memory_inbox_can_be_browsed() {
    let engine = Memory::default();
    engine.0.clock.run_until(conformance::run_browse(&engine));
}

#[test]
fn a_memory_inbox_can_be_inspected() {
    let engine = Memory::default();
    engine.0.clock.run_until(conformance::run_inspect(&engine));
}

#[test]
fn a_worker_runs_over_a_memory_inbox() {
    let engine = Memory::default();
    engine.0.clock.run_until(conformance::run_worker(&engine));
}

#[test]
fn an_inbox_with_its_type_erased_is_one() {
    let engine = Boxed::default();
    let clock = engine.0.0.clock.clone();
    clock.run_until(conformance::run(&engine));
}
