//! Many callers, few transactions.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{ErrorCode, Result};
use tower_nylas::inbox::{AppendError, Appended, Claimed, Settlement};

use super::queue::{Append, Claim, Order, Queue, What};
use crate::{
    checkpoint::Checkpointer,
    claim::is_any_due,
    clock::{BEAT, FileClock, millis},
    error::{Failure, OpenError},
    inbox::Ended,
    lock::Lock,
    open::Options,
    prune::{Cursor, Left},
    receipt::SqliteReceipt,
    room::{Disk, Room},
    session::{Session, Write, is_busy},
    settings::Durability,
};

/// How many appends and how much of their contents, in bytes, one transaction has: a claim or a
/// settlement that comes meanwhile waits for its end.
const MOST_APPENDS: usize = 256;
const MOST_BYTES: usize = 4 << 20;

/// How often the writer looks for what it is not told of, while claims wait: entries of other
/// processes, and those whose time has come.
const LOOK_EACH: Duration = Duration::from_millis(25);

/// How often it looks for what is to be pruned, while anything else is written.
const PRUNE_EACH: Duration = Duration::from_secs(1);

/// How often it looks whether the disk has room for the log.
const LOOK_AT_DISK_EACH: Duration = Duration::from_millis(20);

/// What they add to the log, roughly: in the same pages as others of their transaction, or in pages
/// of their own.
const PAGES_OF_ORDER: usize = 1;
const PAGES_OF_APPEND: usize = 3;
const BYTES_OF_PAGE: usize = 4 << 10;

pub(crate) struct Writer {
    options: Arc<Options>,
    queue: Arc<Queue>,
    /// `None` after an error, until it is opened again.
    session: Option<Session>,
    clock: FileClock,
    checkpointer: Checkpointer,
    cursor: Cursor,
    left: Left,
    /// Something was written since the last look for what is to be pruned.
    is_busy: bool,
    /// When the last look for what is to be pruned began, by the time of the file.
    pruned_at: i64,
    /// Since the log was cut last.
    has_written: bool,
    looked_at_disk: Instant,
    /// Those for which there is nothing yet.
    waiting: VecDeque<Claim>,
    /// Dropped last: what others find then is closed.
    _lock: Lock,
}

impl Writer {
    pub(crate) fn open(
        options: Options,
        queue: Arc<Queue>,
        ended: &Ended,
    ) -> std::result::Result<Self, OpenError> {
        let (session, lock) = Session::open(&options)?;
        let checkpointer = Checkpointer::start(options.path.clone(), ended.clone());
        Ok(Self {
            clock: session.clock().clone(),
            checkpointer: checkpointer.map_err(|why| OpenError::of_io(&options.path, why))?,
            options: Arc::new(options),
            queue,
            session: Some(session),
            cursor: Cursor::default(),
            left: Left::More,
            is_busy: false,
            pruned_at: i64::MIN,
            has_written: true,
            looked_at_disk: Instant::now(),
            waiting: VecDeque::new(),
            _lock: lock,
        })
    }

    pub(crate) fn clock(&self) -> &FileClock {
        &self.clock
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        loop {
            // A panic is a bug here or below. Its callers get an error, and the next round a new
            // connection.
            let round = catch_unwind(AssertUnwindSafe(|| self.round()));
            match round {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => self.session = None,
            }
        }
    }

    /// Whether there is another one.
    fn round(&mut self) -> bool {
        let pause = if self.waiting.is_empty() {
            BEAT
        } else {
            LOOK_EACH
        };
        let end = match self.left {
            Left::More => Instant::now(),
            Left::Nothing => Instant::now() + pause,
        };
        let round = self.queue.next(MOST_APPENDS, MOST_BYTES, end);
        self.prune();
        self.is_busy |= !(round.orders.is_empty() && round.appends.is_empty());
        self.orders(round.orders);
        // Before the appends, or a worker would get nothing while many are accepted.
        self.waiting.extend(round.claims);
        self.claims();
        self.appends(round.appends);
        self.claims();
        if let Some(session) = &self.session {
            if self.has_written && self.looked_at_disk.elapsed() >= LOOK_AT_DISK_EACH {
                self.looked_at_disk = Instant::now();
                // If it fails, the next look tries again.
                let is_cut =
                    Disk::is_scarce(session, &self.options) && session.truncate_log().is_ok();
                self.has_written = !is_cut;
            }
            self.checkpointer.step(&session.connection);
        }
        !round.is_last
    }

    fn session(&mut self) -> std::result::Result<&mut Session, Failure> {
        match &mut self.session {
            Some(session) => Ok(session),
            closed => {
                let opened = Session::reopen(&self.options, &self.clock);
                Ok(closed.insert(opened.map_err(Failure::new)?))
            }
        }
    }

