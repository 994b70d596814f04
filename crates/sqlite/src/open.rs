//! How a file is opened.

use std::{path::PathBuf, sync::Arc};

use tower_nylas::{
    inbox::engine::{Settings, builder_settings},
    time::{Clock, SystemClock},
};

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
    pub(crate) settings: Settings,
    pub(crate) min_free_disk: u64,
    pub(crate) recent_keys: usize,
}

impl Options {
    /// The defaults, without a path.
    pub(crate) fn new() -> Self {
        Self {
            path: PathBuf::new(),
            clock: Arc::new(SystemClock),
            settings: Settings::default(),
            min_free_disk: SqliteInbox::MIN_FREE_DISK,
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

    builder_settings!(lease, window, keep_done, keep_dead);

    fn settings(&mut self) -> &mut Settings {
        &mut self.options.settings
    }

    /// What the file may use, in bytes, keys included; by default [8 GiB](SqliteInbox::MAX_BYTES).
    /// Beyond it, [`append`](tower_nylas::inbox::Inbox::append) is
    /// [`Full`](tower_nylas::inbox::AppendError::Full); nothing else has a limit. The write-ahead
    /// log comes on top.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.options.settings.max_bytes = bytes;
        self
    }

    /// What appends leave free on the disk, in bytes, so that claims and settlements always have
    /// room; by default [256 MiB](SqliteInbox::MIN_FREE_DISK).
    pub fn min_free_disk(mut self, bytes: u64) -> Self {
        self.options.min_free_disk = bytes;
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
            .field("settings", &options.settings)
            .field("min_free_disk", &options.min_free_disk)
            .finish_non_exhaustive()
    }
}
