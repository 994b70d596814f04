//! The tests of the engine, on servers of PostgreSQL that they start, or on the one of
//! `TOWER_NYLAS_TEST_POSTGRES`, a URL with a superuser. Where there is neither, they are reported
//! as ignored.

// Servers are started as another user, and killed.
#![cfg(unix)]

mod backlog;
mod commits;
mod conformance;
mod examples;
mod growth;
mod late;
mod lifetime;
mod network;
mod open;
mod outage;
mod pooler;
mod proxy;
mod replicas;
mod server;
mod stuck;
#[cfg(feature = "tls")]
mod tls;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;
use tower_nylas_kit::inbox::trial;

use self::server::Server;

/// Tests on a server, which is there or is started first.
macro_rules! on {
    ($server:expr, $is_possible:expr, $($module:ident { $($test:ident),+ $(,)? })+) => {
        vec![$($(trial(
            concat!(stringify!($module), "::", stringify!($test)),
            $is_possible,
            || Runtime::new().unwrap().block_on(async {
                let server = $server.await;
                $module::$test(&server).await;
            }),
        ),)+)+]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Some have the machine to themselves.
    arguments.test_threads.get_or_insert(1);
    let mut trials = on_any_server();
    trials.extend(on_servers_of_their_own());
    for (name, test) in conformance::TESTS {
        trials.push(trial(name, server::is_there(), *test));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    server::stop();
    conclusion.exit();
}

fn on_any_server() -> Vec<Trial> {
    on! {
        Server::shared(), server::is_there(),
        open {
            ten_replicas_at_once,
            a_schema_of_a_later_version,
            a_schema_of_the_version_before,
            a_schema_of_another_application,
            commits_that_may_be_lost,
            a_database_that_accepts_no_writes,
            another_isolation_level,
            names_of_schemas,
            many_that_wait,
            nobody_who_answers,
        }
        growth {
            what_is_done_leaves_its_key_for_the_window_and_nothing_else,
            dead_entries_are_kept_for_30_days_and_their_keys_with_them,
            what_is_done_and_kept_can_be_replayed_until_it_makes_room,
            a_timeline_is_bounded,
            a_claim_brings_a_bounded_amount_of_contents,
            a_look_brings_a_bounded_amount_of_contents,
            a_large_grant_is_purged,
            dead_letters_are_readable_in_the_schema,
        }
        lifetime {
            a_closed_inbox_refuses_everything,
            what_waits_is_written_before_the_end,
            time_without_a_process,
            texts_that_cannot_be_stored,
            one_that_is_refused,
            many_that_are_refused,
            an_inbox_that_never_polls,
        }
        backlog {
            what_the_server_knows_is_renewed,
            a_key_that_comes_again,
            dead_ones_that_are_chosen,
            dead_ones_that_are_few_among_many,
            what_a_transaction_keeps,
            what_was_locked_when_it_was_due,
        }
        examples {
            effects_happen_once,
        }
        outage {
            connections_that_are_cut,
            a_database_that_is_dropped,
        }
        replicas {
            receivers_and_workers,
            receivers_and_workers_that_are_serializable,
            what_another_process_stores,
            what_another_process_tells,
            what_is_told_while_nobody_listens,
            what_a_process_tells_whose_clock_is_ahead,
        }
        stuck {
            a_lock_that_is_held,
            a_lock_on_what_appends_need,
            a_lock_on_what_claims_need,
        }
    }
}

fn on_servers_of_their_own() -> Vec<Trial> {
    let mut trials = on! {
        Server::start(&[]), server::can_start(),
        open {
            a_user_without_rights,
            a_database_that_cannot_store_every_text,
        }
        replicas {
            what_cannot_be_told,
        }
        commits {
            a_role_that_does_not_wait_for_the_standby,
        }
        network {
            an_append_that_is_cut,
            a_claim_that_is_cut,
            a_settlement_that_is_cut,
            hosts_that_hang_before_the_one_that_answers,
            a_host_that_hangs,
            a_failover,
            a_standby_first,
            a_listener_that_hears_nothing,
            a_listener_whose_first_host_hangs,
        }
    };
    trials.extend(on! {
        Server::start(&["max_connections=16"]), server::can_start(),
        stuck { a_server_without_room }
    });
    #[cfg(feature = "tls")]
    {
        trials.push(trial(
            "tls::certificates_are_verified",
            server::can_start(),
            || {
                Runtime::new()
                    .unwrap()
                    .block_on(tls::certificates_are_verified());
            },
        ));
        trials.extend(on! {
            Server::start(&[]), server::can_start(),
            tls { a_server_that_cannot_encrypt }
        });
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
    trials.push(trial(
        "examples::replicas_are_restarted_under_load",
        server::can_start(),
        || {
            Runtime::new()
                .unwrap()
                .block_on(examples::replicas_are_restarted_under_load());
        },
    ));
    trials.push(trial("outage::spilled", server::can_start(), || {
        Runtime::new().unwrap().block_on(outage::spilled());
    }));
    trials.push(trial(
        "late::what_comes_before_the_server_is_handled",
        server::can_start(),
        || {
            Runtime::new()
                .unwrap()
                .block_on(late::what_comes_before_the_server_is_handled());
        },
    ));
    trials.push(trial(
        "conformance::behind_a_pooler",
        server::can_start() && pooler::is_there(),
        conformance::behind_a_pooler,
    ));
    trials.push(trial(
        "commits::a_pooler_that_others_use",
        server::can_start() && pooler::is_there(),
        || {
            Runtime::new()
                .unwrap()
                .block_on(commits::a_pooler_that_others_use());
        },
    ));
    trials
}
