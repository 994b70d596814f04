//! Whether the file may grow.

use std::fs;

use rusqlite::{Connection, Result};
use tower_nylas::inbox::engine::OVERHEAD;

use crate::{open::Options, session::Session, transaction::Write};

/// What may be added to the file, in bytes.
///
/// Only appends ask. Everything else makes room in the end, and on a disk that is really full it
/// could not be written either: so appends stop before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room(u64);

/// What is free on the disk beyond what appends have to leave; `None` if that is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk(Option<u64>);

impl Disk {
    /// For contents of this length. If there is little room, the write-ahead log gives its own back
    /// first: it takes as much as the entries in it, until it begins anew.
    pub(crate) fn of(session: &Session, options: &Options, length: u64) -> Result<Self> {
        let wanted = options
            .min_free_disk
            .saturating_add(length.saturating_mul(2));
        let mut free = free_disk(session);
        if free < wanted {
            session.truncate_log()?;
            free = free_disk(session);
        }
        Ok(Self(free.checked_sub(options.min_free_disk)))
    }

    /// Whether there is less than appends have to leave, so that the log must not grow.
    pub(crate) fn is_scarce(session: &Session, options: &Options) -> bool {
        free_disk(session) < options.min_free_disk
    }
}

impl Room {
    pub(crate) fn of(write: &Write<'_>, disk: Disk) -> Result<Self> {
        let file = Pages::of(write.connection)?;
        let in_file = write
            .options
            .settings
            .max_bytes
            .saturating_sub(file.all - file.free);
        // What is free in the file needs nothing of the disk.
        let on_disk = disk.0.map_or(0, |free| free.saturating_add(file.free));
        Ok(Self(in_file.min(on_disk)))
    }

    /// How much is missing for all of these contents; `None` if nothing is.
    pub(crate) fn lacks(self, lengths: impl Iterator<Item = usize>) -> Option<u64> {
        let needed = lengths.map(need).fold(0, u64::saturating_add);
        needed.checked_sub(self.0).filter(|lacking| *lacking > 0)
    }

    /// Takes the room of a content, if there is enough.
    pub(crate) fn take(&mut self, length: usize) -> bool {
        let left = self.0.checked_sub(need(length));
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// What contents may be at most.
pub(crate) fn largest_content(options: &Options) -> usize {
    let largest = options.settings.max_bytes.saturating_sub(OVERHEAD);
    usize::try_from(largest).unwrap_or(usize::MAX)
}

fn need(length: usize) -> u64 {
    (length as u64).saturating_add(OVERHEAD)
}

/// What is free on the disk, without what the file will take of it when all of the log is in it.
/// Where it cannot be told, SQLite tells when the disk is full.
fn free_disk(session: &Session) -> u64 {
    let path = session.location().path();
    let Ok(free) = fs4::available_space(path.parent().unwrap_or(path)) else {
        return u64::MAX;
    };
    let all = Pages::of(&session.connection).map_or(0, |file| file.all);
    let written = fs::metadata(path).map_or(all, |file| file.len());
    free.saturating_sub(all.saturating_sub(written))
}

/// The pages of the file, in bytes.
struct Pages {
    all: u64,
    free: u64,
}

impl Pages {
    fn of(connection: &Connection) -> Result<Self> {
        let number = |sql| -> Result<u64> {
            let number = connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get::<_, i64>(0));
            Ok(u64::try_from(number?).unwrap_or(0))
        };
        let size = number("PRAGMA page_size")?;
        let all = number("PRAGMA page_count")?.saturating_mul(size);
        let free = number("PRAGMA freelist_count")?.saturating_mul(size);
        Ok(Self {
            all,
            free: free.min(all),
        })
    }
}
