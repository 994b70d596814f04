//! Panics of the application.

#[cfg(feature = "inbox")]
use std::{future::poll_fn, task::Poll};
use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs code of the application; `None` if it panicked.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // The payload is the application's, so dropping it may panic as well. Then the second
            // payload is leaked.
            mem::forget(catch_unwind(AssertUnwindSafe(|| drop(payload))));
            None
        }
    }
}

/// Polls code of the application to its end, and drops it; `None` if it panicked.
#[cfg(feature = "inbox")]
pub(crate) async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let polled = poll_fn(|cx| match catch(|| future.as_mut().poll(cx)) {
        Some(polled) => polled.map(Some),
        None => Poll::Ready(None),
    });
    let output = polled.await;
    catch(|| drop(future))?;
    output
}
