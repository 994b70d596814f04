//! The claim of a notification that is being handled.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
};

use super::SeenIds;
use crate::{middleware::catch, report::BoxError};

/// A call of a store, which keeps the store alive.
pub(super) type StoreCall<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A claim that is released when it is dropped: the client has disconnected, the handler deadline
/// has passed, or the handler has panicked.
pub(super) struct Held<I: SeenIds> {
    ids: Arc<I>,
    claim: Option<I::Claim>,
}

impl<I: SeenIds> Held<I> {
    pub(super) fn new(ids: Arc<I>, claim: I::Claim) -> Self {
        Self {
            ids,
            claim: Some(claim),
        }
    }

    pub(super) fn finish(mut self) -> Option<StoreCall<()>> {
        let (ids, claim) = (self.ids.clone(), self.claim.take()?);
        Some(Box::pin(async move { ids.finish(claim).await }))
    }

    pub(super) fn release(mut self) -> Option<StoreCall<()>> {
        self.take_release()
    }

    fn take_release(&mut self) -> Option<StoreCall<()>> {
        let (ids, claim) = (self.ids.clone(), self.claim.take()?);
        Some(Box::pin(async move { ids.release(claim).await }))
    }
}

impl<I: SeenIds> Drop for Held<I> {
    fn drop(&mut self) {
        if let Some(mut release) = self.take_release() {
            // Polled once, since nothing can wait here. That is enough for a store in memory; with
            // others, the claim ends by itself. The store may panic, and so may its future's drop.
            let _ = catch(move || {
                let _ = release
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
            });
        }
    }
}
