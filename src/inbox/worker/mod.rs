//! Handles what is stored.

mod backoff;
mod claims;
mod core;
mod handler;
mod held;
mod keep;
mod pause;
mod race;
mod run;
mod settings;
mod slots;
mod suspects;
mod verdict;

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use http::{Request, Response};
use tower_service::Service;

pub(super) use self::backoff::of_engine;
pub use self::pause::Pause;
use self::{
    core::{Core, Phase, Shared},
    race::race,
    settings::Settings,
};
use super::{
    Browse, Inbox, SettleError, Stats,
    observe::Witness,
    runtime::{Runtime, Task},
};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{
    acknowledge::AcknowledgeLayer,
    report::BoxError,
    time::{Timer, TimerMissing},
    verify::VerifiedBody,
};

/// How often the [statistics](Worker::report_stats) are read.
const STATS_EACH: Duration = Duration::from_secs(15);

type ReadStats =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Stats, BoxError>> + Send>> + Send + Sync>;

/// Claims entries of an [`Inbox`] and passes each to a service, which is usually the
/// [`TriggerRouter`](crate::TriggerRouter) that would stand behind the layer without an inbox.
///
/// What the service answers is mapped by an [`AcknowledgeLayer`](crate::AcknowledgeLayer), and decides:
///
/// | the answer | the entry |
/// |---|---|
/// | [`Outcome::Malformed`](crate::Outcome::Malformed) and [`Outcome::Unread`](crate::Outcome::Unread), whatever the status | is dead: `malformed` |
/// | any other `2xx` | is done |
/// | `429` | comes again after its `Retry-After`, or after 30 seconds; after a day at most. This is no failure |
/// | anything else: an error, a panic, the timeout, another status | has failed and comes again: after 2 seconds, doubled each time, up to an hour |
/// | a failure 72 hours after the first one, or later | is dead: `expired` |
/// | none, since the process has died | comes again when its lease ends; after five times it is dead: `crashed` |
///
/// An entry with two crashes may be what ends the process, so it is handled while no other one of
/// this kind is. Leases that end while this worker holds the entry, since it does not reach the
/// engine, are no crashes.
///
/// Nothing that an engine, a handler or an entry does ends the worker: calls of the engine have 5
/// seconds each, errors are followed by a pause of up to 5 seconds, and what is handled and could
/// not be settled is settled before anything else is claimed.
///
/// Handlers run at least once for each entry, and in no order. Several workers, in one process or
/// in many, share the entries of an inbox.
#[must_use = "a worker does nothing unless it runs"]
pub struct Worker<I, S> {
    inbox: I,
    service: S,
    runtime: Runtime,
    settings: Settings,
    handler_timeout: Duration,
    read_stats: Option<ReadStats>,
}

impl<I, S> Worker<I, S> {
    /// How many entries are handled at a time by default: 16.
    pub const CONCURRENCY: usize = 16;

    /// How long a handler may take by default: 5 minutes.
    pub const HANDLER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

    /// How long a drain waits by default for handlers to end: 30 seconds.
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

    /// A worker with the defaults, which takes the time from tokio and spawns its tasks there.
    #[cfg(feature = "tokio")]
    pub fn new(inbox: I, service: S) -> Self {
        let spawn = |task| drop(tokio::spawn(task));
        Self::on_runtime(inbox, service, TokioTimer, spawn)
    }

    /// A worker with the defaults, on any runtime. `spawn` runs a task to its end, for instance on
    /// a [`VirtualClock`](crate::_guide::testing).
    pub fn on_runtime(
        inbox: I,
        service: S,
        timer: impl Timer,
        spawn: impl Fn(Task) + Send + Sync + 'static,
    ) -> Self {
        Self {
            inbox,
            service,
            runtime: Runtime::new(timer, spawn),
            settings: Settings {
                concurrency: Self::CONCURRENCY,
                drain_timeout: Self::DRAIN_TIMEOUT,
                pause: Pause::new(),
            },
            handler_timeout: Self::HANDLER_TIMEOUT,
            read_stats: None,
        }
    }

    /// How many entries are handled at a time, from 1 to 100,000; by default
    /// [16](Self::CONCURRENCY).
    pub fn concurrency(mut self, entries: usize) -> Self {
        self.settings.concurrency = entries;
        self
    }

    /// How long the service may take for one entry; after that its future is dropped, and the entry
    /// has failed. By default [5 minutes](Self::HANDLER_TIMEOUT); leases are extended meanwhile.
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = timeout;
        self
    }

    /// How long a drain waits for handlers to end; after that their futures are dropped and their
    /// entries given back, without a crash or a failure. By default
    /// [30 seconds](Self::DRAIN_TIMEOUT).
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// Claims nothing while this is [paused](Pause::pause), which whoever has a clone of it
    /// decides. By default nobody has one.
    pub fn pause(mut self, pause: &Pause) -> Self {
        self.settings.pause = pause.clone();
        self
    }

    /// Reads [`Browse::stats`] every 15 seconds, for the gauges of the feature `metrics`. One
    /// worker of an inbox is enough.
    pub fn report_stats(mut self) -> Self
    where
        I: Browse,
    {
        let inbox = self.inbox.clone();
        self.read_stats = Some(Arc::new(move || {
            let inbox = inbox.clone();
            Box::pin(async move { inbox.stats().await })
        }));
        self
    }
}

impl<I, S, R> Worker<I, S>
where
    I: Inbox,
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    /// Handles entries until `shutdown` completes, and drains then: nothing more is claimed, what
    /// is being handled may end within the [drain timeout](Self::drain_timeout), the rest is given
    /// back, and the handles of the inbox are dropped.
    ///
    /// A program that is to stop waits for this future, or its open claims count as crashes. It
    /// takes up to a second longer than its handlers, since a claim may be under way, and up to 10
    /// seconds longer than the drain timeout if the engine does not answer. If it is dropped, so
    /// are the handlers, and their entries are given back as long as the runtime lives.
    ///
    /// # Errors
    ///
    /// [`TimerMissing`] at once if the timer [cannot sleep](Timer::can_sleep) here.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), TimerMissing> {
        if !self.runtime.timer.can_sleep() {
            return Err(TimerMissing);
        }
        let acknowledge = AcknowledgeLayer::with_timer(self.runtime.timer.clone())
            .timeout(self.handler_timeout)
            .layer(self.service);
        let core = Core::new(self.inbox, acknowledge, self.settings, self.runtime.clone());
        let core = Arc::new(core);
        if let Some(read_stats) = self.read_stats {
            self.runtime.spawn(report(core.clone(), read_stats));
        }
        run::run(core, shutdown).await;
        Ok(())
    }
}

async fn report<I: Inbox, H>(core: Shared<I, H>, read_stats: ReadStats) {
    while !core.is_in(Phase::Draining) {
        let stats = async { read_stats().await.map_err(SettleError::Unavailable) };
        match core.runtime.call(stats).await {
            Ok(stats) => core.observers.stats(&stats),
            Err(why) => {
                let now = core.runtime.timer.now();
                core.observers.engine_failed("stats", &why, now);
            }
        }
        let pause = core.runtime.timer.sleep(STATS_EACH);
        race(core.reaches(Phase::Draining), pause).await;
    }
}

impl<I, S> fmt::Debug for Worker<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("settings", &self.settings)
            .field("handler_timeout", &self.handler_timeout)
            .finish_non_exhaustive()
    }
}
