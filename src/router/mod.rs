//! Sends every verified notification to the handler for its trigger.
//!
//! ```
//! use tower_nylas::{Ack, Notification, TriggerRouter};
//!
//! #[derive(serde::Deserialize)]
//! struct Message {
//!     id: String,
//!     subject: Option<String>,
//! }
//!
//! async fn on_message(mail: Notification<Message>) {
//!     println!("{}: {:?}", mail.object.id, mail.object.subject);
//! }
//!
//! async fn on_expired(grant: Notification) -> Result<Ack, String> {
//!     let grant_id = grant.grant_id().ok_or("a grant without an id")?;
//!     println!("{grant_id} has to log in again");
//!     Ok(Ack::Done)
//! }
//!
//! let router = TriggerRouter::new()
//!     .on("message.created", on_message)
//!     .on("grant.expired", on_expired)
//!     .on("event.*", async || Ack::Discard)
//!     .fallback(async |other: Notification| println!("{}", other.trigger()));
//! ```
//!
//! [`Filter`](crate::trigger::Filter) says which triggers a route receives; the most specific one
//! gets a notification: its exact name, then the name without the automatic suffixes, then for
//! `.metadata` its base, then the longest family, then the [fallback](TriggerRouter::fallback). A
//! notification without a route is acknowledged with `200`, since Nylas would repeat it in vain; it
//! is [counted](TriggerRouter::unrouted_count) and reported as
//! [`Outcome::Unrouted`](crate::Outcome::Unrouted).
//!
//! A notification that does not fit its handler goes to the fallback, if that takes whatever comes,
//! or to [`on_malformed`](TriggerRouter::on_malformed). Without either, it is sent again, and is
//! lost after the third attempt: see [`Outcome::Unread`](crate::Outcome::Unread).
//!
//! What handlers share is the router's state: [`TriggerRouter::with_state`] and [`State`].
//!
//! A filter that covers no trigger that Nylas is known to send is a mistake, and
//! [panics](TriggerRouter::on) when the router is built; [`TriggerRouter::on_unlisted`] is for
//! triggers that this version of the crate does not know.
//! [`filters`](TriggerRouter::filters) lists the triggers to subscribe to.
//!
//! The router takes `Request<`[`VerifiedBody`](crate::VerifiedBody)`>` and nothing else, so it
//! cannot be mounted without verification in front of it.

mod argument;
mod attempt;
mod body;
mod endpoint;
mod future;
mod handler;
mod service;
mod state;
mod table;
mod tuple;
mod unread;

#[cfg(feature = "inbox")]
pub(crate) use self::argument::sealed::Sealed;
#[doc(hidden)]
pub use self::{argument::Content, endpoint::EndpointFuture};
pub use self::{
    argument::FromVerified,
    attempt::Attempt,
    body::{RoutedBody, RoutedBodyError},
    future::ResponseFuture,
    handler::Handler,
    service::TriggerRouter,
    state::{FromRef, State},
};
