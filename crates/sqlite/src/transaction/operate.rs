//! What an operator does to entries.

use rusqlite::{OptionalExtension, Result, params};
use tower_nylas::inbox::EntryKey;

use super::Write;
use crate::state;

impl Write<'_> {
    /// How many of these were in one of these states, dead or done, and are ready now.
    pub(crate) fn replay(&mut self, keys: &[EntryKey], states: &[i64]) -> Result<usize> {
        let mut replayed = 0;
        for key in keys {
            let Some(position) = self.position(*key)? else {
                continue;
            };
            let Some((state, size)) = self.ended(position)? else {
                continue;
            };
            if !states.contains(&state) {
                continue;
            }
            if state == state::DONE {
                self.meta.done_bytes = self.meta.done_bytes.saturating_sub(size);
            }
            self.note_replay(position)?;
            let sql = "UPDATE jobs SET state = 0, at = ?2, token = NULL, crashes = 0, \
                       failures = 0, first_failure_ms = NULL, cause = NULL WHERE position = ?1";
            let mut update = self.connection.prepare_cached(sql)?;
            replayed += update.execute(params![position, self.now.file])?;
        }
        Ok(replayed)
    }

    /// The state and size of an entry that is done or dead.
    fn ended(&self, position: i64) -> Result<Option<(i64, i64)>> {
        let sql = "SELECT state, size FROM jobs WHERE position = ?1 AND state IN (3, 4)";
        let mut ended = self.connection.prepare_cached(sql)?;
        let row = ended.query_row([position], |row| Ok((row.get(0)?, row.get(1)?)));
        row.optional()
    }

    /// How many of these were dead, and are deleted now.
    pub(crate) fn discard(&mut self, keys: &[EntryKey]) -> Result<usize> {
        let mut discarded = 0;
        for key in keys {
            let Some(position) = self.position(*key)? else {
                continue;
            };
            if matches!(self.ended(position)?, Some((state::DEAD, _))) {
                self.remove(position)?;
                discarded += 1;
            }
        }
        Ok(discarded)
    }

    /// How many of these entries were of the grant and not claimed, and are deleted now.
    pub(crate) fn purge(&mut self, grant_id: &str, positions: &[i64]) -> Result<usize> {
        let sql = "SELECT 1 FROM jobs WHERE position = ?1 AND grant_id = ?2 AND state <> 2";
        let mut purged = 0;
        for position in positions {
            let mut is_purged = self.connection.prepare_cached(sql)?;
            if is_purged.exists(params![position, grant_id])? {
                drop(is_purged);
                self.remove(*position)?;
                purged += 1;
            }
        }
        Ok(purged)
    }
}
