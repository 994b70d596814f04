//! Handles of a recorder, kept so that a request need not look its series up by name.

use std::{
    array,
    mem::size_of_val,
    ptr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use arc_swap::{ArcSwapOption, Guard};
use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder, with_recorder};

use super::{
    labels::{FaultLabel, OutcomeLabel, ReasonLabel},
    metrics::{
        AGE_SECONDS, BODY_BYTES, CHALLENGES, CODING_FAULTS, DURATION_SECONDS, HANDLE_SECONDS,
        OUTCOMES, READ_SECONDS, RECEIVED, REJECTED, VERIFIED,
    },
    series::{Attempt, Series},
};

static METADATA: Metadata<'static> =
    Metadata::new("tower_nylas", Level::INFO, Some(module_path!()));

/// After this time the handles are registered again. A recorder may drop a series that was idle (as
/// that of `metrics-exporter-prometheus` does after its `idle_timeout`), and what is added to a
/// handle of a dropped series is lost. A series that is dropped after at least this time is safe:
/// its handle was used when it was registered, and is not used for longer.
const RENEW_AFTER: Duration = Duration::from_secs(10);

/// Whether there is a recorder. The facade's stand-in for an absent one has no size.
pub(super) fn is_read() -> bool {
    with_recorder(|recorder| size_of_val(recorder) > 0)
}

/// Runs with the handles of the recorder in force, if there is one.
pub(super) fn record(now: Instant, run: impl FnOnce(&Handles<'_>)) {
    with_recorder(|recorder| {
        if size_of_val(recorder) == 0 {
            return;
        }
        let kept = is_global(recorder).then(|| Kept::of_global_recorder(now));
        run(&Handles {
            recorder,
            kept: kept.as_ref().and_then(|kept| kept.as_deref()),
        });
    });
}

/// The handles of one recorder: kept ones if it is the global one, else new ones. A local recorder
/// of one thread, as in tests, gets new ones each time: the next one may have the same address.
pub(super) struct Handles<'a> {
    recorder: &'a dyn Recorder,
    kept: Option<&'a Kept>,
}

/// Handles of the global recorder, each registered when it is first needed.
struct Kept {
    until: Instant,
    received: OnceLock<Counter>,
    challenges: OnceLock<Counter>,
    rejected: [OnceLock<Counter>; ReasonLabel::COUNT],
    coding_faults: [OnceLock<Counter>; FaultLabel::COUNT],
    body_bytes: OnceLock<Histogram>,
    read_seconds: OnceLock<Histogram>,
    duration_seconds: OnceLock<Histogram>,
    age_seconds: OnceLock<Histogram>,
    /// Boxed, since most applications use a few of them.
    of_series: Box<[OnceLock<Box<OfSeries>>]>,
}

#[derive(Default)]
struct OfSeries {
    verified: [OnceLock<Counter>; Attempt::COUNT],
    outcomes: [OnceLock<Counter>; OutcomeLabel::COUNT],
    handle_seconds: OnceLock<Histogram>,
}

impl Kept {
    fn of_global_recorder(now: Instant) -> Guard<Option<Arc<Self>>> {
        static KEPT: ArcSwapOption<Kept> = ArcSwapOption::const_empty();

        let kept = KEPT.load();
        if kept.as_ref().is_none_or(|kept| kept.until <= now) {
            let until = now.checked_add(RENEW_AFTER).unwrap_or(now);
            KEPT.store(Some(Arc::new(Self::new(until))));
            return KEPT.load();
        }
        kept
    }

    fn new(until: Instant) -> Self {
        Self {
            until,
            received: OnceLock::new(),
            challenges: OnceLock::new(),
            rejected: array::from_fn(|_| OnceLock::new()),
            coding_faults: array::from_fn(|_| OnceLock::new()),
            body_bytes: OnceLock::new(),
            read_seconds: OnceLock::new(),
            duration_seconds: OnceLock::new(),
            age_seconds: OnceLock::new(),
            of_series: (0..Series::COUNT).map(|_| OnceLock::new()).collect(),
        }
    }

    fn of_series(&self, series: Series) -> &OfSeries {
        self.of_series[series.index()].get_or_init(Box::default)
    }
}

