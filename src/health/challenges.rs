//! Challenges that were answered.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Cause, Finding, Level};

/// How long one that nobody has asked for is shown.
const SHOWN_FOR: Duration = Duration::from_secs(60 * 60);

/// Times are since the start.
#[derive(Default)]
pub(super) struct Challenges(Mutex<State>);

#[derive(Default)]
struct State {
    expected_until: Duration,
    last_unexpected: Option<Duration>,
}

impl Challenges {
    pub(super) fn expect_until(&self, until: Duration) {
        self.with(|state| state.expected_until = state.expected_until.max(until));
    }

    /// Whether this one was expected.
    pub(super) fn answered(&self, at: Duration) -> bool {
        self.with(|state| {
            let is_expected = at < state.expected_until;
            if !is_expected {
                state.last_unexpected = Some(at);
            }
            is_expected
        })
    }

    pub(super) fn finding(&self, at: Duration) -> Option<Finding> {
        let last = self.with(|state| state.last_unexpected)?;
        (at.saturating_sub(last) < SHOWN_FOR).then(|| {
            let text = "a challenge was answered that nobody has asked for: somebody has \
                        registered this URL at Nylas or reactivated it, or a stranger has sent it";
            Finding::new(Cause::Challenge, Level::Notice, text)
        })
    }

    fn with<T>(&self, run: impl FnOnce(&mut State) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
