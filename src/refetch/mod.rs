//! The whole object of a truncated notification, fetched before it is handled (feature `api`).
//!
//! A notification over 1 MB comes without the body of its message, as `message.created.truncated`
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). [`RefetchLayer`] stands in front
//! of a [`TriggerRouter`](crate::TriggerRouter), inside a
//! [`WebhookLayer`](crate::WebhookLayer), and asks Nylas' API for the message; the handler of
//! `message.created` gets it whole:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::service_fn;
//! use tower_nylas::{
//!     Notification, RefetchLayer, Secrets, TriggerRouter, WebhookLayer, api::Api,
//!     notification::object::Message,
//! };
//! # use tower_nylas::WebhookSecret;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! async fn on_message(mail: Notification<Message>) {
//!     assert!(mail.refetched() && !mail.is_truncated());
//!     assert_eq!(mail.object.body.as_deref(), Some("a very long text"));
//! }
//!
//! // In earnest, any HTTP client; here, Nylas' answer.
//! let client = service_fn(async |request: Request<Full<Bytes>>| {
//!     assert_eq!(request.uri().path(), "/v3/grants/g-1/messages/m-1");
//!     let answer = r#"{"data":{"id":"m-1","grant_id":"g-1","body":"a very long text"}}"#;
//!     Ok::<_, std::convert::Infallible>(Response::new(answer.to_owned()))
//! });
//! let refetch = RefetchLayer::new(Api::us("an-invented-key")?, client);
//! let triggers = TriggerRouter::new().on("message.created", on_message);
//! let endpoint = WebhookLayer::new(Secrets::new("an-invented-secret")?)
//!     .layer(refetch.layer(triggers));
//! # let body = Bytes::from_static(br#"{"type":"message.created.truncated","id":"n-1",
//! #     "data":{"object":{"id":"m-1","grant_id":"g-1","body":""}}}"#);
//! # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body).to_hex();
//! # let request = Request::post("/").header("x-nylas-signature", signature);
//! # let response = tower::ServiceExt::oneshot(endpoint, request.body(Full::new(body))?).await?;
//! # assert_eq!(response.status(), 200, "{:?}", response.extensions().get::<tower_nylas::Outcome>());
//! # Ok(())
//! # }
//! ```
//!
//! The object is the one of **now** and not of when the notification was made: it may have changed,
//! and a field selection of the application (`.transformed`) is not applied to it.
//!
//! | Nylas' API answers | what happens |
//! |---|---|
//! | the object | the inner service gets it, and the trigger without `.truncated`; [`refetched`](crate::Notification::refetched) says so |
//! | `404`, `410` | it is deleted: the truncated notification goes on, with [`NotRefetched::Gone`] |
//! | more than 32 MiB | the truncated one goes on, with [`NotRefetched::TooLarge`] |
//! | `429`, or `5xx` with `Retry-After` | [`Outcome::Unfetched`](crate::Outcome::Unfetched), `429` with that `Retry-After`, or 30 seconds; one of 0 counts as none |
//! | `5xx`, nothing in time, no connection | [`Outcome::Unfetched`](crate::Outcome::Unfetched), `503` |
//! | `401`, `403` | [`Outcome::Unfetchable`](crate::Outcome::Unfetchable), `503`: the key is wrong, which must not lose anything; or the truncated one goes on: [`OnUnauthorized`] |
//! | another object than the one asked for, a redirect, something unreadable | [`Outcome::Unfetchable`](crate::Outcome::Unfetchable), `503` |
//!
//! Whatever fails at the last of Nylas' attempts would be lost: then the truncated notification
//! goes on as well, with [`NotRefetched::LastAttempt`]. A handler finds the reason in
//! [`Notification::extensions`](crate::Notification::extensions).
//!
//! Only `message.created` and `message.updated`, also with `.metadata`, are fetched: of
//! `message.created.cleaned` the API has the original only, and other triggers are about something
//! else than the object in them. The rest passes through, at the price of a look at the trigger.
//!
//! # Where it stands
//!
//! Best in the worker of a queue or an inbox, which has time and attempts of its own; there
//! [`pass_last_attempt`](RefetchLayer::pass_last_attempt) is switched off. In front of the router
//! of a `WebhookLayer`, the request counts against the 6 seconds of the
//! [handler](crate::WebhookLayer::handler_timeout). Behind a `DeduplicateLayer`, nothing is fetched
//! for a duplicate.
//!
//! # Bounds
//!
//! One request is in progress for each grant and object: other deliveries wait for its answer.
//! There are up to 8 requests at a time ([`max_in_flight`](RefetchLayer::max_in_flight)), and
//! others wait. Each holds up to three times the size of its object: what arrives, what is checked,
//! and the new notification.

mod complete;
mod fetch;
mod future;
mod layer;
mod not_refetched;
mod service;
mod settings;
mod truncated;

pub use self::{
    future::ResponseFuture,
    layer::RefetchLayer,
    not_refetched::{NotRefetched, OnUnauthorized},
    service::Refetch,
};
