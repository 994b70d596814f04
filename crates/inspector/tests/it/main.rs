//! The tests of the inspector, over sockets, and in Chromium where that and its driver are
//! installed. Where they are not, those are reported as ignored.

mod actions;
mod bodies;
mod browser;
mod command_line;
mod engines;
mod escaping;
mod examples;
mod json;
mod limits;
mod mounts;
mod pages;
mod pause;
mod scripted;
mod security;
mod selections;
mod snapshot;
mod stage;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

macro_rules! tests {
    ($($module:ident { $($test:ident),+ $(,)? })+) => {
        vec![$($(Trial::test(
            concat!(stringify!($module), "::", stringify!($test)),
            || {
                Runtime::new()?.block_on($module::$test());
                Ok(())
            },
        ),)+)+]
    };
}

macro_rules! in_browser {
    ($($test:ident),+ $(,)?) => {
        vec![$(Trial::test(concat!("browser::", stringify!($test)), || {
            Runtime::new()?.block_on(browser::$test());
            Ok(())
        })
        .with_kind(if browser::is_there() { "" } else { "no browser" })
        .with_ignored_flag(!browser::is_there()),)+]
    };
}

#[allow(clippy::too_many_lines)] // a list
fn main() {
    let arguments = Arguments::from_args();
    let mut trials = tests! {
        actions {
            a_dead_letter_is_replayed_until_it_is_handled,
            a_group_is_counted_first_and_then_replayed,
            a_discard_needs_a_reason_and_leaves_the_key,
            a_grant_is_purged,
            an_action_has_a_cap,
            more_than_one_entry_needs_a_confirmation,
            forms_that_make_no_sense_change_nothing,
            each_action_is_recorded,
            events_say_who_did_what,
            an_action_whose_client_leaves_is_recorded,
        }
        bodies {
            they_are_hidden_by_default,
            they_are_shown_if_asked_for,
        }
        command_line {
            it_lists_shows_and_counts,
            it_replays_in_parts_and_shows_progress,
            it_asks_before_more_than_one,
            it_passes_headers_on,
            it_shows_no_control_characters,
        }
        engines {
            one_that_cannot_search_shows_its_dead,
            one_that_fails_is_told,
            no_inbox_at_all,
        }
        examples {
            a_receiver_in_trouble,
        }
        escaping {
            a_thousand_fuzzed_bodies,
            links_and_notes_put_no_text_on_a_page,
        }
        json {
            every_page_has_a_twin,
            pages_go_on_where_the_last_one_ended,
            the_cap_of_a_list_holds,
        }
        limits {
            an_engine_that_hangs_takes_no_page_with_it,
            two_dry_runs_are_under_way_at_most,
            no_other_site_makes_it_read,
            a_link_from_elsewhere_says_nothing,
        }
        mounts {
            under_any_path_with_and_without_a_slash,
            behind_a_proxy_that_strips_a_prefix,
            every_link_of_every_page_holds,
        }
        pages {
            a_mail_is_found_by_its_id,
            an_id_of_several_destinations_shows_them_all,
            a_long_id_is_found,
            groups_lead_to_their_entries,
            deliveries_are_filtered,
            refusals_push_no_delivery_out,
            a_page_reloads_itself_if_asked_to,
            what_is_not_there,
        }
        pause {
            a_worker_is_paused_and_resumed,
        }
        security {
            every_answer_has_the_headers,
            the_style_is_allowed_by_its_hash,
            a_form_of_another_origin_is_refused,
            without_authorization_nothing_is_shown,
            who_may_read_may_not_act,
            read_only_holds_for_everybody,
            only_this_machine,
            a_large_form_is_refused,
        }
        selections {
            what_is_not_understood_changes_nothing,
            an_empty_name_and_blanks_are_names,
            what_was_counted_is_what_is_changed,
            a_selection_that_is_cut_does_not_slide,
            what_was_handled_meanwhile_is_not_handled_again,
            what_is_handled_at_this_moment_is_not_handled_again,
            what_cannot_be_read_stays_in_its_group,
            every_group_leads_to_what_it_counts,
            what_was_not_looked_through_is_told,
            what_was_done_before_a_failure_is_told,
            a_thousand_keys_are_all_read,
            a_reason_may_be_in_any_language,
            a_purge_says_what_stays,
        }
        snapshot {
            none_is_held_while_a_client_is_slow,
        }
    };
    trials.extend(in_browser![
        a_dead_letter_is_found_and_replayed,
        a_dead_letter_is_discarded,
        entries_are_listed_and_filtered,
        a_selection_is_replayed,
        markup_in_a_subject_is_text,
        without_authorization_there_is_no_page,
        a_read_only_page_has_no_buttons,
        everything_is_reached_by_keyboard,
        nothing_overflows_at_400_pixels,
        no_request_leaves_the_origin,
        a_form_of_another_site_is_refused,
        screenshots,
    ]);
    libtest_mimic::run(&arguments, trials).exit();
}
