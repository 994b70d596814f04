//! Polls tasks on the thread that asks for it, in the order in which they were woken.
//!
//! No lock is held while foreign code runs: a future's `poll` and `drop` may spawn, wake and drop
//! other tasks.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

#[derive(Default)]
pub(super) struct Executor {
    running: AtomicBool,
    tasks: Mutex<Tasks>,
    ready: Arc<Ready>,
}

#[derive(Default)]
struct Tasks {
    next_id: TaskId,
    /// Those that wait; the one being polled is not among them.
    waiting: BTreeMap<TaskId, Task>,
}

type TaskId = u64;

struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    signal: Arc<Signal>,
}

/// The tasks that were woken, the first one first.
///
/// Apart from the tasks, so that a waker that somebody keeps does not keep any of them.
#[derive(Default)]
struct Ready {
    state: Mutex<ReadyState>,
    /// Notified while somebody waits.
    changed: Condvar,
}

#[derive(Default)]
struct ReadyState {
    queue: VecDeque<TaskId>,
    /// How many threads or tasks work outside of the executor.
    busy: usize,
    is_waited_for: bool,
}

/// Somebody works outside of the executor until this is dropped.
pub(super) struct Busy(Arc<Ready>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|state| state.busy -= 1);
    }
}

struct Signal {
    id: TaskId,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Executor {
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let future = Box::pin(future);
        let mut tasks = self.tasks();
        let signal = tasks.new_signal(&self.ready);
        let task = Task {
            future,
            signal: signal.clone(),
        };
        tasks.waiting.insert(signal.id, task);
        drop(tasks);
        signal.wake();
    }

    pub(super) fn busy(&self) -> Busy {
        self.ready.change(|state| state.busy += 1);
        Busy(self.ready.clone())
    }

    /// How many tasks wait.
    pub(super) fn waiting(&self) -> usize {
        self.tasks().waiting.len()
    }

    /// # Panics
    ///
    /// Panics if it is running already.
    pub(super) fn start(&self) -> Run<'_> {
        let is_running = self.running.swap(true, Ordering::SeqCst);
        assert!(
            !is_running,
            "`run_for` or `run_until` of this clock is running already"
        );
        Run { executor: self }
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    fn new_signal(&mut self, ready: &Arc<Ready>) -> Arc<Signal> {
        let id = self.next_id;
        self.next_id += 1;
        Arc::new(Signal {
            id,
            queued: AtomicBool::new(false),
            ready: ready.clone(),
        })
    }
}

impl Ready {
    fn state(&self) -> MutexGuard<'_, ReadyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut ReadyState)) {
        let mut state = self.state();
        change(&mut state);
        let is_waited_for = state.is_waited_for;
        drop(state);
        // Not always: it is a system call.
        if is_waited_for {
            self.changed.notify_all();
        }
    }

    /// Waits until a task is woken or nobody is busy. Whether a task was woken.
    fn wait_while_busy(&self) -> bool {
        let mut state = self.state();
        while state.queue.is_empty() && state.busy > 0 {
            state.is_waited_for = true;
            let changed = self.changed.wait(state);
            state = changed.unwrap_or_else(PoisonError::into_inner);
        }
        state.is_waited_for = false;
        !state.queue.is_empty()
    }
}

impl Signal {
    /// Polls a future with this signal as its waker. A wake from now on queues it again.
    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        // Synchronizes with the last wake: the future sees what was written before it.
        self.queued.swap(false, Ordering::SeqCst);
        let waker = Waker::from(self.clone());
        future.poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.ready.change(|state| state.queue.push_back(self.id));
        }
    }
}

/// The exclusive right to poll, until it is dropped.
pub(super) struct Run<'a> {
    executor: &'a Executor,
}

impl Run<'_> {
    /// A future that takes its turn among the tasks without being one, so that it may borrow.
    pub(super) fn enter<'f, F: Future>(&self, future: Pin<&'f mut F>) -> Root<'f, F> {
        let signal = self.executor.tasks().new_signal(&self.executor.ready);
        signal.wake_by_ref();
        Root { future, signal }
    }

    /// Polls until all tasks wait and nobody is busy.
    pub(super) fn poll_tasks(&self) {
        while let Some(id) = self.next() {
            self.poll_task(id);
        }
    }

    /// Polls until all tasks wait and nobody is busy, or until the root future completes.
    pub(super) fn poll_with<F: Future>(&self, root: &mut Root<'_, F>) -> Poll<F::Output> {
        while let Some(id) = self.next() {
            if id != root.signal.id {
                self.poll_task(id);
            } else if let Poll::Ready(output) = root.signal.poll(root.future.as_mut()) {
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }

    fn next(&self) -> Option<TaskId> {
        let ready = &self.executor.ready;
        loop {
            let woken = ready.state().queue.pop_front();
            if woken.is_some() || !ready.wait_while_busy() {
                return woken;
            }
        }
    }

    fn poll_task(&self, id: TaskId) {
        // A completed task may still be woken.
        let task = self.executor.tasks().waiting.remove(&id);
        let Some(mut task) = task else { return };
        if task.signal.poll(task.future.as_mut()).is_pending() {
            self.executor.tasks().waiting.insert(id, task);
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.executor.running.store(false, Ordering::SeqCst);
    }
}

pub(super) struct Root<'f, F> {
    future: Pin<&'f mut F>,
    signal: Arc<Signal>,
}
