//! What the writer does for the file between the transactions of callers.

use std::time::{Duration, Instant};

use rusqlite::Result;

use super::Writer;
use crate::{
    checkpoint::PAGES_OF_UPKEEP,
    clock::{BEAT, millis},
    room::Disk,
    settings::Durability,
    transaction::{Cursor, Left},
};

/// How often it looks for what is to be pruned, while anything else is written.
const PRUNE_EACH: Duration = Duration::from_secs(1);

/// How often it looks whether the disk has room for the log.
const LOOK_AT_DISK_EACH: Duration = Duration::from_millis(20);

/// And after how many transactions, which a fast disk takes in less time.
const LOOK_AT_DISK_AFTER: u32 = 16;

pub(super) struct Upkeep {
    cursor: Cursor,
    left: Left,
    /// When the last look for what is to be pruned began, by the time of the file.
    pruned_at: i64,
    /// Something was written for a caller since then.
    is_busy: bool,
    /// Something was written since the log was cut last.
    has_log: bool,
    looked_at_disk: Instant,
    writes_since: u32,
}

impl Upkeep {
    pub(super) fn new() -> Self {
        Self {
            cursor: Cursor::default(),
            left: Left::More,
            pruned_at: i64::MIN,
            is_busy: false,
            has_log: true,
            looked_at_disk: Instant::now(),
            writes_since: 0,
        }
    }

    /// Whether it goes on at once, although nobody asks for anything.
    pub(super) fn goes_on(&self) -> bool {
        self.left == Left::More
    }

    /// Goes on later.
    pub(super) fn rest(&mut self) {
        self.left = Left::Nothing;
    }

    pub(super) fn note_write(&mut self) {
        self.is_busy = true;
        self.has_log = true;
        self.writes_since = self.writes_since.saturating_add(1);
    }

    fn is_to_look_at_disk(&self) -> bool {
        let is_time = self.looked_at_disk.elapsed() >= LOOK_AT_DISK_EACH;
        self.has_log && (is_time || self.writes_since >= LOOK_AT_DISK_AFTER)
    }
}

impl Writer {
    pub(super) fn prune(&mut self) {
        let now = self.clock.now().file;
        let pause = if self.upkeep.is_busy {
            PRUNE_EACH
        } else {
            BEAT
        };
        let is_over = now.saturating_sub(self.upkeep.pruned_at) >= millis(pause);
        if self.upkeep.left == Left::Nothing && !is_over {
            return;
        }
        // What fails is tried again after a while.
        self.upkeep.rest();
        let mut cursor = self.upkeep.cursor;
        let left = self.write(Durability::Process, |write| {
            Ok(write.prune(&mut cursor)?.and(write.index_keys()?))
        });
        if let Ok(left) = left {
            self.upkeep.cursor = cursor;
            self.upkeep.left = left;
            if left == Left::More {
                self.checkpointer.wrote(PAGES_OF_UPKEEP);
            }
        }
        self.upkeep.pruned_at = now;
        self.upkeep.is_busy = false;
    }

    /// Keeps the write-ahead log from growing: without end, or on a disk that has no room for it.
    pub(super) fn check_log(&mut self) {
        // What fails is tried again.
        if let Err(why) = self.checkpoint() {
            self.failed(why);
        }
    }

    fn checkpoint(&mut self) -> Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let upkeep = &mut self.upkeep;
        if upkeep.is_to_look_at_disk() {
            (upkeep.looked_at_disk, upkeep.writes_since) = (Instant::now(), 0);
            let is_cut = Disk::is_scarce(session, &self.options) && session.truncate_log()?;
            // If somebody was in the way, the next look tries again.
            upkeep.has_log = !is_cut;
        }
        self.checkpointer.step(&session.connection)
    }
}
