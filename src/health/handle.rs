//! The handle that layers and operators share.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

#[cfg(feature = "metrics")]
use super::metrics;
use super::{
    DestinationHealth, HealthService, Status,
    challenges::Challenges,
    changes::{Change, changes},
    doubt::Kind,
    doubts::Doubts,
    record::{Record, TICK, tick},
    reported::Reported,
};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{
    middleware::both,
    report::{Destination, Destinations, Rejection},
    signature::Secrets,
    time::{Timer, TimerCheck, TimerMissing},
};

/// How often [`Health::run`] evaluates what was recorded.
const EVERY: Duration = Duration::from_secs(TICK);

/// How the destinations of this process are doing, by what Nylas will think of them. See the
/// [module](super).
///
/// Clones are handles of the same. One of them serves all layers of a process.
#[derive(Clone)]
pub struct Health {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) timer: Arc<dyn Timer>,
    timer_check: TimerCheck,
    start: Instant,
    destinations: Destinations,
    /// By the index of a destination.
    slots: Box<[OnceLock<Box<Slot>>]>,
    doubts: Doubts,
    pub(super) reported: Reported,
    challenges: Challenges,
    is_draining: AtomicBool,
    /// Whether a destination was ever told of that has no record of its own.
    has_others: AtomicBool,
    /// The tick that is to be evaluated next.
    due: AtomicU64,
    status: watch::Sender<Status>,
}

struct Slot {
    /// Whether anything was verified, for forgeries: they take no lock.
    is_verified: AtomicBool,
    /// Whether the record has a doubt, for what is verified.
    is_doubted: AtomicBool,
    record: Mutex<Record>,
}

impl Health {
    /// Begins to observe, and takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new() -> Self {
        Self::with_timer(TokioTimer)
    }

    /// Begins to observe, on any runtime. The timer is that of the layers.
    pub fn with_timer(timer: impl Timer) -> Self {
        let shared = Shared {
            start: timer.now(),
            timer: Arc::new(timer),
            timer_check: TimerCheck::default(),
            destinations: Destinations::default(),
            slots: (0..Destination::COUNT).map(|_| OnceLock::new()).collect(),
            doubts: Doubts::default(),
            reported: Reported::default(),
            challenges: Challenges::default(),
            is_draining: AtomicBool::new(false),
            has_others: AtomicBool::new(false),
            due: AtomicU64::new(0),
            status: watch::Sender::new(Status::new(true, Vec::new(), Vec::new())),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Evaluates every 10 seconds what was recorded, so that silence is noticed as well. To be
    /// spawned once; ends only if the timer [cannot sleep](Timer::can_sleep).
    ///
    /// Without it, requests evaluate, at most one in 10 seconds, and [`status`](Self::status).
    pub async fn run(self) -> TimerMissing {
        let timer = self.shared.timer.clone();
        if !timer.can_sleep() {
            return TimerMissing;
        }
        loop {
            timer.sleep(EVERY).await;
            self.shared.evaluate(self.shared.at(timer.now()));
        }
    }

    /// How all destinations are doing now.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        shared.evaluate(shared.at(shared.timer.now()))
    }

    /// A channel with the status, which is sent when the level of any finding changes, when one
    /// comes or goes, and by [`drain`](Self::drain). Its figures are those of that moment. A value
    /// that is borrowed from the receiver must not be held for long: meanwhile no other one can be
    /// sent.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// Expects challenges for `duration` from now on: to be called before a destination is created,
    /// reactivated, or gets another URL, on each replica.
    ///
    /// Challenges to a layer over [`Secrets`] that are [pending](Secrets::is_pending) are expected
    /// without it.
    pub fn expect_challenge(&self, duration: Duration) {
        let now = self.shared.at(self.shared.timer.now());
        let until = now.saturating_add(duration);
        self.shared.challenges.expect_until(until);
    }

    /// Forgets what was observed of a destination, for a tenant who has left: else its silence is
    /// told for as long as the process runs. To be called once its secrets are not found any more;
    /// what arrives all the same is observed anew.
    ///
    /// `label` is that of its [`Secrets`]. Of destinations beyond the first 100, which are observed
    /// together, only what is theirs alone is forgotten.
    pub fn forget(&self, label: &str) {
        let shared = &self.shared;
        let at = shared.at(shared.timer.now());
        if let Some(found) = shared.destinations.find(label)
            && found != Destination::OTHER
        {
            *shared.slot(found).record() = Record::new(shared.start, at);
            shared
                .slot(found)
                .is_verified
                .store(false, Ordering::SeqCst);
        }
        shared.doubts.remove(label);
        shared.reported.remove(label);
        shared.evaluate(at);
    }

    /// Says that this process is about to end: [`ready`](Self::ready) is `503` from now on, and
    /// nothing else changes.
    pub fn drain(&self) {
        self.shared.is_draining.store(true, Ordering::Relaxed);
        self.status();
    }

    /// Whether requests should be sent to this process: its timer works, and it is not about to
    /// [end](Self::drain).
    ///
    /// Not whether all is well. Another replica would fail in the same way, and a server without a
    /// secret that is kept out of rotation is never challenged, so it never gets one.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }

    /// A service that answers `200` while the process answers at all: for a liveness probe.
    pub fn live(&self) -> HealthService {
        HealthService::live(self.clone())
    }

    /// A service that answers `200` if this process [is ready](Self::is_ready), else `503`: for a
    /// readiness probe.
    pub fn ready(&self) -> HealthService {
        HealthService::ready(self.clone())
    }

    /// A service that answers `200` with the [status](Self::status), whatever it is: as one line,
    /// or as JSON if that is accepted. It names tenants, so it belongs where only operators reach
    /// it.
    pub fn report(&self) -> HealthService {
        HealthService::report(self.clone())
    }

    /// For a layer, with its secrets if the same ones apply to every request.
    pub(crate) fn attach(&self, secrets: Option<Secrets>) -> Attached {
        if let Some(secrets) = &secrets {
            let label = secrets.shared_label();
            self.shared.slot(self.shared.destinations.of(label));
            // From now on they are in its record.
            self.shared.doubts.remove(label);
        }
        Attached {
            shared: self.shared.clone(),
            secrets,
        }
    }
}