/// Whether a recorder is the global one, which is installed once and never replaced, or a local one
/// of this thread. The facade does not say, but a new thread has no local recorder, so it sees the
/// global one. Found out once for each recorder.
fn is_global(recorder: &dyn Recorder) -> bool {
    /// 0 if it is not known.
    static GLOBAL: AtomicUsize = AtomicUsize::new(0);
    /// The recorder that was last found not to be the global one.
    static OTHER: AtomicUsize = AtomicUsize::new(0);

    let address = address_of(recorder);
    let global = GLOBAL.load(Ordering::Relaxed);
    if global != 0 || OTHER.load(Ordering::Relaxed) == address {
        return global == address;
    }
    let seen = thread::Builder::new().spawn(|| {
        // What has no size may have the address of anything else.
        with_recorder(|global| (size_of_val(global) > 0).then(|| address_of(global)))
    });
    let seen = seen.ok().and_then(|seen| seen.join().ok().flatten());
    let is_global = seen == Some(address);
    let known = if is_global { &GLOBAL } else { &OTHER };
    known.store(address, Ordering::Relaxed);
    is_global
}

fn address_of(recorder: &dyn Recorder) -> usize {
    ptr::from_ref(recorder).cast::<()>() as usize
}

impl Handles<'_> {
    pub(super) fn received(&self) {
        let key = || Key::from_static_name(RECEIVED);
        self.count(|kept| &kept.received, key);
    }

    pub(super) fn challenges(&self) {
        let key = || Key::from_static_name(CHALLENGES);
        self.count(|kept| &kept.challenges, key);
    }

    pub(super) fn rejected(&self, reason: ReasonLabel) {
        let label = || Label::from_static_parts("reason", reason.as_str());
        let key = || Key::from_parts(REJECTED, vec![label()]);
        self.count(|kept| &kept.rejected[reason as usize], key);
    }

    pub(super) fn verified(&self, series: Series, attempt: Attempt) {
        let labels = || {
            let attempt = Label::from_static_parts("attempt", attempt.label());
            vec![Label::new("trigger", series.label()), attempt]
        };
        let key = || Key::from_parts(VERIFIED, labels());
        self.count(
            |kept| &kept.of_series(series).verified[attempt as usize],
            key,
        );
    }

    pub(super) fn outcomes(&self, outcome: OutcomeLabel, series: Series) {
        let labels = || {
            let outcome = Label::from_static_parts("outcome", outcome.as_str());
            vec![outcome, Label::new("trigger", series.label())]
        };
        let key = || Key::from_parts(OUTCOMES, labels());
        self.count(
            |kept| &kept.of_series(series).outcomes[outcome as usize],
            key,
        );
    }

    pub(super) fn coding_faults(&self, fault: FaultLabel) {
        let label = || Label::from_static_parts("fault", fault.as_str());
        let key = || Key::from_parts(CODING_FAULTS, vec![label()]);
        self.count(|kept| &kept.coding_faults[fault as usize], key);
    }

    #[allow(clippy::cast_precision_loss)] // no body has 2^53 bytes
    pub(super) fn body_bytes(&self, bytes: usize) {
        let key = || Key::from_static_name(BODY_BYTES);
        self.measure(|kept| &kept.body_bytes, key, bytes as f64);
    }

    pub(super) fn read_seconds(&self, duration: Duration) {
        let key = || Key::from_static_name(READ_SECONDS);
        self.measure(|kept| &kept.read_seconds, key, duration.as_secs_f64());
    }

    pub(super) fn handle_seconds(&self, series: Series, duration: Duration) {
        let label = || Label::new("trigger", series.label());
        let key = || Key::from_parts(HANDLE_SECONDS, vec![label()]);
        let seconds = duration.as_secs_f64();
        self.measure(|kept| &kept.of_series(series).handle_seconds, key, seconds);
    }

    pub(super) fn duration_seconds(&self, duration: Duration) {
        let key = || Key::from_static_name(DURATION_SECONDS);
        self.measure(|kept| &kept.duration_seconds, key, duration.as_secs_f64());
    }

    pub(super) fn age_seconds(&self, age: Duration) {
        let key = || Key::from_static_name(AGE_SECONDS);
        self.measure(|kept| &kept.age_seconds, key, age.as_secs_f64());
    }

    fn count(&self, cell: impl FnOnce(&Kept) -> &OnceLock<Counter>, key: impl FnOnce() -> Key) {
        let register = || self.recorder.register_counter(&key(), &METADATA);
        match self.kept {
            Some(kept) => cell(kept).get_or_init(register).increment(1),
            None => register().increment(1),
        }
    }

    fn measure(
        &self,
        cell: impl FnOnce(&Kept) -> &OnceLock<Histogram>,
        key: impl FnOnce() -> Key,
        value: f64,
    ) {
        let register = || self.recorder.register_histogram(&key(), &METADATA);
        match self.kept {
            Some(kept) => cell(kept).get_or_init(register).record(value),
            None => register().record(value),
        }
    }
}
