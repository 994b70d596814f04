//! The settings, and what must be decided before anything is shown.

use std::{fmt, marker::PhantomData, sync::Arc};

use http::request::Parts;
use tower_nylas::{
    health::Health,
    inbox::{Browse, Inspect, Pause},
    time::{Clock, SystemClock, Timer, TokioTimer},
};

use crate::{
    Access, Action, Inspector, Recent,
    action::Hook,
    authorize::Guard,
    limit::Limited,
    settings::Settings,
    source::{Browsed, Inspected, Source},
    turns::Turns,
};

/// Nobody has said yet who may see it, so it cannot be built.
#[derive(Debug)]
pub enum Closed {}

/// It was said who may see it.
#[derive(Debug)]
pub enum Open {}

/// The settings of an [`Inspector`].
#[must_use = "there is no inspector until it is built"]
pub struct Builder<A = Closed> {
    source: Option<Box<dyn Source>>,
    recent: Option<Recent>,
    health: Option<Health>,
    pause: Option<Pause>,
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    labels: Vec<String>,
    guard: Guard,
    hook: Option<Hook>,
    shows_bodies: bool,
    is_read_only: bool,
    most_listed: usize,
    most_changed: usize,
    access: PhantomData<fn() -> A>,
}

impl Builder<Closed> {
    pub(crate) fn new() -> Self {
        Self {
            source: None,
            recent: None,
            health: None,
            pause: None,
            clock: Arc::new(SystemClock),
            timer: Arc::new(TokioTimer),
            labels: Vec::new(),
            guard: Guard::Function(Arc::new(|_| Access::denied())),
            hook: None,
            shows_bodies: false,
            is_read_only: false,
            most_listed: Inspector::MOST_LISTED,
            most_changed: Inspector::MOST_CHANGED,
            access: PhantomData,
        }
    }

    /// Asks this function of every request: of its head, and of what layers before have put into
    /// its extensions, as one that has checked a session. It returns an [`Access`], or a `bool`.
    /// It must not block.
    pub fn authorize<F, R>(self, authorize: F) -> Builder<Open>
    where
        F: Fn(&Parts) -> R + Send + Sync + 'static,
        R: Into<Access>,
    {
        self.open(Guard::Function(Arc::new(move |parts| {
            authorize(parts).into()
        })))
    }

    /// Answers requests of this machine only, which may do everything.
    ///
    /// Such a request has a [`Peer`](crate::Peer) that is a loopback address, names this machine as
    /// its `Host` (`localhost`, or a loopback address), so that a page of another site cannot read
    /// it by having its name resolved to `127.0.0.1`, and no header of a proxy. A request without a
    /// `Peer` is refused: the server hands it in, see the [crate](crate#loopback-only).
    ///
    /// Whoever has an account on the machine has access, and so does everybody behind a proxy on
    /// it that adds no header and sets `Host` to the address that it connects to, which is what
    /// nginx does by default: put none in front.
    pub fn loopback_only(self) -> Builder<Open> {
        self.open(Guard::Loopback)
    }

    fn open(self, guard: Guard) -> Builder<Open> {
        Builder {
            source: self.source,
            recent: self.recent,
            health: self.health,
            pause: self.pause,
            clock: self.clock,
            timer: self.timer,
            labels: self.labels,
            guard,
            hook: self.hook,
            shows_bodies: self.shows_bodies,
            is_read_only: self.is_read_only,
            most_listed: self.most_listed,
            most_changed: self.most_changed,
            access: PhantomData,
        }
    }
}

impl<A> Builder<A> {
    /// Shows this inbox. The last one counts, also of [`browse`](Self::browse).
    pub fn inbox(mut self, inbox: impl Inspect) -> Self {
        self.source = Some(Box::new(Inspected(inbox)));
        self
    }

    /// Shows an inbox whose engine cannot search, and so does not implement [`Inspect`]: its
    /// numbers and its dead entries, without timelines.
    pub fn browse(mut self, inbox: impl Browse) -> Self {
        self.source = Some(Box::new(Browsed(inbox)));
        self
    }

    /// Shows the last deliveries and refusals.
    pub fn recent(mut self, recent: &Recent) -> Self {
        self.recent = Some(recent.clone());
        self
    }

    /// Shows on each page how the destinations are doing.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Lets operators pause the workers that have this as well
    /// ([`Worker::pause`](tower_nylas::inbox::Worker::pause)).
    pub fn pause(mut self, pause: &Pause) -> Self {
        self.pause = Some(pause.clone());
        self
    }

    /// Shows the content of notifications, which are mails, calendars and contacts of people; by
    /// default only what they are about, such as the trigger and the grant.
    pub fn show_bodies(mut self) -> Self {
        self.shows_bodies = true;
        self
    }

    /// Nobody may act, whatever their [`Access`] says.
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// How many entries a page shows at most, from 1 to 200; by default
    /// [50](Inspector::MOST_LISTED).
    pub fn most_listed(mut self, entries: usize) -> Self {
        self.most_listed = entries.clamp(1, 200);
        self
    }

    /// How many entries one action changes at most, from 1 to 10,000; by default
    /// [1,000](Inspector::MOST_CHANGED). To purge a grant has no such limit.
    pub fn most_changed(mut self, entries: usize) -> Self {
        self.most_changed = entries.clamp(1, 10_000);
        self
    }

    /// Calls this function once for each action that was asked for, at its end: for the
    /// application's own record of them. Whether it has succeeded, failed, was interrupted or
    /// refused is its [`result`](Action::result). Each one is an event of `tracing` as well, see
    /// the [crate](crate#what-is-recorded). It must not block.
    ///
    /// Everybody who can reach the service can be refused as often as they like, also without
    /// access: a record of that should be bounded.
    pub fn on_action(mut self, hook: impl Fn(&Action<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Looks for a notification's id under these labels of secrets, up to 100, and under the label
    /// of secrets that were given none. Those that [`health`](Self::health) and
    /// [`recent`](Self::recent) have seen are known without this; after a restart, or in another
    /// process than the receiver's, they have seen none.
    pub fn labels(mut self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.labels = labels.into_iter().map(Into::into).take(100).collect();
        self
    }

    /// Limits with another timer how long the engine may take: 5 s to read entries, 15 s to count
    /// dead ones by what they have in common, 60 s to change something. The default is
    /// [`TokioTimer`]. With one that [cannot sleep](Timer::can_sleep) there is no limit.
    pub fn timer(mut self, timer: impl Timer) -> Self {
        self.timer = Arc::new(timer);
        self
    }

    /// Takes the time from another clock than the system's, which is what ages are counted from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl Builder<Open> {
    /// The service.
    #[must_use]
    pub fn build(self) -> Inspector {
        Inspector::new(Settings {
            source: self.source.map(|source| Limited::new(source, self.timer)),
            recent: self.recent,
            health: self.health,
            pause: self.pause,
            clock: self.clock,
            labels: self.labels,
            dry_runs: Turns::default(),
            guard: self.guard,
            hook: self.hook,
            shows_bodies: self.shows_bodies,
            is_read_only: self.is_read_only,
            most_listed: self.most_listed,
            most_changed: self.most_changed,
        })
    }
}

impl<A> fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("guard", &self.guard)
            .field("shows_bodies", &self.shows_bodies)
            .field("is_read_only", &self.is_read_only)
            .finish_non_exhaustive()
    }
}
