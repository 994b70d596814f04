//! Whether the file may grow.

use rusqlite::{Connection, Result};

use crate::open::Options;

/// What an entry takes beside its content, in bytes, when many are estimated.
const OVERHEAD: u64 = 512;

/// What may be added to the file, in bytes.
///
/// Only appends ask. Everything else makes room in the end, and on a disk that is really full it
/// could not be written either: so appends stop before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room(u64);

impl Room {
    pub(crate) fn of(connection: &Connection, options: &Options) -> Result<Self> {
        let used = used_bytes(connection)?;
        let in_file = options.max_bytes.saturating_sub(used);
        let folder = options
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        // Where it cannot be told, SQLite tells when it is full.
        let on_disk = fs4::available_space(folder).unwrap_or(u64::MAX);
        Ok(Self(
            in_file.min(on_disk.saturating_sub(options.min_free_disk)),
        ))
    }

    /// How much is missing for all of these contents; `None` if nothing is.
    pub(crate) fn lacks(&self, lengths: impl Iterator<Item = usize>) -> Option<u64> {
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
    let largest = options.max_bytes.saturating_sub(OVERHEAD);
    usize::try_from(largest).unwrap_or(usize::MAX)
}

/// What the file uses, without the pages that are free in it.
pub(crate) fn used_bytes(connection: &Connection) -> Result<u64> {
    let number = |sql| -> Result<i64> {
        connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))
    };
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok(u64::try_from(pages * number("PRAGMA page_size")?).unwrap_or(0))
}

fn need(length: usize) -> u64 {
    (length as u64).saturating_add(OVERHEAD)
}
