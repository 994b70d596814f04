//! The last deliveries and refusals, in memory.

mod record;
mod ring;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tower_nylas::{
    Report,
    time::{Clock, SystemClock},
};

pub(crate) use self::record::{Kind, Record};
use self::ring::Ring;

/// The last deliveries and the last refusals that layers have reported.
///
/// Both are bounded, and apart from each other: requests that are not verified, which anybody can
/// send, push no delivery out. Clones are handles of the same memory; one of them serves all layers
/// of a process.
///
/// ```
/// # use tower_nylas::{Secrets, WebhookLayer};
/// use tower_nylas_inspector::Recent;
///
/// let recent = Recent::new(500);
/// let layer = WebhookLayer::new(Secrets::pending()).observe(recent.observer());
/// ```
#[derive(Clone)]
pub struct Recent {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Clock>,
    rings: Mutex<Rings>,
}

struct Rings {
    verified: Ring,
    others: Ring,
    last_number: u64,
}

impl Recent {
    /// The most that it keeps of each: 10,000, which take some 20 MB together.
    pub const MOST: usize = 10_000;

    /// Keeps so many deliveries, and as many refusals and challenges; up to [10,000](Self::MOST).
    pub fn new(each: usize) -> Self {
        Self::with_clock(each, SystemClock)
    }

    /// The same, with the time of another clock.
    pub fn with_clock(each: usize, clock: impl Clock) -> Self {
        let each = each.min(Self::MOST);
        Self {
            shared: Arc::new(Shared {
                clock: Box::new(clock),
                rings: Mutex::new(Rings {
                    verified: Ring::new(each),
                    others: Ring::new(each),
                    last_number: 0,
                }),
            }),
        }
    }

    /// For [`WebhookLayer::observe`](tower_nylas::WebhookLayer::observe).
    pub fn observer(&self) -> impl Fn(Report<'_>) + Clone + Send + Sync + 'static {
        let recent = self.clone();
        move |report| recent.record(&report)
    }

    /// Keeps what a report says, for an observer that does more than this.
    pub fn record(&self, report: &Report<'_>) {
        // The text of an application's error may panic, so it is made before the lock is taken.
        let mut record = Record::new(report, self.shared.clock.unix_time());
        let mut rings = self.rings();
        rings.last_number += 1;
        record.number = rings.last_number;
        let ring = match record.kind {
            Kind::Challenge | Kind::Refused => &mut rings.others,
            _ => &mut rings.verified,
        };
        ring.push(Arc::new(record));
    }

    /// Those that are wanted, the last one first.
    pub(crate) fn list(&self, max: usize, is_wanted: impl Fn(&Record) -> bool) -> Vec<Arc<Record>> {
        let mut all: Vec<_> = {
            let rings = self.rings();
            let both = rings.verified.iter().chain(rings.others.iter());
            both.cloned().collect()
        };
        all.retain(|record| is_wanted(record));
        all.sort_by_key(|record| std::cmp::Reverse(record.number));
        all.truncate(max);
        all
    }

    fn rings(&self) -> std::sync::MutexGuard<'_, Rings> {
        self.shared
            .rings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rings = self.rings();
        f.debug_struct("Recent")
            .field("verified", &rings.verified.len())
            .field("others", &rings.others.len())
            .finish()
    }
}
