//! The engine does what every engine has to do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::runtime::{Builder, Runtime};
use tower_nylas::inbox::{
    EntryKey,
    conformance::{self, Options},
};
use tower_nylas_kit::{
    inbox::{Timeless, Virtual},
    shifted::Shifted,
};
use tower_nylas_postgres::PostgresInbox;

use crate::{pooler::Pooler, server::Server};

/// Its tasks run beside the calls.
fn runtime() -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.unwrap()
}

/// An engine on a server, by the URL of that or of what stands before it.
#[allow(clippy::type_complexity)] // an alias cannot have `impl Fn`
fn engine_at(
    runtime: Runtime,
    server: Arc<Server>,
    url: String,
) -> Virtual<
    impl Fn(Options, Shifted) -> Timeless<PostgresInbox> + Send + Sync + 'static,
    impl Fn(&Timeless<PostgresInbox>, EntryKey) -> bool + Send + Sync + 'static,
> {
    let runtime = Arc::new(runtime);
    let open = move |options: Options, clock: Shifted| {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let schema = format!("conformance_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let builder = PostgresInbox::builder()
            .schema(&schema)
            .clock(clock.clone())
            .lease(options.lease)
            .window(options.window)
            .max_bytes(options.max_bytes as u64);
        let opening = async { builder.open(&url).await.unwrap() };
        Timeless::open(runtime.clone(), opening, &schema, clock)
    };
    let spoil = move |inbox: &Timeless<PostgresInbox>, key: EntryKey| {
        let sql = format!(
            "UPDATE {0}.bodies SET head = '\\xff' WHERE position = \
             (SELECT position FROM {0}.keys WHERE key = $1)",
            inbox.place()
        );
        let spoiled = async {
            let client = server.connect().await;
            client.execute(&sql, &[&key.as_bytes().as_slice()]).await
        };
        inbox.block_on(spoiled).unwrap() == 1
    };
    Virtual::new(open, spoil)
}

#[allow(clippy::type_complexity)] // as above
fn engine() -> Virtual<
    impl Fn(Options, Shifted) -> Timeless<PostgresInbox> + Send + Sync + 'static,
    impl Fn(&Timeless<PostgresInbox>, EntryKey) -> bool + Send + Sync + 'static,
> {
    let runtime = runtime();
    let server = runtime.block_on(Server::shared());
    let url = server.url().to_owned();
    engine_at(runtime, server, url)
}

/// The name of each test, and what runs it.
pub(crate) const TESTS: &[(&str, fn())] = &[
    ("conformance::inbox", || {
        let engine = engine();
        engine.run(conformance::run(&engine));
    }),
    ("conformance::browse", || {
        let engine = engine();
        engine.run(conformance::run_browse(&engine));
    }),
    ("conformance::inspect", || {
        let engine = engine();
        engine.run(conformance::run_inspect(&engine));
    }),
    ("conformance::worker", || {
        let engine = engine();
        engine.run(conformance::run_worker(&engine));
    }),
];

/// As many statements as there are, none of which may need a session.
pub(crate) fn behind_a_pooler() {
    let runtime = runtime();
    let (server, pooler) = runtime.block_on(async {
        let server = Server::start(&[]).await;
        let pooler = Pooler::start(&server).await;
        (Arc::new(server), pooler)
    });
    let engine = engine_at(runtime, server, pooler.url.clone());
    engine.run(conformance::run(&engine));
    engine.run(conformance::run_browse(&engine));
    engine.run(conformance::run_inspect(&engine));
}
