//! Where an application keeps what Nylas shows once.

use std::sync::Arc;

use super::{NewSecret, WebhookId};
use crate::report::BoxError;

/// Where an application keeps the id and the secret of one destination, for all its replicas: a row
/// of its database, or an entry of its secret manager.
///
/// [`reconcile`](super::reconcile) and [`rotate`](super::rotate()) write to it before they return.
/// Every method returns only when its change is durable. All replicas share one store, and one
/// process at a time runs either function, under a lock of the database for instance: two that
/// rotate at once can end with the secret in the store that is not Nylas'.
///
/// A whole one, in memory:
///
/// ```
/// use std::sync::Mutex;
/// use tower_nylas::{BoxError, api::{DestinationStore, NewSecret, Recorded, WebhookId}};
///
/// #[derive(Default)]
/// struct Memory(Mutex<Option<(Recorded, Option<NewSecret>)>>);
///
/// impl DestinationStore for Memory {
///     async fn load(&self) -> Result<Option<Recorded>, BoxError> {
///         let row = self.0.lock().map_err(|_| "poisoned")?;
///         Ok(row.as_ref().map(|(recorded, _)| recorded.clone()))
///     }
///
///     async fn begin_rotation(&self, id: &WebhookId) -> Result<(), BoxError> {
///         let mut row = self.0.lock().map_err(|_| "poisoned")?;
///         let old = row.take().and_then(|(_, secret)| secret);
///         *row = Some((Recorded::in_doubt(id.clone()), old));
///         Ok(()) // here every replica would call `Secrets::expect_rotation`
///     }
///
///     async fn save(&self, id: &WebhookId, secret: &NewSecret) -> Result<(), BoxError> {
///         let mut row = self.0.lock().map_err(|_| "poisoned")?;
///         *row = Some((Recorded::current(id.clone()), Some(secret.clone())));
///         Ok(()) // and here `Secrets::rotate`
///     }
/// }
/// ```
pub trait DestinationStore: Send + Sync {
    /// What is recorded of the destination.
    ///
    /// # Errors
    ///
    /// Those of the store: nothing is asked of Nylas.
    fn load(&self) -> impl Future<Output = Result<Option<Recorded>, BoxError>> + Send;

    /// The secret of this destination is about to change: records the id as
    /// [in doubt](Recorded::in_doubt), and keeps the secret, if there is one.
    ///
    /// With several replicas it also makes every one call
    /// [`Secrets::expect_rotation`](crate::Secrets::expect_rotation), and returns when all have:
    /// from then on a notification that one of them cannot verify yet is sent again.
    ///
    /// # Errors
    ///
    /// Those of the store: the secret is not changed.
    fn begin_rotation(&self, id: &WebhookId) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// This is the secret of this destination from now on: records both, the id as
    /// [current](Recorded::current).
    ///
    /// With several replicas it then makes every one call
    /// [`Secrets::rotate`](crate::Secrets::rotate). Those that cannot be told now, and those that
    /// start later, find it in the store.
    ///
    /// # Errors
    ///
    /// Those of the store. The error of the caller has the secret, to be saved again.
    fn save(
        &self,
        id: &WebhookId,
        secret: &NewSecret,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// What a [`DestinationStore`] knows of its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Its id.
    pub id: WebhookId,
    /// Whether the secret in the store is surely that of the destination. It is not from
    /// [`begin_rotation`](DestinationStore::begin_rotation) until
    /// [`save`](DestinationStore::save): a program that was ended in between does not know whether
    /// Nylas has a new one.
    pub is_current: bool,
}

impl Recorded {
    /// The secret in the store is that of the destination.
    pub fn current(id: WebhookId) -> Self {
        Self {
            id,
            is_current: true,
        }
    }

    /// A rotation has begun, and its result is not saved.
    pub fn in_doubt(id: WebhookId) -> Self {
        Self {
            id,
            is_current: false,
        }
    }
}

impl<T: DestinationStore> DestinationStore for Arc<T> {
    fn load(&self) -> impl Future<Output = Result<Option<Recorded>, BoxError>> + Send {
        T::load(self)
    }

    fn begin_rotation(&self, id: &WebhookId) -> impl Future<Output = Result<(), BoxError>> + Send {
        T::begin_rotation(self, id)
    }

    fn save(
        &self,
        id: &WebhookId,
        secret: &NewSecret,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        T::save(self, id, secret)
    }
}
