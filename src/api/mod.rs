//! Nylas' management API, as requests that any HTTP client sends (feature `api`).
//!
//! An [`Operation`] makes a request and reads its response, without I/O; [`send`] sends it with any
//! tower service that takes a `Request<Full<Bytes>>`. So no HTTP client and no TLS come with this
//! crate: hyper-util's client fits as it is, reqwest's behind the adapter in the
//! [guide](crate::_guide::management), and a function stands in for Nylas in a test:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::service_fn;
//! use tower_nylas::api::{self, Api, ListWebhooks};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! let client = service_fn(async |request: Request<Full<Bytes>>| {
//!     assert_eq!(request.uri(), "https://api.eu.nylas.com/v3/webhooks");
//!     let list = r#"{"request_id":"r-1","data":[{"id":"wh-1","status":"active"}]}"#;
//!     Ok::<_, std::convert::Infallible>(Response::new(list.to_owned()))
//! });
//!
//! let api = Api::eu("an-invented-key")?;
//! let destinations = api::send(&ListWebhooks, &api, client).await?;
//! assert_eq!(destinations[0].id.as_str(), "wh-1");
//! # Ok(())
//! # }
//! ```
//!
//! | to do | operation |
//! |---|---|
//! | a destination | [`CreateWebhook`], [`ListWebhooks`], [`GetWebhook`], [`UpdateWebhook`], [`DeleteWebhook`] |
//! | its secret | [`RotateSecret`] |
//! | a trial of it | [`MockPayload`], [`SendTestEvent`] |
//! | where Nylas sends from | [`IpAddresses`] |
//! | an object as it is now, for instance the one of a notification | [`GetObject`], [`DownloadAttachment`] |
//!
//! On top of them, [`reconcile`] brings a destination to the state that an application wants, and
//! [`rotate`] exchanges its secret without a loss. Both keep the secret in a [`DestinationStore`]
//! before they return, and what was interrupted is repaired by running it again.
//!
//! # What holds of every response
//!
//! - A redirect is never followed: it is an error of the kind
//!   [`Redirected`](ErrorKind::Redirected). The client must not follow one either, or the API key
//!   goes where the redirect points.
//! - It is read up to 1 MiB, that of [`GetObject`] up to 32 MiB, and within the
//!   [timeout](Api::timeout).
//! - It is read leniently, as a notification: only ids and secrets must be there.
//! - No `Debug` and no error shows the API key, a secret, or a value of a response but the text of
//!   Nylas' own error message.

mod access;
mod answer;
mod destination;
mod error;
mod id;
mod objects;
mod operation;
mod path;
mod reconcile;
mod rotate;
mod secret;
mod send;
mod send_error;
mod store;
mod webhooks;

pub(crate) use self::objects::GetRawObject;
pub use self::{
    access::{Api, InvalidApi},
    destination::{Destination, DestinationStatus, Issued},
    error::{ApiError, ErrorKind},
    id::{InvalidId, WebhookId},
    objects::{DownloadAttachment, GetObject, RefetchError},
    operation::Operation,
    reconcile::{Desired, Plan, ReconcileError, Reconciled, Step, dry_run, reconcile},
    rotate::{RotateError, Rotation, rotate},
    secret::NewSecret,
    send::send,
    send_error::SendError,
    store::{DestinationStore, Recorded},
    webhooks::{
        CreateWebhook, DeleteWebhook, GetWebhook, IpAddresses, IpRanges, ListWebhooks, MockPayload,
        RotateSecret, SendTestEvent, UpdateWebhook,
    },
};
