//! The tables, and their versions.

use rusqlite::{Connection, Result, params};

use crate::{clock::Now, error::OpenError};

/// "nyin", in the header of the file (`PRAGMA application_id`).
const APPLICATION: i64 = 0x6e79_696e;

/// Each brings a schema of the version before it to its own, which is its place in here, from 1 on
/// (`PRAGMA user_version`). What stands here is never changed, only added to, and only in such a
/// way that the version before can go on with the file.
const MIGRATIONS: [&str; 2] = [include_str!("1.sql"), include_str!("2.sql")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No table at all.
    Empty,
    /// Of this crate, with this version.
    Inbox(usize),
}

/// Whose file it is. Reads only.
pub(crate) fn identify(
    connection: &Connection,
    path: &std::path::Path,
) -> std::result::Result<Found, OpenError> {
    // In one statement, and so of one moment: another process may be creating the tables.
    let sql = "SELECT (SELECT application_id FROM pragma_application_id), \
               (SELECT user_version FROM pragma_user_version), \
               (SELECT count(*) FROM sqlite_schema)";
    let read = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (application, version, tables): (i64, i64, i64) =
        read.map_err(|why| OpenError::of(path, why))?;
    match (application, usize::try_from(version)) {
        (0, Ok(0)) if tables == 0 => Ok(Found::Empty),
        (APPLICATION, Ok(version)) if version > MIGRATIONS.len() => Err(OpenError::Newer {
            found: i64::try_from(version).unwrap_or(i64::MAX),
            known: i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
        }),
        (APPLICATION, Ok(version)) => Ok(Found::Inbox(version)),
        _ => Err(OpenError::Foreign(path.to_owned())),
    }
}

/// Brings the schema to the latest version, inside the caller's transaction.
pub(crate) fn migrate(connection: &Connection, found: Found, now: Now) -> Result<()> {
    let version = match found {
        Found::Empty => 0,
        Found::Inbox(version) => version,
    };
    for (before, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        connection.execute_batch(migration)?;
        connection.pragma_update(None, "user_version", i64::try_from(before + 1).unwrap_or(0))?;
    }
    if found == Found::Empty {
        connection.pragma_update(None, "application_id", APPLICATION)?;
        let sql = "INSERT INTO meta (one, file_ms, unix_ms) VALUES (1, ?1, ?2)";
        connection.execute(sql, params![now.file, now.unix])?;
    }
    Ok(())
}
