//! Handles of a recorder, so that a request need not look its series up by name.

use std::{
    array,
    mem::size_of_val,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder, with_recorder};

use super::{
    labels::{OutcomeLabel, ReasonLabel},
    metrics::{
        AGE_SECONDS, BODY_BYTES, CHALLENGES, DURATION_SECONDS, HANDLE_SECONDS, OUTCOMES,
        READ_SECONDS, RECEIVED, REJECTED, VERIFIED,
    },
    series::{Attempt, Series},
};

static METADATA: Metadata<'static> =
    Metadata::new("tower_nylas", Level::INFO, Some(module_path!()));

/// After this time a handle is asked for again. A recorder may drop a series that was idle for long
/// (as that of `metrics-exporter-prometheus` does after its `idle_timeout`), and what is added to a
/// handle of a dropped series is lost.
const RENEW_AFTER: Duration = Duration::from_secs(10);

/// Whether there is a recorder. The one that stands in for none has no size.
pub(super) fn is_read() -> bool {
    with_recorder(|recorder| size_of_val(recorder) > 0)
}

/// Runs with the handles of the recorder in force, if there is one.
pub(super) fn record(now: Instant, run: impl FnOnce(Handles<'_>)) {
    with_recorder(|recorder| {
        if size_of_val(recorder) > 0 {
            run(Handles {
                recorder,
                kept: Kept::of(recorder),
                now,
            });
        }
    });
}

/// The handles of one recorder: those that are kept if it is the global one, else new ones.
#[derive(Clone, Copy)]
pub(super) struct Handles<'a> {
    recorder: &'a dyn Recorder,
    kept: Option<&'static Kept>,
    now: Instant,
}

/// The handles of the global recorder, which is installed once and never replaced. A recorder that
/// is in force for one thread only, as in tests, is asked each time: another one may follow it at
/// the same address.
struct Kept {
    /// Of the global recorder.
    address: usize,
    received: Cell<Counter>,
    challenges: Cell<Counter>,
    rejected: [Cell<Counter>; ReasonLabel::COUNT],
    body_bytes: Cell<Histogram>,
    read_seconds: Cell<Histogram>,
    duration_seconds: Cell<Histogram>,
    age_seconds: Cell<Histogram>,
    /// Made when the trigger is met for the first time: most applications meet a few.
    of_series: Box<[OnceLock<Box<OfSeries>>]>,
}

struct OfSeries {
    verified: [Cell<Counter>; Attempt::COUNT],
    outcomes: [Cell<Counter>; OutcomeLabel::COUNT],
    handle_seconds: Cell<Histogram>,
}

/// A handle, and when it was asked for.
struct Cell<H>(ArcSwapOption<(Instant, H)>);

static KEPT: OnceLock<Kept> = OnceLock::new();

impl Kept {
    fn of(recorder: &dyn Recorder) -> Option<&'static Self> {
        /// The recorder that was last found not to be the global one.
        static NOT_GLOBAL: AtomicUsize = AtomicUsize::new(0);

        let address = address_of(recorder);
        if let Some(kept) = KEPT.get() {
            return (kept.address == address).then_some(kept);
        }
        if NOT_GLOBAL.load(Ordering::Relaxed) == address {
            return None;
        }
        if !is_global(address) {
            NOT_GLOBAL.store(address, Ordering::Relaxed);
            return None;
        }
        Some(KEPT.get_or_init(|| Self::new(address)))
    }

    fn new(address: usize) -> Self {
        Self {
            address,
            received: Cell::default(),
            challenges: Cell::default(),
            rejected: array::from_fn(|_| Cell::default()),
            body_bytes: Cell::default(),
            read_seconds: Cell::default(),
            duration_seconds: Cell::default(),
            age_seconds: Cell::default(),
            of_series: (0..Series::COUNT).map(|_| OnceLock::new()).collect(),
        }
    }

    fn of_series(&self, series: Series) -> &OfSeries {
        self.of_series[series.index()].get_or_init(|| {
            Box::new(OfSeries {
                verified: array::from_fn(|_| Cell::default()),
                outcomes: array::from_fn(|_| Cell::default()),
                handle_seconds: Cell::default(),
            })
        })
    }
}

fn address_of(recorder: &dyn Recorder) -> usize {
    std::ptr::from_ref(recorder).cast::<()>() as usize
}

