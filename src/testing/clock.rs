//! A clock that advances only when a test says so.

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::executor::{self, Executor};
use crate::time::{Clock, Sleep, Timer};

/// 2026-01-01T00:00:00Z.
const DEFAULT_UNIX_TIME: Duration = Duration::from_secs(1_767_225_600);

/// A [`Clock`] and [`Timer`] that advances only when a test says so, and an executor that advances
/// it while all tasks wait.
///
/// Clones show the same time. Nothing depends on how fast the machine is, so a test with the same
/// tasks runs the same way each time, and hours pass as fast as their events can be computed.
///
/// A handler that never completes, and its deadline:
///
/// ```
/// use std::time::Duration;
/// use tower::ServiceExt;
/// use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, WebhookSecret};
/// use tower_nylas::testing::{self, VirtualClock};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = VirtualClock::new();
/// let endpoint = WebhookLayer::with_timer(Secrets::new("an-invented-secret")?, clock.clone())
///     .handler_timeout(Duration::from_secs(6))
///     .layer(TriggerRouter::new().on("grant.*", || std::future::pending::<()>()));
///
/// let body = testing::sample("grant.expired").ok_or("no such sample")?;
/// let request = testing::signed_request(&WebhookSecret::new("an-invented-secret")?, body);
/// let response = clock.run_until(endpoint.oneshot(request))?;
/// assert_eq!(response.status(), 503);
/// assert_eq!(clock.elapsed(), Duration::from_secs(6));
/// # Ok(())
/// # }
/// ```
///
/// # Sockets and threads
///
/// [`run_for`](Self::run_for) and [`run_until`](Self::run_until) perform no I/O, and do not wait
/// for other threads: while a task waits for either, virtual time passes. A server with sockets
/// runs on its own runtime, with a clone of the clock as its timer; the test then waits until it
/// sleeps ([`wait_for_sleeper`](Self::wait_for_sleeper)) and lets the time pass itself
/// ([`advance`](Self::advance)).
///
/// Where a task waits for another thread, such as that of a database, a guard
/// ([`busy`](Self::busy)) keeps the time from passing until the thread has answered.
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Shared>,
}

struct Shared {
    /// What [`Clock::now`] returns when no time has passed.
    start: Instant,
    unix_start: Duration,
    state: Mutex<State>,
    executor: Executor,
}

#[derive(Default)]
struct State {
    elapsed: Duration,
    next_id: u64,
    /// The sleeps whose end is still to come.
    sleepers: BTreeMap<SleeperKey, Option<Waker>>,
    longest: Option<Duration>,
    /// Woken by the next sleep.
    watchers: Vec<Waker>,
}

/// The end, and a number that makes it unique and keeps sleepers with one end in order.
type SleeperKey = (Duration, u64);

impl VirtualClock {
    /// A clock whose Unix time is 2026-01-01T00:00:00Z (1 767 225 600 s).
    pub fn new() -> Self {
        Self::at(DEFAULT_UNIX_TIME)
    }

