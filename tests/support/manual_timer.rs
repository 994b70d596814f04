//! Time that passes only when a test says so.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tower_nylas::time::{Clock, Sleep, Timer};

/// A clock and a timer at once; clones show the same time. (tokio's paused clock cannot serve
/// tests with sockets: it fires while data is on its way.)
#[derive(Clone)]
pub struct ManualTimer {
    shared: Arc<Shared>,
}

struct Shared {
    start: Instant,
    state: Mutex<State>,
    fell_asleep: Notify,
}

#[derive(Default)]
struct State {
    passed: Duration,
    next_id: u64,
    sleepers: BTreeMap<u64, Sleeper>,
    requested: Vec<Duration>,
}

struct Sleeper {
    end: Duration,
    waker: Option<Waker>,
}

impl ManualTimer {
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                start: Instant::now(),
                state: Mutex::default(),
                fell_asleep: Notify::new(),
            }),
        }
    }

    pub fn advance(&self, duration: Duration) {
        let mut state = self.shared.lock();
        state.passed += duration;
        let passed = state.passed;
        for sleeper in state.sleepers.values_mut() {
            if sleeper.end <= passed {
                sleeper.waker.take().inspect(Waker::wake_by_ref);
            }
        }
    }

    /// Waits until somebody waits for this timer.
    pub async fn until_asleep(&self) {
        loop {
            let fell_asleep = self.shared.fell_asleep.notified();
            if self.sleepers() > 0 {
                return;
            }
            fell_asleep.await;
        }
    }

    /// How many wait for this timer at present.
    pub fn sleepers(&self) -> usize {
        let state = self.shared.lock();
        let waits = |sleeper: &&Sleeper| sleeper.end > state.passed;
        state.sleepers.values().filter(waits).count()
    }

    /// How much time has passed since the timer was made.
    pub fn passed(&self) -> Duration {
        self.shared.lock().passed
    }

    /// How long it takes until the next one who waits for this timer need not wait any more.
    pub fn until_next_end(&self) -> Option<Duration> {
        let state = self.shared.lock();
        let ends = state.sleepers.values().map(|sleeper| sleeper.end);
        let left = ends.filter_map(|end| end.checked_sub(state.passed));
        left.filter(|left| !left.is_zero()).min()
    }

    /// Every duration that was ever asked for.
    pub fn requested(&self) -> Vec<Duration> {
        self.shared.lock().requested.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Clock for ManualTimer {
    fn now(&self) -> Instant {
        self.shared.start + self.shared.lock().passed
    }
}

impl Timer for ManualTimer {
    fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.shared.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.requested.push(duration);
        let end = state.passed + duration;
        state.sleepers.insert(id, Sleeper { end, waker: None });
        Box::pin(Sleeping {
            id,
            shared: self.shared.clone(),
        })
    }
}

struct Sleeping {
    id: u64,
    shared: Arc<Shared>,
}

impl Future for Sleeping {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        let passed = state.passed;
        let sleeper = state.sleepers.get_mut(&self.id).unwrap();
        if sleeper.end <= passed {
            return Poll::Ready(());
        }
        sleeper.waker = Some(cx.waker().clone());
        drop(state);
        // Only now: whoever waits for the sleeper may let its time pass at once.
        self.shared.fell_asleep.notify_waiters();
        Poll::Pending
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.shared.lock().sleepers.remove(&self.id);
    }
}

impl fmt::Debug for ManualTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualTimer").finish_non_exhaustive()
    }
}