/// The facade does not tell whether a recorder is the global one or one of this thread alone. A new
/// thread has none of its own, so what it sees is the global one. Asked once for each recorder.
fn is_global(address: usize) -> bool {
    thread::Builder::new()
        .spawn(|| with_recorder(address_of))
        .is_ok_and(|thread| thread.join().is_ok_and(|global| global == address))
}

impl<H> Default for Cell<H> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<H: Clone> Cell<H> {
    fn get(&self, now: Instant, register: impl FnOnce() -> H) -> H {
        let kept = self.0.load();
        if let Some((since, handle)) = kept.as_deref()
            && now.saturating_duration_since(*since) < RENEW_AFTER
        {
            return handle.clone();
        }
        let handle = register();
        self.0.store(Some((now, handle.clone()).into()));
        handle
    }
}

impl Handles<'_> {
    pub(super) fn received(self) -> Counter {
        self.counter(|kept| &kept.received, || Key::from_static_name(RECEIVED))
    }

    pub(super) fn challenges(self) -> Counter {
        let key = || Key::from_static_name(CHALLENGES);
        self.counter(|kept| &kept.challenges, key)
    }

    pub(super) fn rejected(self, reason: ReasonLabel) -> Counter {
        let label = || Label::from_static_parts("reason", reason.as_str());
        let key = || Key::from_parts(REJECTED, vec![label()]);
        self.counter(|kept| &kept.rejected[reason as usize], key)
    }

    pub(super) fn verified(self, series: Series, attempt: Attempt) -> Counter {
        let labels = || {
            let attempt = Label::from_static_parts("attempt", attempt.label());
            vec![Label::new("trigger", series.label()), attempt]
        };
        let key = || Key::from_parts(VERIFIED, labels());
        let cell = |kept: &'static Kept| &kept.of_series(series).verified[attempt as usize];
        self.counter(cell, key)
    }

    pub(super) fn outcomes(self, outcome: OutcomeLabel, series: Series) -> Counter {
        let labels = || {
            let outcome = Label::from_static_parts("outcome", outcome.as_str());
            vec![outcome, Label::new("trigger", series.label())]
        };
        let key = || Key::from_parts(OUTCOMES, labels());
        let cell = |kept: &'static Kept| &kept.of_series(series).outcomes[outcome as usize];
        self.counter(cell, key)
    }

    pub(super) fn body_bytes(self) -> Histogram {
        let key = || Key::from_static_name(BODY_BYTES);
        self.histogram(|kept| &kept.body_bytes, key)
    }

    pub(super) fn read_seconds(self) -> Histogram {
        let key = || Key::from_static_name(READ_SECONDS);
        self.histogram(|kept| &kept.read_seconds, key)
    }

    pub(super) fn handle_seconds(self, series: Series) -> Histogram {
        let label = || Label::new("trigger", series.label());
        let key = || Key::from_parts(HANDLE_SECONDS, vec![label()]);
        self.histogram(|kept| &kept.of_series(series).handle_seconds, key)
    }

    pub(super) fn duration_seconds(self) -> Histogram {
        let key = || Key::from_static_name(DURATION_SECONDS);
        self.histogram(|kept| &kept.duration_seconds, key)
    }

    pub(super) fn age_seconds(self) -> Histogram {
        let key = || Key::from_static_name(AGE_SECONDS);
        self.histogram(|kept| &kept.age_seconds, key)
    }

    fn counter(
        self,
        cell: impl FnOnce(&'static Kept) -> &'static Cell<Counter>,
        key: impl FnOnce() -> Key,
    ) -> Counter {
        let register = || self.recorder.register_counter(&key(), &METADATA);
        self.handle(cell, register)
    }

    fn histogram(
        self,
        cell: impl FnOnce(&'static Kept) -> &'static Cell<Histogram>,
        key: impl FnOnce() -> Key,
    ) -> Histogram {
        let register = || self.recorder.register_histogram(&key(), &METADATA);
        self.handle(cell, register)
    }

    fn handle<H: Clone + 'static>(
        self,
        cell: impl FnOnce(&'static Kept) -> &'static Cell<H>,
        register: impl FnOnce() -> H,
    ) -> H {
        match self.kept {
            Some(kept) => cell(kept).get(self.now, register),
            None => register(),
        }
    }
}