    /// A clock that starts at this time since the Unix epoch.
    pub fn at(unix_time: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                start: Instant::now(),
                unix_start: unix_time,
                state: Mutex::default(),
                executor: Executor::default(),
            }),
        }
    }

    /// Lets time pass in one step, and wakes the sleepers whose end has come, in its order. Spawned
    /// tasks are not polled: that is what [`run_for`](Self::run_for) does.
    ///
    /// # Panics
    ///
    /// Panics if an [`Instant`] cannot represent the time.
    pub fn advance(&self, duration: Duration) {
        self.shared.pass(|elapsed| elapsed.checked_add(duration));
    }

    /// How much time has passed since the clock was made.
    pub fn elapsed(&self) -> Duration {
        self.shared.state().elapsed
    }

    /// How much time has to pass until the next sleep ends; `None` if none ever does.
    pub fn until_next_wake(&self) -> Option<Duration> {
        let end = self.shared.next_end()?;
        Some(end.saturating_sub(self.elapsed()))
    }

    /// How many sleeps there are whose end is still to come, polled or not, without dropped ones.
    pub fn sleepers(&self) -> usize {
        self.shared.state().sleepers.len()
    }

    /// The longest duration that this timer was ever asked to sleep; `None` if it never was.
    pub fn longest_sleep(&self) -> Option<Duration> {
        self.shared.state().longest
    }

    /// Waits until there is a sleep, for tests of servers that run on another runtime.
    pub async fn wait_for_sleeper(&self) {
        poll_fn(|cx| self.shared.poll_sleeper(cx)).await;
    }

    /// Adds a task for [`run_for`](Self::run_for) and [`run_until`](Self::run_until), which poll it
    /// on the thread that they are called on.
    ///
    /// The task is kept until it completes or the last clone of the clock is dropped. (A task that
    /// owns a clone and never completes is never dropped.)
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.shared.executor.spawn(future);
    }

    /// Keeps [`run_for`](Self::run_for) and [`run_until`](Self::run_until) from letting time pass
    /// until the guard is dropped: while all tasks wait, they block their thread until one of them
    /// is woken or nobody is busy any more. [`advance`](Self::advance) does not wait.
    ///
    /// It is for a task that waits for another thread, which works in real time; it must not wait
    /// for virtual time meanwhile, which does not pass. `testing::BusyInbox` (feature `inbox`) has
    /// such guards around the calls of an engine.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use tokio::sync::oneshot;
    /// use tower_nylas::testing::VirtualClock;
    ///
    /// let clock = VirtualClock::new();
    /// let (answer, answered) = oneshot::channel();
    /// let (busy, seen) = (clock.busy(), clock.clone());
    /// clock.spawn(async move {
    ///     let _ = answered.await;
    ///     assert_eq!(seen.elapsed(), Duration::ZERO);
    ///     drop(busy);
    /// });
    /// thread::spawn(move || answer.send("a row of a database"));
    /// clock.run_for(Duration::from_secs(60 * 60));
    /// ```
    #[must_use = "time passes as soon as it is dropped"]
    pub fn busy(&self) -> Busy {
        Busy {
            _busy: self.shared.executor.busy(),
        }
    }

    /// Lets `duration` pass while the spawned tasks run.
    ///
    /// Polls the woken tasks, in the order in which they were woken, until all wait; then advances
    /// to the end of the next sleep, and so on. What is ready at the end of the duration is polled
    /// as well. Does not return if a task never waits, nor while somebody is [busy](Self::busy).
    ///
    /// # Panics
    ///
    /// Panics if a task does, with the same panic: that task is dropped, the others are kept, and
    /// the clock shows the time of the panic. Panics as well if it is called inside one of the
    /// tasks or on two threads at a time, and if an [`Instant`] cannot represent the time.
    pub fn run_for(&self, duration: Duration) {
        let run = self.shared.executor.start();
        let end = self.shared.in_range(self.elapsed().checked_add(duration));
        loop {
            run.poll_tasks();
            let next = self.shared.next_end().filter(|next| *next <= end);
            self.shared.pass_until(next.unwrap_or(end));
            if next.is_none() {
                return;
            }
        }
    }

    /// Lets as much time pass as the future needs, while the spawned tasks run beside it as in
    /// [`run_for`](Self::run_for). The future may borrow, and need not be `Send`.
    ///
    /// # Panics
    ///
    /// Panics if the future and all tasks wait and none of them sleeps, since nothing would ever
    /// wake them (a deadlock); and where [`run_for`](Self::run_for) does.
    pub fn run_until<F: Future>(&self, future: F) -> F::Output {
        let run = self.shared.executor.start();
        let future = pin!(future);
        let mut root = run.enter(future);
        loop {
            if let Poll::Ready(output) = run.poll_with(&mut root) {
                return output;
            }
            let Some(next) = self.shared.next_end() else {
                let waiting = self.shared.executor.waiting();
                panic!(
                    "deadlock: the future waits, so do all spawned tasks ({waiting}), and no \
                     sleeper is left"
                );
            };
            self.shared.pass_until(next);
        }
    }
}

