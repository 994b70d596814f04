//! The states of a job, as numbers in the table.

use tower_nylas::inbox::{EntryState, engine::stored_cause};

/// Ready or waiting, which its time decides.
pub(crate) const OPEN: i32 = 0;
pub(crate) const CLAIMED: i32 = 1;
pub(crate) const DONE: i32 = 2;
pub(crate) const DEAD: i32 = 3;

/// What a row shows.
pub(crate) fn shown(state: i32, waits: bool, cause: Option<&str>) -> EntryState {
    match state {
        OPEN if waits => EntryState::Waiting,
        OPEN => EntryState::Ready,
        CLAIMED => EntryState::Claimed,
        DONE => EntryState::Done,
        _ => EntryState::Dead(stored_cause(cause)),
    }
}
