//! The receivers that are written in Rust.

use std::{
    fs,
    io::Read,
    path::Path,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{Router, routing::get};
use rusqlite::Connection;
use tokio::{net::TcpListener, task::spawn_blocking};
use tower_nylas::{
    Secrets, TriggerRouter, VerifiedBody, WebhookLayer,
    inbox::{Enqueue, EntryKey, Inbox, MemoryInbox, Worker},
    notification::NotificationKey,
};
use tower_nylas_kit::delivery::{PATH, SECRET};
use tower_nylas_sqlite::SqliteInbox;

use crate::Error;

/// How many entries the worker handles at a time.
const CONCURRENCY: usize = 256;

/// How a receiver keeps what it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In memory, which is not durable.
    Memory,
    /// In a file.
    Sqlite,
    /// In a file, and a worker handles it at the same time.
    Worker,
    /// In a file, each request in a transaction of its own.
    Transaction,
}

const NAMES: [(&str, Kind); 4] = [
    ("memory", Kind::Memory),
    ("sqlite", Kind::Sqlite),
    ("worker", Kind::Worker),
    ("transaction", Kind::Transaction),
];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        let name = NAMES.iter().find(|(_, kind)| *kind == self);
        name.map_or("", |(name, _)| name)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = NAMES.iter().find(|(name, _)| *name == text);
        kind.map(|(_, kind)| *kind)
            .ok_or(format!("there is no receiver {text}"))
    }
}

/// Where the file of a receiver is in its folder.
pub(crate) const FILE: &str = "inbox.db";

/// Serves until its input ends, as it does when the bench has ended.
pub(crate) async fn serve(kind: Kind, folder: &Path) -> Result<(), Error> {
    let handled = Arc::new(AtomicU64::new(0));
    let file = folder.join(FILE);
    let app = match kind {
        Kind::Memory => enqueue(MemoryInbox::new().max_bytes(16 << 30))?,
        Kind::Sqlite => enqueue(SqliteInbox::builder().max_bytes(1 << 40).open(file).await?)?,
        Kind::Worker => {
            let inbox = SqliteInbox::builder().max_bytes(1 << 40).open(file).await?;
            let count = handled.clone();
            let triggers = TriggerRouter::new().fallback(move |_: VerifiedBody| {
                count.fetch_add(1, Relaxed);
                std::future::ready(())
            });
            let worker = Worker::new(inbox.clone(), triggers).concurrency(CONCURRENCY);
            tokio::spawn(worker.run_until(std::future::pending()));
            enqueue(inbox)?
        }
        Kind::Transaction => transactions(&file)?,
    };
    let figures = move || {
        let figures = format!("{} {}", handled.load(Relaxed), resident_kib());
        std::future::ready(figures)
    };
    let app = app.route("/figures", get(figures));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

fn webhook() -> Result<WebhookLayer, Error> {
    Ok(WebhookLayer::new(Secrets::new(SECRET)?))
}

fn enqueue(inbox: impl Inbox) -> Result<Router, Error> {
    Ok(Router::new().route_service(PATH, webhook()?.layer(Enqueue::new(inbox))))
}

/// What one writes first: the handler stores the notification, and commits.
fn transactions(file: &Path) -> Result<Router, Error> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = wal;
         PRAGMA synchronous = full;
         CREATE TABLE inbox (id BLOB PRIMARY KEY, body BLOB NOT NULL);",
    )?;
    let connection = Arc::new(Mutex::new(connection));
    let triggers = TriggerRouter::new().fallback(move |body: VerifiedBody| {
        let connection = connection.clone();
        async move {
            let id = NotificationKey::of(&body).map(EntryKey::from);
            let stored = spawn_blocking(move || {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let sql = "INSERT OR IGNORE INTO inbox VALUES (?1, ?2)";
                let id = id.as_ref().map(|id| &id.as_bytes()[..]);
                let mut insert = connection.prepare_cached(sql)?;
                insert.execute(rusqlite::params![id, &body.bytes()[..]])
            });
            stored.await?.map(drop).map_err(Error::from)
        }
    });
    Ok(Router::new().route_service(PATH, webhook()?.layer(triggers)))
}

/// Linux tells it; elsewhere it is 0.
pub(crate) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    number.unwrap_or(0)
}
