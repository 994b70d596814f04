//! A durable inbox for [`tower_nylas`] in PostgreSQL, which replicas share.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod browse;
mod check;
mod clock;
mod connect;
mod core;
mod database;
mod error;
mod history;
mod inbox;
mod lanes;
mod open;
mod receipt;
mod schema;
mod settle;
mod state;
mod statements;
mod text;

pub use self::{
    error::OpenError, inbox::PostgresInbox, open::PostgresInboxBuilder, receipt::PostgresReceipt,
};
