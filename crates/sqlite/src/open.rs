//! How a file is opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tower_nylas::time::{Clock, SystemClock};

use crate::{error::OpenError, inbox::SqliteInbox, transaction::MOST_RECENT};

/// The settings of an inbox. Processes that share a file should have the same ones.
#[derive(Clone)]
#[must_use = "a builder does nothing unless it opens a file"]
pub struct SqliteInboxBuilder {
    options: Options,
}

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lease: Duration,
    pub(crate) window: Duration,
    pub(crate) max_bytes: u64,
    pub(crate) min_free_disk: u64,
    pub(crate) keep_done_for: Duration,
    pub(crate) keep_done_bytes: u64,
    pub(crate) keep_dead_for: Duration,
    pub(crate) recent_keys: usize,
}

/// The least that a lease can be.
const SHORTEST_LEASE: Duration = Duration::from_millis(1);

impl Options {
    /// The defaults, without a path.
    pub(crate) fn new() -> Self {
        Self {
            path: PathBuf::new(),
            clock: Arc::new(SystemClock),
            lease: SqliteInbox::LEASE,
            window: SqliteInbox::WINDOW,
            max_bytes: SqliteInbox::MAX_BYTES,
            min_free_disk: SqliteInbox::MIN_FREE_DISK,
            keep_done_for: Duration::ZERO,
            keep_done_bytes: 0,
            keep_dead_for: SqliteInbox::KEEP_DEAD_FOR,
            recent_keys: MOST_RECENT,
        }
    }
}

impl SqliteInboxBuilder {
    pub(crate) fn new() -> Self {
        Self {
            options: Options::new(),
        }
    }

    /// How long a claim lasts unless it is extended; by default [30 seconds](SqliteInbox::LEASE),
    /// at least a millisecond.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease.max(SHORTEST_LEASE);
        self
    }

    /// How long a key is remembered at least; by default [72 hours](SqliteInbox::WINDOW). The key
    /// of an entry that is there is remembered in any case.
    pub fn window(mut self, window: Duration) -> Self {
        self.options.window = window;
        self
    }

    /// What the file may use, in bytes, keys included; by default [8 GiB](SqliteInbox::MAX_BYTES).
    /// Beyond it, [`append`](tower_nylas::inbox::Inbox::append) is
    /// [`Full`](tower_nylas::inbox::AppendError::Full); nothing else has a limit. The write-ahead
    /// log comes on top.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.options.max_bytes = bytes;
        self
    }

    /// What appends leave free on the disk, in bytes, so that claims and settlements always have
    /// room; by default [256 MiB](SqliteInbox::MIN_FREE_DISK).
    pub fn min_free_disk(mut self, bytes: u64) -> Self {
        self.options.min_free_disk = bytes;
        self
    }

    /// Keeps what is done, to be [replayed](tower_nylas::inbox::Browse::replay): for this time, and
    /// up to this number of bytes of all; by default nothing. It makes room as soon as new entries
    /// need it.
    pub fn keep_done(mut self, time: Duration, bytes: u64) -> Self {
        self.options.keep_done_for = time;
        self.options.keep_done_bytes = bytes;
        self
    }

    /// How long dead entries are kept; by default [30 days](SqliteInbox::KEEP_DEAD_FOR).
    pub fn keep_dead(mut self, time: Duration) -> Self {
        self.options.keep_dead_for = time;
        self
    }

    /// Where the time comes from; by default the system. Waiting for entries takes real time in any
    /// case; `BusyInbox` of [`tower_nylas`]'s feature `testing` waits in virtual time instead.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.options.clock = Arc::new(clock);
        self
    }

    /// Opens a file, or creates it. Its directory must be there.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(mut self, path: impl Into<PathBuf>) -> Result<SqliteInbox, OpenError> {
        self.options.path = path.into();
        SqliteInbox::start(self.options).await
    }
}

impl std::fmt::Debug for SqliteInboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options = &self.options;
        f.debug_struct("SqliteInboxBuilder")
            .field("lease", &options.lease)
            .field("window", &options.window)
            .field("max_bytes", &options.max_bytes)
            .field("min_free_disk", &options.min_free_disk)
            .field("keep_done_for", &options.keep_done_for)
            .field("keep_done_bytes", &options.keep_done_bytes)
            .field("keep_dead_for", &options.keep_dead_for)
            .finish_non_exhaustive()
    }
}
