//! A durable inbox for [`tower_nylas`] in a SQLite file.
//!
//! A notification that was answered `200` is stored, and its key with it, in one transaction that
//! was synced to the disk before the answer. It is handled later, as often as it takes:
//!
//! ```no_run
//! use tower_nylas::{BoxError, Notification, Secrets, TriggerRouter, WebhookLayer};
//! use tower_nylas::inbox::{Enqueue, Worker};
//! use tower_nylas_sqlite::SqliteInbox;
//!
//! # async fn shutdown() {}
//! # async fn serve(secrets: Secrets) -> Result<(), BoxError> {
//! let inbox = SqliteInbox::open("nylas-inbox.db").await?;
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
//! The README of the crate says what it takes, what is kept, how to back it up, and how to read
//! dead letters; `tower_nylas::_guide::inbox` what a `200` promises.
//!
//! # What is durable
//!
//! Appends are synced (`synchronous=FULL`), many in one transaction. Claims and settlements are
//! committed without a sync of their own: they survive the death of the process, and a power cut
//! can undo the last of them. Their entries are handled again then, and none is lost.
//!
//! # Several processes
//!
//! They may use one file, as they do while a deployment replaces one by another, on one machine.
//! The file must be on a local disk, since neither SQLite's log nor the locks work over a network.
//! A claim whose process has died ends with its lease, after 30 seconds; if no other process has
//! the file open, at once when it is opened again.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod browse;
mod checkpoint;
mod clock;
mod error;
mod inbox;
mod list;
mod location;
mod lock;
mod open;
mod reader;
mod receipt;
mod room;
mod schema;
mod session;
mod settings;
mod state;
mod transaction;
mod writer;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use self::{
    error::OpenError, inbox::SqliteInbox, open::SqliteInboxBuilder, receipt::SqliteReceipt,
};
