//! The time without a process that the time of the inbox leaves out.

use tokio_postgres::{Row, types::Type};

use crate::{database::Parameter, error::Failure};

/// How many entries one statement moves.
const MOST: i64 = 1024;

/// What waits has waited on meanwhile, so it is moved, a little at a time. If that does not come to
/// its end, the rest waits longer than it should.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeftOut {
    /// By how much.
    millis: i64,
    /// Not before this moment.
    earliest: i64,
    /// Where the last one was that was moved: its time, and its position.
    moved: (i64, i64),
}

impl LeftOut {
    /// So many milliseconds, since this time of the inbox, which is this now. What is due by now is
    /// left where it is.
    pub(crate) fn new(millis: i64, since: i64, now: i64) -> Self {
        Self {
            millis,
            earliest: since,
            moved: (now, i64::MAX),
        }
    }

    /// Of the statement `move_waiting`.
    pub(crate) fn parameters(&self) -> [Parameter<'_>; 5] {
        let (at, position) = &self.moved;
        [
            (&self.millis, Type::INT8),
            (&self.earliest, Type::INT8),
            (at, Type::INT8),
            (position, Type::INT8),
            (&MOST, Type::INT8),
        ]
    }

    /// What is left after it has returned this.
    pub(crate) fn next(self, rows: &[Row]) -> Result<Option<Self>, Failure> {
        let Some(last) = rows.first() else {
            return Ok(None);
        };
        let moved = (last.try_get(0)?, last.try_get(1)?);
        let is_more = last.try_get::<_, i64>(2)? == MOST;
        Ok(is_more.then_some(Self { moved, ..self }))
    }
}
