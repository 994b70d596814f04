//! Removes what need not be kept any more, a little at a time, and writes how late it is.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

use super::isolated;
use crate::{
    clock::millis, core::Core, database::PATIENCE, error::Failure, left_out::LeftOut, state,
};

/// How often it looks, unless the time of the inbox goes faster.
const EACH: Duration = Duration::from_secs(1);

/// How many rows of each kind one statement looks at.
const MOST: i64 = 512;

/// How long after a look at all keys from the first one on the next one begins.
const LOOK_AGAIN_AFTER: i64 = 10 * 60 * 1000;

/// Where the keys are looked at next. Those of entries that are there, such as an old dead one, are
/// passed over, and looked at again later.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    from: i64,
    /// When the next look at all of them begins, by the time of the inbox.
    next_look: i64,
}

pub(super) async fn run(core: Arc<Core>, slot: i32, mut left_out: Option<LeftOut>) {
    let mut cursor = Cursor {
        from: i64::MIN,
        next_look: i64::MIN,
    };
    while !core.is_closed() {
        let round = core.clone();
        let looked = isolated(async move { look_after(&round, slot, cursor).await }).await;
        // What fails is tried again after a while.
        let is_more = match looked {
            Some(Ok((next, is_more))) => {
                cursor = next;
                is_more
            }
            Some(Err(_)) | None => false,
        };
        let mut is_moving = false;
        if let Some(left) = left_out {
            let round = core.clone();
            let moved = isolated(async move { move_waiting(&round, left).await }).await;
            if let Some(Ok(left)) = moved {
                left_out = left;
                is_moving = left.is_some();
            }
        }
        if !is_more && !is_moving {
            tokio::select! {
                () = sleep(EACH) => {}
                () = core.upkeep.notified() => {}
            }
        }
    }
    let _ = mark(&core).await;
}

/// Returns where to look for keys next, and whether there is more to be removed.
async fn look_after(core: &Core, slot: i32, cursor: Cursor) -> Result<(Cursor, bool), Failure> {
    let (now, done_bytes) = mark(core).await?;
    let mut is_more = false;
    for (state, keep_for) in [
        (state::DONE, core.options.settings.keep_done_for),
        (state::DEAD, core.options.settings.keep_dead_for),
    ] {
        let until = now.saturating_sub(millis(keep_for));
        let rows = core
            .database
            .query(
                &core.statements.prune_ended,
                &[
                    (&slot, Type::INT4),
                    (&state, Type::INT4),
                    (&until, Type::INT8),
                    (&MOST, Type::INT8),
                ],
            )
            .await?;
        is_more |= rows.len() as u64 == MOST.unsigned_abs();
    }
    let most = i64::try_from(core.options.settings.keep_done_bytes).unwrap_or(i64::MAX);
    if done_bytes > most {
        is_more |= core
            .prune_done(Instant::now() + PATIENCE, slot, done_bytes - most, MOST)
            .await?
            > 0;
    }
    let (cursor, has_more_keys) = prune_keys(core, now, cursor).await?;
    Ok((cursor, is_more || has_more_keys))
}

/// Returns what is left.
async fn move_waiting(core: &Core, left_out: LeftOut) -> Result<Option<LeftOut>, Failure> {
    let sql = &core.statements.move_waiting;
    let rows = core.database.query(sql, &left_out.parameters()).await?;
    core.front.reset();
    core.due.notify_one();
    left_out.next(&rows)
}

/// Writes the time of the inbox, and follows other processes. Returns it, and what the entries take
/// that are done and kept.
async fn mark(core: &Core) -> Result<(i64, i64), Failure> {
    let (now, unix) = core.moment_of_upkeep();
    let parameters = [(&now as _, Type::INT8), (&unix as _, Type::INT8)];
    let rows = core
        .database
        .query(&core.statements.mark, &parameters)
        .await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    let now = row.try_get(0)?;
    core.clock.follow(now);
    Ok((now, row.try_get(1)?))
}

async fn prune_keys(core: &Core, now: i64, cursor: Cursor) -> Result<(Cursor, bool), Failure> {
    let mut cursor = cursor;
    if now >= cursor.next_look {
        cursor = Cursor {
            from: i64::MIN,
            next_look: now.saturating_add(LOOK_AGAIN_AFTER),
        };
    }
    let until = now.saturating_sub(millis(core.options.settings.window));
    let rows = core
        .database
        .query(
            &core.statements.prune_keys,
            &[
                (&cursor.from, Type::INT8),
                (&until, Type::INT8),
                (&MOST, Type::INT8),
            ],
        )
        .await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    let (looked, forgotten): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if let Some(last) = row.try_get::<_, Option<i64>>(2)? {
        // Those of the same moment that are left are looked at once more, but not for ever.
        cursor.from = if forgotten > 0 {
            last
        } else {
            last.saturating_add(1)
        };
    }
    Ok((cursor, looked == MOST))
}
