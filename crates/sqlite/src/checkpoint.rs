//! Moves what is in the write-ahead log into the database, beside the writer.

use std::{
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    thread,
};

use rusqlite::Connection;
use tower_nylas::inbox::engine::Failure;

use crate::{inbox::Ended, location::Location, session::connect};

/// After about so much in the log, the database catches up: 2,700 small notifications, or 32 MiB of
/// large ones. With ten times as many, one request in a hundred waits for twice as long.
const MOST_PAGES: usize = 8 << 10;

/// What transactions add to the log, roughly, in pages of 4 KiB: in the same pages as others, or in
/// pages of their own.
pub(crate) const PAGES_OF_ORDER: usize = 1;

/// The same for a transaction that prunes or indexes as much as one may.
pub(crate) const PAGES_OF_UPKEEP: usize = 512;

/// The same for an append with a content of this length.
pub(crate) fn pages_of_append(length: usize) -> usize {
    3 + length / (4 << 10)
}

/// A thread with a connection of its own, and what the writer knows of its work.
///
/// A checkpoint does not hold the writer up. But the log begins anew only at a moment when all of
/// it is in the database; while much is written, only the writer itself can bring that about, by a
/// second checkpoint of the little that has come since.
pub(crate) struct Checkpointer {
    start: SyncSender<()>,
    done: Receiver<()>,
    is_running: bool,
    /// How many pages the writer has written since the last start, roughly.
    pages: usize,
}

impl Checkpointer {
    pub(crate) fn start(location: Location, ended: Ended) -> std::io::Result<Self> {
        let (start, starts) = sync_channel(1);
        let (tell_done, done) = sync_channel(1);
        let name = "nylas-inbox-checkpoint".to_owned();
        thread::Builder::new().name(name).spawn(move || {
            run(&location, &starts, &tell_done);
            drop(ended);
        })?;
        Ok(Self {
            start,
            done,
            is_running: false,
            // What an earlier process has left is moved at once.
            pages: MOST_PAGES,
        })
    }

    /// The writer has written about so many pages.
    pub(crate) fn wrote(&mut self, pages: usize) {
        self.pages = self.pages.saturating_add(pages);
    }

    /// To be called by the writer between two transactions. An error is one of its connection.
    pub(crate) fn step(&mut self, writer: &Connection) -> rusqlite::Result<()> {
        if self.is_running {
            match self.done.try_recv() {
                Ok(()) => {}
                Err(TryRecvError::Empty) => return Ok(()),
                // Without the thread, the writer does it alone.
                Err(TryRecvError::Disconnected) => self.pages = 0,
            }
            self.is_running = false;
            return checkpoint(writer);
        }
        if self.pages >= MOST_PAGES {
            self.pages = 0;
            self.is_running = true;
            let _ = self.start.try_send(());
        }
        Ok(())
    }
}

fn run(location: &Location, starts: &Receiver<()>, done: &SyncSender<()>) {
    let mut connection = None;
    while let Ok(()) = starts.recv() {
        if catch_up(location, &mut connection).is_err() {
            connection = None;
        }
        if done.send(()).is_err() {
            break;
        }
    }
}

fn catch_up(location: &Location, connection: &mut Option<Connection>) -> Result<(), Failure> {
    let connection = match connection {
        Some(connection) => connection,
        closed => closed.insert(connect(location).map_err(Failure::new)?),
    };
    checkpoint(connection).map_err(Failure::new)
}

/// Moves as much as there is, without waiting for anybody.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    let mut pragma = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    pragma.query_row([], |_| Ok(()))
}
