//! What an operator sees and does.

use rusqlite::{Connection, Result, params};
use tower_nylas::{
    BoxError,
    inbox::{
        Browse, EntryKey, EntryState, Inspect, Query, Stats, StoredEntry, TimelineEvent,
        engine::Failure,
    },
};

use crate::{
    clock::duration,
    inbox::SqliteInbox,
    state,
    transaction::{as_limit, entry, timeline},
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
        let list = move |connection: &Connection| {
            list(connection, &query, "state = 4", now(connection, clock)?)
        };
        self.reader().read(list).await
    }

    async fn replay(&self, keys: &[EntryKey]) -> std::result::Result<usize, BoxError> {
        Ok(self.order_in_parts(keys, What::Replay).await?)
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
        let list = move |connection: &Connection| {
            let now = now(connection, clock)?;
            list(connection, &query, of_state(query.state), now)
        };
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
const POSITION: &str = "SELECT keys.position FROM key_index JOIN keys \
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
    let sql = "SELECT state, state = 1 AND at <= ?1, count(*), min(at) FROM jobs GROUP BY 1, 2";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([now])?;
    let mut oldest = i64::MAX;
    while let Some(row) = rows.next()? {
        let count = match row.get(0)? {
            state::WAITING if !row.get::<_, bool>(1)? => &mut stats.waiting,
            state::READY | state::WAITING => {
                oldest = oldest.min(row.get(3)?);
                &mut stats.ready
            }
            state::CLAIMED => &mut stats.claimed,
            state::DONE => &mut stats.done,
            _ => &mut stats.dead,
        };
        *count += u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
    }
    stats.oldest_ready = (stats.ready > 0).then(|| duration(now.saturating_sub(oldest)));
    let sql = "SELECT bytes FROM meta";
    let bytes: i64 = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    stats.bytes = u64::try_from(bytes).unwrap_or(0);
    Ok(stats)
}

/// The condition of a state. Whether an entry that waits is ready is decided by the time.
fn of_state(state: Option<EntryState>) -> &'static str {
    match state {
        None => "TRUE",
        Some(EntryState::Ready) => "(state = 0 OR state = 1 AND at <= ?1)",
        Some(EntryState::Waiting) => "state = 1 AND at > ?1",
        Some(EntryState::Claimed) => "state = 2",
        Some(EntryState::Done) => "state = 3",
        Some(EntryState::Dead(_)) => "state = 4 AND cause IS ?2",
        // A state that this crate does not know yet, and has no entry of.
        Some(_) => "FALSE",
    }
}

fn list(
    connection: &Connection,
    query: &Query,
    of_state: &str,
    now: i64,
) -> Result<Vec<StoredEntry>> {
    let cause = match query.state {
        Some(EntryState::Dead(cause)) => Some(cause.as_str()),
        _ => None,
    };
    let before = query
        .before
        .map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let sql = format!(
        "SELECT position, key, state, at, cause, crashes, failures, why \
         FROM jobs JOIN keys USING (position) \
         WHERE {of_state} AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL OR grant_id = ?4) \
         AND position < ?5 AND ?1 IS NOT NULL AND (?2 IS NULL OR TRUE) \
         ORDER BY position DESC LIMIT ?6"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![
        now,
        cause,
        query.trigger,
        query.grant_id,
        before,
        as_limit(query.max)
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        let key = EntryKey::from_bytes(row.get(1)?);
        let cause: Option<String> = row.get(4)?;
        let state = state::shown(row.get(2)?, row.get(3)?, cause.as_deref(), now);
        let entry = entry(connection, position)?.ok();
        let shown = u64::try_from(position).unwrap_or(0);
        let mut stored = StoredEntry::new(key, entry, state, shown);
        stored.crashes = row.get(5)?;
        stored.failures = row.get(6)?;
        stored.why = row.get(7)?;
        entries.push(stored);
    }
    Ok(entries)
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
