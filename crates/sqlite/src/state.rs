//! The states of a job, as numbers in the file.

use tower_nylas::inbox::{EntryState, engine::stored_cause};

pub(crate) const READY: i64 = 0;
pub(crate) const WAITING: i64 = 1;
pub(crate) const CLAIMED: i64 = 2;
pub(crate) const DONE: i64 = 3;
pub(crate) const DEAD: i64 = 4;

/// What a row shows at this time of the file.
pub(crate) fn shown(state: i64, at: i64, cause: Option<&str>, now: i64) -> EntryState {
    match state {
        READY => EntryState::Ready,
        WAITING if at <= now => EntryState::Ready,
        WAITING => EntryState::Waiting,
        CLAIMED => EntryState::Claimed,
        DONE => EntryState::Done,
        _ => EntryState::Dead(stored_cause(cause)),
    }
}
