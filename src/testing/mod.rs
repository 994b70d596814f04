//! Tools for tests of one's own handlers and endpoints (feature `testing`; not for production,
//! since it creates verified bodies without a signature).
//!
//! A handler alone:
//!
//! ```
//! use tower_nylas::{Notification, notification::object::Grant, testing};
//!
//! async fn on_expired(grant: Notification<Grant>) -> Result<(), String> {
//!     let email = grant.object.email.ok_or("no address")?;
//!     println!("{email} has to log in again");
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let body = testing::sample("grant.expired").ok_or("no such sample")?;
//! assert!(on_expired(testing::verified(body).try_into()?).await.is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! A whole endpoint, with the requests that Nylas sends:
//!
//! ```
//! use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, WebhookSecret, testing};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! let secrets = Secrets::pending();
//! let endpoint = WebhookLayer::new(secrets.clone())
//!     .layer(TriggerRouter::new().on("grant.*", async || ()));
//!
//! let mut nylas = testing::Nylas::new(endpoint, WebhookSecret::new("an-invented-secret")?);
//! nylas.challenge().await?;
//! secrets.set("an-invented-secret")?;
//!
//! let delivery = nylas.deliver(testing::sample("grant.expired").unwrap_or_default()).await;
//! assert_eq!(delivery.is_handled(), Some(true), "{delivery}");
//! # Ok(())
//! # }
//! ```
//!
//! On a [`VirtualClock`], timeouts and rotations take no real time. The
//! [guide](crate::_guide::testing) has more first tests: forged, failing, compressed, slow.

#[cfg(feature = "inbox")]
mod busy_inbox;
mod challenge_error;
mod clock;
mod delivery;
mod executor;
mod gzip;
mod no_answer;
pub mod nylas;
mod samples;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;

#[cfg(feature = "inbox")]
pub use self::busy_inbox::BusyInbox;
pub use self::{
    challenge_error::ChallengeError,
    clock::{Busy, VirtualClock},
    delivery::{Delivery, DeliveryAttempt},
    gzip::gzip,
    no_answer::NoAnswer,
    nylas::{HttpClient, Nylas},
    samples::{Change, SAMPLES, sample, sample_with},
};
use crate::{
    signature::{InvalidSecret, SIGNATURE_HEADER, Secrets, WebhookSecret},
    verify::VerifiedBody,
};

/// A verified body without a signature; the label of its secrets is `testing`.
pub fn verified(body: impl Into<Bytes>) -> VerifiedBody {
    VerifiedBody::assumed(body.into(), "testing", false)
}

/// A verified body without a signature, as if secrets with this [label](Secrets::label) had
/// verified it that were [looked up](VerifiedBody::by_lookup) for a tenant.
///
/// ```
/// let body = tower_nylas::testing::verified_by("acme", "{}");
/// assert_eq!((body.verified_by(), body.by_lookup()), ("acme", true));
/// ```
pub fn verified_by(label: &str, body: impl Into<Bytes>) -> VerifiedBody {
    VerifiedBody::assumed(body.into(), label, true)
}

/// [`Secrets`] with one secret that has verified a body, as on a server that has received a genuine
/// notification.
///
/// A layer over fresh secrets answers a forged request with `503`
/// ([`Mismatch::RetryUntilProven`](crate::Mismatch::RetryUntilProven)), and one over these with
/// `401`.
///
/// # Errors
///
/// [`InvalidSecret`], as [`Secrets::new`].
pub fn proven_secrets<S>(secret: S) -> Result<Secrets, InvalidSecret>
where
    S: TryInto<WebhookSecret>,
    InvalidSecret: From<S::Error>,
{
    let secret: WebhookSecret = secret.try_into()?;
    let signature = secret.sign(b"");
    let secrets = Secrets::builder().secret::<WebhookSecret>(secret)?;
    // Nothing exchanges them meanwhile.
    let _ = secrets.verify(b"", &signature);
    Ok(secrets)
}

/// The public secret with which Nylas signs test events, to send them to a layer with
/// [`acknowledge_test_events`](crate::WebhookLayer::acknowledge_test_events).
///
/// No other function makes it: as a text it is an
/// [`InvalidSecret`](crate::InvalidSecret::TestEventSecret).
///
/// ```
/// use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, testing};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_nylas::BoxError> {
/// let endpoint = WebhookLayer::new(Secrets::new("an-invented-secret")?)
///     .acknowledge_test_events(true)
///     .layer(TriggerRouter::new());
/// let mut nylas = testing::Nylas::new(endpoint, testing::test_event_secret());
/// assert!(nylas.deliver("{}").await.is_accepted());
/// # Ok(())
/// # }
/// ```
pub fn test_event_secret() -> WebhookSecret {
    WebhookSecret::of_test_events()
}

/// The request with which Nylas delivers `body`: a signed `POST` of JSON to `/`.
pub fn signed_request(secret: &WebhookSecret, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let body = body.into();
    let signature = secret.sign(&body).to_hex();
    let length = body.len();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CONTENT_LENGTH, length.into());
    if let Ok(signature) = signature.try_into() {
        headers.insert(SIGNATURE_HEADER, signature);
    }
    request
}