/// Somebody works in real time, so that virtual time does not pass, until this is dropped. See
/// [`VirtualClock::busy`].
pub struct Busy {
    _busy: executor::Busy,
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Busy").finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances to `end` since the start, unless more time has passed already.
    fn pass_until(&self, end: Duration) {
        self.pass(|elapsed| Some(elapsed.max(end)));
    }

    fn pass(&self, to: impl FnOnce(Duration) -> Option<Duration>) {
        let mut state = self.state();
        state.elapsed = self.in_range(to(state.elapsed));
        let over = state.remove_ended();
        // Waking may run code that reads the clock.
        drop(state);
        over.into_values().flatten().for_each(Waker::wake);
    }

    /// When the next sleep ends; `None` if none ever does.
    fn next_end(&self) -> Option<Duration> {
        let state = self.state();
        let ((end, _), _) = state.sleepers.first_key_value()?;
        Some(*end).filter(|end| self.can_represent(*end))
    }

    fn can_represent(&self, elapsed: Duration) -> bool {
        self.start.checked_add(elapsed).is_some()
    }

    fn in_range(&self, elapsed: Option<Duration>) -> Duration {
        let elapsed = elapsed.filter(|elapsed| self.can_represent(*elapsed));
        elapsed.unwrap_or_else(|| panic!("no `Instant` can represent this time"))
    }

    fn poll_sleeper(&self, cx: &mut Context<'_>) -> Poll<()> {
        let watcher = cx.waker().clone();
        let mut state = self.state();
        if !state.sleepers.is_empty() {
            return Poll::Ready(());
        }
        if !state.watchers.iter().any(|other| other.will_wake(&watcher)) {
            state.watchers.push(watcher);
        }
        Poll::Pending
    }
}

impl State {
    /// Takes out the sleepers whose end has come, in its order.
    fn remove_ended(&mut self) -> BTreeMap<SleeperKey, Option<Waker>> {
        let later = self.sleepers.split_off(&(self.elapsed, u64::MAX));
        mem::replace(&mut self.sleepers, later)
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.shared.start + self.elapsed()
    }

    fn unix_time(&self) -> Duration {
        self.shared.unix_start.saturating_add(self.elapsed())
    }
}

impl Timer for VirtualClock {
    /// The time counts from this call on, not from the first poll. A sleep to a time that no
    /// [`Instant`] can represent, such as one of [`Duration::MAX`], never ends.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has completed.
    fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.shared.state();
        state.longest = state.longest.max(Some(duration));
        let key = (state.elapsed.saturating_add(duration), state.next_id);
        state.next_id += 1;
        let mut watchers = Vec::new();
        if !duration.is_zero() {
            state.sleepers.insert(key, None);
            watchers = mem::take(&mut state.watchers);
        }
        drop(state);
        watchers.into_iter().for_each(Waker::wake);
        Box::pin(Sleeping {
            key,
            is_over: false,
            shared: self.shared.clone(),
        })
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock")
            .field("unix_time", &self.unix_time())
            .field("elapsed", &self.elapsed())
            .field("sleepers", &self.sleepers())
            .field("waiting_tasks", &self.shared.executor.waiting())
            .finish_non_exhaustive()
    }
}

struct Sleeping {
    key: SleeperKey,
    is_over: bool,
    shared: Arc<Shared>,
}