impl Shared {
    /// The time since the start.
    pub(super) fn at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }

    pub(super) fn is_ready(&self) -> bool {
        let is_draining = self.is_draining.load(Ordering::Relaxed);
        !is_draining && self.timer_check.examine(&self.timer).is_ok()
    }

    fn slot(&self, destination: Destination) -> &Slot {
        self.slots[destination.index()].get_or_init(|| {
            let now = self.at(self.timer.now());
            Box::new(Slot {
                is_verified: AtomicBool::new(false),
                is_doubted: AtomicBool::new(false),
                record: Mutex::new(Record::new(self.start, now)),
            })
        })
    }

    /// What Nylas says of a destination.
    #[cfg(feature = "api")]
    pub(super) fn reported(&self, label: &Arc<str>, by: u64, said: Option<super::reported::Said>) {
        self.reported.set(label, by, said);
        self.evaluate(self.at(self.timer.now()));
    }

    fn evaluate_if_due(&self, at: Duration) {
        let tick = tick(at);
        let due = self.due.load(Ordering::Relaxed);
        if tick >= due {
            self.evaluate_tick(due, tick, at);
        }
    }

    #[cold]
    fn evaluate_tick(&self, due: u64, tick: u64, at: Duration) {
        let won = self
            .due
            .compare_exchange(due, tick + 1, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() {
            self.evaluate(at);
        }
    }

    fn evaluate(&self, at: Duration) -> Status {
        self.due.fetch_max(tick(at) + 1, Ordering::Relaxed);
        let mut status = Status::default();
        let mut changed = Vec::new();
        // One at a time, so that no change is told twice.
        self.status.send_if_modified(|present| {
            status = self.assess(at);
            changed = changes(present, &status);
            let is_new = !changed.is_empty() || present.is_ready != status.is_ready;
            present.clone_from(&status);
            is_new
        });
        tell(&status, self.has_others.load(Ordering::Relaxed), &changed);
        status
    }

    fn assess(&self, at: Duration) -> Status {
        let mut all = Vec::new();
        for destination in Destination::all() {
            if let Some(slot) = self.slots[destination.index()].get() {
                let label = self.destinations.label(destination);
                let reading = slot.record().read(at);
                all.push(DestinationHealth::new(label.to_string(), true, reading));
            }
        }
        let doubts = self.doubts.findings(at).into_iter();
        for (label, finding) in doubts.chain(self.reported.findings()) {
            if let Some(health) = all.iter_mut().find(|health| health.destination == label) {
                health.add(finding);
            } else {
                self.has_others.store(true, Ordering::Relaxed);
                let mut health =
                    DestinationHealth::new(label, false, Record::new(self.start, at).read(at));
                health.add(finding);
                all.push(health);
            }
        }
        let findings = self.challenges.finding(at).into_iter().collect();
        Status::new(self.is_ready(), findings, all)
    }
}

