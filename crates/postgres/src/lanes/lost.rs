//! Claims whose answers were lost.
//!
//! Nobody has their entries. Without this they would wait for the ends of their leases, and count
//! as crashed without ever having been given to a handler.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

use super::claims::given_back;
use crate::{clock::millis, core::Core, error::Failure, receipt::PostgresReceipt};

/// How many are looked for at a time. What is beyond waits for the ends of its leases.
pub(crate) const MOST: usize = 16;

/// How often one is looked for: a server that has lost the connection may still be at it.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// How long at most, unless its lease is shorter.
const LONGEST: Duration = Duration::from_secs(60);

/// Gives back what a claim may have taken, whose statement has failed so.
pub(super) fn give_back(core: &Arc<Core>, slot: i32, token: i64, since: i64, why: &Failure) {
    let Some(mut ended) = why.of_unknown_effect() else {
        return;
    };
    let Ok(place) = core.lost.clone().try_acquire_owned() else {
        return;
    };
    let core = core.clone();
    tokio::spawn(async move {
        // An error then.
        let _ = ended.changed().await;
        let until = Instant::now() + core.options.settings.lease.min(LONGEST);
        while !matches!(look(&core, slot, token, since).await, Ok(true)) {
            if Instant::now() >= until || core.is_closed() {
                break;
            }
            sleep(LOOK_EACH).await;
        }
        drop(place);
    });
}

/// Whether there was anything.
async fn look(core: &Core, slot: i32, token: i64, since: i64) -> Result<bool, Failure> {
    let (now, unix) = core.moment();
    let lease = millis(core.options.settings.lease);
    let rows = core
        .database
        .query_on_claims(
            &core.statements.lost,
            &[
                (&now, Type::INT8),
                (&unix, Type::INT8),
                (&token, Type::INT8),
                (&since.saturating_add(lease), Type::INT8),
                (&lease, Type::INT8),
            ],
        )
        .await?;
    let receipt = |row: &tokio_postgres::Row| -> Result<_, Failure> {
        let position = row.try_get(0)?;
        Ok(PostgresReceipt { position, token })
    };
    let receipts = rows.iter().map(receipt).collect::<Result<Vec<_>, _>>()?;
    let given_back = given_back();
    let settled: Vec<_> = receipts
        .iter()
        .map(|receipt| (receipt, &given_back))
        .collect();
    core.put_back(slot, &settled).await?;
    core.due.notify_one();
    Ok(!receipts.is_empty())
}
