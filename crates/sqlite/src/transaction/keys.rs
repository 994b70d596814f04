//! Which keys are known.
//!
//! Keys come in no order, so a B-tree of many has another page for each of them: to write these
//! with every append would double what a transaction syncs. The table `keys` is written in the
//! order in which they come, and is what counts. The newest ones are found by a map in memory;
//! whenever it is large, it goes into the table `key_index`, sorted, so that many keys share a
//! page. What either says is compared with `keys`.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension, Result, params};
use tower_nylas::inbox::EntryKey;

use super::{Left, Write};

/// How many keys are in memory before they go into the index.
pub(crate) const MOST_RECENT: usize = 224 << 10;

/// How long, and how many of them, one transaction indexes.
const LONGEST: Duration = Duration::from_millis(8);
const MOST_AT_A_TIME: usize = 2048;

/// The keys that are not in the index yet, of all processes.
#[derive(Default)]
pub(crate) struct RecentKeys {
    positions: HashMap<EntryKey, i64>,
    /// Up to where `keys` was read.
    read: i64,
    /// Up to where it is in the index.
    indexed: i64,
    indexing: Option<Indexing>,
}

/// Keys on their way into the index.
struct Indexing {
    /// The smallest one last.
    left: Vec<(EntryKey, i64)>,
    /// All keys up to there are among them.
    until: i64,
}

impl RecentKeys {
    /// Follows what others have done, at the beginning of a transaction: up to `indexed`, keys are
    /// in the index, and `last` is the newest one's.
    pub(crate) fn follow(
        &mut self,
        connection: &Connection,
        indexed: i64,
        last: i64,
    ) -> Result<()> {
        if indexed != self.indexed {
            self.indexed = indexed;
            self.positions.retain(|_, position| *position > indexed);
            self.indexing = None;
        }
        self.read = self.read.max(self.indexed);
        if self.read < last {
            let sql = "SELECT key, position FROM keys WHERE position > ?1";
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query([self.read])?;
            while let Some(row) = rows.next()? {
                self.positions
                    .insert(EntryKey::from_bytes(row.get(0)?), row.get(1)?);
            }
            self.read = last;
        }
        Ok(())
    }

    /// The place of a key, as of the last [`follow`](Self::follow).
    pub(crate) fn find(&self, connection: &Connection, key: EntryKey) -> Result<Option<i64>> {
        if let Some(position) = self.positions.get(&key) {
            let sql = "SELECT 1 FROM keys WHERE position = ?1 AND key = ?2";
            let mut is_there = connection.prepare_cached(sql)?;
            if is_there.exists(params![position, key.as_bytes()])? {
                return Ok(Some(*position));
            }
        }
        let sql = "SELECT keys.position FROM key_index JOIN keys \
                   ON keys.position = key_index.position AND keys.key = key_index.key \
                   WHERE key_index.key = ?1";
        let mut indexed = connection.prepare_cached(sql)?;
        indexed
            .query_row([key.as_bytes()], |row| row.get(0))
            .optional()
    }

    /// Up to where `keys` was read, for [`undo`](Self::undo).
    pub(crate) fn mark(&self) -> i64 {
        self.read
    }

    /// Forgets a transaction that has failed. What it has left in the map is not found in `keys`.
    pub(crate) fn undo(&mut self, mark: i64) {
        self.read = mark;
        self.indexing = None;
    }
}

