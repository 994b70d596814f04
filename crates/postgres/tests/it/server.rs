//! A server of PostgreSQL that a test has for itself.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_postgres::{Client, NoTls};
use tower_nylas_kit::inbox::servers::PostgresServer;

/// A URL of a server with a superuser, instead of those that the tests start.
const VARIABLE: &str = "TOWER_NYLAS_TEST_POSTGRES";

/// How often a test looks whether a server has started.
const LOOK_EACH: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a test can have a server of its own.
pub(crate) fn can_start() -> bool {
    PostgresServer::can_start()
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

#[derive(Debug)]
pub(crate) struct Server {
    /// `None` for one that somebody else has started.
    pub(crate) own: Option<PostgresServer>,
    url: String,
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
        let own = PostgresServer::start_with(settings, add_files);
        let url = own.url();
        Self::wait_for(&url).await;
        Self {
            own: Some(own),
            url,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn own(&mut self) -> &mut PostgresServer {
        self.own.as_mut().expect("it is of the test")
    }

    /// Of one that the test has started.
    pub(crate) fn address(&self) -> SocketAddr {
        let own = self.own.as_ref().expect("it is of the test");
        ([127, 0, 0, 1], own.port()).into()
    }

    /// Kills every process of it, which none can notice.
    pub(crate) fn kill(&mut self) {
        self.own().kill();
    }

    /// Starts it again on the same data and port.
    pub(crate) async fn restart(&mut self) {
        self.own().restart();
        let started = Instant::now();
        while Self::try_connect(&self.url).await.is_none() {
            assert!(started.elapsed() < PATIENCE, "the server does not start");
            if self.own().has_ended() {
                self.own().restart();
            }
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    pub(crate) async fn wait_for(url: &str) {
        let started = Instant::now();
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
