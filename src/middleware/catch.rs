//! Panics of the application.

use std::{
    any::Any,
    error::Error,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
#[cfg(feature = "inbox")]
use std::{future::poll_fn, task::Poll};

/// What the application panicked with, if it is a text.
#[derive(Debug)]
pub(crate) struct Panic(pub(crate) Option<Arc<str>>);

/// Runs code of the application, which may panic.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let panic = Panic(text(&*payload));
        // The payload is the application's, so dropping it may panic as well. Then the second
        // payload is leaked.
        mem::forget(catch_unwind(AssertUnwindSafe(|| drop(payload))));
        panic
    })
}

/// Runs both, whatever one of them does. A function that observes may panic, a recorder, and the
/// text of an error in an event: the other one observes the same, and the answer is given.
pub(crate) fn both(one: impl FnOnce(), other: impl FnOnce()) {
    let _ = catch(one);
    let _ = catch(other);
}

fn text(payload: &(dyn Any + Send)) -> Option<Arc<str>> {
    let text: Option<&str> = match payload.downcast_ref::<&'static str>() {
        Some(text) => Some(text),
        None => payload.downcast_ref::<String>().map(String::as_str),
    };
    text.map(Arc::from)
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "it panicked: {text}"),
            None => f.write_str("it panicked"),
        }
    }
}

impl Error for Panic {}

/// Polls code of the application, which may panic, to its end, and drops it.
#[cfg(feature = "inbox")]
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = Box::pin(future);
    let polled = poll_fn(|cx| match catch(|| future.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let output = polled.await;
    catch(|| drop(future))?;
    output
}