    fn write<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut Write<'_>) -> Result<T>,
    ) -> std::result::Result<T, Failure> {
        let options = self.options.clone();
        let session = self.session()?;
        let written = session.write(&options, durability, work);
        self.clock = session.clock().clone();
        self.has_written = true;
        written.map_err(|why| {
            if !is_harmless(&why) {
                self.session = None;
            }
            Failure::new(why)
        })
    }

    fn prune(&mut self) {
        let now = self.clock.now().file;
        let pause = if self.is_busy { PRUNE_EACH } else { BEAT };
        let is_over = now.saturating_sub(self.pruned_at) >= millis(pause);
        if self.left == Left::Nothing && !is_over {
            return;
        }
        self.pruned_at = now;
        self.is_busy = false;
        let mut cursor = self.cursor;
        let left = self.write(Durability::Process, |write| write.prune(&mut cursor));
        // What failed is tried again after a while.
        self.left = left.unwrap_or(Left::Nothing);
        if self.session.is_some() {
            self.cursor = cursor;
        }
    }

    fn orders(&mut self, mut orders: Vec<Order>) {
        // Whoever does not wait any more has not been told that it was done.
        orders.retain(|order| !order.reply.is_closed());
        if orders.is_empty() {
            return;
        }
        let counts = self.write(Durability::Process, |write| {
            orders
                .iter()
                .map(|order| obey(write, &order.what))
                .collect::<Result<Vec<_>>>()
        });
        match counts {
            Ok(counts) => {
                self.checkpointer.wrote(orders.len() * PAGES_OF_ORDER);
                for (order, count) in orders.into_iter().zip(counts) {
                    let _ = order.reply.send(Ok(count));
                }
            }
            Err(why) => {
                for order in orders {
                    let _ = order.reply.send(Err(why.clone()));
                }
            }
        }
    }

    /// Serves the claims that wait, those first that have waited for longest.
    fn claims(&mut self) {
        self.waiting.retain(|claim| !claim.reply.is_closed());
        while let Some(first) = self.waiting.front() {
            let max = first.max;
            let claimed = match self.is_any_due() {
                Ok(true) => self.write(Durability::Process, |write| write.claim(max)),
                Ok(false) => return self.end_late_claims(),
                Err(why) => Err(why),
            };
            // What was due could not be decoded, so something else may be.
            if max > 0 && claimed.as_ref().is_ok_and(Vec::is_empty) {
                continue;
            }
            if let Some(claim) = self.waiting.pop_front() {
                self.hand_over(claim, claimed);
            }
        }
    }

    fn end_late_claims(&mut self) {
        let now = Instant::now();
        for claim in std::mem::take(&mut self.waiting) {
            if claim.until <= now {
                let _ = claim.reply.send(Ok(Vec::new()));
            } else {
                self.waiting.push_back(claim);
            }
        }
    }

    fn is_any_due(&mut self) -> std::result::Result<bool, Failure> {
        let now = self.clock.now().file;
        let Some(session) = &self.session else {
            // To open it is up to the transaction.
            return Ok(true);
        };
        is_any_due(&session.connection, now).map_err(|why| {
            self.session = None;
            Failure::new(why)
        })
    }

    /// Entries that the worker has stopped waiting for are given back.
    fn hand_over(
        &mut self,
        claim: Claim,
        claimed: std::result::Result<Vec<Claimed<SqliteReceipt>>, Failure>,
    ) {
        let count = claimed.as_ref().map_or(0, Vec::len);
        self.checkpointer.wrote(count * PAGES_OF_ORDER);
        let Err(Ok(claimed)) = claim.reply.send(claimed.map_err(Into::into)) else {
            return;
        };
        let given_back = Settlement::Retry {
            after: Duration::ZERO,
            failed: false,
            why: String::new(),
        };
        // Otherwise they come again when their leases end.
        let _ = self.write(Durability::Process, |write| {
            let settle = |one: &Claimed<_>| write.settle(&one.receipt, &given_back);
            claimed.iter().map(settle).collect::<Result<Vec<_>>>()
        });
    }

    fn appends(&mut self, mut appends: Vec<Append>) {
        appends.retain(|append| !append.reply.is_closed());
        if appends.is_empty() {
            return;
        }
        let lengths = appends
            .iter()
            .map(|append| append.entry.content().len() as u64);
        let length = lengths.sum();
        let options = self.options.clone();
        let disk = self
            .session()
            .map(|session| Disk::of(session, &options, length));
        let appended = disk
            .and_then(|disk| self.write(Durability::Disk, |write| store(write, &appends, disk)));
        match appended {
            Ok(appended) => {
                let pages = |append: &Append| {
                    PAGES_OF_APPEND + append.entry.content().len() / BYTES_OF_PAGE
                };
                self.checkpointer.wrote(appends.iter().map(pages).sum());
                for (append, result) in appends.into_iter().zip(appended) {
                    let _ = append.reply.send(result);
                }
            }
            Err(why) => {
                for append in appends {
                    let error = if why.is_full() {
                        AppendError::Full
                    } else {
                        AppendError::Unavailable(why.clone().into())
                    };
                    let _ = append.reply.send(Err(error));
                }
            }
        }
    }
}

fn store(
    write: &mut Write<'_>,
    appends: &[Append],
    disk: Disk,
) -> Result<Vec<std::result::Result<Appended, AppendError>>> {
    let mut room = Room::of(write, disk)?;
    let lengths = appends.iter().map(|append| append.entry.content().len());
    // What is done and kept makes room first.
    if let Some(lacking) = room.lacks(lengths)
        && write.prune_done(i64::try_from(lacking).unwrap_or(i64::MAX))?
    {
        room = Room::of(write, disk)?;
    }
    let append = |append: &Append| write.append(&append.entry, &mut room);
    appends.iter().map(append).collect()
}

fn obey(write: &mut Write<'_>, what: &What) -> Result<usize> {
    match what {
        What::Extend(receipt) => write.extend(receipt),
        What::Settle(receipt, settlement) => write.settle(receipt, settlement),
        What::Replay(keys) => write.replay(keys),
        What::Discard(keys) => write.discard(keys),
        What::Purge {
            grant_id,
            positions,
        } => write.purge(grant_id, positions),
    }
}

/// Whether the connection is as good as before: another process writes, or the disk is full. After
/// anything else, a sync that failed above all, it is opened again.
fn is_harmless(why: &rusqlite::Error) -> bool {
    is_busy(why) || why.sqlite_error_code() == Some(ErrorCode::DiskFull)
}
