//! The handle of an inbox.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tokio::{sync::watch, time::Instant};
use tower_nylas::{
    BoxError,
    inbox::{
        AppendError, Appended, Claimed, Entry, Inbox, SettleError, Settlement,
        engine::{OVERHEAD, Settings},
    },
};

use crate::{
    check,
    core::Core,
    error::OpenError,
    lanes::{self, Claim, LARGEST, Order, kib},
    listen::Listener,
    open::{Options, PostgresInboxBuilder},
    receipt::PostgresReceipt,
    schema,
};

/// How long it may take until a first connection is made.
const LONGEST_OPENING: Duration = Duration::from_secs(60);

/// An inbox in a database of PostgreSQL. See the [crate](crate).
///
/// Clones are handles of the same one. When the last one is dropped, what was asked for is still
/// written; [`close`](Self::close) waits for it.
#[derive(Clone)]
pub struct PostgresInbox {
    shared: Arc<Shared>,
}

struct Shared {
    core: Arc<Core>,
    /// Closed when all lanes have ended.
    ended: watch::Sender<()>,
}

impl PostgresInbox {
    /// The schema by default.
    pub const SCHEMA: &str = "nylas_inbox";

    /// How long a claim lasts by default: 30 seconds.
    pub const LEASE: Duration = Settings::LEASE;

    /// How long a key is remembered by default: 72 hours.
    pub const WINDOW: Duration = Settings::WINDOW;

    /// What all entries take at most by default: 8 GiB.
    pub const MAX_BYTES: u64 = Settings::MAX_BYTES;

    /// How long dead entries are kept by default: 30 days.
    pub const KEEP_DEAD_FOR: Duration = Settings::KEEP_DEAD_FOR;

    /// How often a claim that waits looks for entries of other processes by default: every 100
    /// milliseconds.
    pub const POLL_EACH: Duration = Duration::from_millis(100);

    /// How many connections a pool has at most that is made from a URL: 8. It makes them when they
    /// are needed.
    pub const CONNECTIONS: usize = 8;

    /// Opens the database of a URL with the default settings, and creates or migrates the schema:
    /// `postgres://user:password@host/database`, and what [`tokio_postgres::Config`] knows beside.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::builder().open(url).await
    }

    /// Settings for a database.
    pub fn builder() -> PostgresInboxBuilder {
        PostgresInboxBuilder::new()
    }

    pub(crate) async fn start(
        pool: Pool,
        listener: Option<Listener>,
        options: Options,
    ) -> Result<Self, OpenError> {
        options.schema.check()?;
        let core = Core::new(pool, options);
        // There may be several hosts, of which only the last one answers.
        let connection = core.database.connection(Instant::now() + LONGEST_OPENING);
        let connection = connection.await;
        connection
            .map_err(|why| OpenError::Unreachable(why.into()))?
            .give_back();
        check::check_server(&core.database, &core.options).await?;
        let opened = schema::prepare(&core).await?;
        let core = Arc::new(core.started(opened.now));
        let (ended, end) = watch::channel(());
        lanes::start(&core, listener, &end, opened.left_out);
        Ok(Self {
            shared: Arc::new(Shared { core, ended }),
        })
    }

    /// Closes the inbox, for all handles: what was asked for is still written, and whatever comes
    /// later is an error. Returns when that is done.
    pub async fn close(&self) {
        self.shared.core.close();
        self.shared.ended.closed().await;
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    async fn on_claim(&self, order: Order) -> Result<(), SettleError> {
        match self.core().orders.call(order, 1).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SettleError::LeaseLost),
            Ok(Err(why)) | Err(why) => Err(SettleError::Unavailable(why.into())),
        }
    }
}

impl Inbox for PostgresInbox {
    type Receipt = PostgresReceipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        let core = self.core();
        let most = core.options.settings.max_bytes.saturating_sub(OVERHEAD);
        let limit = usize::try_from(most).map_or(LARGEST, |most| most.min(LARGEST));
        let length = entry.content().len();
        if length > limit {
            return Err(AppendError::TooLarge { limit });
        }
        let appended = core.appends.call(entry, kib(length)).await;
        appended.unwrap_or_else(|why| Err(AppendError::Unavailable(why.into())))
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<PostgresReceipt>>, BoxError> {
        let now = Instant::now();
        let claim = Claim {
            max,
            until: now.checked_add(wait).unwrap_or(now),
        };
        Ok(self.core().claims.call(claim, 1).await??)
    }

    async fn extend(&self, receipt: &PostgresReceipt) -> Result<(), SettleError> {
        self.on_claim(Order::Extend(receipt.clone())).await
    }

    async fn settle(
        &self,
        receipt: &PostgresReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.on_claim(Order::Settle(receipt.clone(), settlement))
            .await
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.core.close();
    }
}

impl fmt::Debug for PostgresInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresInbox")
            .field("schema", &self.core().options.schema.name)
            .finish_non_exhaustive()
    }
}
