//! The tests of the engine, on servers of PostgreSQL that they start, or on the one of
//! `TOWER_NYLAS_TEST_POSTGRES`, a URL with a superuser. Where there is neither, they are reported
//! as ignored.

// Servers are started as another user, and killed.
#![cfg(unix)]

mod conformance;
mod entries;
mod lifetime;
mod open;
mod outage;
mod replicas;
mod server;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use self::server::Server;

/// Tests on the server that all share.
macro_rules! shared {
    ($($module:ident { $($test:ident),+ $(,)? })+) => {
        vec![$($(trial(
            concat!(stringify!($module), "::", stringify!($test)),
            server::is_there(),
            || Runtime::new().unwrap().block_on(async {
                $module::$test(&*Server::shared().await).await;
            }),
        ),)+)+]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Some have the machine to themselves.
    arguments.test_threads.get_or_insert(1);
    let mut trials = shared! {
        open {
            ten_replicas_at_once,
            a_schema_of_a_later_version,
            a_schema_of_another_application,
            a_user_without_rights,
            commits_that_may_be_lost,
            a_database_that_accepts_no_writes,
            a_database_that_cannot_store_every_text,
            nobody_who_answers,
        }
        lifetime {
            a_closed_inbox_refuses_everything,
            what_waits_is_written_before_the_end,
            time_without_a_process,
            texts_that_cannot_be_stored,
        }
        outage {
            connections_that_are_cut,
        }
        replicas {
            receivers_and_workers,
            what_another_process_stores,
        }
    };
    for (name, test) in conformance::TESTS {
        trials.push(trial(name, server::is_there(), *test));
    }
    trials.push(trial(
        "outage::killed_under_load",
        server::can_start(),
        || {
            Runtime::new()
                .unwrap()
                .block_on(outage::killed_under_load());
        },
    ));
    let conclusion = libtest_mimic::run(&arguments, trials);
    server::stop();
    conclusion.exit();
}

fn trial(name: &str, is_possible: bool, test: impl FnOnce() + Send + 'static) -> Trial {
    let kind = if is_possible { "" } else { "no PostgreSQL" };
    let run = || {
        test();
        Ok(())
    };
    let trial = Trial::test(name, run).with_kind(kind);
    trial.with_ignored_flag(!is_possible)
}
