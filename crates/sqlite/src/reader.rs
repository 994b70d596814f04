//! The thread that reads, beside the writer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
    thread,
};

use rusqlite::{Connection, Result};
use tokio::sync::{mpsc, oneshot};
use tower_nylas::{
    BoxError,
    inbox::{EntryKey, engine::Failure},
};

use crate::{inbox::Ended, location::Location, session::connect, transaction::RecentKeys};

/// How many reads may wait.
const MOST_WAITING: usize = 64;

type Read = Box<dyn FnOnce(std::result::Result<&mut Opened, Failure>) -> bool + Send>;

/// A connection, and where the keys are that are in no index: to look through them for each key
/// that is asked for would take milliseconds.
struct Opened {
    connection: Connection,
    recent: RecentKeys,
}

/// What a read sees.
pub(crate) struct Snapshot<'a> {
    pub(crate) connection: &'a Connection,
    recent: &'a mut RecentKeys,
}

impl Snapshot<'_> {
    /// The place of a key.
    pub(crate) fn position(&mut self, key: EntryKey) -> Result<Option<i64>> {
        let sql = "SELECT indexed_position, last_position FROM meta";
        let mut select = self.connection.prepare_cached(sql)?;
        let (indexed, last) = select.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.recent.follow(self.connection, indexed, last)?;
        self.recent.find(self.connection, key)
    }
}

/// Runs one read after the other, each in a snapshot of its own, which ends with it: a long one
/// would keep the log from beginning anew.
pub(crate) struct Reader(Mutex<Option<mpsc::Sender<Read>>>);

impl Reader {
    pub(crate) fn start(location: Location, ended: Ended) -> std::io::Result<Self> {
        let (sender, mut reads) = mpsc::channel::<Read>(MOST_WAITING);
        let name = "nylas-inbox-read".to_owned();
        thread::Builder::new().name(name).spawn(move || {
            let mut connection = None;
            while let Some(read) = reads.blocking_recv() {
                let opened = match &mut connection {
                    Some(opened) => Ok(opened),
                    None => open(&location).map(|opened| connection.insert(opened)),
                };
                // After a panic, which is a bug here or below, the next read has a new connection.
                let is_ok = catch_unwind(AssertUnwindSafe(|| read(opened)));
                if !is_ok.unwrap_or(false) {
                    connection = None;
                }
            }
            drop(connection);
            drop(ended);
        })?;
        Ok(Self(Mutex::new(Some(sender))))
    }

    /// Ends the thread after the reads that wait.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, BoxError> {
        self.look(|snapshot| read(snapshot.connection)).await
    }

    /// A read that looks for keys.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, BoxError> {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |opened| {
            let result = opened.and_then(|Opened { connection, recent }| {
                let transaction = connection.unchecked_transaction().map_err(Failure::new)?;
                let connection = &*transaction;
                let result = read(&mut Snapshot { connection, recent }).map_err(Failure::new)?;
                transaction.finish().map_err(Failure::new)?;
                Ok(result)
            });
            let is_ok = result.is_ok();
            let _ = reply.send(result);
            is_ok
        });
        let sender = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let sender = sender.ok_or_else(Failure::closed)?;
        sender.send(read).await.map_err(|_| Failure::closed())?;
        let panicked = |_| Failure::new("the thread that reads has panicked");
        Ok(answer.await.map_err(panicked)??)
    }
}

fn open(location: &Location) -> std::result::Result<Opened, Failure> {
    let connection = connect(location).map_err(Failure::new)?;
    connection
        .pragma_update(None, "query_only", 1)
        .map_err(Failure::new)?;
    let recent = RecentKeys::default();
    Ok(Opened { connection, recent })
}
