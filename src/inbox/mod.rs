//! Accepted means stored (feature `inbox`).
//!
//! [`Enqueue`] stores each verified notification with its key in an [`Inbox`] and answers `200`
//! once that is durable. A [`Worker`] passes it to the [`TriggerRouter`](crate::TriggerRouter)
//! afterwards, for up to 72 hours if its handler fails. The [guide](crate::_guide::inbox) says what
//! that promises and what not, and has a whole engine.
//!
//! ```
//! use std::time::Duration;
//! # use std::sync::atomic::{AtomicU32, Ordering};
//!
//! # #[cfg(not(all(feature = "testing", feature = "tokio")))]
//! # fn main() {}
//! # #[cfg(all(feature = "testing", feature = "tokio"))]
//! # fn main() -> Result<(), tower_nylas::BoxError> {
//! use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, WebhookSecret};
//! use tower_nylas::inbox::{Enqueue, MemoryInbox, Worker};
//! use tower_nylas::testing::{self, VirtualClock};
//! use tower_nylas::time::Timer;
//!
//! # static CALLS: AtomicU32 = AtomicU32::new(0);
//! # fn count() -> u32 { CALLS.fetch_add(1, Ordering::Relaxed) }
//! let clock = VirtualClock::new(); // in a server, `Enqueue::new` and `Worker::new` use tokio's
//! let inbox = MemoryInbox::with_timer(clock.clone());
//! let triggers = TriggerRouter::new().on("grant.*", async || {
//!     if count() == 0 { Err("the database is away") } else { Ok(()) }
//! });
//!
//! let enqueue = Enqueue::with_timer(inbox.clone(), clock.clone());
//! let secrets = Secrets::new("an-invented-secret")?;
//! let endpoint = WebhookLayer::with_timer(secrets, clock.clone()).layer(enqueue);
//! let mut nylas = testing::Nylas::new(endpoint, WebhookSecret::new("an-invented-secret")?);
//! let body = testing::sample("grant.expired").ok_or("no such sample")?;
//! assert!(clock.run_until(nylas.deliver(body)).is_accepted());
//!
//! let tasks = clock.clone();
//! let worker = Worker::on_runtime(inbox, triggers, clock.clone(), move |task| tasks.spawn(task));
//! clock.run_until(worker.run_until(clock.sleep(Duration::from_secs(5))))?;
//! assert_eq!(CALLS.load(Ordering::Relaxed), 2);
//! # Ok(())
//! # }
//! ```
//!
//! - [`MemoryInbox`] is for tests. An engine that is durable implements [`Inbox`], and [`BoxInbox`]
//!   erases its type; `inbox::conformance` (feature `testing`) is the suite for engines, and
//!   [`engine`] what they share.
//! - [`LazyInbox`] opens an engine over a network when its servers are there, so that a receiver
//!   starts while they are away.
//! - [`Browse`] and [`Inspect`] are for operators: they list, replay and discard what is stored.
//!   The crate `tower-nylas-inspector` has pages over them, and a [`Pause`] stops the worker
//!   meanwhile.
//! - [`Delivery`] tells a handler which entry it handles, and how often that has failed.
//! - [`assume_verified`] is for applications with a queue of their own.
//!
//! # Observation
//!
//! Of the answers to Nylas, the metrics and spans of [`observe`](crate::observe) have the outcomes
//! `stored` and `duplicate`. A worker has its own, and so has an
//! [`Enqueue`] with two inboxes:
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `nylas_inbox_claimed_total` | counter | `after`: `nothing`, `failure`, `crash` | entries that were claimed |
//! | `nylas_inbox_settled_total` | counter | `settlement`: `done`, `failed`, `put_off`, or the [cause](DeadCause) of a dead one | entries that were settled |
//! | `nylas_inbox_leases_lost_total` | counter | | settlements that came too late, so that the entry is handled once more, or that were repeated since their answer was lost |
//! | `nylas_inbox_engine_failures_total` | counter | `call` | calls of the engine that failed, panicked or hung; `append` of those of [`Enqueue::or`] and [`forwarding`](Enqueue::forwarding), where no answer to Nylas shows them |
//! | `nylas_inbox_spilled_total` | counter | | of [`Enqueue::or`]: entries that the other inbox has stored, since the first one did not |
//! | `nylas_inbox_lag_seconds` | histogram | | from received until handled, by the wall clock |
//! | `nylas_inbox_entries` | gauge | `state`: `ready`, `waiting`, `claimed`, `dead`, `done` | with [`Worker::report_stats`]: entries of each state |
//! | `nylas_inbox_bytes` | gauge | | with `report_stats`: what they take |
//! | `nylas_inbox_oldest_ready_seconds` | gauge | | with `report_stats`: how long the longest due one has been due |
//!
//! [`docs/alerts.yml`] has the alerts that are worth having: any dead entry, `oldest_ready` above a
//! minute, engine failures, entries that spill, and crashes. [`docs/operating.md`] says what to do.
//!
//! [`docs/alerts.yml`]: https://docs.rs/crate/tower-nylas/latest/source/docs/alerts.yml
//! [`docs/operating.md`]: https://docs.rs/crate/tower-nylas/latest/source/docs/operating.md
//!
//! With the feature `tracing`, each try has a span `handle` of the level `INFO`, with `trigger`,
//! `notification_id`, `entry` (the key), `crashes`, `failures`, `status`, `outcome`, and the
//! `traceparent` of the delivery. Its `notification_id` is that of the span `delivery`, which has
//! ended before, perhaps in another process. Events have the target `tower_nylas`: `DEBUG` for what
//! is done or put off, `INFO` for a [`LazyInbox`] that is open after attempts that have failed,
//! `WARN` for failures, an engine in trouble, a `LazyInbox` whose first attempt fails, and what
//! another inbox has stored, `ERROR` for a dead entry, for one that is larger than the inbox
//! stores, and, at most each minute, for a `LazyInbox` that still cannot be opened. Of each other
//! kind, 100 in 10 seconds are emitted, and the rest is summarized.

mod append;
mod assume;
mod boxed;
mod browse;
mod claimed;
#[cfg(feature = "testing")]
pub mod conformance;
mod contract;
mod delivery;
pub mod engine;
mod enqueue;
mod entry;
mod head;
mod key;
mod lazy;
mod memory;
mod observe;
mod runtime;
mod settlement;
mod worker;

#[cfg(feature = "metrics")]
pub use self::observe::describe_metrics;
pub use self::{
    append::{AppendError, Appended},
    assume::assume_verified,
    boxed::{BoxInbox, BoxReceipt},
    browse::{
        Browse, DeadGroup, EntryState, Happened, Inspect, LastDead, Query, Stats, StoredEntry,
        TimelineEvent,
    },
    claimed::Claimed,
    contract::Inbox,
    delivery::Delivery,
    enqueue::{Enqueue, EnqueueError, ResponseFuture},
    entry::Entry,
    head::InvalidHead,
    key::EntryKey,
    lazy::LazyInbox,
    memory::{MemoryInbox, MemoryReceipt},
    runtime::Task,
    settlement::{DeadCause, SettleError, Settlement},
    worker::{Pause, Worker},
};
