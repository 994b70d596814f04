//! Tests that need something which may be missing.

use libtest_mimic::Trial;

/// A test that is reported as ignored, as `[no server]`, where no server can be had.
pub fn trial(name: &str, is_possible: bool, test: impl FnOnce() + Send + 'static) -> Trial {
    let kind = if is_possible { "" } else { "no server" };
    let run = || {
        test();
        Ok(())
    };
    let trial = Trial::test(name, run).with_kind(kind);
    trial.with_ignored_flag(!is_possible)
}
