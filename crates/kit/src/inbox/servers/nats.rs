//! Servers of NATS.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::{Scratch, find, free_port};

/// When a server syncs what it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Every two minutes, as by default.
    Interval,
    /// Before it acknowledges, where the server has that setting: 2.10 and later.
    Always,
}

impl Sync {
    /// The setting that a server has.
    pub fn setting(self) -> &'static str {
        if self.is_set() {
            "sync_interval: always"
        } else {
            "sync_interval: 2m"
        }
    }

    fn is_set(self) -> bool {
        self == Self::Always && has_sync_always()
    }
}

/// A server with JetStream, which is killed when this is dropped.
#[derive(Debug)]
pub struct NatsServer {
    port: u16,
    child: Option<Child>,
    scratch: Scratch,
}

impl NatsServer {
    /// Whether there is a program.
    pub fn can_start() -> bool {
        binary().is_some()
    }

    /// Alone, on a free port.
    pub fn start(sync: Sync) -> Self {
        Self::start_with(free_port(), sync, "")
    }

    /// Alone, with these lines in its configuration as well.
    pub fn start_configured(lines: &str) -> Self {
        Self::start_with(free_port(), Sync::Interval, lines)
    }

    /// Several that know each other.
    pub fn start_cluster(nodes: usize, sync: Sync) -> Vec<Self> {
        let ports: Vec<(u16, u16)> = (0..nodes).map(|_| (free_port(), free_port())).collect();
        let routes: Vec<String> = ports
            .iter()
            .map(|(_, route)| format!("nats://127.0.0.1:{route}"))
            .collect();
        let nodes = ports.iter().map(|(port, route)| {
            let routes = routes.join(", ");
            let lines =
                format!("cluster {{ name: test, listen: 127.0.0.1:{route}, routes: [{routes}] }}");
            Self::start_with(*port, sync, &lines)
        });
        nodes.collect()
    }

    fn start_with(port: u16, sync: Sync, lines: &str) -> Self {
        let scratch = Scratch::new_of_system();
        // Before 2.10 there is no such setting.
        let sync = if sync.is_set() { sync.setting() } else { "" };
        let store = scratch.path("store");
        let store = store.display();
        let text = format!(
            "listen: 127.0.0.1:{port}\n\
             server_name: s{port}\n\
             jetstream {{\n\
             store_dir: \"{store}\", max_file_store: 1TB, max_memory_store: 64MB\n\
             {sync}\n\
             }}\n\
             {lines}\n"
        );
        fs::write(scratch.path("server.conf"), text).unwrap();
        let mut server = Self {
            port,
            child: None,
            scratch,
        };
        server.restart();
        server
    }

    /// Its URL with what stands before the host: a user and a password, or a token.
    pub fn url_of(&self, login: &str) -> String {
        format!("nats://{login}@127.0.0.1:{}", self.port)
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where it stores its streams.
    pub fn store(&self) -> PathBuf {
        self.scratch.path("store")
    }

    /// Kills it, which it cannot notice.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Lets it end by itself, as a service is stopped.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Makes it silent, with its connections open, as a host is whose network has failed.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args([signal, &pid]).status();
        }
    }

    /// Starts it again with the same data and port.
    pub fn restart(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.scratch.path("log"));
        let child = Command::new(binary().expect("it was looked for"))
            .arg("-c")
            .arg(self.scratch.path("server.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn();
        self.child = Some(child.unwrap());
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The version of the program, as it names it.
pub fn nats_version() -> String {
    let output = Command::new(binary().expect("it was looked for"))
        .arg("--version")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn has_sync_always() -> bool {
    let version = nats_version();
    let numbers = version.rsplit('v').next().unwrap_or_default();
    let minor = numbers
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok());
    minor.is_some_and(|minor: u32| minor >= 10)
}

fn binary() -> Option<PathBuf> {
    let others = ["/usr/sbin".into(), "/usr/local/sbin".into()];
    find(&["nats-server"], &others).map(|folder| folder.join("nats-server"))
}
