//! What an operator sees and does.

use rusqlite::{Connection, Result, params};
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
    reader::Snapshot,
    state,
    transaction::{as_limit, timeline},
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
        let list =
            move |connection: &Connection| list(connection, &query, None, now(connection, clock)?);
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
        let list = move |snapshot: &mut Snapshot<'_>| {
            let position = match query.key {
                None => None,
                Some(key) => match snapshot.position(key)? {
                    None => return Ok(Vec::new()),
                    position => position,
                },
            };
            let connection = snapshot.connection;
            list(connection, &query, position, now(connection, clock)?)
        };
        self.reader().look(list).await
    }

    async fn timeline(&self, key: EntryKey) -> std::result::Result<Vec<TimelineEvent>, BoxError> {
        let read = move |snapshot: &mut Snapshot<'_>| match snapshot.position(key)? {
            Some(position) => timeline(snapshot.connection, position),
            None => Ok(Vec::new()),
        };
        self.reader().look(read).await
    }

    async fn purge_grant(&self, grant_id: &str) -> std::result::Result<usize, BoxError> {
        // Entries that arrive meanwhile are not of it: it ends.
        let last = |connection: &Connection| {
            let sql = "SELECT max(position) FROM jobs";
            let mut last = connection.prepare_cached(sql)?;
            last.query_row([], |row| row.get::<_, Option<i64>>(0))
        };
        let last = self.reader().read(last).await?.unwrap_or(0);
        let (mut looked, mut purged) = (0, 0);
        while looked < last {
            let (id, after) = (grant_id.to_owned(), looked);
            let look = move |connection: &Connection| of_grant(connection, &id, after, last);
            let positions;
            (positions, looked) = self.reader().read(look).await?;
            let what = |positions| What::Purge {
                grant_id: grant_id.to_owned(),
                positions,
            };
            purged += self.order_in_parts(&positions, what).await?;
        }
        Ok(purged)
    }
}

/// At how many entries a purge looks at a time: what others read goes on between two of them, and
/// so does the log.
const MOST_LOOKED_AT: usize = 4096;

/// Positions of a grant's entries that are not claimed, and up to where all were looked at. No
/// index is kept of grants, since every entry would pay for it.
fn of_grant(
    connection: &Connection,
    grant_id: &str,
    after: i64,
    last: i64,
) -> Result<(Vec<i64>, i64)> {
    let sql = "SELECT position, grant_id IS ?1 AND state <> 2 FROM jobs \
               WHERE position > ?2 AND position <= ?3 ORDER BY position LIMIT ?4";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![grant_id, after, last, as_limit(MOST_LOOKED_AT)])?;
    let (mut positions, mut looked, mut count) = (Vec::new(), after, 0);
    while let Some(row) = rows.next()? {
        looked = row.get(0)?;
        count += 1;
        if row.get(1)? {
            positions.push(looked);
        }
    }
    let is_end = count < MOST_LOOKED_AT;
    Ok((positions, if is_end { last } else { looked }))
}

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

    /// However many entries there are, one look is short, and all of them are looked at.
    #[test]
    fn a_purge_looks_at_some_entries_at_a_time() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("schema/1.sql"))
            .unwrap();
        // The first tenth is of no grant, and every other one of the rest is claimed.
        let sql = "WITH RECURSIVE numbers(n) AS \
                   (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000) \
                   INSERT INTO jobs (position, state, at, stored_unix_ms, size, grant_id) \
                   SELECT n, 2 * (n % 2), 0, 0, 0, iif(n > 1000, 'g-1', NULL) FROM numbers";
        assert_eq!(connection.execute(sql, []).unwrap(), 10_000);
        let (mut looked, mut found, mut looks) = (0, Vec::new(), 0);
        while looked < 9_990 {
            let part;
            let before = looked;
            (part, looked) = of_grant(&connection, "g-1", looked, 9_990).unwrap();
            assert!(part.len() <= MOST_LOOKED_AT && looked > before);
            found.extend(part);
            looks += 1;
        }
        let expected: Vec<i64> = (1_002..=9_990).step_by(2).collect();
        assert_eq!(found, expected);
        assert_eq!(looks, 3);
    }
}
