//! A server of PostgreSQL that a test has for itself.

use std::{
    fs,
    net::SocketAddr,
    os::unix::{fs::MetadataExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio_postgres::{Client, NoTls};
use tower_nylas_kit::inbox::{Scratch, find, free_port};

/// A URL of a server with a superuser, instead of those that the tests start.
const VARIABLE: &str = "TOWER_NYLAS_TEST_POSTGRES";

/// How often a test looks whether a server has started.
const LOOK_EACH: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of `postgres` and `initdb`, also where Debian has them.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    find(&["initdb", "postgres"], &folders.collect::<Vec<_>>())
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

/// Ends the server that tests have shared, or deletes their database.
pub(crate) fn stop() {
    let Some(server) = SHARED.blocking_lock().take() else {
        return;
    };
    if let (None, Ok(url)) = (&server.own, std::env::var(VARIABLE)) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", database());
        let delete = async { Server::connect_to(&url).await.batch_execute(&sql).await };
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(delete)
            .unwrap();
    }
}

/// The name of a database for these tests alone.
fn database() -> String {
    format!("tower_nylas_{}", std::process::id())
}

/// A server, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// `None` for one that somebody else has started.
    pub(crate) own: Option<Own>,
    url: String,
}

#[derive(Debug)]
pub(crate) struct Own {
    /// Dropped when the server has ended.
    pub(crate) scratch: Scratch,
    pub(crate) user: Option<(u32, u32)>,
    pub(crate) port: u16,
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
            Ok(url) => Self::with_database(&url).await,
            Err(_) => Self::start(&[]).await,
        });
        *SHARED.lock().await = Some(server.clone());
        server
    }

    /// A database of its own, on a server that somebody else has started.
    async fn with_database(url: &str) -> Self {
        let sql = format!(
            "CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0",
            database()
        );
        let client = Self::connect_to(url).await;
        client.batch_execute(&sql).await.unwrap();
        let (before, after) = url.rsplit_once('/').expect("it ends with a database");
        let options = after.find('?').map_or("", |at| &after[at..]);
        Self {
            own: None,
            url: format!("{before}/{}{options}", database()),
        }
    }

    /// With these settings, each `name=value`.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        Self::start_with(settings, |_, _| {}).await
    }

    /// And with files in its folder, each of which `own` gives to its user.
    pub(crate) async fn start_with(
        settings: &[&str],
        add_files: impl FnOnce(&Path, &dyn Fn(&Path)),
    ) -> Self {
        let scratch = Scratch::new_of_system();
        let user = other_user();
        let own = |path: &Path| {
            if let Some((user, group)) = user {
                chown(path, Some(user), Some(group)).unwrap();
            }
        };
        own(scratch.folder());
        add_files(scratch.folder(), &own);
        let mut own = Own {
            scratch,
            user,
            port: free_port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
        };
        let data = own.scratch.path("data");
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
        Self::wait_for(&server.url).await;
        server
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Of one that the test has started.
    pub(crate) fn address(&self) -> SocketAddr {
        let own = self.own.as_ref().expect("it is of the test");
        ([127, 0, 0, 1], own.port).into()
    }

    /// Kills every process of it, which none can notice.
    pub(crate) fn kill(&mut self) {
        self.own.as_mut().expect("it is of the test").kill();
    }

    /// Starts it again on the same data and port.
    pub(crate) async fn restart(&mut self) {
        let own = self.own.as_mut().expect("it is of the test");
        own.spawn();
        let started = std::time::Instant::now();
        while Self::try_connect(&self.url).await.is_none() {
            assert!(started.elapsed() < PATIENCE, "the server does not start");
            if own.has_ended() {
                own.spawn();
            }
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    pub(crate) async fn wait_for(url: &str) {
        let started = std::time::Instant::now();
        while Self::try_connect(url).await.is_none() {
            assert!(started.elapsed() < PATIENCE, "the server does not start");
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    /// A connection of a test.
    pub(crate) async fn connect(&self) -> Client {
        Self::connect_to(&self.url).await
    }

    async fn connect_to(url: &str) -> Client {
        let client = Self::try_connect(url).await;
        client.expect("the server is there")
    }

    /// Changes a setting of the server.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        let client = self.connect().await;
        let sql = format!("ALTER SYSTEM SET {name} = '{value}'");
        client.batch_execute(&sql).await.unwrap();
        let reload = "SELECT pg_reload_conf()";
        client.batch_execute(reload).await.unwrap();
        self.wait_until(&format!("SELECT current_setting('{name}') = '{value}'"))
            .await;
    }

    /// Until this is true.
    pub(crate) async fn wait_until(&self, sql: &str) {
        let client = self.connect().await;
        let started = std::time::Instant::now();
        while !client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(started.elapsed() < PATIENCE, "it is not true: {sql}");
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.connect().await.batch_execute(sql).await.unwrap();
    }

    /// A number that a statement returns.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let row = self.connect().await.query_one(sql, &[]).await;
        row.unwrap().get(0)
    }

    pub(crate) async fn try_connect(url: &str) -> Option<Client> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }
}

impl Own {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binaries().expect("it was looked for").join(name));
        command
            .current_dir(self.scratch.folder())
            .stdin(Stdio::null());
        Self::as_user(&mut command, self.user);
        command
    }

    pub(crate) fn as_user(command: &mut Command, user: Option<(u32, u32)>) {
        if let Some((user, group)) = user {
            command.uid(user).gid(group);
        }
    }

    fn spawn(&mut self) {
        let mut command = self.command("postgres");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.scratch.path("log"))
            .unwrap();
        let folder = self.scratch.folder().to_str().unwrap();
        let data = self.scratch.path("data");
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
            .stderr(log);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.child = Some(command.spawn().unwrap());
    }

    /// All processes, the first one first, or it would start others.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill")
                .args(["-KILL", &child.id().to_string()])
                .args(children_of(child.id()))
                // Some may have ended in between.
                .stderr(Stdio::null())
                .status();
            let _ = child.wait();
        }
    }

    /// Whether it has ended by itself, as it does while processes of its predecessor are ending.
    fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Each connection has a process, in a group of its own.
fn children_of(parent: u32) -> Vec<String> {
    let is_child = |name: &String| {
        let stat = fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
        // Behind the name, which can contain anything: the state, and the parent.
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        behind.split_whitespace().nth(1) == Some(&*parent.to_string())
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = names.filter(|name| name.parse::<u32>().is_ok());
    numbers.filter(is_child).collect()
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
