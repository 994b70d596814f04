//! Files that are gone when the test has ended.

use std::path::Path;

use tower_nylas_kit::inbox::Scratch;

/// A folder of one test, on the disk that the target folder is on.
pub(crate) fn scratch() -> Scratch {
    Scratch::new_in(Path::new(env!("CARGO_TARGET_TMPDIR")))
}
