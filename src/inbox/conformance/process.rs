//! A process that can die while its inbox lives.

use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use crate::inbox::Task;

/// Tasks that end together, wherever they are, without a word to anybody.
#[derive(Clone, Default)]
pub(super) struct Process(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_dead: bool,
    wakers: Vec<Waker>,
}

impl Process {
    /// Drops all tasks at their present await points.
    pub(super) fn abort(&self) {
        let mut state = self.state();
        state.is_dead = true;
        let wakers = mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// A task of this process.
    pub(super) fn task(&self, task: Task) -> Task {
        let process = self.clone();
        let mut task = Some(task);
        // What wakes the task when the process dies.
        let mut waker: Option<Waker> = None;
        Box::pin(poll_fn(move |cx| {
            {
                let mut state = process.state();
                if state.is_dead {
                    drop(state);
                    task = None;
                    return Poll::Ready(());
                }
                if waker
                    .as_ref()
                    .is_none_or(|known| !known.will_wake(cx.waker()))
                {
                    state.wakers.push(cx.waker().clone());
                    waker = Some(cx.waker().clone());
                }
            }
            let Some(running) = &mut task else {
                return Poll::Ready(());
            };
            running.as_mut().poll(cx)
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
