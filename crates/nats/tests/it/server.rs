//! Servers of NATS that a test starts.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tower_nylas_kit::inbox::{Scratch, find, free_port};
use tower_nylas_nats::{NatsInbox, NatsInboxBuilder, async_nats};

/// A URL of a server, instead of those that the tests start.
const VARIABLE: &str = "TOWER_NYLAS_TEST_NATS";

/// How often a test looks whether a server has started.
const LOOK_EACH: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

fn binary() -> Option<std::path::PathBuf> {
    let others = ["/usr/sbin".into(), "/usr/local/sbin".into()];
    find(&["nats-server"], &others).map(|folder| folder.join("nats-server"))
}

/// Whether a test can have a server of its own.
pub(crate) fn can_start() -> bool {
    binary().is_some()
}

/// Whether there is a server for tests that need none of their own.
pub(crate) fn is_there() -> bool {
    std::env::var_os(VARIABLE).is_some() || can_start()
}

static SHARED: Mutex<Option<Arc<Server>>> = Mutex::new(None);

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
        let server = shared.get_or_insert_with(|| Arc::new(Server::spawn(Sync::Interval)));
        server.url()
    };
    wait_for(&url).await;
    url
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

/// When a server syncs what it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Every two minutes, as by default.
    Interval,
    /// Before it acknowledges, where the server has that setting: 2.10 and later.
    Always,
}

/// A server, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    scratch: Scratch,
    child: Option<Child>,
}

impl Server {
    pub(crate) async fn start(sync: Sync) -> Self {
        let server = Self::spawn(sync);
        wait_for(&server.url()).await;
        server
    }

    fn spawn(sync: Sync) -> Self {
        Self::spawn_with(free_port(), sync, "")
    }

    /// With more lines in its configuration.
    pub(crate) fn spawn_with(port: u16, sync: Sync, lines: &str) -> Self {
        let scratch = Scratch::new_of_system();
        let sync = match sync {
            Sync::Always if has_sync_always() => "sync_interval: always",
            _ => "",
        };
        let store = scratch.path("store");
        let text = format!(
            "listen: 127.0.0.1:{port}\n\
             server_name: s{port}\n\
             jetstream {{ store_dir: {store:?}, max_file_store: 1TB, max_memory_store: 64MB\n\
             {sync} }}\n\
             {lines}\n"
        );
        fs::write(scratch.path("server.conf"), text).unwrap();
        let mut server = Self {
            port,
            scratch,
            child: None,
        };
        server.run();
        server
    }

    fn run(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.scratch.path("log"))
            .unwrap();
        let child = Command::new(binary().expect("it was looked for"))
            .arg("-c")
            .arg(self.scratch.path("server.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it, which it cannot notice.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again with the same data and port.
    pub(crate) async fn restart(&mut self) {
        self.run();
        wait_for(&self.url()).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The version of the server that tests start.
pub(crate) fn version() -> String {
    let output = Command::new(binary().expect("it was looked for"))
        .arg("--version")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn has_sync_always() -> bool {
    let version = version();
    let numbers = version.rsplit('v').next().unwrap_or_default();
    let minor = numbers
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok());
    minor.is_some_and(|minor: u32| minor >= 10)
}

/// Returns when a server has its streams.
pub(crate) async fn wait_for(url: &str) {
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
    let context = async_nats::jetstream::new(client);
    context.query_account().await.is_ok()
}
