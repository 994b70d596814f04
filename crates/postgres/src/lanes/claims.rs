//! Claims, which wait until something is due.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};
use tokio_postgres::{Row, types::Type};
use tower_nylas::inbox::{Claimed, DeadCause, Entry, EntryKey, Settlement};

use super::{isolated, lost, queue::Waiting};
use crate::{
    clock::{duration, millis},
    core::Core,
    error::Failure,
    receipt::PostgresReceipt,
};

/// How many entries, and how much of their contents, in bytes, one statement claims. One entry it
/// always claims.
const MOST: usize = 4096;
const MOST_BYTES: i64 = 32 << 20;

/// When to look again at the latest, if that is beyond the system's time.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) max: usize,
    /// Until when to wait for the first entry.
    pub(crate) until: Instant,
}

type Waits = Waiting<Claim, Result<Vec<Claimed<PostgresReceipt>>, Failure>>;

pub(super) async fn run(core: Arc<Core>, slot: i32) {
    let mut waiting: VecDeque<Waits> = VecDeque::new();
    loop {
        let look = next_look(&core, &waiting);
        tokio::select! {
            claims = core.claims.next(MOST, u32::MAX) => match claims {
                Some(claims) => waiting.extend(claims),
                None => return,
            },
            () = core.due.notified(), if !waiting.is_empty() => {}
            () = sleep_until(look), if !waiting.is_empty() => {}
        }
        let core = core.clone();
        let served = isolated(async move { serve(&core, slot, waiting).await }).await;
        waiting = served.unwrap_or_default();
    }
}

/// When to look again for what this process is not told of, or for a claim that waits no longer.
fn next_look(core: &Core, waiting: &VecDeque<Waits>) -> Instant {
    let now = Instant::now();
    let poll = now.checked_add(core.options.poll_each);
    let poll = poll.unwrap_or(now + LONGEST_PAUSE);
    let ends = waiting.iter().map(|claim| claim.what.until);
    ends.fold(poll, Instant::min)
}

/// Serves claims in the order in which they came, and returns those that wait on.
async fn serve(core: &Arc<Core>, slot: i32, mut waiting: VecDeque<Waits>) -> VecDeque<Waits> {
    waiting.retain(|claim| !claim.reply.is_closed());
    loop {
        let wanted = waiting.iter().map(|claim| claim.what.max);
        let max = wanted.fold(0, usize::saturating_add).min(MOST);
        let claimed = match claim(core, slot, max).await {
            Ok(claimed) => claimed,
            Err(why) => {
                for claim in waiting {
                    let _ = claim.reply.send(Err(why.clone()));
                }
                return VecDeque::new();
            }
        };
        // What was due could not be decoded, so something else may be.
        let is_over = claimed.good.is_empty() && claimed.bad.is_empty();
        bury(core, slot, claimed.bad).await;
        hand_over(core, slot, claimed.good, &mut waiting).await;
        if is_over || waiting.is_empty() {
            break;
        }
    }
    let now = Instant::now();
    let mut left = VecDeque::new();
    for claim in waiting {
        if claim.what.max == 0 || claim.what.until <= now {
            let _ = claim.reply.send(Ok(Vec::new()));
        } else {
            left.push_back(claim);
        }
    }
    left
}

#[derive(Default)]
struct Batch {
    good: VecDeque<Claimed<PostgresReceipt>>,
    /// Those that cannot be decoded, and why.
    bad: Vec<(PostgresReceipt, String)>,
}

async fn claim(core: &Arc<Core>, slot: i32, max: usize) -> Result<Batch, Failure> {
    let mut batch = Batch::default();
    if max == 0 {
        return Ok(batch);
    }
    let random = getrandom::u64().map_err(|why| Failure::new(why.to_string()))?;
    let token = random.cast_signed();
    let (now, unix) = core.moment();
    let look = core.front.look();
    let rows = core
        .database
        .query(
            &core.statements.claim,
            &[
                (&now, Type::INT8),
                (&unix, Type::INT8),
                (&i64::try_from(max).unwrap_or(i64::MAX), Type::INT8),
                (&MOST_BYTES, Type::INT8),
                (&millis(core.options.settings.lease), Type::INT8),
                (&token, Type::INT8),
                (&look.from, Type::INT8),
            ],
        )
        .await
        .inspect_err(|why| {
            core.front.took(&look);
            lost::give_back(core, slot, token, now, why);
        })?;
    let first = rows.first().map(|row| row.try_get(7)).transpose()?;
    core.front.found(&look, now, first);
    for row in rows {
        let position = row.try_get(0)?;
        let receipt = PostgresReceipt { position, token };
        let counts = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        match entry(&row, 1, 5)? {
            Ok(entry) => {
                let (crashes, failures, failing): (i32, i32, i64) = counts;
                let claimed = Claimed::new(entry, receipt, core.options.settings.lease)
                    .crashed(crashes.unsigned_abs())
                    .failed(failures.unsigned_abs(), duration(failing));
                batch.good.push_back(claimed);
            }
            Err(why) => batch.bad.push((receipt, why)),
        }
    }
    Ok(batch)
}

/// The entry of a row, with its key in one column, and its head and content in two others; or why
/// there is none that can be read.
pub(crate) fn entry(row: &Row, key: usize, head: usize) -> Result<Result<Entry, String>, Failure> {
    let key: Result<[u8; EntryKey::LENGTH], _> = row.try_get::<_, &[u8]>(key)?.try_into();
    let head_and_content: (Option<&[u8]>, Option<&[u8]>) =
        (row.try_get(head)?, row.try_get(head + 1)?);
    let (Ok(key), (Some(head), Some(content))) = (key, head_and_content) else {
        return Ok(Err("a row of it is missing".to_owned()));
    };
    let content = Bytes::copy_from_slice(content);
    let entry = Entry::restore(EntryKey::from_bytes(key), head, content);
    Ok(entry.map_err(|why| why.to_string()))
}

/// What fails is claimed again after its lease, and buried then.
async fn bury(core: &Core, slot: i32, bad: Vec<(PostgresReceipt, String)>) {
    let settle = |(receipt, why)| {
        let cause = DeadCause::Undecodable;
        (receipt, Settlement::Dead { cause, why })
    };
    let settled: Vec<_> = bad.into_iter().map(settle).collect();
    let settled: Vec<_> = settled
        .iter()
        .map(|(receipt, end)| (receipt, end))
        .collect();
    let _ = core.put_back(slot, &settled).await;
}

/// Entries for which nobody waits any more are given back.
async fn hand_over(
    core: &Core,
    slot: i32,
    mut claimed: VecDeque<Claimed<PostgresReceipt>>,
    waiting: &mut VecDeque<Waits>,
) {
    let mut left = Vec::new();
    while !claimed.is_empty() {
        let Some(claim) = waiting.pop_front() else {
            left.extend(claimed.drain(..));
            break;
        };
        let count = claim.what.max.min(claimed.len());
        if let Err(Ok(unwanted)) = claim.reply.send(Ok(claimed.drain(..count).collect())) {
            left.extend(unwanted);
        }
    }
    let given_back = given_back();
    let left: Vec<_> = left.iter().map(|one| (&one.receipt, &given_back)).collect();
    // Otherwise they come again when their leases end.
    let _ = core.put_back(slot, &left).await;
}

/// As if it had never been claimed.
pub(super) fn given_back() -> Settlement {
    Settlement::Retry {
        after: Duration::ZERO,
        failed: false,
        why: String::new(),
    }
}
