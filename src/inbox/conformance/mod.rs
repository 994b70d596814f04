//! Checks that an engine does what an [`Inbox`] has to do (feature `testing`).
//!
//! An engine's tests implement [`Engine`] and run the cases, each of which has the name of the rule
//! that it checks:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use tower_nylas::{
//!     inbox::{MemoryInbox, Task, conformance::{self, Engine, Options}},
//!     testing::VirtualClock,
//!     time::Timer,
//! };
//!
//! struct Memory(VirtualClock);
//!
//! impl Engine for Memory {
//!     type Inbox = MemoryInbox;
//!
//!     async fn open(&self, options: Options) -> MemoryInbox {
//!         MemoryInbox::with_timer(self.0.clone())
//!             .lease(options.lease)
//!             .window(options.window)
//!             .max_bytes(options.max_bytes)
//!     }
//!
//!     fn timer(&self) -> Arc<dyn Timer> {
//!         Arc::new(self.0.clone())
//!     }
//!
//!     fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
//!         let clock = self.0.clone();
//!         Arc::new(move |task| clock.spawn(task))
//!     }
//! }
//!
//! let engine = Memory(VirtualClock::new());
//! engine.0.run_until(conformance::run(&engine));
//! engine.0.run_until(conformance::run_browse(&engine));
//! engine.0.run_until(conformance::run_inspect(&engine));
//! ```
//!
//! [`run`] takes every case and panics at the end with the names of those that failed; [`run_case`]
//! takes one. [`run_worker`] needs virtual time, since its entries are handled for days.
//! [`Faults`] is an engine around another one that fails, hangs and answers late on demand.

mod append;
mod bench;
mod browse;
mod claim;
mod faults;
mod inspect;
mod process;
mod settle;
mod trouble;
mod worker;

use std::{pin::Pin, sync::Arc, time::Duration};

use self::bench::Bench;
pub use self::faults::{Call, Fault, Faults};
use super::{Browse, EntryKey, Inbox, Inspect, MemoryInbox, Task};
use crate::{middleware::caught, time::Timer};

/// An engine, as its tests open it.
pub trait Engine: Send + Sync + 'static {
    /// The inbox.
    type Inbox: Inbox;

    /// Opens an inbox that is empty, each time another one.
    fn open(&self, options: Options) -> impl Future<Output = Self::Inbox> + Send;

    /// The time of the inbox.
    fn timer(&self) -> Arc<dyn Timer>;

    /// Runs tasks beside the cases.
    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync>;

    /// The lease that most cases use; by default 30 seconds, which is for virtual time. An engine
    /// on real time takes one second, say.
    fn lease(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Whether a claim that another one has replaced is refused with
    /// [`SettleError::LeaseLost`](super::SettleError::LeaseLost); by default `true`.
    fn fences(&self) -> bool {
        true
    }

    /// Whether a key is remembered for as long as its entry is there, also beyond the window; by
    /// default `true`.
    fn remembers_what_is_open(&self) -> bool {
        true
    }

    /// Whether [`Browse::stats`] tells what waits from what is claimed and
    /// from what has become due again; by default `true`.
    fn counts_each_state(&self) -> bool {
        true
    }

    /// Makes the stored head of an entry unreadable. Returns `false` if that cannot be done, as by
    /// default; then the case of it is passed over, which standard error tells.
    fn spoil(&self, _inbox: &Self::Inbox, _key: EntryKey) -> impl Future<Output = bool> + Send {
        async { false }
    }

    /// Gives a dead entry a cause of this name, as a later version would that knows more of them.
    /// Returns `false` if that cannot be done, as by default; then the case of it is passed over,
    /// which standard error tells.
    fn rename_cause(
        &self,
        _inbox: &Self::Inbox,
        _key: EntryKey,
        _name: &str,
    ) -> impl Future<Output = bool> + Send {
        async { false }
    }

    /// Sets the wall clock of the inbox so many seconds ahead, or back, and leaves its monotonic
    /// one alone. Returns `false` if that cannot be done, as by default; then the cases of it are
    /// passed over, which standard error tells.
    fn shift_wall_clock(&self, _seconds: i64) -> bool {
        false
    }
}

