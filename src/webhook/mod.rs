//! The whole way of a webhook in one layer.
//!
//! [`WebhookLayer`] puts the other layers of this crate together in the order in which they are
//! right:
//!
//! ```text
//! GET ?challenge=…  ->  challenge/      answered with exactly that value
//! POST              ->  verify/         a proof, or a rejection
//!                   ->  decompression/  inflated, after verification
//!                   ->  acknowledge/    the status that keeps the notification
//!                   ->  the inner service, with a `Request<VerifiedBody>`
//! anything else     ->  405
//! ```
//!
//! The inner service is a [`TriggerRouter`](crate::TriggerRouter) or any other tower service.

mod future;
mod layer;
mod service;
mod settings;

pub use self::{future::ResponseFuture, layer::WebhookLayer, service::Webhook};
