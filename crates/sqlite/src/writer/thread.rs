//! Many callers, few transactions.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{ErrorCode, Result};
use tower_nylas::inbox::engine::Failure;

use super::{
    queue::{Claim, Queue, Round},
    upkeep::Upkeep,
};
use crate::{
    checkpoint::Checkpointer,
    clock::{BEAT, FileClock},
    error::OpenError,
    inbox::Ended,
    location::Location,
    lock::Lock,
    open::Options,
    session::{Session, is_busy},
    settings::Durability,
    transaction::Write,
};

/// How many appends and how much of their contents, in bytes, one transaction has: a claim or a
/// settlement that comes meanwhile waits for its end.
const MOST_APPENDS: usize = 256;
const MOST_BYTES: usize = 4 << 20;

/// How often the writer looks for what it is not told of, while claims wait: entries of other
/// processes, and those whose time has come.
const LOOK_EACH: Duration = Duration::from_millis(25);

pub(crate) struct Writer {
    pub(super) options: Arc<Options>,
    location: Location,
    queue: Arc<Queue>,
    /// `None` after an error, until it is opened again.
    pub(super) session: Option<Session>,
    pub(super) clock: FileClock,
    pub(super) checkpointer: Checkpointer,
    pub(super) upkeep: Upkeep,
    /// Those for which there is nothing yet.
    pub(super) waiting: VecDeque<Claim>,
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
        let location = session.location().clone();
        let checkpointer = Checkpointer::start(location.clone(), ended.clone());
        Ok(Self {
            clock: session.clock().clone(),
            checkpointer: checkpointer.map_err(|why| OpenError::of_io(&options.path, why))?,
            options: Arc::new(options),
            location,
            queue,
            session: Some(session),
            upkeep: Upkeep::new(),
            waiting: VecDeque::new(),
            _lock: lock,
        })
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    pub(crate) fn clock(&self) -> &FileClock {
        &self.clock
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        loop {
            let round = self.next_round();
            let is_last = round.is_last;
            // A panic is a bug here or below. Its callers get an error, and the next round a new
            // connection.
            if catch_unwind(AssertUnwindSafe(|| self.round(round))).is_err() {
                self.session = None;
                self.waiting.clear();
                self.upkeep.rest();
            }
            if is_last {
                break;
            }
        }
    }

    fn next_round(&self) -> Round {
        let pause = if self.upkeep.goes_on() {
            Duration::ZERO
        } else if self.waiting.is_empty() {
            BEAT
        } else {
            LOOK_EACH
        };
        let end = Instant::now() + pause;
        self.queue.next(MOST_APPENDS, MOST_BYTES, end)
    }

    fn round(&mut self, round: Round) {
        self.prune();
        self.orders(round.orders);
        // Before the appends, or a worker would get nothing while many are accepted.
        self.waiting.extend(round.claims);
        self.claims();
        self.appends(round.appends);
        self.claims();
        self.check_log();
    }

    pub(super) fn session(&mut self) -> std::result::Result<&mut Session, Failure> {
        match &mut self.session {
            Some(session) => Ok(session),
            closed => {
                let opened = Session::reopen(&self.location, &self.clock);
                Ok(closed.insert(opened.map_err(Failure::new)?))
            }
        }
    }

    pub(super) fn write<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut Write<'_>) -> Result<T>,
    ) -> std::result::Result<T, Failure> {
        let options = self.options.clone();
        let session = self.session()?;
        let written = session.write(&options, durability, work);
        self.clock = session.clock().clone();
        self.upkeep.note_write();
        written.map_err(|why| self.failed(why))
    }

    /// Lets the file be opened again before anything else is written, if need be.
    pub(super) fn failed(&mut self, why: rusqlite::Error) -> Failure {
        if !is_harmless(&why) {
            self.session = None;
        }
        Failure::new(why)
    }
}

/// Whether the connection is as good as before: another process writes, or the disk is full. After
/// anything else, a sync that failed above all, it is opened again.
fn is_harmless(why: &rusqlite::Error) -> bool {
    is_busy(why) || why.sqlite_error_code() == Some(ErrorCode::DiskFull)
}
