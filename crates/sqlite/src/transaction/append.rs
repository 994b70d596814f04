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
        let key = entry.key();
        let known = self.position(key)?;
        if let Some(known) = known
            && !self.is_forgotten(known)?
        {
            return Ok(Ok(Appended::Duplicate));
        }
        if !room.take(entry.content().len()) {
            return Ok(Err(AppendError::Full));
        }
        if let Some(forgotten) = known {
            self.delete_key(forgotten)?;
        }
        let position = self.meta.last_position + 1;
        self.insert_key(key, position)?;
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

    /// Whether the window of a key is over and its entry gone, so that pruning would delete it.
    fn is_forgotten(&self, position: i64) -> Result<bool> {
        let sql = "SELECT 1 FROM keys WHERE position = ?1 AND stored_ms <= ?2 \
                   AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.position = keys.position)";
        let mut forgotten = self.connection.prepare_cached(sql)?;
        forgotten.exists(params![position, self.end_of_window()])
    }

    /// Keys that were stored until then are forgotten.
    pub(crate) fn end_of_window(&self) -> i64 {
        self.now
            .file
            .saturating_sub(millis(self.options.settings.window))
    }
}
