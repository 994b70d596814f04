//! The tests of the engine, on servers of NATS that they start, or on the one of
//! `TOWER_NYLAS_TEST_NATS`, a URL. Where there is neither, they are reported as ignored.

mod answers;
mod closing;
mod cluster;
mod conformance;
mod deleted;
mod exempt;
mod forgotten;
mod kept;
mod late;
mod letters;
mod login;
mod open;
mod outage;
mod passed;
mod server;
mod worker;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;
use tower_nylas_kit::inbox::trial;

/// Tests that start what they need, or take what there is.
macro_rules! on {
    ($is_possible:expr, $($module:ident { $($test:ident),+ $(,)? })+) => {
        vec![$($(trial(
            concat!(stringify!($module), "::", stringify!($test)),
            $is_possible,
            || Runtime::new().unwrap().block_on($module::$test()),
        ),)+)+]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Most of the time they wait for leases to end, which takes no processor.
    arguments.test_threads.get_or_insert(8);
    let mut trials: Vec<Trial> = on! {
        server::is_there(),
        answers {
            what_is_under_way_for_long_is_stored_with_another_id,
            a_duplicate_of_what_is_not_stored_is_none,
            the_answer_of_another_stream_counts_for_nothing,
            another_stream_does_not_store_it,
        }
        closing {
            a_closed_inbox_refuses_everything,
            what_waits_is_written_before_the_end,
        }
        deleted {
            the_consumer_is_created_again_and_failures_are_known,
            the_entries_are_created_again_and_what_is_at_their_places_is_new,
            the_tries_are_created_again_and_nothing_is_a_crash,
            the_dead_letters_are_created_again,
            letters_that_are_refused_do_not_hold_up_the_others,
        }
        exempt {
            a_claim_that_was_replaced_settles_all_the_same,
            a_key_is_forgotten_although_its_entry_waits,
            what_was_put_off_counts_as_claimed,
        }
        forgotten {
            the_consumer_was_deleted,
            the_consumer_was_created_again,
            another_entry_at_the_place_stays,
            a_worker_goes_on,
        }
        kept {
            dead_letters_are_in_a_stream_of_their_own,
            a_replay_that_was_interrupted_is_one_replay,
            a_replay_whose_number_was_used_before_stores_the_entry,
            two_operators_at_the_same_letters,
            what_others_publish_is_buried,
            nothing_is_left_of_what_is_done,
            claims_go_on_while_all_that_was_claimed_is_put_off,
        }
        letters {
            places_that_are_empty_are_skipped,
            groups_are_counted_over_what_is_empty,
            a_trigger_of_any_characters_is_buried,
        }
        open {
            ten_replicas_at_once,
            another_configuration_is_named,
            other_settings_are_named_as_well,
            the_shortest_times_and_the_least_room,
            a_stream_of_another_application,
            a_stream_of_a_later_version,
            what_is_not_asserted_is_told,
            names_that_are_none,
            nobody_who_answers,
        }
        worker {
            failures_come_again_and_are_counted,
            what_no_handler_reads_is_a_dead_letter,
            several_processes_share_the_entries,
        }
    };
    trials.extend(conformance::trials());
    trials.extend(on! {
        server::can_start(),
        cluster {
            a_silent_server_is_left_for_another,
            one_node_killed_under_load,
            the_same_notification_at_once,
        }
        login {
            a_user_and_a_password,
            a_token,
            a_user_who_cannot_read_what_has_failed,
            the_largest_message_that_a_claim_asks_for,
        }
        late { what_comes_before_the_server_is_handled }
        passed {
            what_was_deleted_is_there_again,
            what_comes_to_places_that_were_settled,
        }
        outage {
            killed_under_load,
            a_restart_forgets_the_keys_of_what_was_handled,
            a_server_that_is_away_is_unavailable,
            spilled,
        }
    });
    let conclusion = libtest_mimic::run(&arguments, trials);
    server::stop();
    conclusion.exit();
}
