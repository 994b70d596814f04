//! A server of PostgreSQL that a test has for itself.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::MetadataExt, fs::chown, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio_postgres::{Client, NoTls};

/// A URL of a server with a superuser, instead of those that the tests start.
const VARIABLE: &str = "TOWER_NYLAS_TEST_POSTGRES";

/// How often a test looks whether a server has started.
const LOOK_EACH: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of `postgres` and `initdb`: on PATH, or where Debian has them.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    let is_there = |folder: &PathBuf| {
        let has = |name| folder.join(name).exists();
        has("initdb") && has("postgres")
    };
    folders.into_iter().find(is_there)
}

/// Whether a test can have a server of its own.
pub(crate) fn can_start() -> bool {
    binaries().is_some()
}

/// Whether there is a server for tests that need none of their own.
pub(crate) fn is_there() -> bool {
    std::env::var_os(VARIABLE).is_some() || can_start()
}

static SHARED: tokio::sync::Mutex<Option<Arc<Server>>> = tokio::sync::Mutex::const_new(None);

/// Ends the server that tests have shared.
pub(crate) fn stop() {
    SHARED.blocking_lock().take();
}

/// A server, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// `None` for one that somebody else has started.
    own: Option<Own>,
    url: String,
}

#[derive(Debug)]
struct Own {
    folder: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// The one of the environment, or else the one of all tests that need none of their own.
    pub(crate) async fn shared() -> Arc<Self> {
        if let Some(server) = &*SHARED.lock().await {
            return server.clone();
        }
        let server = Arc::new(match std::env::var(VARIABLE) {
            Ok(url) => Self { own: None, url },
            Err(_) => Self::start(&[]).await,
        });
        *SHARED.lock().await = Some(server.clone());
        server
    }

    /// With these settings, each `name=value`.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // The path of a socket is bounded, and the target folder may not be the user's.
        let name = format!("tower-nylas-pg-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let user = other_user();
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let mut own = Own {
            folder,
            user,
            port: free_port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
        };
        let data = own.folder.join("data");
        let data = data.to_str().unwrap();
        let initialized = own
            .command("initdb")
            .args(["-D", data, "-U", "tester", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .stdout(Stdio::null())
            .status();
        assert!(initialized.unwrap().success());
        let url = format!("postgres://tester@127.0.0.1:{}/postgres", own.port);
        own.spawn();
        let server = Self {
            own: Some(own),
            url,
        };
        server.wait().await;
        server
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Kills every process of it, which none can notice.
    pub(crate) fn kill(&mut self) {
        self.own.as_mut().expect("it is of the test").kill();
    }

    /// Starts it again on the same data and port.
    pub(crate) async fn restart(&mut self) {
        self.own.as_mut().expect("it is of the test").spawn();
        self.wait().await;
    }

    async fn wait(&self) {
        let started = std::time::Instant::now();
        while self.try_connect().await.is_none() {
            assert!(started.elapsed() < PATIENCE, "the server does not start");
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    /// A connection of a test.
    pub(crate) async fn connect(&self) -> Client {
        self.try_connect().await.expect("the server is there")
    }

    async fn try_connect(&self) -> Option<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }
}

impl Own {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binaries().expect("it was looked for").join(name));
        command.current_dir(&self.folder).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn spawn(&mut self) {
        let mut command = self.command("postgres");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let folder = self.folder.to_str().unwrap();
        let data = self.folder.join("data");
        command
            .arg("-D")
            .arg(data)
            .args([
                "-p",
                &self.port.to_string(),
                "-k",
                folder,
                "-h",
                "127.0.0.1",
            ])
            .stdout(Stdio::null())
            .stderr(log)
            // Its processes end together.
            .process_group(0);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.child = Some(command.spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// PostgreSQL does not run as root.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].into_iter().find_map(|name| {
        let mut lines = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let user = lines.find(|user| user.first() == Some(&name))?;
        Some((user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?))
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