/// How a case wants its inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long a claim lasts.
    pub lease: Duration,
    /// How long a key is remembered at least.
    pub window: Duration,
    /// What all entries may take, as the engine counts it. An engine that has no such limit is
    /// opened without one.
    pub max_bytes: usize,
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A case: the rule as its name, and what checks it.
type Case<E> = (&'static str, for<'a> fn(&'a Bench<'a, E>) -> Running<'a>);

/// Lists functions of a [`Bench`] as cases.
macro_rules! cases {
    ($($(#[$meta:meta])* $theme:ident { $($case:ident),+ $(,)? })+) => {
        vec![$($((
            concat!(stringify!($theme), "::", stringify!($case)),
            |bench| Box::pin($theme::$case(bench)),
        ),)+)+]
    };
}

fn cases<E: Engine>() -> Vec<Case<E>> {
    cases! {
        append {
            what_is_stored_comes_as_it_was,
            a_key_is_stored_once,
            a_key_is_remembered_for_the_window_after_its_entry_is_done,
            a_key_is_forgotten_after_the_window,
            a_thousand_at_once_with_duplicates_among_them,
            full_is_an_error_at_once_and_ends,
            what_is_larger_than_the_inbox_is_refused,
            a_dropped_append_stores_the_whole_entry_or_nothing,
        }
        claim {
            the_longest_due_come_first_and_no_more_than_asked_for,
            an_entry_is_claimed_once_in_its_lease,
            without_an_entry_it_waits_as_long_as_asked,
            it_ends_soon_after_the_first_entry,
            it_waits_for_one_that_was_put_off,
            what_was_not_settled_comes_again_and_counts_as_a_crash,
            an_extended_lease_counts_from_then,
        }
        settle {
            done_is_the_end,
            a_retry_comes_again_after_its_time,
            failures_are_counted_from_the_first_on,
            to_wait_is_neither_a_failure_nor_a_crash,
            to_wait_sets_nothing_back,
            what_is_given_back_is_due_at_once,
            dead_does_not_come_again,
            a_settlement_can_be_repeated,
            a_lease_that_has_run_out_still_settles,
            a_replaced_claim_settles_nothing,
        }
        trouble {
            a_row_that_cannot_be_read_is_left_out,
            a_wall_clock_that_goes_back_hides_nothing,
            a_wall_clock_that_runs_ahead_forgets_nothing,
        }
    }
}

fn browse_cases<E: Engine<Inbox: Browse>>() -> Vec<Case<E>> {
    cases! {
        browse {
            stats_count_each_state,
            the_dead_are_listed_with_cause_and_reason,
            the_dead_are_counted_by_trigger_and_cause,
            the_groups_are_those_of_the_entries_that_are_listed,
            a_replay_starts_anew,
            what_is_discarded_is_gone_and_its_key_is_not,
        }
    }
}

fn inspect_cases<E: Engine<Inbox: Inspect>>() -> Vec<Case<E>> {
    cases! {
        inspect {
            a_query_selects_and_pages,
            what_a_later_version_has_written_is_found_as_it_is_shown,
            a_timeline_tells_what_has_happened,
            a_purged_grant_leaves_nothing_behind,
        }
    }
}

fn worker_cases<E: Engine<Inbox: Browse>>() -> Vec<Case<E>> {
    use self::worker::{answers, ends, faulty};

    cases! {
        answers {
            an_entry_is_handled_once_and_done,
            a_failure_comes_again_later_each_time,
            a_throttled_entry_waits_and_has_not_failed,
            what_no_handler_reads_is_dead_at_once,
            a_panic_is_a_failure,
            an_entry_expires_only_after_an_answer,
        }
        ends {
            one_entry_that_ends_the_process_buries_no_neighbour,
            a_drain_leaves_neither_crash_nor_failure,
            a_worker_does_not_feed_its_own_inbox,
            a_long_handler_keeps_its_lease,
        }
        faulty {
            an_engine_that_fails_is_asked_again,
            an_engine_that_hangs_is_asked_again,
            an_entry_that_is_held_is_not_handled_twice,
            a_claim_that_comes_late_is_given_back,
            an_answer_that_is_lost_is_repeated,
        }
    }
}

/// Runs the cases of every [`Inbox`].
///
/// # Panics
///
/// At the end, with the names of the cases that failed. What they say was printed by the panic
/// hook.
pub async fn run<E: Engine>(engine: &E) {
    run_all(engine, cases()).await;
}

/// Runs the cases of [`Browse`].
///
/// # Panics
///
/// As [`run`].
pub async fn run_browse<E: Engine<Inbox: Browse>>(engine: &E) {
    run_all(engine, browse_cases()).await;
}

/// Runs the cases of [`Inspect`].
///
/// # Panics
///
/// As [`run`].
pub async fn run_inspect<E: Engine<Inbox: Inspect>>(engine: &E) {
    run_all(engine, inspect_cases()).await;
}

/// Runs a [`Worker`](super::Worker) over the inbox, some of it for days of the engine's time.
///
/// # Panics
///
/// As [`run`].
pub async fn run_worker<E: Engine<Inbox: Browse>>(engine: &E) {
    run_all(engine, worker_cases()).await;
}

/// Runs one case of [`run`], such as `settle::done_is_the_end`.
///
/// # Panics
///
/// If the case fails, or if there is none of this name.
pub async fn run_case<E: Engine>(engine: &E, name: &str) {
    run_named(engine, cases(), name).await;
}

/// Runs one case of [`run_browse`], such as `browse::a_replay_starts_anew`.
///
/// # Panics
///
/// As [`run_case`].
pub async fn run_browse_case<E: Engine<Inbox: Browse>>(engine: &E, name: &str) {
    run_named(engine, browse_cases(), name).await;
}

/// The names of the cases of [`run`], for [`run_case`]: an engine on real time runs them at the
/// same time, since most of them wait.
pub fn case_names() -> Vec<&'static str> {
    names(cases::<Nobody>())
}

/// The names of the cases of [`run_browse`], for [`run_browse_case`].
pub fn browse_case_names() -> Vec<&'static str> {
    names(browse_cases::<Nobody>())
}

fn names<E: Engine>(cases: Vec<Case<E>>) -> Vec<&'static str> {
    cases.into_iter().map(|(name, _)| name).collect()
}

/// Whose cases have the names of everybody's.
enum Nobody {}

impl Engine for Nobody {
    type Inbox = MemoryInbox;

    async fn open(&self, _options: Options) -> MemoryInbox {
        match *self {}
    }

    fn timer(&self) -> Arc<dyn Timer> {
        match *self {}
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        match *self {}
    }
}

async fn run_named<E: Engine>(engine: &E, cases: Vec<Case<E>>, name: &str) {
    let (_, case) = cases
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("there is no case `{name}`"));
    case(&Bench::new(engine)).await;
}

/// A case that does not apply is told, or it would look like one that was passed.
fn passed_over(case: &str) {
    eprintln!("passed over, since the engine lacks the means: {case}");
}

async fn run_all<E: Engine>(engine: &E, cases: Vec<Case<E>>) {
    let count = cases.len();
    let mut failed = Vec::new();
    for (name, case) in cases {
        let bench = Bench::new(engine);
        if caught(case(&bench)).await.is_err() {
            failed.push(name);
        }
    }
    assert!(
        failed.is_empty(),
        "the engine fails {} of {count} cases: {}",
        failed.len(),
        failed.join(", ")
    );
}
