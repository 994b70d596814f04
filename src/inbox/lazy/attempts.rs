//! The attempts to open an inbox, of which one is under way at a time.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    error::NotOpen,
    state::{Attempt, State, Turn},
};
use crate::{
    inbox::{
        Inbox,
        engine::Failure,
        observe::{Observers, Witness},
        runtime::Runtime,
    },
    middleware::{catch, caught},
    report::{BoxError, Causes},
    time::within,
};

/// How long a call waits for an attempt, from its start: less than the half of
/// [`Enqueue::TIMEOUT`](crate::inbox::Enqueue::TIMEOUT) that is left to an inbox with another one
/// beside it.
pub(super) const CALLS_WAIT: Duration = Duration::from_secs(2);

pub(super) type Opening<I> = Pin<Box<dyn Future<Output = Result<I, BoxError>> + Send>>;

/// What the handles of an inbox share.
pub(super) struct Shared<I> {
    inbox: OnceLock<I>,
    open: Box<dyn Fn() -> Opening<I> + Send + Sync>,
    runtime: Runtime,
    observers: Observers,
    /// Changed before those are woken who wait for the end of an attempt, and after `inbox`.
    state: watch::Sender<State>,
}

/// For how long a call waits.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Patience {
    /// Not for the pause after an attempt that has failed, nor for longer than
    /// [`CALLS_WAIT`] for one that is under way.
    OfCall,
    /// For the end of an attempt, which starts at once if none is under way.
    UntilEnd,
}

impl<I: Inbox> Shared<I> {
    pub(super) fn new(
        open: impl Fn() -> Opening<I> + Send + Sync + 'static,
        runtime: Runtime,
    ) -> Self {
        Self {
            inbox: OnceLock::new(),
            open: Box::new(open),
            observers: Observers::new(runtime.timer.now()),
            runtime,
            state: watch::Sender::default(),
        }
    }

    /// The inbox, after an attempt to open it.
    pub(super) async fn try_to_open(
        self: &Arc<Self>,
        timeout: Duration,
        patience: Patience,
    ) -> Result<&I, NotOpen> {
        let now = self.runtime.timer.now();
        let until_end = patience == Patience::UntilEnd;
        if let Some(attempt) = self.overdue() {
            self.fail(attempt.number, "its task does not run");
        }
        let mut turn = Turn::Open;
        self.state.send_if_modified(|state| {
            turn = state.turn(now, timeout, until_end);
            // Whether one has started concerns nobody who waits for an end.
            false
        });
        let attempt = match turn {
            Turn::Open => None,
            Turn::Pause(why) => return Err(NotOpen::Failed(why)),
            Turn::Join(attempt) => Some(attempt),
            Turn::Start(attempt) => {
                self.start(attempt);
                Some(attempt)
            }
        };
        let limit = match attempt {
            Some(attempt) if until_end => attempt.ends_within(),
            _ => CALLS_WAIT,
        };
        if let Some(attempt) = attempt {
            let left = limit.saturating_sub(attempt.runs_for(now));
            if !left.is_zero() {
                within(&*self.runtime.timer, left, self.ended(attempt.number)).await;
            }
        }
        if let Some(inbox) = self.get() {
            return Ok(inbox);
        }
        let state = self.state.borrow();
        let is_under_way = attempt.is_some_and(|attempt| state.is_under_way(attempt.number));
        Err(match state.why() {
            Some(why) if !is_under_way => NotOpen::Failed(why),
            before => NotOpen::Opening(limit, before),
        })
    }

    /// In a task of its own, so that it ends whoever stops waiting for it.
    fn start(self: &Arc<Self>, attempt: Attempt) {
        let task = Running {
            shared: self.clone(),
            number: attempt.number,
        };
        let run = async move {
            let shared = &task.shared;
            let opening = caught(async { (shared.open)().await });
            let opened = within(&*shared.runtime.timer, attempt.timeout, opening).await;
            match opened {
                Some(Ok(Ok(inbox))) => shared.succeed(inbox),
                Some(Ok(Err(why))) => shared.fail(task.number, why),
                Some(Err(panic)) => shared.fail(task.number, panic),
                None => {
                    let why = format!("it has not ended within {:?}", attempt.timeout);
                    shared.fail(task.number, why);
                }
            }
        };
        // If there is no runtime, the task is dropped, and so the attempt has failed.
        let _ = catch(|| self.runtime.spawn(run));
    }

    async fn ended(&self, number: u64) {
        let mut states = self.state.subscribe();
        // An error only if the sender were dropped.
        let _ = states.wait_for(|state| !state.is_under_way(number)).await;
    }

    fn succeed(&self, inbox: I) {
        if self.inbox.set(inbox).is_err() {
            // By an attempt that was given up, or by the one that came after it.
            return;
        }
        let now = self.runtime.timer.now();
        let mut failed_for = None;
        self.state.send_modify(|state| failed_for = state.open(now));
        if let Some(failed_for) = failed_for {
            self.observers.opened(failed_for);
        }
    }

    /// Does nothing for an attempt that has ended.
    fn fail(&self, number: u64, why: impl Into<BoxError>) {
        let why = Failure::new(why);
        let now = self.runtime.timer.now();
        let mut told = None;
        self.state.send_if_modified(|state| {
            let is_under_way = state.is_under_way(number);
            if is_under_way {
                told = state.fail(why.clone(), now);
            }
            is_under_way
        });
        if let Some(failing_for) = told {
            self.observers.opening_failed(&Causes(&why), failing_for);
        }
    }

    fn overdue(&self) -> Option<Attempt> {
        self.state.borrow().overdue(self.runtime.timer.now())
    }
}

impl<I> Shared<I> {
    #[inline]
    pub(super) fn get(&self) -> Option<&I> {
        self.inbox.get()
    }

    pub(super) fn state_name(&self) -> &'static str {
        self.state.borrow().name()
    }
}

/// The task of an attempt, which ends it also if the task is dropped.
struct Running<I: Inbox> {
    shared: Arc<Shared<I>>,
    number: u64,
}

impl<I: Inbox> Drop for Running<I> {
    fn drop(&mut self) {
        self.shared.fail(self.number, "its task was dropped");
    }
}
