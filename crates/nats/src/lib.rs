//! A durable inbox for [`tower_nylas`] in NATS JetStream, on a replicated cluster.
//!
//! A notification that was answered `200` is stored by as many servers as its stream has replicas,
//! less than half of which may be missing. Any number of receivers accept into one inbox, and any
//! number of workers handle from it:
//!
//! ```no_run
//! use tower_nylas::{BoxError, Notification, Secrets, TriggerRouter, WebhookLayer};
//! use tower_nylas::inbox::{Enqueue, Worker};
//! use tower_nylas_nats::NatsInbox;
//!
//! # async fn shutdown() {}
//! # async fn serve(secrets: Secrets) -> Result<(), BoxError> {
//! let builder = NatsInbox::builder().sync_always(); // as the servers are configured
//! let inbox = builder.open("nats://a.internal,nats://b.internal,nats://c.internal").await?;
//! let triggers = TriggerRouter::new().fallback(async |_: Notification| ());
//! let working = tokio::spawn(Worker::new(inbox.clone(), triggers).run_until(shutdown()));
//! let webhooks = WebhookLayer::new(secrets).layer(Enqueue::new(inbox.clone()));
//! # let _ = webhooks;
//! // … serve `webhooks`, and then
//! working.await??;
//! inbox.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! The README of the crate says what is durable when, what it takes, and what the sender sees of
//! each failure; `tower_nylas::_guide::inbox` what a `200` promises.
//!
//! # What it does not do
//!
//! A stream is no database. Of what an [`Inbox`](tower_nylas::inbox::Inbox) has to do, this engine
//! leaves out, and the suite for engines is told so:
//!
//! - **Fencing**: a claim that another one has replaced still settles the entry.
//!   [`LeaseLost`](tower_nylas::inbox::SettleError::LeaseLost) is returned only where a retry finds
//!   that a later claim was settled, and for a dead letter that the server refuses to store: its
//!   entry comes again after a minute. So a handler that is slower than its lease, since its worker
//!   does not reach the cluster, can run twice.
//! - **Exact counters after a lost lease**: the server counts deliveries, and what it has not
//!   replicated when a leader dies is missing. The numbers of crashes and failures are lower bounds
//!   then, as they are while the stream of tries cannot be read, and after a stream or the consumer
//!   was created anew; and a crash too many is counted if a claim does not reach its worker.
//! - **Keys for as long as an entry is there**: a key is remembered for the window, by default an
//!   hour, and not longer, also while its entry waits or is dead. When servers restart, they find
//!   the keys of the window in the stream; what was handled before is not there any more, and its
//!   key is forgotten.
//! - **Order among what comes again**: new entries come in the order in which they were stored, and
//!   what was put off or has crashed in between.
//! - **What is done is not kept**, since the stream deletes it.
//! - **[`Stats`](tower_nylas::inbox::Stats)**: what waits is counted as claimed, and what has
//!   become due again as well.
//! - **[`Inspect`](tower_nylas::inbox::Inspect)** is not implemented: a stream cannot be searched.
//! - **Wall clocks**: how long an entry has been failing is the difference of two moments on the
//!   clocks of the workers. A clock that is set wrong can let an entry expire early, which makes it
//!   a dead letter.
//!
//! # Streams
//!
//! | stream | subjects | what |
//! |---|---|---|
//! | `nylas_inbox` | `nylas_inbox.entries` | the entries that are not settled: `WorkQueue`, so that what is handled frees its space, and `DiscardPolicy::New`, so that a full one refuses |
//! | `nylas_inbox_tries` | `nylas_inbox.tries.*` | how often an entry has failed: the last state of each one that came again |
//! | `nylas_inbox_dead` | `nylas_inbox.dead.*` | the last dead letter of each key |
//!
//! If somebody deletes one of them, or the consumer, while an inbox is open, it is created again
//! within seconds. What was in it is lost.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod browse;
mod claims;
mod core;
mod dead;
mod envelope;
mod error;
mod forgotten;
mod gate;
mod groups;
mod inbox;
mod lookup;
mod open;
mod pages;
mod passed;
mod pull;
mod receipt;
mod servers;
mod settle;
mod store;
mod streams;
mod tries;
mod warning;
mod within;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Of [`NatsInboxBuilder::open_client`].
pub use async_nats;

pub use self::{
    error::OpenError, inbox::NatsInbox, open::NatsInboxBuilder, receipt::NatsReceipt,
    warning::Warning,
};
