//! Servers of NATS that a test starts.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tower_nylas_kit::inbox::servers::{NatsServer, Sync};
use tower_nylas_nats::{
    NatsInbox, NatsInboxBuilder,
    async_nats::{self, jetstream::context::GetStreamErrorKind},
};

/// A URL of a server, instead of those that the tests start.
const VARIABLE: &str = "TOWER_NYLAS_TEST_NATS";

/// How often a test looks whether a server has started.
const LOOK_EACH: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a test can have a server of its own.
pub(crate) fn can_start() -> bool {
    NatsServer::can_start()
}

/// Whether there is a server for tests that need none of their own.
pub(crate) fn is_there() -> bool {
    std::env::var_os(VARIABLE).is_some() || can_start()
}

static SHARED: Mutex<Option<NatsServer>> = Mutex::new(None);

/// Ends the server that tests have shared.
pub(crate) fn stop() {
    SHARED.lock().unwrap().take();
}

/// The URL of the server of the environment, or else of the one of all tests that need none of
/// their own.
pub(crate) async fn shared() -> String {
    if let Ok(url) = std::env::var(VARIABLE) {
        return url;
    }
    let url = {
        let mut shared = SHARED.lock().unwrap();
        let server = shared.get_or_insert_with(|| NatsServer::start(Sync::Interval));
        server.url()
    };
    wait_for(&url).await;
    url
}

/// A server of a test, with nothing in it.
pub(crate) async fn start(sync: Sync) -> NatsServer {
    let server = NatsServer::start(sync);
    wait_for(&server.url()).await;
    server
}

/// Starts a server again with the same data and port.
pub(crate) async fn restart(server: &mut NatsServer) {
    server.restart();
    wait_for(&server.url()).await;
}

/// An inbox of a test, with one replica.
pub(crate) fn builder() -> NatsInboxBuilder {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    named(&format!("test_{}_{number}", std::process::id()))
}

pub(crate) fn named(name: &str) -> NatsInboxBuilder {
    let builder = NatsInbox::builder().name(name).replicas(1);
    builder.max_bytes(1 << 28)
}

/// Returns when a server has its streams.
async fn wait_for(url: &str) {
    let started = Instant::now();
    while !is_ready(url).await {
        assert!(started.elapsed() < PATIENCE, "the server does not start");
        tokio::time::sleep(LOOK_EACH).await;
    }
}

async fn is_ready(url: &str) -> bool {
    let Ok(client) = async_nats::connect(url).await else {
        return false;
    };
    // That there is no such stream, JetStream itself says.
    let context = async_nats::jetstream::new(client);
    match context.get_stream("no_such_stream").await {
        Ok(_) => true,
        Err(why) => matches!(why.kind(), GetStreamErrorKind::JetStream(_)),
    }
}
