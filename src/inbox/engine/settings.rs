use std::time::Duration;

/// What applications set of any durable engine. [`builder_settings!`](builder_settings) writes the
/// methods of a builder for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How long a claim lasts unless it is extended.
    pub lease: Duration,
    /// How long a key is remembered at least.
    pub window: Duration,
    /// What all entries take at most, in bytes, as the engine counts it.
    pub max_bytes: u64,
    /// How long what is done is kept.
    pub keep_done_for: Duration,
    /// How much of it is kept, in bytes.
    pub keep_done_bytes: u64,
    /// How long dead entries are kept.
    pub keep_dead_for: Duration,
}

impl Settings {
    /// The lease by default: 30 seconds.
    pub const LEASE: Duration = Duration::from_secs(30);

    /// The window by default: 72 hours.
    pub const WINDOW: Duration = Duration::from_secs(72 * 60 * 60);

    /// What all entries take at most by default: 8 GiB.
    pub const MAX_BYTES: u64 = 8 << 30;

    /// How long dead entries are kept by default: 30 days.
    pub const KEEP_DEAD_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// The least that a lease, or a pause between two looks, can be: a millisecond.
    pub const SHORTEST: Duration = Duration::from_millis(1);

    /// Whether anything that is done is kept.
    pub fn keeps_done(&self) -> bool {
        !self.keep_done_for.is_zero() && self.keep_done_bytes > 0
    }
}

/// The defaults.
impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Self::LEASE,
            window: Self::WINDOW,
            max_bytes: Self::MAX_BYTES,
            keep_done_for: Duration::ZERO,
            keep_done_bytes: 0,
            keep_dead_for: Self::KEEP_DEAD_FOR,
        }
    }
}

/// Writes methods of a builder, of these that are named: `lease`, `window`, `keep_done` and
/// `keep_dead`. The builder has a method `settings`, which returns its [`Settings`] to be changed.
///
/// ```
/// use std::time::Duration;
/// use tower_nylas::inbox::engine::{Settings, builder_settings};
///
/// #[derive(Default)]
/// pub struct Builder(Settings);
///
/// impl Builder {
///     builder_settings!(lease, window, keep_dead);
///
///     fn settings(&mut self) -> &mut Settings {
///         &mut self.0
///     }
/// }
///
/// let builder = Builder::default().lease(Duration::from_secs(60)).window(Duration::ZERO);
/// assert_eq!(builder.0.lease, Duration::from_secs(60));
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __inbox_builder_settings {
    ($($setting:ident),+ $(,)?) => {
        $($crate::inbox::engine::builder_settings!(@ $setting);)+
    };
    (@ lease) => {
        /// How long a claim lasts unless it is extended; by default 30 seconds, at least a
        /// millisecond.
        #[must_use]
        pub fn lease(mut self, lease: ::std::time::Duration) -> Self {
            self.settings().lease = lease.max($crate::inbox::engine::Settings::SHORTEST);
            self
        }
    };
    (@ window) => {
        /// How long a key is remembered at least; by default 72 hours. The key of an entry that is
        /// there is remembered in any case.
        #[must_use]
        pub fn window(mut self, window: ::std::time::Duration) -> Self {
            self.settings().window = window;
            self
        }
    };
    (@ keep_done) => {
        /// Keeps what is done, to be [replayed](::tower_nylas::inbox::Browse::replay): for this
        /// time, and up to this number of bytes of all; by default nothing. It makes room as soon
        /// as new entries need it.
        #[must_use]
        pub fn keep_done(mut self, time: ::std::time::Duration, bytes: u64) -> Self {
            let settings = self.settings();
            settings.keep_done_for = time;
            settings.keep_done_bytes = bytes;
            self
        }
    };
    (@ keep_dead) => {
        /// How long dead entries are kept; by default 30 days.
        #[must_use]
        pub fn keep_dead(mut self, time: ::std::time::Duration) -> Self {
            self.settings().keep_dead_for = time;
            self
        }
    };
}

pub use __inbox_builder_settings as builder_settings;
