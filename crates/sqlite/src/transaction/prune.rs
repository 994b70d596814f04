//! Deletes what need not be kept any more, a little at a time.

use std::time::{Duration, Instant};

use rusqlite::{Result, params};

use super::{Write, as_limit};
use crate::{clock::millis, state};

/// How long a transaction that prunes deletes.
const LONGEST: Duration = Duration::from_millis(8);

/// How many rows it looks at, of each kind, and how much it deletes of contents, in bytes.
const MOST_ROWS: usize = 256;
const MOST_BYTES: i64 = 4 << 20;

/// How long after a look at all keys from the first one on the next one begins.
const LOOK_AGAIN_AFTER: i64 = 10 * 60 * 1000;

/// Where the keys are looked at next. What is there, such as an old dead entry, keeps its key, so
/// these are passed over, and looked at again later.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cursor {
    position: i64,
    /// When the next look at all of them begins, by the time of the file.
    next_look: i64,
}

/// Whether something is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    Nothing,
    More,
}

impl Left {
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Nothing { other } else { self }
    }
}

impl Write<'_> {
    /// Deletes dead and done entries and keys that are older than is asked for.
    pub(crate) fn prune(&mut self, cursor: &mut Cursor) -> Result<Left> {
        let end = Instant::now() + LONGEST;
        let mut left = Left::Nothing;
        for (state, keep_for) in [
            (state::DONE, self.options.settings.keep_done_for),
            (state::DEAD, self.options.settings.keep_dead_for),
        ] {
            let until = self.now.file.saturating_sub(millis(keep_for));
            if self.prune_state(state, until, end)? == Left::More {
                left = Left::More;
            }
        }
        let most = i64::try_from(self.options.settings.keep_done_bytes).unwrap_or(i64::MAX);
        if self.meta.done_bytes > most && self.prune_done(self.meta.done_bytes - most)? {
            left = Left::More;
        }
        if self.prune_keys(cursor, end)? == Left::More {
            left = Left::More;
        }
        Ok(left)
    }

    fn prune_state(&mut self, state: i64, until: i64, end: Instant) -> Result<Left> {
        let mut bytes = 0;
        let rows = self.oldest(state, until, MOST_ROWS)?;
        let is_more = rows.len() == MOST_ROWS;
        for (position, size) in rows {
            if bytes > MOST_BYTES || Instant::now() >= end {
                return Ok(Left::More);
            }
            bytes += size;
            self.remove(position)?;
        }
        Ok(if is_more { Left::More } else { Left::Nothing })
    }

    /// Makes room by deleting entries that are done and kept, the oldest first. Whether there were
    /// any.
    pub(crate) fn prune_done(&mut self, wanted: i64) -> Result<bool> {
        let mut bytes = 0;
        for (position, size) in self.oldest(state::DONE, i64::MAX, MOST_ROWS)? {
            if bytes >= wanted.min(MOST_BYTES) {
                break;
            }
            bytes += size;
            self.remove(position)?;
        }
        Ok(bytes > 0)
    }

    fn prune_keys(&mut self, cursor: &mut Cursor, end: Instant) -> Result<Left> {
        if self.now.file >= cursor.next_look {
            *cursor = Cursor {
                position: 0,
                next_look: self.now.file.saturating_add(LOOK_AGAIN_AFTER),
            };
        }
        let sql = "SELECT position, stored_ms, EXISTS (SELECT 1 FROM jobs WHERE jobs.position = \
                   keys.position) FROM keys WHERE position > ?1 ORDER BY position LIMIT ?2";
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(params![cursor.position, as_limit(MOST_ROWS)])?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            // They came in this order, so those behind it are younger.
            if row.get::<_, i64>(1)? > self.end_of_window() {
                return Ok(Left::Nothing);
            }
            let position = row.get(0)?;
            if !row.get::<_, bool>(2)? {
                self.delete_key(position)?;
            }
            cursor.position = position;
            looked += 1;
            if Instant::now() >= end {
                return Ok(Left::More);
            }
        }
        Ok(if looked == MOST_ROWS {
            Left::More
        } else {
            Left::Nothing
        })
    }
}
