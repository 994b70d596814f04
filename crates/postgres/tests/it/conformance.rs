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

use crate::{pooler::Pooler, server::Server};

struct Postgres {
    clock: Shifted,
    server: Arc<Server>,
    /// Of the server, or of what stands before it.
    url: String,
    /// Its tasks run beside the calls.
    runtime: Arc<Runtime>,
}

impl Postgres {
    fn new() -> Self {
        let runtime = Self::runtime();
        let server = runtime.block_on(Server::shared());
        let url = server.url().to_owned();
        Self::at(runtime, server, url)
    }

    fn runtime() -> Runtime {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        runtime.unwrap()
    }

    fn at(runtime: Runtime, server: Arc<Server>, url: String) -> Self {
        Self {
            clock: Shifted::default(),
            server,
            url,
            runtime: Arc::new(runtime),
        }
    }

    fn run<F: Future>(&self, cases: F) -> F::Output {
        self.clock.clock.run_until(cases)
    }
}

impl Engine for Postgres {
    type Inbox = Timeless<PostgresInbox>;

    async fn open(&self, options: Options) -> Self::Inbox {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let schema = format!("conformance_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let builder = PostgresInbox::builder()
            .schema(&schema)
            .clock(self.clock.clone())
            .lease(options.lease)
            .window(options.window)
            .max_bytes(options.max_bytes as u64);
        let opening = async { builder.open(&self.url).await.unwrap() };
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

/// As many statements as there are, none of which may need a session.
pub(crate) fn behind_a_pooler() {
    let runtime = Postgres::runtime();
    let (server, pooler) = runtime.block_on(async {
        let server = Server::start(&[]).await;
        let pooler = Pooler::start(&server).await;
        (Arc::new(server), pooler)
    });
    let engine = Postgres::at(runtime, server, pooler.url.clone());
    engine.run(conformance::run(&engine));
    engine.run(conformance::run_browse(&engine));
    engine.run(conformance::run_inspect(&engine));
}
