//! `MemoryInbox` does what every engine has to do.

use std::sync::Arc;

use tower_nylas::{
    BoxError,
    inbox::{
        BoxInbox, LazyInbox, MemoryInbox, Task,
        conformance::{self, Engine, Options},
    },
    time::Timer,
};
use tower_nylas_kit::shifted::Shifted;

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
        self.0.shift(seconds);
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

/// The same engine, opened by its first call.
#[derive(Default)]
struct Lazy(Memory);

impl Engine for Lazy {
    type Inbox = LazyInbox<MemoryInbox>;

    async fn open(&self, options: Options) -> Self::Inbox {
        let (inbox, spawn) = (self.0.open(options).await, self.spawner());
        let open = move || std::future::ready(Ok::<_, BoxError>(inbox.clone()));
        LazyInbox::on_runtime(open, self.timer(), move |task| spawn(task))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.timer()
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        self.0.spawner()
    }

    fn shift_wall_clock(&self, seconds: i64) -> bool {
        self.0.shift_wall_clock(seconds)
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

#[test]
fn an_inbox_that_is_opened_by_its_first_call_is_one() {
    let engine = Lazy::default();
    let clock = engine.0.0.clock.clone();
    clock.run_until(conformance::run(&engine));
    clock.run_until(conformance::run_browse(&engine));
    clock.run_until(conformance::run_inspect(&engine));
    clock.run_until(conformance::run_worker(&engine));
}
