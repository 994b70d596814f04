//! Panics of the application.

use std::{
    any::Any,
    error::Error,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

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
