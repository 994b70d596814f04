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
    /// Those from this moment on are left, also at the very moment that the last ones had. None is
    /// moved twice: those that were moved are earlier now.
    from: i64,
}

impl LeftOut {
    /// So many milliseconds, since this time of the inbox, which is this now. What is due by now is
    /// left where it is.
    pub(crate) fn new(millis: i64, since: i64, now: i64) -> Self {
        Self {
            millis,
            earliest: since,
            from: now.saturating_add(1),
        }
    }

    /// Of the statement `move_waiting`.
    pub(crate) fn parameters(&self) -> [Parameter<'_>; 4] {
        [
            (&self.millis, Type::INT8),
            (&self.earliest, Type::INT8),
            (&self.from, Type::INT8),
            (&MOST, Type::INT8),
        ]
    }

    /// What is left after it has returned this.
    pub(crate) fn next(self, rows: &[Row]) -> Result<Option<Self>, Failure> {
        let row = rows.first().ok_or_else(Failure::no_row)?;
        let (last, moved): (Option<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
        let from = last.filter(|_| moved == MOST);
        Ok(from.map(|from| Self { from, ..self }))
    }
}
