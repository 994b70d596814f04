//! A durable inbox for [`tower_nylas`] in PostgreSQL, which replicas share.
//!
//! A notification that was answered `200` is stored, and its key with it, in one transaction that
//! was committed before the answer. Any number of receivers accept into one inbox, and any number
//! of workers handle from it:
//!
//! ```no_run
//! use tower_nylas::{BoxError, Notification, Secrets, TriggerRouter, WebhookLayer};
//! use tower_nylas::inbox::{Enqueue, Worker};
//! use tower_nylas_postgres::PostgresInbox;
//!
//! # async fn shutdown() {}
//! # async fn serve(secrets: Secrets) -> Result<(), BoxError> {
//! let inbox = PostgresInbox::open("postgres://app:password@db.internal/app").await?;
//! let triggers = TriggerRouter::new().fallback(async |_: Notification| ());
//! let working = tokio::spawn(Worker::new(inbox.clone(), triggers).run_until(shutdown()));
//! let webhooks = WebhookLayer::new(secrets).layer(Enqueue::new(inbox.clone()));
//! let app = axum::Router::<()>::new().route_service("/webhooks/nylas", webhooks);
//! # let _ = app;
//! // … serve `app`, and then
//! working.await??;
//! inbox.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! The README of the crate says what is durable when, what it takes, what is kept, what poolers it
//! passes, and what the sender sees of each failure; `tower_nylas::_guide::inbox` what a `200`
//! promises.
//!
//! # Statements
//!
//! Whatever is done is one statement, and so a transaction of its own: none is open while a handler
//! runs. Appends that come while another one is under way share the next statement, as settlements
//! and claims do. Statements are sent unnamed and need no session, so that they pass a pooler that
//! gives each transaction another connection; workers find entries of other processes by polling,
//! and with [`notify`](PostgresInboxBuilder::notify) at once.
//!
//! # Time
//!
//! What is due, and what is old, is decided by a clock of the inbox: a moment in the database, and
//! the time that has passed since by the monotonic clocks of the processes. It never goes back, and
//! a clock that is set wrong, of the database or of a process, neither hides an entry nor lets one
//! expire. While no process runs, it follows the clock of the database, for an hour at most.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod browse;
mod check;
mod clock;
mod connect;
mod connection;
mod core;
mod database;
mod error;
mod history;
mod hosts;
mod inbox;
mod lanes;
mod left_out;
mod listen;
mod open;
mod receipt;
mod schema;
mod settle;
mod state;
mod statements;
mod text;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Of [`PostgresInboxBuilder::open_pool`].
pub use deadpool_postgres;
/// Of [`PostgresInboxBuilder::tls`].
#[cfg(feature = "tls")]
pub use rustls;
/// Its [`Config`](tokio_postgres::Config) says what a URL can have.
pub use tokio_postgres;

pub use self::{
    error::OpenError, inbox::PostgresInbox, open::PostgresInboxBuilder, receipt::PostgresReceipt,
};
