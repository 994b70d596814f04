//! Stores entries.

use rusqlite::{Result, params};
use tower_nylas::inbox::{AppendError, Appended, Entry};

use super::Write;
use crate::{clock::millis, room::Room};

impl Write<'_> {
    /// Stores the key, the content and the job of an entry.
    ///
    /// The outer error is that of the transaction.
    pub(crate) fn append(
        &mut self,
        entry: &Entry,
        room: &mut Room,
    ) -> Result<std::result::Result<Appended, AppendError>> {
        if !room.take(entry.content().len()) {
            return Ok(if self.is_known(entry)? {
                Ok(Appended::Duplicate)
            } else {
                Err(AppendError::Full)
            });
        }
        let position = self.meta.last_position + 1;
        if !self.insert_key(entry, position)? && !self.replace_old_key(entry, position)? {
            return Ok(Ok(Appended::Duplicate));
        }
        self.meta.last_position = position;
        let size = i64::try_from(entry.content().len()).unwrap_or(i64::MAX);
        self.meta.bytes = self.meta.bytes.saturating_add(size);
        let sql = "INSERT INTO jobs (position, state, at, stored_unix_ms, size, type, grant_id) \
                   VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6)";
        let trigger = entry.trigger();
        self.connection.prepare_cached(sql)?.execute(params![
            position,
            self.now.file,
            self.now.unix,
            size,
            trigger.map(|trigger| trigger.to_string()),
            entry.grant_id(),
        ])?;
        let sql = "INSERT INTO bodies (position, head, content) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(sql)?;
        insert.execute(params![position, entry.head(), &entry.content()[..]])?;
        Ok(Ok(Appended::New))
    }

    fn insert_key(&self, entry: &Entry, position: i64) -> Result<bool> {
        let sql = "INSERT INTO keys (position, key, stored_ms) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (key) DO NOTHING";
        let mut insert = self.connection.prepare_cached(sql)?;
        let inserted = insert.execute(params![position, entry.key().as_bytes(), self.now.file])?;
        Ok(inserted == 1)
    }

    fn is_known(&self, entry: &Entry) -> Result<bool> {
        let sql = "SELECT 1 FROM keys WHERE key = ?1";
        let mut known = self.connection.prepare_cached(sql)?;
        known.exists([entry.key().as_bytes()])
    }

    /// Replaces a key whose window is over and whose entry is gone, as pruning would delete it.
    fn replace_old_key(&self, entry: &Entry, position: i64) -> Result<bool> {
        let sql = "DELETE FROM keys WHERE key = ?1 AND stored_ms <= ?2 \
                   AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.position = keys.position)";
        let mut delete = self.connection.prepare_cached(sql)?;
        let deleted = delete.execute(params![entry.key().as_bytes(), self.end_of_window()])?;
        Ok(deleted == 1 && self.insert_key(entry, position)?)
    }

    /// Keys that were stored until then are forgotten.
    pub(crate) fn end_of_window(&self) -> i64 {
        self.now.file.saturating_sub(millis(self.options.window))
    }
}
