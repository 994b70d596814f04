//! Ends and prolongs claims.

use rusqlite::{OptionalExtension, Result, params};
use tower_nylas::inbox::{DeadCause, Settlement};

use super::Write;
use crate::{clock::millis, receipt::SqliteReceipt, state};

impl Write<'_> {
    /// How many claims there were with this receipt: 0 or 1, as in what follows.
    pub(crate) fn extend(&self, receipt: &SqliteReceipt) -> Result<usize> {
        let sql = "UPDATE jobs SET at = ?3 WHERE position = ?1 AND token = ?2 AND state = 2";
        let until = self
            .now
            .file
            .saturating_add(millis(self.options.settings.lease));
        let mut update = self.connection.prepare_cached(sql)?;
        update.execute(params![receipt.position, receipt.token, until])
    }

    pub(crate) fn settle(
        &mut self,
        receipt: &SqliteReceipt,
        settlement: &Settlement,
    ) -> Result<usize> {
        if *settlement == Settlement::Done && !self.options.settings.keeps_done() {
            return self.drop_done(receipt);
        }
        if !self.is_held(receipt)? {
            return Ok(0);
        }
        self.note_settlement(receipt.position, settlement)?;
        match settlement {
            Settlement::Done => self.keep_done(receipt.position)?,
            Settlement::Retry { after, failed, why } => {
                let state = if after.is_zero() {
                    state::READY
                } else {
                    state::WAITING
                };
                let at = self.now.file.saturating_add(millis(*after));
                self.put_back(receipt.position, state, at, *failed, why)?;
            }
            Settlement::Dead { cause, why } => self.bury(receipt.position, *cause, why)?,
        }
        Ok(1)
    }

    /// The usual end, in as few steps as there can be.
    fn drop_done(&mut self, receipt: &SqliteReceipt) -> Result<usize> {
        let sql = "DELETE FROM jobs WHERE position = ?1 AND token = ?2 AND state = 2 \
                   RETURNING size, events";
        let mut delete = self.connection.prepare_cached(sql)?;
        let row = delete.query_row(params![receipt.position, receipt.token], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        let Some((size, events)) = row.optional()? else {
            return Ok(0);
        };
        self.forget_body(receipt.position, size, events)?;
        Ok(1)
    }

    fn is_held(&self, receipt: &SqliteReceipt) -> Result<bool> {
        let sql = "SELECT 1 FROM jobs WHERE position = ?1 AND token = ?2 AND state = 2";
        let mut held = self.connection.prepare_cached(sql)?;
        held.exists(params![receipt.position, receipt.token])
    }

    fn keep_done(&mut self, position: i64) -> Result<()> {
        let sql = "UPDATE jobs SET state = 3, at = ?2, token = NULL WHERE position = ?1 \
                   RETURNING size";
        let mut update = self.connection.prepare_cached(sql)?;
        let size: i64 = update.query_row(params![position, self.now.file], |row| row.get(0))?;
        self.meta.done_bytes = self.meta.done_bytes.saturating_add(size);
        Ok(())
    }

    fn put_back(&self, position: i64, state: i64, at: i64, failed: bool, why: &str) -> Result<()> {
        let sql = "UPDATE jobs SET state = ?2, at = ?3, token = NULL, why = ?4, \
                   failures = failures + ?5, \
                   first_failure_ms = iif(?5, coalesce(first_failure_ms, ?6), first_failure_ms) \
                   WHERE position = ?1";
        let mut update = self.connection.prepare_cached(sql)?;
        let parameters = params![position, state, at, why, failed, self.now.file];
        update.execute(parameters).map(drop)
    }

    pub(crate) fn bury(&self, position: i64, cause: DeadCause, why: &str) -> Result<()> {
        let sql = "UPDATE jobs SET state = 4, at = ?2, token = NULL, cause = ?3, why = ?4 \
                   WHERE position = ?1";
        let mut update = self.connection.prepare_cached(sql)?;
        let parameters = params![position, self.now.file, cause.as_str(), why];
        update.execute(parameters).map(drop)
    }
}
