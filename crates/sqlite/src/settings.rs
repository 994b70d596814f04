//! The settings of a connection, each read again after it was written.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, Result};

use crate::error::OpenError;

/// How long a connection waits for another process that writes: less than a caller of the inbox.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// What stays of the write-ahead log when it begins anew, in bytes.
pub(crate) const LOG_LIMIT: i64 = 64 << 20;

/// Of a new file. Three small notifications share a page; of half its size, each would need one for
/// itself.
pub(crate) const PAGE_BYTES: usize = 8 << 10;

/// In KiB of memory.
const CACHE_KIB: i64 = 16 << 10;

/// Of a connection, beside the mode of the log, which is the file's.
const WANTED: [(&str, i64); 9] = [
    ("synchronous", FULL),
    // macOS keeps synced bytes in the disk's own memory otherwise.
    ("fullfsync", 1),
    ("checkpoint_fullfsync", 1),
    // Checkpoints are made beside the writer.
    ("wal_autocheckpoint", 0),
    ("journal_size_limit", LOG_LIMIT),
    ("cache_size", -CACHE_KIB),
    // An error of the disk would end the process.
    ("mmap_size", 0),
    ("foreign_keys", 0),
    ("trusted_schema", 0),
];

const NORMAL: i64 = 1;
const FULL: i64 = 2;

/// How durable a transaction is when it is committed; a new connection has the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It survives the death of the process. A power cut can undo it, together with whatever came
    /// after it.
    Process,
    /// It survives a power cut.
    Disk,
}

impl Durability {
    pub(crate) fn set(self, connection: &Connection) -> Result<()> {
        let level = match self {
            Self::Process => NORMAL,
            Self::Disk => FULL,
        };
        connection.pragma_update(None, "synchronous", level)
    }
}

/// Makes the file one with a write-ahead log, and applies all settings.
pub(crate) fn apply(connection: &Connection, path: &Path) -> std::result::Result<(), OpenError> {
    let of = |why| OpenError::of(path, why);
    connection.busy_timeout(PATIENCE).map_err(of)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Of a new file; another has its own.
    let size = connection.pragma_update(None, "page_size", i64::try_from(PAGE_BYTES).unwrap_or(0));
    size.map_err(of)?;
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
    verify("journal_mode", "wal", &mode.map_err(of)?)?;
    for (name, wanted) in WANTED {
        // Some answer with a row, and some do not.
        let written = connection.pragma_update_and_check(None, name, wanted, |_| Ok(()));
        if let Err(why) = written
            && why != rusqlite::Error::QueryReturnedNoRows
        {
            return Err(of(why));
        }
        // A file system without mapping has no such setting.
        let found = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        match found {
            Err(rusqlite::Error::QueryReturnedNoRows) if wanted == 0 => {}
            found => verify(name, &wanted.to_string(), &found.map_err(of)?.to_string())?,
        }
    }
    Ok(())
}

fn verify(name: &'static str, wanted: &str, found: &str) -> std::result::Result<(), OpenError> {
    if wanted == found {
        return Ok(());
    }
    Err(OpenError::Setting {
        name,
        wanted: wanted.to_owned(),
        found: found.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_does_not_accept_is_an_error() {
        // In memory there is no write-ahead log.
        let connection = Connection::open_in_memory().unwrap();
        let error = apply(&connection, Path::new("inbox.db")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SQLite's setting journal_mode is memory, and has to be wal"
        );
    }

    #[test]
    fn a_level_that_is_set_is_the_level_of_the_connection() {
        let connection = Connection::open_in_memory().unwrap();
        for (durability, level) in [(Durability::Process, NORMAL), (Durability::Disk, FULL)] {
            durability.set(&connection).unwrap();
            let read = connection.pragma_query_value(None, "synchronous", |row| row.get(0));
            assert_eq!(read, Ok(level));
        }
    }
}
