//! The tests of the engine, on servers of PostgreSQL that they start, or on the one of
//! `TOWER_NYLAS_TEST_POSTGRES`. Where there is neither, they are reported as ignored.

// Servers are started as another user, and killed.
#![cfg(unix)]

mod conformance;
mod server;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // Some have the machine to themselves.
    arguments.test_threads.get_or_insert(1);
    let trials = vec![
        shared(
            "conformance::inbox",
            conformance::a_postgres_inbox_is_an_inbox,
        ),
        shared(
            "conformance::browse",
            conformance::a_postgres_inbox_can_be_browsed,
        ),
        shared(
            "conformance::inspect",
            conformance::a_postgres_inbox_can_be_inspected,
        ),
        shared(
            "conformance::worker",
            conformance::a_worker_runs_over_a_postgres_inbox,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test on any server.
fn shared(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    let is_there = server::is_there();
    let kind = if is_there { "" } else { "no PostgreSQL" };
    let test = || {
        test();
        Ok(())
    };
    Trial::test(name, test)
        .with_kind(kind)
        .with_ignored_flag(!is_there)
}
