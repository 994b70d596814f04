//! A switch that workers share with whoever operates them.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

/// Lets the workers that [have it](super::Worker::pause) claim nothing for a while: an operator
/// switches it, for instance until a provider is back that every handler needs.
///
/// What is being handled goes on, entries are stored and their keys remembered as before, and
/// nothing that waits counts as failed. A claim under way still counts, so handlers may start for
/// up to a second after it was switched on. Clones are handles of the same switch. It is of this
/// process, and is off when the process starts.
#[derive(Clone)]
pub struct Pause {
    is_on: Arc<watch::Sender<bool>>,
}

impl Pause {
    /// A switch that is off.
    pub fn new() -> Self {
        Self {
            is_on: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Nothing is claimed from now on.
    pub fn pause(&self) {
        self.is_on.send_replace(true);
    }

    /// Entries are claimed again.
    pub fn resume(&self) {
        self.is_on.send_replace(false);
    }

    /// Whether nothing is claimed.
    pub fn is_paused(&self) -> bool {
        *self.is_on.borrow()
    }

    /// Returns when it is off.
    pub(super) async fn is_over(&self) {
        let mut switched = self.is_on.subscribe();
        // An error only if the sender were dropped.
        let _ = switched.wait_for(|is_on| !is_on).await;
    }
}

impl Default for Pause {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause")
            .field("is_paused", &self.is_paused())
            .finish()
    }
}