impl Write<'_> {
    /// The place of a key.
    pub(super) fn position(&self, key: EntryKey) -> Result<Option<i64>> {
        self.recent.find(self.connection, key)
    }

    pub(super) fn insert_key(&mut self, key: EntryKey, position: i64) -> Result<()> {
        let sql = "INSERT INTO keys (position, key, stored_ms) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(sql)?;
        insert.execute(params![position, key.as_bytes(), self.now.file])?;
        self.recent.positions.insert(key, position);
        self.recent.read = position;
        Ok(())
    }

    pub(super) fn delete_key(&self, position: i64) -> Result<()> {
        let sql = "DELETE FROM keys WHERE position = ?1 RETURNING key";
        let mut delete = self.connection.prepare_cached(sql)?;
        let key: Option<Vec<u8>> = delete.query_row([position], |row| row.get(0)).optional()?;
        if let Some(key) = key {
            let sql = "DELETE FROM key_index WHERE key = ?1 AND position = ?2";
            let mut delete = self.connection.prepare_cached(sql)?;
            delete.execute(params![key, position])?;
        }
        Ok(())
    }

    /// Indexes some of the keys in memory, once there are many.
    pub(crate) fn index_keys(&mut self) -> Result<Left> {
        let recent = &mut *self.recent;
        if recent.indexing.is_none() && recent.positions.len() >= self.options.recent_keys {
            let mut left: Vec<_> = recent
                .positions
                .iter()
                .map(|(key, at)| (*key, *at))
                .collect();
            left.sort_unstable_by(|one, other| other.cmp(one));
            recent.indexing = Some(Indexing {
                left,
                until: recent.read,
            });
        }
        let Some(indexing) = &mut recent.indexing else {
            return Ok(Left::Nothing);
        };
        // What was pruned meanwhile is not there.
        let sql = "INSERT OR REPLACE INTO key_index (key, position) SELECT ?1, ?2 \
                   WHERE EXISTS (SELECT 1 FROM keys WHERE position = ?2 AND key = ?1)";
        let mut insert = self.connection.prepare_cached(sql)?;
        let end = Instant::now() + LONGEST;
        for _ in 0..MOST_AT_A_TIME {
            let Some((key, position)) = indexing.left.pop() else {
                self.meta.indexed_position = indexing.until;
                return Ok(Left::Nothing);
            };
            insert.execute(params![key.as_bytes(), position])?;
            if Instant::now() >= end {
                break;
            }
        }
        Ok(Left::More)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tower_nylas::{
        inbox::{Appended, Entry},
        testing::{self, VirtualClock},
    };

    use super::*;
    use crate::{
        open::Options,
        room::{Disk, Room},
        session::Session,
        settings::Durability,
        transaction::Cursor,
    };

    fn entry(number: u32) -> Entry {
        let body = format!(r#"{{"type":"message.created","id":"n-{number}"}}"#);
        Entry::new(&testing::verified(body), Duration::ZERO)
    }

    /// Appends an entry that is done at once, prunes and indexes, and fails afterwards if that is
    /// asked for. Whether the entry was new.
    fn append(session: &mut Session, options: &Options, number: u32, fails: bool) -> Option<bool> {
        let disk = Disk::of(session, options, 1000).unwrap();
        let appended = session.write(options, Durability::Process, |write| {
            let mut room = Room::of(write, disk)?;
            let appended = write.append(&entry(number), &mut room)?.unwrap();
            write.remove(write.meta.last_position)?;
            write.prune(&mut Cursor::default())?;
            write.index_keys()?;
            if fails {
                return Err(rusqlite::Error::InvalidQuery);
            }
            Ok(appended == Appended::New)
        });
        appended.ok()
    }

    /// Two processes, transactions that fail, processes that start anew, keys whose window ends:
    /// against a map.
    #[test]
    fn every_key_of_the_window_is_known_and_no_other() {
        let folder = std::env::temp_dir().join(format!("keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let clock = VirtualClock::new();
        let mut options = Options {
            path: folder.join("inbox.db"),
            clock: Arc::new(clock.clone()),
            recent_keys: 20,
            min_free_disk: 0,
            ..Options::new()
        };
        options.settings.window = WINDOW;
        check(&options, &clock);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    const WINDOW: Duration = Duration::from_secs(1000);

    fn check(options: &Options, clock: &VirtualClock) {
        let open = || Session::open(options).unwrap();
        let mut processes = [open(), open()];
        let mut known: HashMap<u32, Duration> = HashMap::new();
        let mut random: u32 = 1;
        let mut next = |most: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % most
        };
        for _ in 0..4000 {
            let (process, number, what) = (next(2) as usize, next(1500), next(40));
            let appended = append(&mut processes[process].0, options, number, what < 8);
            let now = clock.elapsed();
            let is_known = known
                .get(&number)
                .is_some_and(|stored| now < *stored + WINDOW);
            if what < 8 {
                assert_eq!(appended, None);
            } else {
                assert_eq!(appended, Some(!is_known), "{number}");
                if !is_known {
                    known.insert(number, now);
                }
            }
            if what == 39 {
                processes[process] = open();
            }
            clock.advance(Duration::from_secs(1));
        }
        let file = Connection::open(&options.path).unwrap();
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            file.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let now = clock.elapsed();
        known.retain(|_, stored| now <= *stored + WINDOW);
        assert_eq!(count("keys"), i64::try_from(known.len()).unwrap());
        // What is not known any more has left the index as well.
        assert!(count("keys") - 100 < count("key_index"));
        assert!(count("key_index") <= count("keys"));
    }

    /// Of millions of keys, none is looked at but the one that is asked for, and those that are new
    /// since the last time.
    #[test]
    fn a_key_is_found_without_reading_others() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../schema/1.sql"))
            .unwrap();
        let mut recent = RecentKeys::default();
        let insert = "INSERT INTO keys (position, key, stored_ms) VALUES (?1, ?2, 0)";
        for position in 1..=3_u8 {
            let key = EntryKey::from_bytes([position; 16]);
            let find = |recent: &RecentKeys| recent.find(&connection, key).unwrap();
            let bound = params![position, key.as_bytes()];
            connection.execute(insert, bound).unwrap();
            assert_eq!(find(&recent), None);
            recent.follow(&connection, 0, position.into()).unwrap();
            assert_eq!(find(&recent), Some(position.into()));
        }
        // What was read once is not read again: this one is not found any more.
        let moved = "UPDATE keys SET position = 9 WHERE position = 1";
        connection.execute(moved, []).unwrap();
        recent.follow(&connection, 0, 3).unwrap();
        let key = EntryKey::from_bytes([1; 16]);
        assert_eq!(recent.find(&connection, key).unwrap(), None);
    }
}
