//! Calls that are under way, and the end of an inbox.

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tower_nylas::inbox::engine::Failure;

/// How many calls can be under way: more than any process has. Others wait.
const MOST: u32 = 1 << 20;

pub(crate) struct Gate {
    calls: Semaphore,
    is_closing: watch::Sender<bool>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            calls: Semaphore::new(MOST as usize),
            is_closing: watch::Sender::new(false),
        }
    }

    /// Lets a call in, until what is returned is dropped.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, Failure> {
        if *self.is_closing.borrow() {
            return Err(Failure::closed());
        }
        self.calls.acquire().await.map_err(|_| Failure::closed())
    }

    /// Returns when the inbox is to be closed.
    pub(crate) async fn closing(&self) {
        let mut closing = self.is_closing.subscribe();
        // An error only if the sender were dropped.
        let _ = closing.wait_for(|is_closing| *is_closing).await;
    }

    /// Lets no call in any more, and returns when those that are under way have ended.
    pub(crate) async fn close(&self) {
        self.is_closing.send_replace(true);
        if self.calls.acquire_many(MOST).await.is_ok() {
            self.calls.close();
        }
    }
}
