//! What has happened to entries that were not done at once.
//!
//! That an entry was stored, and is claimed, stands in its job. So the usual way, stored, claimed
//! and done, writes nothing into the table.

use tokio_postgres::Row;
use tower_nylas::inbox::{
    Happened, TimelineEvent,
    engine::{EventColumns, MOST_EVENTS},
};

use crate::{clock::duration, error::Failure, state};

/// Of the rows of one entry, which all have the columns of its job.
pub(crate) fn timeline(rows: &[Row]) -> Result<Vec<TimelineEvent>, Failure> {
    let Some(job) = rows.first() else {
        return Ok(Vec::new());
    };
    let event = |at: i64, what| TimelineEvent::new(duration(at), what);
    let mut timeline = Vec::new();
    // The statements keep as many.
    if job.try_get::<_, i32>(3)?.unsigned_abs() <= MOST_EVENTS {
        timeline.push(event(job.try_get(0)?, Happened::Stored));
    }
    for row in rows {
        let Some(what) = row.try_get::<_, Option<&str>>(5)? else {
            // There is no event.
            continue;
        };
        // What a later version has written is left out.
        let after = row.try_get::<_, Option<i64>>(6)?.map(duration);
        let (cause, why) = (row.try_get(7)?, row.try_get(8)?);
        if let Some(what) = EventColumns::read(what, after, cause, why) {
            timeline.push(event(row.try_get(4)?, what));
        }
    }
    if let (state::CLAIMED, Some(claimed)) = (job.try_get(2)?, job.try_get(1)?) {
        timeline.push(event(claimed, Happened::Claimed));
    }
    Ok(timeline)
}
