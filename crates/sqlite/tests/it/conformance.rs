//! The engine does what every engine has to do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::runtime::Builder;
use tower_nylas::{
    inbox::{
        EntryKey, Task,
        conformance::{self, Engine, Options},
    },
    time::Timer,
};
use tower_nylas_kit::{shifted::Shifted, timeless::Timeless};
use tower_nylas_sqlite::SqliteInbox;

use crate::scratch::Scratch;

struct Sqlite {
    clock: Shifted,
    scratch: Scratch,
    next: AtomicU32,
}

impl Sqlite {
    fn new() -> Self {
        Self {
            clock: Shifted::default(),
            scratch: Scratch::new(),
            next: AtomicU32::new(0),
        }
    }

    fn run<F: Future>(&self, cases: F) -> F::Output {
        self.clock.clock.run_until(cases)
    }
}

impl Engine for Sqlite {
    type Inbox = Timeless<SqliteInbox>;

    async fn open(&self, options: Options) -> Self::Inbox {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let builder = SqliteInbox::builder()
            .clock(self.clock.clone())
            .lease(options.lease)
            .window(options.window)
            .max_bytes(options.max_bytes as u64);
        let path = self.scratch.path(&format!("{number}.db"));
        let opening = async { builder.open(&path).await.unwrap() };
        let runtime = Arc::new(Builder::new_current_thread().build().unwrap());
        let place = path.to_str().unwrap();
        Timeless::open(runtime, opening, place, self.clock.clone())
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clock.clone())
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        let clock = self.clock.clock.clone();
        Arc::new(move |task| clock.spawn(task))
    }

    async fn spoil(&self, inbox: &Self::Inbox, key: EntryKey) -> bool {
        let connection = rusqlite::Connection::open(inbox.place()).unwrap();
        let sql = "UPDATE bodies SET head = x'ff' WHERE position = \
                   (SELECT position FROM keys WHERE key = ?1)";
        connection.execute(sql, [key.as_bytes()]).unwrap() == 1
    }

    fn shift_wall_clock(&self, seconds: i64) -> bool {
        self.clock.shift(seconds);
        true
    }
}

#[test]
fn a_sqlite_inbox_is_an_inbox() {
    let engine = Sqlite::new();
    engine.run(conformance::run(&engine));
}

#[test]
fn a_sqlite_inbox_can_be_browsed() {
    let engine = Sqlite::new();
    engine.run(conformance::run_browse(&engine));
}

#[test]
fn a_sqlite_inbox_can_be_inspected() {
    let engine = Sqlite::new();
    engine.run(conformance::run_inspect(&engine));
}

#[test]
fn a_worker_runs_over_a_sqlite_inbox() {
    let engine = Sqlite::new();
    engine.run(conformance::run_worker(&engine));
}
