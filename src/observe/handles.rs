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
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, with_recorder};

use super::{
    labels::{FaultLabel, HintLabel, OutcomeLabel, ReasonLabel},
    metrics::{
        AGE_SECONDS, ANSWERS, BODY_BYTES, CHALLENGES, CODING_FAULTS, DESTINATIONS,
        DURATION_SECONDS, HANDLE_SECONDS, LAST_VERIFIED, LOST, MISMATCHES, OUTCOMES, READ_SECONDS,
        RECEIVED, REJECTED, VERIFIED,
    },
    series::{Answer, Attempt, Series},
};
use crate::report::Destination;

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
    mismatches: [OnceLock<Counter>; HintLabel::COUNT],
    coding_faults: [OnceLock<Counter>; FaultLabel::COUNT],
    test_events: OnceLock<Counter>,
    last_verified: OnceLock<Gauge>,
    body_bytes: OnceLock<Histogram>,
    read_seconds: OnceLock<Histogram>,
    duration_seconds: OnceLock<Histogram>,
    age_seconds: OnceLock<Histogram>,
    handle_seconds: Box<[OnceLock<Histogram>]>,
    /// Boxed, as what is in it, since most applications use a few of them.
    of_destination: Box<[OnceLock<Box<OfDestination>>]>,
}

struct OfDestination {
    answers: [OnceLock<Counter>; Answer::COUNT],
    of_series: Box<[OnceLock<Box<OfSeries>>]>,
}

#[derive(Default)]
struct OfSeries {
    verified: [OnceLock<Counter>; Attempt::COUNT],
    outcomes: [OnceLock<Counter>; OutcomeLabel::COUNT],
    lost: OnceLock<Counter>,
}

/// What notifications of one trigger to one destination are counted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    pub(super) destination: Destination,
    pub(super) trigger: Series,
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
            mismatches: array::from_fn(|_| OnceLock::new()),
            coding_faults: array::from_fn(|_| OnceLock::new()),
            test_events: OnceLock::new(),
            last_verified: OnceLock::new(),
            body_bytes: OnceLock::new(),
            read_seconds: OnceLock::new(),
            duration_seconds: OnceLock::new(),
            age_seconds: OnceLock::new(),
            handle_seconds: empty(Series::COUNT),
            of_destination: empty(Destination::COUNT),
        }
    }

    fn of_destination(&self, destination: Destination) -> &OfDestination {
        self.of_destination[destination.index()].get_or_init(|| {
            Box::new(OfDestination {
                answers: array::from_fn(|_| OnceLock::new()),
                of_series: empty(Series::COUNT),
            })
        })
    }

    fn of(&self, labels: Labels) -> &OfSeries {
        let of_series = &self.of_destination(labels.destination).of_series;
        of_series[labels.trigger.index()].get_or_init(Box::default)
    }
}

fn empty<T>(count: usize) -> Box<[OnceLock<T>]> {
    (0..count).map(|_| OnceLock::new()).collect()
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

    pub(super) fn mismatches(&self, hint: HintLabel) {
        let label = || Label::from_static_parts("hint", hint.as_str());
        let key = || Key::from_parts(MISMATCHES, vec![label()]);
        self.count(|kept| &kept.mismatches[hint as usize], key);
    }

    pub(super) fn verified(&self, labels: Labels, attempt: Attempt) {
        let key = || {
            // From the beginning, since an increase from nothing is none to Prometheus.
            self.register_lost(labels);
            let attempt = Label::from_static_parts("attempt", attempt.label());
            labels.key(VERIFIED, Some(attempt))
        };
        self.count(|kept| &kept.of(labels).verified[attempt as usize], key);
    }

    fn register_lost(&self, labels: Labels) {
        let key = || labels.key(LOST, None);
        let register = || self.recorder.register_counter(&key(), &METADATA);
        match self.kept {
            Some(kept) => kept.of(labels).lost.get_or_init(register),
            None => &register(),
        };
    }

    pub(super) fn outcomes(&self, labels: Labels, outcome: OutcomeLabel) {
        let key = || {
            let outcome = Label::from_static_parts("outcome", outcome.as_str());
            labels.key(OUTCOMES, Some(outcome))
        };
        self.count(|kept| &kept.of(labels).outcomes[outcome as usize], key);
    }

    pub(super) fn answers(&self, labels: Labels, answer: Answer) {
        let Labels { destination, .. } = labels;
        let key = || {
            let status = Label::new("status", answer.label());
            Key::from_parts(ANSWERS, vec![status, destination_label(destination)])
        };
        self.count(
            |kept| &kept.of_destination(destination).answers[answer.index()],
            key,
        );
    }

    pub(super) fn lost(&self, labels: Labels) {
        self.count(|kept| &kept.of(labels).lost, || labels.key(LOST, None));
    }

    /// Anybody can sign one, so it belongs to no destination.
    pub(super) fn test_events(&self) {
        let labels = || {
            let outcome = OutcomeLabel::TestEvent.as_str();
            vec![
                Label::from_static_parts("outcome", outcome),
                Label::new("trigger", Series::NONE.label()),
                Label::from_static_parts("destination", "none"),
            ]
        };
        let key = || Key::from_parts(OUTCOMES, labels());
        self.count(|kept| &kept.test_events, key);
    }

    pub(super) fn last_verified(&self, unix_time: Duration) {
        let key = || Key::from_static_name(LAST_VERIFIED);
        let register = || self.recorder.register_gauge(&key(), &METADATA);
        let seconds = unix_time.as_secs_f64();
        match self.kept {
            Some(kept) => kept.last_verified.get_or_init(register).set(seconds),
            None => register().set(seconds),
        }
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
        self.measure(|kept| &kept.handle_seconds[series.index()], key, seconds);
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

impl Labels {
    fn key(self, name: &'static str, another: Option<Label>) -> Key {
        let trigger = Label::new("trigger", self.trigger.label());
        let these = [trigger, destination_label(self.destination)];
        Key::from_parts(name, another.into_iter().chain(these).collect::<Vec<_>>())
    }
}

fn destination_label(destination: Destination) -> Label {
    Label::new("destination", DESTINATIONS.label(destination))
}