impl Future for Sleeping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.is_over, "a sleep was polled after completion");
        // Cloned and dropped outside the lock: a waker may own a task, and that a sleep.
        let waker = cx.waker().clone();
        let mut state = self.shared.state();
        let Some(registered) = state.sleepers.get_mut(&self.key) else {
            drop(state);
            self.is_over = true;
            return Poll::Ready(());
        };
        let earlier = registered.replace(waker);
        drop(state);
        drop(earlier);
        Poll::Pending
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        let waker = self.shared.state().sleepers.remove(&self.key);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::{panic::catch_unwind, sync::atomic::AtomicUsize, sync::atomic::Ordering, task::Wake};

    use tokio::sync::oneshot;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// What happened, in its order.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Log {
        fn note(&self, what: impl fmt::Display) {
            self.0.lock().unwrap().push(what.to_string());
        }

        fn take(&self) -> Vec<String> {
            mem::take(&mut *self.0.lock().unwrap())
        }
    }

    struct NoteWake(Log, &'static str);

    impl Wake for NoteWake {
        fn wake(self: Arc<Self>) {
            self.0.note(self.1);
        }
    }

    fn poll(sleep: &mut Sleep, waker: &Waker) -> Poll<()> {
        sleep.as_mut().poll(&mut Context::from_waker(waker))
    }

    /// Runs what must panic, and returns the message.
    fn message_of(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let thrown = catch_unwind(run).expect_err("it panics");
        match thrown.downcast::<String>() {
            Ok(message) => *message,
            Err(thrown) => (*thrown.downcast::<&str>().unwrap()).to_owned(),
        }
    }

    /// A thread answers when it is told to, which is when all tasks wait.
    #[test]
    fn no_time_passes_while_somebody_is_busy() {
        let clock = VirtualClock::new();
        let (ask, asked) = std::sync::mpsc::channel::<oneshot::Sender<u32>>();
        let worker = std::thread::spawn(move || {
            for (number, answer) in (0..).zip(asked) {
                std::thread::yield_now();
                let _ = answer.send(number);
            }
        });
        let log = Log::default();
        for task in 0..3 {
            let (clock_of_task, log, ask) = (clock.clone(), log.clone(), ask.clone());
            clock.spawn(async move {
                for _ in 0..100 {
                    let busy = clock_of_task.busy();
                    let (answer, answered) = oneshot::channel();
                    ask.send(answer).unwrap();
                    let before = clock_of_task.elapsed();
                    answered.await.unwrap();
                    assert_eq!(clock_of_task.elapsed(), before);
                    drop(busy);
                    clock_of_task.sleep(SECOND).await;
                }
                log.note(format_args!("{task} at {:?}", clock_of_task.elapsed()));
            });
        }
        drop(ask);
        clock.run_for(50 * SECOND);
        assert_eq!(log.take(), [""; 0]);
        clock.run_until(clock.sleep(50 * SECOND));
        clock.run_for(Duration::ZERO);
        let mut ended = log.take();
        ended.sort_unstable();
        assert_eq!(ended, ["0 at 100s", "1 at 100s", "2 at 100s"]);
        worker.join().unwrap();
    }

    /// Dropped where nothing wakes a task, as with a thread that nobody waits for.
    #[test]
    fn time_goes_on_as_soon_as_the_last_guard_is_dropped() {
        let clock = VirtualClock::new();
        let guards = [clock.busy(), clock.busy()];
        let seen = clock.clone();
        let worker = std::thread::spawn(move || {
            guards.map(|guard| {
                std::thread::yield_now();
                let elapsed = seen.elapsed();
                drop(guard);
                elapsed
            })
        });
        clock.run_for(HOUR);
        assert_eq!(worker.join().unwrap(), [Duration::ZERO; 2]);
        assert_eq!(clock.elapsed(), HOUR);
    }

    fn assert_message(message: &str, expected: &str) {
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn clones_show_the_same_times() {
        let clock = VirtualClock::new();
        let (other, start) = (clock.clone(), clock.now());
        assert_eq!(clock.unix_time(), Duration::from_secs(1_767_225_600));
        clock.advance(90 * SECOND);
        assert_eq!(other.elapsed(), 90 * SECOND);
        assert_eq!(other.now(), start + 90 * SECOND);
        assert_eq!(other.unix_time(), Duration::from_secs(1_767_225_690));

        let shared: Arc<dyn Timer> = Arc::new(VirtualClock::at(7 * SECOND));
        assert_eq!(shared.unix_time(), 7 * SECOND);
    }

    #[test]
    fn advance_wakes_in_the_order_of_the_ends() {
        let (clock, log) = (VirtualClock::new(), Log::default());
        let sleeps = [("c", 3), ("a", 1), ("d", 3), ("b", 2), ("e", 4)];
        let mut sleeps = sleeps.map(|(name, seconds)| {
            let waker = Waker::from(Arc::new(NoteWake(log.clone(), name)));
            (clock.sleep(seconds * SECOND), waker)
        });
        for (sleep, waker) in &mut sleeps {
            assert!(poll(sleep, waker).is_pending());
        }
        clock.advance(3 * SECOND);
        assert_eq!(log.take(), ["a", "b", "c", "d"]);
        assert_eq!(
            (clock.sleepers(), clock.until_next_wake()),
            (1, Some(SECOND))
        );
        let ready = sleeps
            .each_mut()
            .map(|(sleep, waker)| poll(sleep, waker).is_ready());
        assert_eq!(ready, [true, true, true, true, false]);
    }

    #[test]
    fn a_sleep_counts_from_its_request_to_its_end_or_drop() {
        let clock = VirtualClock::new();
        assert_eq!((clock.sleepers(), clock.until_next_wake()), (0, None));
        assert_eq!(clock.longest_sleep(), None);
        let mut long = clock.sleep(9 * SECOND);
        let short = clock.sleep(5 * SECOND);
        clock.advance(SECOND);
        assert_eq!(
            (clock.sleepers(), clock.until_next_wake()),
            (2, Some(4 * SECOND))
        );
        assert!(poll(&mut long, Waker::noop()).is_pending());
        drop(short);
        assert_eq!(
            (clock.sleepers(), clock.until_next_wake()),
            (1, Some(8 * SECOND))
        );
        clock.advance(8 * SECOND);
        assert_eq!((clock.sleepers(), clock.until_next_wake()), (0, None));
        assert!(poll(&mut long, Waker::noop()).is_ready());
        assert_eq!(clock.longest_sleep(), Some(9 * SECOND));
    }

    #[test]
    fn a_sleep_of_no_length_is_over_at_once() {
        let clock = VirtualClock::new();
        let mut sleep = clock.sleep(Duration::ZERO);
        assert_eq!(clock.sleepers(), 0);
        assert!(poll(&mut sleep, Waker::noop()).is_ready());
        assert_eq!(clock.longest_sleep(), Some(Duration::ZERO));
    }

    #[test]
    #[should_panic(expected = "polled after completion")]
    fn a_sleep_that_is_over_is_not_polled_again() {
        let mut sleep = VirtualClock::new().sleep(Duration::ZERO);
        for _ in 0..2 {
            let _ = poll(&mut sleep, Waker::noop());
        }
    }

    #[test]
    fn what_no_instant_can_represent_never_comes() {
        let clock = VirtualClock::new();
        let _endless = clock.sleep(Duration::MAX);
        assert_eq!((clock.sleepers(), clock.until_next_wake()), (1, None));
        clock.run_for(SECOND);
        for too_long in [Duration::MAX, Duration::MAX / 2] {
            let advanced = clock.clone();
            assert_message(&message_of(move || advanced.advance(too_long)), "`Instant`");
            let run = clock.clone();
            assert_message(&message_of(move || run.run_for(too_long)), "`Instant`");
        }
        assert_eq!((clock.elapsed(), clock.sleepers()), (SECOND, 1));
    }

    /// A waker may own a task that owns a sleep, so dropping one may come back to the clock.
    #[test]
    fn wakers_are_dropped_and_woken_without_a_lock() {
        struct Owner(VirtualClock, #[allow(dead_code)] Mutex<Sleep>);

        impl Wake for Owner {
            fn wake(self: Arc<Self>) {
                self.0.advance(SECOND);
            }
        }

        let clock = VirtualClock::new();
        let owner = || {
            let sleep = Mutex::new(clock.sleep(5 * SECOND));
            Waker::from(Arc::new(Owner(clock.clone(), sleep)))
        };
        let mut sleep = clock.sleep(SECOND);
        for _ in 0..2 {
            assert!(poll(&mut sleep, &owner()).is_pending());
        }
        assert_eq!(clock.sleepers(), 2, "the first waker's is gone");
        drop(mem::replace(&mut sleep, clock.sleep(SECOND)));
        assert_eq!(clock.sleepers(), 1);
        assert!(poll(&mut sleep, &owner()).is_pending());
        clock.advance(SECOND);
        assert_eq!((clock.elapsed(), clock.sleepers()), (2 * SECOND, 0));
    }

    #[test]
    fn waiting_for_a_sleeper_ends_with_the_next_one() {
        let (clock, log) = (VirtualClock::new(), Log::default());
        let waker = Waker::from(Arc::new(NoteWake(log.clone(), "woken")));
        let mut context = Context::from_waker(&waker);
        let mut waiting = pin!(clock.wait_for_sleeper());
        for _ in 0..2 {
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        let _over = clock.sleep(Duration::ZERO);
        assert_eq!(log.take(), [""; 0]);
        let _sleep = clock.sleep(SECOND);
        assert_eq!(log.take(), ["woken"]);
        assert!(waiting.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn tasks_run_in_the_order_in_which_they_were_woken() {
        let (clock, log) = (VirtualClock::new(), Log::default());
        let task = |name: &'static str, seconds: u32| {
            let (clock, log) = (clock.clone(), log.clone());
            async move {
                log.note(name);
                clock.sleep(seconds * SECOND).await;
                log.note(format_args!("{name} at {:?}", clock.elapsed()));
            }
        };
        let (first, nested) = (task("first", 2), task("nested", 1));
        let (spawner, noted) = (clock.clone(), log.clone());
        clock.spawn(async move {
            spawner.spawn(nested);
            noted.note("spawned");
            first.await;
        });
        clock.spawn(task("second", 2));
        clock.spawn(task("third", 1));
        assert_eq!(log.take(), [""; 0], "nothing runs unless asked to");
        clock.run_for(Duration::ZERO);
        assert_eq!(
            log.take(),
            ["spawned", "first", "second", "third", "nested"]
        );
        clock.run_for(5 * SECOND);
        assert_eq!(
            log.take(),
            ["third at 1s", "nested at 1s", "first at 2s", "second at 2s"]
        );
        assert_eq!(clock.elapsed(), 5 * SECOND);
    }

    #[test]
    fn no_more_time_passes_than_asked_for() {
        let (clock, log) = (VirtualClock::new(), Log::default());
        let (timer, noted) = (clock.clone(), log.clone());
        clock.spawn(async move {
            for round in 1.. {
                timer.sleep(3 * SECOND).await;
                noted.note(round);
            }
        });
        clock.run_for(2 * SECOND);
        assert_eq!((clock.elapsed(), log.take().len()), (2 * SECOND, 0));
        // What ends together with the duration is still seen.
        clock.run_for(SECOND);
        assert_eq!((clock.elapsed(), log.take().len()), (3 * SECOND, 1));
        clock.run_for(9 * SECOND);
        assert_eq!(log.take(), ["2", "3", "4"]);
        // Advancing wakes the task, and does not poll it.
        clock.advance(7 * SECOND);
        assert_eq!((clock.sleepers(), log.take().len()), (0, 0));
        clock.run_for(Duration::ZERO);
        assert_eq!(log.take(), ["5"]);
        assert_eq!(clock.until_next_wake(), Some(3 * SECOND));
    }

    #[test]
    fn a_future_is_run_until_it_completes_and_no_longer() {
        let (clock, log) = (VirtualClock::new(), Log::default());
        let (timer, noted) = (clock.clone(), log.clone());
        clock.spawn(async move {
            for second in 1..=4 {
                timer.sleep(SECOND).await;
                noted.note(second);
            }
        });
        let borrowed = String::from("done");
        let output = clock.run_until(async {
            clock.sleep(2 * SECOND).await;
            &*borrowed
        });
        assert_eq!((output, clock.elapsed()), ("done", 2 * SECOND));
        clock.run_for(Duration::ZERO);
        assert_eq!(log.take(), ["1", "2"]);
        clock.run_for(SECOND * 9);
        assert_eq!(log.take(), ["3", "4"]);
    }

    #[test]
    fn a_deadlock_is_a_panic() {
        let clock = VirtualClock::new();
        let stuck = clock.clone();
        clock.spawn(async move { stuck.sleep(Duration::MAX).await });
        let run = clock.clone();
        let message = message_of(move || run.run_until(std::future::pending()));
        assert_message(&message, "deadlock");
        assert_message(&message, "all spawned tasks (1)");
        assert_eq!(clock.run_until(async { 1 }), 1, "the clock goes on");
    }

    #[test]
    fn a_panic_of_a_task_is_one_of_the_run() {
        let (clock, log) = (VirtualClock::new(), Log::default());
        let (timer, noted) = (clock.clone(), log.clone());
        clock.spawn(async move {
            timer.sleep(SECOND).await;
            assert!(noted.take().is_empty(), "the task's own words");
        });
        let (timer, noted) = (clock.clone(), log.clone());
        clock.spawn(async move {
            timer.sleep(SECOND).await;
            noted.note("the other one");
        });
        log.note("before");
        let run = clock.clone();
        assert_eq!(
            message_of(move || run.run_for(9 * SECOND)),
            "the task's own words"
        );
        assert_eq!((clock.elapsed(), log.take().len()), (SECOND, 0));
        clock.run_for(Duration::ZERO);
        assert_eq!(log.take(), ["the other one"]);
    }

    #[test]
    fn a_run_inside_a_run_is_a_panic() {
        let clock = VirtualClock::new();
        let inner = clock.clone();
        clock.spawn(async move { inner.run_for(SECOND) });
        let run = clock.clone();
        assert_message(
            &message_of(move || run.run_for(SECOND)),
            "is running already",
        );
        clock.run_for(SECOND);
    }

    #[test]
    fn a_task_may_be_woken_by_another_thread_and_again_after_its_end() {
        let clock = VirtualClock::new();
        let polls = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = oneshot::channel();
        let kept = Arc::new(Mutex::new(None));
        let (count, keep) = (polls.clone(), kept.clone());
        clock.spawn(async move {
            let mut receiver = pin!(receiver);
            poll_fn(|cx| {
                count.fetch_add(1, Ordering::SeqCst);
                *keep.lock().unwrap() = Some(cx.waker().clone());
                receiver.as_mut().poll(cx)
            })
            .await
            .unwrap();
        });
        clock.run_for(SECOND);
        assert_eq!(polls.load(Ordering::SeqCst), 1, "nobody woke it");
        std::thread::spawn(|| sender.send(()))
            .join()
            .unwrap()
            .unwrap();
        clock.run_for(SECOND);
        assert_eq!(polls.load(Ordering::SeqCst), 2);
        let waker: Waker = kept.lock().unwrap().take().unwrap();
        waker.wake();
        clock.run_for(SECOND);
        assert_eq!(polls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn tasks_are_dropped_with_the_clock() {
        let clock = VirtualClock::new();
        let (sender, mut receiver) = oneshot::channel::<()>();
        clock.spawn(async move {
            let _sender = sender;
            std::future::pending::<()>().await;
        });
        clock.run_for(SECOND);
        assert_eq!(
            receiver.try_recv(),
            Err(oneshot::error::TryRecvError::Empty)
        );
        drop(clock);
        assert_eq!(
            receiver.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        );
    }
}
