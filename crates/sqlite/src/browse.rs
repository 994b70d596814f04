//! What an operator sees and does.

use rusqlite::{Connection, Result};
use tower_nylas::{
    BoxError,
    inbox::{
        Browse, DeadCause, DeadGroup, EntryKey, EntryState, Inspect, Query, Stats, StoredEntry,
        TimelineEvent, engine::Failure,
    },
};

use crate::{
    clock::duration,
    inbox::SqliteInbox,
    list::{dead_groups, list},
    state,
    transaction::timeline,
    writer::What,
};

/// How many entries an order is about at most: what others want goes on between two of them.
const MOST_AT_A_TIME: usize = 64;

impl Browse for SqliteInbox {
    async fn stats(&self) -> std::result::Result<Stats, BoxError> {
        let clock = self.file_clock().clone();
        self.reader()
            .read(move |connection| stats(connection, now(connection, clock)?))
            .await
    }

    async fn dead(
        &self,
        before: Option<u64>,
        max: usize,
    ) -> std::result::Result<Vec<StoredEntry>, BoxError> {
        let mut query = Query::default();
        (query.before, query.max) = (before, max);
        let clock = self.file_clock().clone();
        query.state = Some(EntryState::Dead(DeadCause::Crashed));
        query.any_cause = true;
        let list = move |connection: &Connection| list(connection, &query, now(connection, clock)?);
        self.reader().read(list).await
    }

    async fn dead_groups(&self, max: usize) -> std::result::Result<Vec<DeadGroup>, BoxError> {
        let clock = self.file_clock().clone();
        self.reader()
            .read(move |connection| dead_groups(connection, max, now(connection, clock)?))
            .await
    }

    async fn replay(&self, keys: &[EntryKey]) -> std::result::Result<usize, BoxError> {
        Ok(self.order_in_parts(keys, What::Replay).await?)
    }

    async fn replay_dead(&self, keys: &[EntryKey]) -> std::result::Result<usize, BoxError> {
        Ok(self.order_in_parts(keys, What::ReplayDead).await?)
    }

    async fn discard(&self, keys: &[EntryKey]) -> std::result::Result<usize, BoxError> {
        Ok(self.order_in_parts(keys, What::Discard).await?)
    }
}

impl SqliteInbox {
    async fn order_in_parts<T: Clone + Sync>(
        &self,
        entries: &[T],
        what: impl Fn(Vec<T>) -> What + Sync,
    ) -> std::result::Result<usize, Failure> {
        let mut count = 0;
        for part in entries.chunks(MOST_AT_A_TIME) {
            count += self.order(what(part.to_vec())).await?;
        }
        Ok(count)
    }
}

impl Inspect for SqliteInbox {
    async fn list(&self, query: &Query) -> std::result::Result<Vec<StoredEntry>, BoxError> {
        let (query, clock) = (query.clone(), self.file_clock().clone());
        let list = move |connection: &Connection| list(connection, &query, now(connection, clock)?);
        self.reader().read(list).await
    }

    async fn timeline(&self, key: EntryKey) -> std::result::Result<Vec<TimelineEvent>, BoxError> {
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(POSITION)?;
            let mut rows = select.query([key.as_bytes()])?;
            match rows.next()? {
                Some(row) => timeline(connection, row.get(0)?),
                None => Ok(Vec::new()),
            }
        };
        self.reader().read(read).await
    }

    async fn purge_grant(&self, grant_id: &str) -> std::result::Result<usize, BoxError> {
        let id = grant_id.to_owned();
        let positions = move |connection: &Connection| {
            let sql = "SELECT position FROM jobs WHERE grant_id = ?1 AND state <> 2";
            let mut select = connection.prepare(sql)?;
            select
                .query_map([id], |row| row.get(0))?
                .collect::<Result<Vec<i64>>>()
        };
        let positions = self.reader().read(positions).await?;
        let what = |positions| What::Purge {
            grant_id: grant_id.to_owned(),
            positions,
        };
        Ok(self.order_in_parts(&positions, what).await?)
    }
}

/// The position of a key. The newest keys are in no index.
pub(crate) const POSITION: &str = "SELECT keys.position FROM key_index JOIN keys \
     ON keys.position = key_index.position AND keys.key = key_index.key WHERE key_index.key = ?1 \
     UNION ALL SELECT position FROM keys \
     WHERE position > (SELECT indexed_position FROM meta) AND key = ?1 LIMIT 1";

/// The time of the file, which another process may have brought forward.
fn now(connection: &Connection, mut clock: crate::clock::FileClock) -> Result<i64> {
    let sql = "SELECT file_ms FROM meta";
    clock.follow(
        connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?,
    );
    Ok(clock.now().file)
}

fn stats(connection: &Connection, now: i64) -> Result<Stats> {
    let mut stats = Stats::default();
    // By the state alone, which is the order of the index: groups by anything else are sorted.
    let sql = "SELECT state, count(*), sum(at <= ?1), min(at) FROM jobs GROUP BY state";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([now])?;
    let mut oldest = i64::MAX;
    while let Some(row) = rows.next()? {
        let number = |column| row.get(column).map(|count: i64| count.unsigned_abs());
        let (count, due) = (number(1)?, number(2)?);
        match row.get(0)? {
            state::READY => {
                stats.ready += count;
                oldest = oldest.min(row.get(3)?);
            }
            state::WAITING => {
                stats.ready += due;
                stats.waiting += count - due;
                if due > 0 {
                    oldest = oldest.min(row.get(3)?);
                }
            }
            state::CLAIMED => stats.claimed += count,
            state::DONE => stats.done += count,
            _ => stats.dead += count,
        }
    }
    stats.oldest_ready = (stats.ready > 0).then(|| duration(now.saturating_sub(oldest)));
    let sql = "SELECT bytes FROM meta";
    let bytes: i64 = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    stats.bytes = u64::try_from(bytes).unwrap_or(0);
    Ok(stats)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of millions of keys, only the newest are read one by one.
    #[test]
    fn the_position_of_a_key_is_found_without_reading_all() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("schema/1.sql"))
            .unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {POSITION}");
        let mut plan = connection.prepare(&plan).unwrap();
        let steps = plan.query_map([&[0; 16]], |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_>>().unwrap();
        let of_keys = |step: &&String| step.contains(" keys ");
        assert_eq!(steps.iter().filter(of_keys).count(), 2, "{steps:#?}");
        for step in steps.iter().filter(of_keys) {
            assert!(
                step.contains("SEARCH keys USING INTEGER PRIMARY KEY"),
                "{steps:#?}"
            );
        }
    }
}
