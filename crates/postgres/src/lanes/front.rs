//! From which moment on claims look for what is due.
//!
//! Each entry that was claimed and handled leaves an item in the index of times, which the server
//! can remove when no transaction may see it any more: anybody's, anywhere in the database. While
//! one is open for hours, a look at all that was ever due takes longer and longer. So claims begin
//! where the last one has found nothing before, and look at all only now and then.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long before that they begin, in milliseconds: longer than a statement is waited for, and
/// than the clocks of two processes are apart.
const MARGIN: i64 = 10 * 1000;

/// How long after a look at all the next one comes, at least: another transaction may have had a
/// lock on an entry that is due, and left it as it was.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// And in how many times what it has taken.
const SHARE: u32 = 20;

pub(crate) struct Front(Mutex<State>);

#[derive(Debug, Clone, Copy)]
struct State {
    from: i64,
    /// When to look at all.
    at_all: Option<Instant>,
}

/// One look.
#[derive(Debug)]
pub(crate) struct Look {
    /// From which moment on.
    pub(crate) from: i64,
    began: Instant,
}

impl Front {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            from: i64::MIN,
            at_all: None,
        }))
    }

    /// The next claim looks at all: something may have become due at an earlier moment.
    pub(crate) fn reset(&self) {
        self.state().at_all = None;
    }

    pub(crate) fn look(&self) -> Look {
        let began = Instant::now();
        let mut state = self.state();
        let is_over = state.at_all.is_none_or(|at_all| at_all <= began);
        if is_over {
            state.at_all = began.checked_add(AGAIN_AFTER);
        }
        let from = if is_over { i64::MIN } else { state.from };
        Look { from, began }
    }

    /// Of what was due at this moment at the latest, this was the first that was found.
    pub(crate) fn found(&self, look: &Look, now: i64, first: Option<i64>) {
        let mut state = self.state();
        let from = first.map_or(now, |first| first.min(now));
        state.from = from.saturating_sub(MARGIN);
        drop(state);
        self.took(look);
    }

    /// It has ended, also if it failed.
    pub(crate) fn took(&self, look: &Look) {
        if look.from > i64::MIN {
            return;
        }
        let pause = look.began.elapsed().saturating_mul(SHARE);
        let mut state = self.state();
        // Otherwise it was reset meanwhile.
        if let Some(at_all) = state.at_all {
            let later = look.began.checked_add(pause);
            state.at_all = later.map(|later| later.max(at_all));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_ahead_and_back() {
        let front = Front::new();
        let first = front.look();
        assert_eq!(first.from, i64::MIN);
        front.found(&first, 100_000, None);
        assert_eq!(front.look().from, 90_000);
        // What is found keeps it where that was due, which is where the rest is.
        let second = front.look();
        front.found(&second, 200_000, Some(95_000));
        assert_eq!(front.look().from, 85_000);
        front.reset();
        assert_eq!(front.look().from, i64::MIN);
        assert_eq!(front.look().from, 85_000);
    }

    #[test]
    fn a_look_at_all_that_takes_long_is_rare() {
        let front = Front::new();
        let mut look = front.look();
        front.found(&look, 100_000, None);
        look.began = Instant::now().checked_sub(Duration::from_secs(4)).unwrap();
        front.took(&look);
        let at_all = front.state().at_all.unwrap();
        assert!(at_all > Instant::now() + Duration::from_secs(60));
    }
}
