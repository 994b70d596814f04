use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What does not store an entry so soon after it has stored others is not away.
const RECENT: Duration = Duration::from_secs(60);

/// What is known of the inbox that entries of another one are moved to. It tells what concerns one
/// entry, which is a failure of it, from what concerns all of them, for which they wait.
#[derive(Debug, Default)]
pub(super) struct Moves(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    stored_at: Option<Instant>,
    /// An entry that has not failed before was not stored since then.
    is_away: bool,
}

impl Moves {
    pub(super) fn stored(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State {
            stored_at: Some(now),
            is_away: false,
        };
    }

    /// An entry was not stored. Whether that concerns this one only: others were stored a moment
    /// ago; or it has failed before, and no other one since others were stored.
    pub(super) fn not_stored(&self, has_failed_before: bool, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |at: Instant| now.saturating_duration_since(at);
        if state.stored_at.is_some_and(|at| since(at) <= RECENT) {
            return true;
        }
        state.is_away |= !has_failed_before;
        !state.is_away
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_alone_has_failed_and_what_fails_with_others_waits() {
        let (moves, start) = (Moves::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!moves.not_stored(false, at(0)), "nothing was stored yet");
        moves.stored(at(10));
        assert!(moves.not_stored(false, at(11)));
        assert!(moves.not_stored(true, at(3600)), "it is the same one");
        assert!(!moves.not_stored(false, at(3601)), "another one");
        assert!(!moves.not_stored(true, at(3602)), "all of them");
        moves.stored(at(4000));
        assert!(moves.not_stored(true, at(8000)));
    }
}
