//! Deletes entries.

use rusqlite::{OptionalExtension, Result};

use super::Write;
use crate::state;

impl Write<'_> {
    /// Deletes an entry in whatever state it is. Its key stays.
    pub(crate) fn remove(&mut self, position: i64) -> Result<()> {
        let sql = "DELETE FROM jobs WHERE position = ?1 RETURNING size, state, events";
        let mut delete = self.connection.prepare_cached(sql)?;
        let removed: Option<(i64, i64, i64)> = delete
            .query_row([position], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((size, state, events)) = removed else {
            return Ok(());
        };
        self.forget_body(position, size, events)?;
        if state == state::DONE {
            self.meta.done_bytes = self.meta.done_bytes.saturating_sub(size);
        }
        Ok(())
    }

    /// Deletes what belongs to a job that is deleted.
    pub(crate) fn forget_body(&mut self, position: i64, size: i64, events: i64) -> Result<()> {
        self.meta.bytes = self.meta.bytes.saturating_sub(size);
        let sql = "DELETE FROM bodies WHERE position = ?1";
        self.connection.prepare_cached(sql)?.execute([position])?;
        if events > 0 {
            let sql = "DELETE FROM history WHERE position = ?1";
            self.connection.prepare_cached(sql)?.execute([position])?;
        }
        Ok(())
    }
}
