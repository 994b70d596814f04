//! How a database is opened.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tower_nylas::{
    inbox::engine::{Settings, builder_settings},
    time::Clock,
};

use crate::{connect, error::OpenError, inbox::PostgresInbox, statements::Schema};

/// The settings of an inbox. Processes that share a database should have the same ones.
#[derive(Clone)]
#[must_use = "a builder does nothing unless it opens a database"]
pub struct PostgresInboxBuilder {
    options: Options,
    #[cfg(feature = "tls")]
    tls: Option<rustls::ClientConfig>,
}

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) schema: Schema,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) settings: Settings,
    pub(crate) poll_each: Duration,
    pub(crate) notifies: bool,
    pub(crate) accept_lossy_commits: bool,
}

impl PostgresInboxBuilder {
    pub(crate) fn new() -> Self {
        Self {
            options: Options {
                schema: Schema::new(PostgresInbox::SCHEMA),
                clock: None,
                settings: Settings::default(),
                poll_each: PostgresInbox::POLL_EACH,
                notifies: false,
                accept_lossy_commits: false,
            },
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The schema that has the tables; by default [`nylas_inbox`](PostgresInbox::SCHEMA). Each is
    /// an inbox of its own, and has nothing else in it. Its name has 1 to 63 bytes, or opening is
    /// [`OpenError::SchemaName`].
    pub fn schema(mut self, name: &str) -> Self {
        self.options.schema = Schema::new(name);
        self
    }

    builder_settings!(lease, window, keep_done, keep_dead);

    fn settings(&mut self) -> &mut Settings {
        &mut self.options.settings
    }

    /// What all entries take at most, in bytes, each with 512 beside its content; by default
    /// [8 GiB](PostgresInbox::MAX_BYTES). Beyond it,
    /// [`append`](tower_nylas::inbox::Inbox::append) is
    /// [`Full`](tower_nylas::inbox::AppendError::Full); nothing else has a limit. Processes that
    /// append at the same moment can pass it by what each of them appends then, in two statements:
    /// each has up to 2 MiB, or one entry, whose content can have up to 64 MiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.options.settings.max_bytes = bytes;
        self
    }

    /// How often a claim that waits looks for entries that other processes have stored, and for
    /// those whose time has come; by default [every 100 milliseconds](PostgresInbox::POLL_EACH), at
    /// least a millisecond. What this process stores it finds at once.
    pub fn poll_each(mut self, pause: Duration) -> Self {
        self.options.poll_each = pause.max(Settings::SHORTEST);
        self
    }

    /// Tells other processes of what is stored (`NOTIFY`), and listens to what they tell
    /// (`LISTEN`), so that their workers find it at once and not when they look next; by default
    /// not.
    ///
    /// It costs a statement more for each batch, behind it, which takes a lock of the whole server
    /// while it commits, so that no two of them commit at the same time; and a connection that
    /// listens. That has to be a session, so it does not pass a pooler that gives each transaction
    /// another one. An inbox that is opened with a [pool](Self::open_pool) tells, and does not
    /// listen. Polling goes on in any case: it finds what was not told, and alone what was put off
    /// and has become due, so [`poll_each`](Self::poll_each) stays short.
    pub fn notify(mut self) -> Self {
        self.options.notifies = true;
        self
    }

    /// Opens the database also if `synchronous_commit` or `fsync` is `off`, and leaves the former
    /// as it is; without this, appends are committed with `on` where a connection has `off` or
    /// `local`. Then a `200` means less than stored: a server that crashes loses what it accepted
    /// in its last moments.
    pub fn accept_lossy_commits(mut self) -> Self {
        self.options.accept_lossy_commits = true;
        self
    }

    /// Where the time comes from; by default this process for what passes, and the database for
    /// what is shown. For tests on virtual time. Waiting for entries takes real time in any case.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.options.clock = Some(Arc::new(clock));
        self
    }

    /// How connections that are made from a URL are encrypted, for instance with the certificate
    /// of a provider; by default with those of the system (or of the file that the environment
    /// variable `SSL_CERT_FILE` names).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Opens the database of a URL, with up to [8](PostgresInbox::CONNECTIONS) connections, and
    /// creates or migrates the schema.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open(self, url: &str) -> Result<PostgresInbox, OpenError> {
        #[cfg(feature = "tls")]
        let (pool, listener) = connect::pool(url, self.tls)?;
        #[cfg(not(feature = "tls"))]
        let (pool, listener) = connect::pool(url)?;
        PostgresInbox::start(pool, Some(listener), self.options).await
    }

    /// Opens the database of a pool, of which it takes up to eight connections at a time for
    /// itself, each for one statement, and others for operators. A statement that was given up,
    /// since a lock is held, say, has its connection until it has ended. Where handlers can have
    /// all connections of a pool, their settlements have none: give it one of its own then.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open_pool(self, pool: Pool) -> Result<PostgresInbox, OpenError> {
        PostgresInbox::start(pool, None, self.options).await
    }
}

impl std::fmt::Debug for PostgresInboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options = &self.options;
        f.debug_struct("PostgresInboxBuilder")
            .field("schema", &options.schema.name)
            .field("settings", &options.settings)
            .field("poll_each", &options.poll_each)
            .field("notifies", &options.notifies)
            .field("accept_lossy_commits", &options.accept_lossy_commits)
            .finish_non_exhaustive()
    }
}
