//! What transactions of the writer do.

mod append;
mod claim;
mod history;
mod keys;
mod operate;
mod prune;
mod remove;
mod settle;

use rusqlite::{Connection, Result, params};

pub(crate) use self::{
    claim::{entry, is_any_due},
    history::timeline,
    keys::{MOST_RECENT, RecentKeys},
    prune::{Cursor, Left},
};
use crate::{clock::Now, open::Options};

/// A transaction that writes.
pub(crate) struct Write<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) options: &'a Options,
    pub(crate) now: Now,
    pub(crate) meta: Meta,
    pub(crate) recent: &'a mut RecentKeys,
}

/// What is known of the whole file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    pub(crate) last_position: i64,
    pub(crate) indexed_position: i64,
    pub(crate) bytes: i64,
    pub(crate) done_bytes: i64,
}

impl Write<'_> {
    /// The places and sizes of jobs in a state since, or until, no later than this, the first one
    /// first.
    pub(crate) fn oldest(&self, state: i64, until: i64, max: usize) -> Result<Vec<(i64, i64)>> {
        let sql = "SELECT position, size FROM jobs WHERE state = ?1 AND at <= ?2 \
                   ORDER BY at LIMIT ?3";
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map(params![state, until, as_limit(max)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect()
    }
}

pub(crate) fn as_limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
