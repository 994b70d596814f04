//! The engine does what every engine has to do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::runtime::{Builder, Runtime};
use tower_nylas::{
    inbox::{
        EntryKey, Task,
        conformance::{self, Engine, Options},
    },
    time::Timer,
};
use tower_nylas_kit::{shifted::Shifted, timeless::Timeless};
use tower_nylas_postgres::PostgresInbox;

use crate::server::Server;

struct Postgres {
    clock: Shifted,
    server: Arc<Server>,
    /// Its tasks run beside the calls.
    runtime: Arc<Runtime>,
    next: AtomicU32,
}

impl Postgres {
    fn new() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            clock: Shifted::default(),
            server: runtime.block_on(Server::shared()),
            runtime: Arc::new(runtime),
            next: AtomicU32::new(0),
        }
    }

    fn run<F: Future>(&self, cases: F) -> F::Output {
        self.clock.clock.run_until(cases)
    }
}

impl Engine for Postgres {
    type Inbox = Timeless<PostgresInbox>;

    async fn open(&self, options: Options) -> Self::Inbox {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let schema = format!("conformance_{}_{number}", std::process::id());
        let builder = PostgresInbox::builder()
            .schema(&schema)
            .clock(self.clock.clone())
            .lease(options.lease)
            .window(options.window)
            .max_bytes(options.max_bytes as u64);
        let opening = async { builder.open(self.server.url()).await.unwrap() };
        Timeless::open(self.runtime.clone(), opening, &schema, self.clock.clone())
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clock.clone())
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        let clock = self.clock.clock.clone();
        Arc::new(move |task| clock.spawn(task))
    }

    async fn spoil(&self, inbox: &Self::Inbox, key: EntryKey) -> bool {
        let sql = format!(
            "UPDATE {0}.bodies SET head = '\\xff' WHERE position = \
             (SELECT position FROM {0}.keys WHERE key = $1)",
            inbox.place()
        );
        let spoiled = async {
            let client = self.server.connect().await;
            client.execute(&sql, &[&key.as_bytes().as_slice()]).await
        };
        inbox.block_on(spoiled).unwrap() == 1
    }

    fn shift_wall_clock(&self, seconds: i64) -> bool {
        self.clock.shift(seconds);
        true
    }
}

/// The name of each test, and what runs it.
pub(crate) const TESTS: &[(&str, fn())] = &[
    ("conformance::inbox", || {
        let engine = Postgres::new();
        engine.run(conformance::run(&engine));
    }),
    ("conformance::browse", || {
        let engine = Postgres::new();
        engine.run(conformance::run_browse(&engine));
    }),
    ("conformance::inspect", || {
        let engine = Postgres::new();
        engine.run(conformance::run_inspect(&engine));
    }),
    ("conformance::worker", || {
        let engine = Postgres::new();
        engine.run(conformance::run_worker(&engine));
    }),
];
