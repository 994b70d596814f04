//! Extractors for axum handlers inside the layers (feature `axum`).
//!
//! axum's `Router` erases the type of the body, and with it the proof of verification. So the proof
//! is also in the request's extensions, where only verification can put it, and the extractors
//! require it: [`VerifiedBody`], [`Notification<T>`] and [`Trigger`]. They read the verified bytes,
//! even if the request's body was read or replaced in between, and do not read that body.
//!
//! axum's own extractors of bodies (`Bytes`, `String`, `Json`) get every verified body: axum's
//! `DefaultBodyLimit` of 2 MB is off behind the verification, whose own limit (4 MiB) held already.
//! A `DefaultBodyLimit` that the application sets inside holds.
//!
//! A request that did not pass a [`WebhookLayer`](crate::WebhookLayer) or a
//! [`VerifySignatureLayer`](crate::VerifySignatureLayer) gets a `503` that says which layer is
//! missing: it is a mistake in the application, so a notification must be repeated.
//!
//! ```
//! use axum::{Router, routing::{MethodRouter, post}};
//! use tower_nylas::{Notification, Secrets, WebhookLayer, notification::object::Message};
//!
//! async fn receive(message: Notification<Message>) {
//!     println!("{:?}", message.object.subject);
//! }
//!
//! # fn app() -> Router {
//! let handler: MethodRouter = post(receive);
//! Router::new()
//!     .route_service("/webhooks/nylas", WebhookLayer::new(Secrets::pending()).layer(handler))
//! # }
//! ```
//!
//! Mounted like this, the layer wraps one path. With `Router::layer` it would wrap every path, also
//! those that do not exist. The type is written out because axum cannot infer the error of a
//! `MethodRouter` that gets layers of its own.
//!
//! A route like this one takes one type for all triggers; with
//! [`TriggerRouter::on_service`](crate::TriggerRouter::on_service), axum handlers with their state
//! and extractors serve one trigger each.

use std::fmt;

use axum_core::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{
    notification::{Envelope, Malformed, Notification, Payload},
    trigger::Trigger,
    verify::VerifiedBody,
};

impl<S: Sync> FromRequestParts<S> for VerifiedBody {
    type Rejection = MissingVerification;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::proven_in(&parts.extensions)
            .cloned()
            .ok_or(MissingVerification)
    }
}

impl<S: Sync, T: Payload> FromRequestParts<S> for Notification<T> {
    type Rejection = NotificationRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let body = VerifiedBody::proven_in(&parts.extensions)
            .ok_or(MissingVerification)?
            .clone();
        Ok(Self::read(body, parts.extensions.clone())?)
    }
}

impl<S: Sync> FromRequestParts<S> for Trigger {
    type Rejection = NotificationRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let body = VerifiedBody::proven_in(&parts.extensions).ok_or(MissingVerification)?;
        Ok(Envelope::peek(body)?.trigger())
    }
}

/// `503`: the request did not pass a layer that verifies signatures, a mistake in the application.
///
/// It may be a genuine notification all the same, and after a `500` Nylas need not repeat it
/// ([source](https://developer.nylas.com/docs/v3/notifications/)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingVerification;

impl fmt::Display for MissingVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this route is not behind a WebhookLayer or a VerifySignatureLayer of tower-nylas",
        )
    }
}

impl std::error::Error for MissingVerification {}

impl IntoResponse for MissingVerification {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, self.to_string()).into_response()
    }
}

/// Why a notification could not be extracted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NotificationRejection {
    /// `503`: the request was not verified.
    MissingVerification(MissingVerification),
    /// `503`, and `200` from the third attempt on, when it is lost: the verified body does not fit.
    /// The response carries [`Outcome::Unread`](crate::Outcome::Unread) in its extensions.
    Malformed(Malformed),
}

impl From<MissingVerification> for NotificationRejection {
    fn from(missing: MissingVerification) -> Self {
        Self::MissingVerification(missing)
    }
}

impl From<Malformed> for NotificationRejection {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for NotificationRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingVerification(why) => why.fmt(f),
            Self::Malformed(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for NotificationRejection {}

impl IntoResponse for NotificationRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingVerification(missing) => missing.into_response(),
            Self::Malformed(malformed) => malformed.into_unread().into_response::<Body>(),
        }
    }
}
