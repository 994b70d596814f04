//! Stores notifications in place of handling them.

mod error;
mod future;
mod moves;
mod service;

pub use self::{error::EnqueueError, future::ResponseFuture, service::Enqueue};
