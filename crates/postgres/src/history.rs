//! What has happened to entries that were not done at once.
//!
//! That an entry was stored, and is claimed, stands in its job. So the usual way, stored, claimed
//! and done, writes nothing into the table.

use tokio_postgres::Row;
use tower_nylas::inbox::{DeadCause, Happened, Settlement, TimelineEvent};

use crate::{clock::duration, error::Failure, state};

/// How many events the statements keep of each entry.
const MOST_EVENTS: i32 = 32;

const CLAIMED: &str = "claimed";
const CRASHED: &str = "crashed";
const DONE: &str = "done";
const FAILED: &str = "failed";
const PUT_OFF: &str = "put_off";
const DEAD: &str = "dead";
const REPLAYED: &str = "replayed";

/// The name of the event that a settlement is.
pub(crate) fn name(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Done => DONE,
        Settlement::Retry { failed: true, .. } => FAILED,
        Settlement::Retry { failed: false, .. } => PUT_OFF,
        Settlement::Dead { .. } => DEAD,
    }
}

/// Of the rows of one entry, which all have the columns of its job.
pub(crate) fn timeline(rows: &[Row]) -> Result<Vec<TimelineEvent>, Failure> {
    let Some(job) = rows.first() else {
        return Ok(Vec::new());
    };
    let event = |at: i64, what| TimelineEvent::new(duration(at), what);
    let mut timeline = Vec::new();
    if job.try_get::<_, i32>(3)? <= MOST_EVENTS {
        timeline.push(event(job.try_get(0)?, Happened::Stored));
    }
    for row in rows {
        let Some(what) = row.try_get::<_, Option<&str>>(5)? else {
            // There is no event.
            continue;
        };
        // What a later version has written is left out.
        if let Some(what) = happened(what, row)? {
            timeline.push(event(row.try_get(4)?, what));
        }
    }
    if let (state::CLAIMED, Some(claimed)) = (job.try_get(2)?, job.try_get(1)?) {
        timeline.push(event(claimed, Happened::Claimed));
    }
    Ok(timeline)
}

fn happened(what: &str, row: &Row) -> Result<Option<Happened>, Failure> {
    let why = row.try_get(8)?;
    let settled = match what {
        CLAIMED => return Ok(Some(Happened::Claimed)),
        CRASHED => return Ok(Some(Happened::Crashed)),
        REPLAYED => return Ok(Some(Happened::Replayed)),
        DONE => Settlement::Done,
        FAILED | PUT_OFF => Settlement::Retry {
            after: duration(row.try_get::<_, Option<i64>>(6)?.unwrap_or(0)),
            failed: what == FAILED,
            why,
        },
        DEAD => {
            let cause = row.try_get::<_, Option<&str>>(7)?;
            let Some(cause) = cause.and_then(DeadCause::from_name) else {
                return Ok(None);
            };
            Settlement::Dead { cause, why }
        }
        _ => return Ok(None),
    };
    Ok(Some(Happened::Settled(settled)))
}
