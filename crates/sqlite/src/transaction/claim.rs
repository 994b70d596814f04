//! Claims entries.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, params};
use tower_nylas::inbox::{Claimed, DeadCause, Entry, EntryKey};

use super::Write;
use crate::{
    clock::{duration, millis},
    receipt::SqliteReceipt,
    state,
};

/// How many contents a claim brings at most, in bytes, however many entries are asked for. One it
/// always brings.
const MOST_BYTES: i64 = 32 << 20;

/// How many waiting entries become ready at a time, so that no transaction takes long.
const MOST_WOKEN: i64 = 256;

/// Whether anything is due, without a transaction that writes.
pub(crate) fn is_any_due(connection: &Connection, now: i64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 0) \
               OR EXISTS (SELECT 1 FROM jobs WHERE state IN (1, 2) AND at <= ?1)";
    connection
        .prepare_cached(sql)?
        .query_row([now], |row| row.get(0))
}

/// A job that is due.
struct Due {
    position: i64,
    size: i64,
    /// Its last claim has ended without a settlement.
    crashed: bool,
}

impl Write<'_> {
    /// Claims up to `max` entries: first those whose leases have ended, then those that have been
    /// due for longest.
    pub(crate) fn claim(&mut self, max: usize) -> Result<Vec<Claimed<SqliteReceipt>>> {
        self.wake()?;
        let mut claimed = Vec::new();
        let mut bytes = 0;
        loop {
            let due = self.due(max - claimed.len())?;
            if due.is_empty() {
                return Ok(claimed);
            }
            for due in due {
                bytes += due.size;
                if bytes > MOST_BYTES && !claimed.is_empty() {
                    return Ok(claimed);
                }
                claimed.extend(self.claim_one(&due)?);
            }
        }
    }

    /// What waits no longer is ready, and remains it whatever clocks say later.
    fn wake(&self) -> Result<()> {
        let sql = "UPDATE jobs SET state = 0 WHERE position IN (SELECT position FROM jobs \
                   WHERE state = 1 AND at <= ?1 ORDER BY at LIMIT ?2)";
        let mut update = self.connection.prepare_cached(sql)?;
        update.execute(params![self.now.file, MOST_WOKEN]).map(drop)
    }

    fn due(&self, max: usize) -> Result<Vec<Due>> {
        let mut due = Vec::new();
        for (state, until) in [(state::CLAIMED, self.now.file), (state::READY, i64::MAX)] {
            let crashed = state == state::CLAIMED;
            let oldest = self.oldest(state, until, max - due.len())?;
            due.extend(oldest.into_iter().map(|(position, size)| Due {
                position,
                size,
                crashed,
            }));
        }
        Ok(due)
    }

    /// Nothing if it cannot be decoded: then it is dead.
    fn claim_one(&mut self, due: &Due) -> Result<Option<Claimed<SqliteReceipt>>> {
        if due.crashed {
            self.note_crash(due.position)?;
        }
        let lease = self.options.settings.lease;
        let sql = "UPDATE jobs SET state = 2, at = ?2, token = random(), claimed_unix_ms = ?3, \
                   crashes = crashes + ?4 WHERE position = ?1 \
                   RETURNING token, crashes, failures, first_failure_ms";
        let mut update = self.connection.prepare_cached(sql)?;
        let until = self.now.file.saturating_add(millis(lease));
        let parameters = params![due.position, until, self.now.unix, i64::from(due.crashed)];
        let (token, crashes, failures, first_failure) = update.query_row(parameters, |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get::<_, Option<i64>>(3)?,
            ))
        })?;
        match entry(self.connection, due.position)? {
            Ok(entry) => {
                let receipt = SqliteReceipt {
                    position: due.position,
                    token,
                };
                let failing_for = first_failure.map_or(0, |at| self.now.file.saturating_sub(at));
                let claimed = Claimed::new(entry, receipt, lease)
                    .crashed(crashes)
                    .failed(failures, duration(failing_for));
                Ok(Some(claimed))
            }
            Err(why) => {
                self.bury(due.position, DeadCause::Undecodable, &why)?;
                Ok(None)
            }
        }
    }
}

/// The entry at a place, or why there is none that can be read.
pub(crate) fn entry(
    connection: &Connection,
    position: i64,
) -> Result<std::result::Result<Entry, String>> {
    let sql = "SELECT keys.key, bodies.head, bodies.content FROM keys JOIN bodies \
               USING (position) WHERE position = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row([position], |row| {
        let head: Vec<u8> = row.get(1)?;
        let content: Vec<u8> = row.get(2)?;
        Ok((row.get(0)?, head, Bytes::from(content)))
    });
    let Some((key, head, content)) = found.optional()? else {
        return Ok(Err("a row of it is missing".to_owned()));
    };
    let entry = Entry::restore(EntryKey::from_bytes(key), &head, content);
    Ok(entry.map_err(|why| why.to_string()))
}