impl Slot {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(&self, kind: Kind, secrets: Option<&Secrets>, at: Duration) {
        let mut record = self.record();
        record.doubt(kind, secrets, at);
        // Under the lock, so that both say the same.
        self.is_doubted.store(true, Ordering::SeqCst);
    }

    fn trust(&self) {
        let mut record = self.record();
        record.trust();
        self.is_doubted.store(false, Ordering::SeqCst);
    }
}

/// A recorder or a subscriber of the application may panic, and the other one is told all the same.
fn tell(status: &Status, has_others: bool, changes: &[Change]) {
    // Who reads them depends on the features.
    let _ = (status, has_others, changes);
    both(
        || {
            #[cfg(feature = "metrics")]
            metrics::evaluated(status, has_others);
        },
        || {
            #[cfg(feature = "tracing")]
            super::log::changed(changes);
        },
    );
}

/// What a layer tells.
#[derive(Clone)]
pub(crate) struct Attached {
    shared: Arc<Shared>,
    /// If the same ones apply to every request.
    secrets: Option<Secrets>,
}

impl Attached {
    /// A challenge was answered.
    pub(crate) fn challenged(&self, now: Instant) {
        let shared = &self.shared;
        if self.secrets.as_ref().is_some_and(Secrets::is_pending) {
            return;
        }
        let at = shared.at(now);
        if !shared.challenges.answered(at) {
            #[cfg(feature = "metrics")]
            metrics::unexpected_challenge();
            shared.evaluate_if_due(at);
        }
    }

    /// A request to this destination was refused.
    pub(crate) fn refused(&self, label: Option<&str>, why: &Rejection, now: Instant) {
        let (Some(label), Some(kind)) = (label, Kind::of(why)) else {
            return;
        };
        let shared = &self.shared;
        let at = shared.at(now);
        let secrets = self.secrets.as_ref();
        let found = shared.destinations.find(label);
        if let Some(found) = found {
            // Of those beyond the first 100 it is not known which ones have verified something.
            if found == Destination::OTHER || !self.doubted(shared.slot(found), why, kind, at) {
                return;
            }
        } else {
            shared.doubts.add(label, kind, secrets, at);
            // Another thread may have verified one meanwhile.
            if shared.destinations.find(label).is_some() {
                shared.doubts.remove(label);
            }
        }
        shared.evaluate_if_due(at);
    }

    /// Once something was verified, forgeries are no doubt. But a secret that was set since, and
    /// has verified nothing yet, may be the wrong one.
    fn doubted(&self, slot: &Slot, why: &Rejection, kind: Kind, at: Duration) -> bool {
        let is_unproven = matches!(why, Rejection::SecretUnproven(_));
        let is_proven = || self.secrets.as_ref().is_some_and(Secrets::is_proven);
        let is_known = || slot.is_verified.load(Ordering::SeqCst) && (!is_unproven || is_proven());
        if is_known() {
            return false;
        }
        slot.doubt(kind, self.secrets.as_ref(), at);
        // Another thread may have verified one meanwhile.
        if is_known() {
            slot.trust();
        }
        true
    }

    /// A notification to this destination was verified.
    pub(crate) fn verified(&self, label: &Arc<str>) -> Destination {
        let shared = &self.shared;
        let destination = shared.destinations.of(label);
        let slot = shared.slot(destination);
        let is_first = !slot.is_verified.load(Ordering::SeqCst);
        if is_first {
            slot.is_verified.store(true, Ordering::SeqCst);
        }
        if slot.is_doubted.load(Ordering::SeqCst) {
            slot.trust();
        }
        if (is_first || destination == Destination::OTHER) && !shared.doubts.are_none() {
            shared.doubts.remove(label);
        }
        destination
    }

    /// It was answered, or its client disconnected.
    pub(crate) fn answered(&self, to: Destination, failed: bool, lost: bool, now: Instant) {
        let shared = &self.shared;
        let begun = shared.slot(to).record().answered(failed, lost, now);
        if let Some(at) = begun {
            shared.evaluate_if_due(at);
        }
    }
}

#[cfg(feature = "tokio")]
impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("level", &self.shared.status.borrow().level)
            .finish_non_exhaustive()
    }
}
