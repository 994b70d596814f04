//! Exchanging the secret of a destination, in the order that loses nothing.

use std::{error::Error, fmt, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{Api, DestinationStore, NewSecret, RotateSecret, SendError, WebhookId, send};
use crate::{
    report::{BoxError, SharedError},
    signature::{Secrets, WebhookSecret},
};

/// Which secret is rotated, and how.
#[derive(Debug, Clone)]
pub struct Rotation {
    id: WebhookId,
    expect_for: Duration,
    keep_old_for: Duration,
}

impl Rotation {
    /// How long this process expects the rotation by default: 2 minutes.
    pub const EXPECT_FOR: Duration = Duration::from_secs(120);

    /// The secret of this destination.
    pub fn new(id: WebhookId) -> Self {
        Self {
            id,
            expect_for: Self::EXPECT_FOR,
            keep_old_for: Secrets::KEEP_OLD_FOR,
        }
    }

    /// How long a signature that does not match gets `503` at most, by default
    /// [2 minutes](Self::EXPECT_FOR): longer than the call of Nylas and of the store can take.
    #[must_use]
    pub fn expect_for(mut self, max: Duration) -> Self {
        self.expect_for = max;
        self
    }

    /// How long the old secret is accepted, by default [1 hour](Secrets::KEEP_OLD_FOR).
    #[must_use]
    pub fn keep_old_for(mut self, keep: Duration) -> Self {
        self.keep_old_for = keep;
        self
    }
}

/// Exchanges the secret of a destination, so that no notification is lost:
///
/// 1. [`DestinationStore::begin_rotation`], which tells the other replicas, and
///    [`Secrets::expect_rotation`] here;
/// 2. [`RotateSecret`] at Nylas, which signs with the new secret from then on;
/// 3. [`DestinationStore::save`], which tells the other replicas;
/// 4. [`Secrets::rotate`] here.
///
/// After an error, run it again while the rotation is still expected: it is not known then whether
/// Nylas has a new secret, and the next one is. [`reconcile`](super::reconcile) at the next start
/// does the same, since the store has the secret in doubt.
///
/// # Errors
///
/// [`RotateError`]. The old secret is still accepted here.
pub async fn rotate<S, B>(
    rotation: &Rotation,
    secrets: &Secrets,
    api: &Api,
    client: S,
    store: &impl DestinationStore,
) -> Result<(), RotateError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    let id = &rotation.id;
    let begun = store.begin_rotation(id).await;
    begun.map_err(|why| RotateError::NotBegun(why.into()))?;
    secrets.expect_rotation(rotation.expect_for);
    let issued = send(&RotateSecret::new(id.clone()), api, client).await;
    let secret = issued.map_err(RotateError::Send)?.secret;
    let saved = store.save(id, &secret).await;
    // Also if that has failed: Nylas signs with it already.
    secrets.rotate_to(&WebhookSecret::from(&secret), rotation.keep_old_for);
    saved.map_err(|why| RotateError::NotSaved {
        secret,
        why: why.into(),
    })
}

/// Why a rotation has not come to its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RotateError {
    /// The store has not recorded that a rotation begins. Nothing was changed.
    NotBegun(SharedError),
    /// Nylas, the client or the network has refused the request. Unless Nylas did, it may have a
    /// new secret that nobody knows: run it again.
    Send(SendError),
    /// The store has not saved the secret that Nylas has issued. This process accepts it already;
    /// it is here, to be saved otherwise.
    NotSaved {
        /// The secret.
        secret: NewSecret,
        /// What the store says.
        why: SharedError,
    },
}

impl fmt::Display for RotateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun(_) => f.write_str("the store has not recorded that a rotation begins"),
            Self::Send(error) => error.fmt(f),
            Self::NotSaved { .. } => f.write_str("the store has not saved the new secret"),
        }
    }
}

impl Error for RotateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotBegun(why) | Self::NotSaved { why, .. } => Some(&**why),
            Self::Send(error) => error.source(),
        }
    }
}
