//! What a worker, and an inbox that opens by itself, need of a runtime.

use std::{pin::Pin, sync::Arc, time::Duration};

use crate::{
    inbox::SettleError,
    middleware::caught,
    time::{Timer, within},
};

/// How long the engine may take for a call.
pub(super) const ENGINE_TIMEOUT: Duration = Duration::from_secs(5);

/// A task that a [`Worker`](super::Worker) or a [`LazyInbox`](super::LazyInbox) spawns.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Clone)]
pub(super) struct Runtime {
    pub(super) timer: Arc<dyn Timer>,
    spawn: Arc<dyn Fn(Task) + Send + Sync>,
}

impl Runtime {
    pub(super) fn new(timer: impl Timer, spawn: impl Fn(Task) + Send + Sync + 'static) -> Self {
        Self {
            timer: Arc::new(timer),
            spawn: Arc::new(spawn),
        }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        (self.spawn)(Box::pin(task));
    }

    /// A call of the engine, which may panic or never return.
    pub(super) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, SettleError>>,
    ) -> Result<T, SettleError> {
        let why = match within(&*self.timer, ENGINE_TIMEOUT, caught(call)).await {
            Some(Ok(result)) => return result,
            Some(Err(panic)) => panic.into(),
            None => format!("it did not answer within {ENGINE_TIMEOUT:?}").into(),
        };
        Err(SettleError::Unavailable(why))
    }
}
