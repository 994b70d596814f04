//! What the handles and the lanes of an inbox share.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use deadpool_postgres::Pool;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::Instant,
};
use tokio_postgres::types::Type;

use crate::{
    clock::InboxClock,
    database::{Database, Parameter},
    error::Failure,
    lanes::{Appends, Claims, Front, MOST_LOST, Orders, queues},
    open::Options,
    statements::Statements,
};

/// How many rows the table `counters` has.
const SLOTS: u32 = 64;

/// How far the time of the inbox may go ahead before it is looked after, in milliseconds: virtual
/// time goes faster than upkeep by itself.
const UPKEEP_EACH: i64 = 60 * 1000;

pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) database: Database,
    pub(crate) statements: Statements,
    pub(crate) clock: InboxClock,
    pub(crate) appends: Appends,
    pub(crate) orders: Orders,
    pub(crate) claims: Claims,
    pub(crate) front: Front,
    /// Places for claims whose answers were lost.
    pub(crate) lost: Arc<Semaphore>,
    /// Something of this process was made due.
    pub(crate) due: Notify,
    /// Something was made due, of which other processes are to be told.
    pub(crate) made_due: Notify,
    /// What tells this process from others.
    pub(crate) process: String,
    closing: watch::Sender<bool>,
    /// Time has passed, or the inbox was closed.
    pub(crate) upkeep: Notify,
    looked_after: AtomicI64,
    first_slot: u32,
}

impl Core {
    pub(crate) fn new(pool: Pool, options: Options) -> Self {
        let (appends, orders, claims) = queues();
        Self {
            database: Database::new(pool),
            statements: Statements::new(&options.schema),
            clock: InboxClock::start(options.clock.clone(), 0),
            options,
            appends,
            orders,
            claims,
            front: Front::new(),
            lost: Arc::new(Semaphore::new(MOST_LOST)),
            due: Notify::new(),
            made_due: Notify::new(),
            process: format!("{:016x}", getrandom::u64().unwrap_or(0)),
            closing: watch::Sender::new(false),
            upkeep: Notify::new(),
            looked_after: AtomicI64::new(0),
            // Two processes in the same slots wait for each other now and then.
            first_slot: getrandom::u32().unwrap_or(0) % SLOTS,
        }
    }

    /// At this time of the inbox.
    pub(crate) fn started(self, now: i64) -> Self {
        Self {
            clock: InboxClock::start(self.options.clock.clone(), now),
            looked_after: AtomicI64::new(now),
            ..self
        }
    }

    /// The time of the inbox, and since the Unix epoch if that is not the database's.
    pub(crate) fn moment(&self) -> (i64, Option<i64>) {
        let now = self.clock.now();
        if now.saturating_sub(self.looked_after.load(Ordering::Relaxed)) >= UPKEEP_EACH {
            self.looked_after.store(now, Ordering::Relaxed);
            self.upkeep.notify_one();
        }
        (now, self.clock.unix())
    }

    /// As [`moment`](Self::moment), of upkeep itself.
    pub(crate) fn moment_of_upkeep(&self) -> (i64, Option<i64>) {
        self.looked_after.store(self.clock.now(), Ordering::Relaxed);
        self.moment()
    }

    /// Where the transactions of one lane count.
    pub(crate) fn slot(&self, lane: u32) -> i32 {
        i32::try_from((self.first_slot + lane) % SLOTS).unwrap_or(0)
    }

    pub(crate) fn close(&self) {
        self.appends.close();
        self.orders.close();
        self.claims.close();
        self.upkeep.notify_one();
        self.closing.send_replace(true);
    }

    /// Returns when the inbox is to be closed.
    pub(crate) async fn closing(&self) {
        let mut closing = self.closing.subscribe();
        // An error only if the sender were dropped.
        let _ = closing.wait_for(|is_closing| *is_closing).await;
    }

    /// Something is due, or may be.
    pub(crate) fn note_due(&self) {
        self.due.notify_one();
        self.made_due.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.orders.is_closed()
    }

    pub(crate) fn most_bytes(&self) -> i64 {
        i64::try_from(self.options.settings.max_bytes).unwrap_or(i64::MAX)
    }

    /// Makes room by removing entries that are done and kept, the oldest first, up to so many, and
    /// within this time. Returns how many.
    pub(crate) async fn prune_done(
        &self,
        until: Instant,
        slot: i32,
        bytes: i64,
        most: i64,
    ) -> Result<usize, Failure> {
        let sql = &self.statements.prune_done;
        let parameters: [Parameter<'_>; 3] = [
            (&slot, Type::INT4),
            (&bytes, Type::INT8),
            (&most, Type::INT8),
        ];
        let rows = self.database.query_until(until, sql, &parameters).await?;
        Ok(rows.len())
    }
}
