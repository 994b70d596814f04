//! The receivers that are written in Rust.

use std::{
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use axum::Router;
use rusqlite::Connection;
use tokio::task::spawn_blocking;
use tower_nylas::{
    TriggerRouter, VerifiedBody,
    inbox::{EntryKey, MemoryInbox},
    notification::NotificationKey,
};
use tower_nylas_kit::{
    delivery::PATH,
    inbox::load::{self, Error},
};
use tower_nylas_sqlite::SqliteInbox;

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

/// Serves until its input ends.
pub(crate) async fn serve(kind: Kind, folder: &Path) -> Result<(), Error> {
    let handled = Arc::new(AtomicU64::new(0));
    let file = folder.join(FILE);
    let app = match kind {
        Kind::Memory => load::enqueue(MemoryInbox::new().max_bytes(16 << 30))?,
        Kind::Sqlite => load::enqueue(SqliteInbox::builder().max_bytes(1 << 40).open(file).await?)?,
        Kind::Worker => {
            let inbox = SqliteInbox::builder().max_bytes(1 << 40).open(file).await?;
            load::work(inbox.clone(), &handled);
            load::enqueue(inbox)?
        }
        Kind::Transaction => transactions(&file)?,
    };
    load::serve(app, handled).await
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
    Ok(Router::new().route_service(PATH, load::webhook()?.layer(triggers)))
}
