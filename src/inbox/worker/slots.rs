//! How many entries are handled at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::suspects::Inside;

pub(super) struct Slots {
    free: Arc<Semaphore>,
    count: u32,
}

/// More entries at a time than any process handles.
const MOST: usize = 100_000;

/// The right to handle one entry, until it is settled.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    pub(super) suspect: Option<Inside>,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        let count = count.clamp(1, MOST);
        Self {
            free: Arc::new(Semaphore::new(count)),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        }
    }

    /// All that are free, as soon as one is.
    pub(super) async fn take(&self) -> Vec<Slot> {
        let mut taken = Vec::new();
        // Nothing closes the semaphore.
        if let Ok(permit) = self.free.clone().acquire_owned().await {
            taken.push(Slot::new(permit));
        }
        while let Ok(permit) = self.free.clone().try_acquire_owned() {
            taken.push(Slot::new(permit));
        }
        taken
    }

    /// Returns when none is taken.
    pub(super) async fn all_free(&self) {
        // An error only if the semaphore were closed.
        let _ = self.free.acquire_many(self.count).await;
    }
}

impl Slot {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        Self {
            _permit: permit,
            suspect: None,
        }
    }
}
