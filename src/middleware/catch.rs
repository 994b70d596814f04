//! Panics of the application.

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
