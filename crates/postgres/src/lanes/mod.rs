//! Tasks that send what many callers want in few statements.

mod appends;
mod claims;
mod front;
mod lost;
mod notices;
mod orders;
mod queue;
mod statistics;
mod upkeep;

use std::sync::Arc;

use tokio::sync::watch;
use tower_nylas::inbox::{AppendError, Appended, Claimed, Entry};

use self::queue::Queue;
pub(crate) use self::{
    claims::{Claim, entry},
    front::Front,
    lost::MOST as MOST_LOST,
    orders::Order,
};
use crate::{
    core::Core, error::Failure, left_out::LeftOut, listen::Listener, receipt::PostgresReceipt,
};

pub(crate) type Appends = Queue<Entry, Result<Appended, AppendError>>;
/// The reply is whether the claim was still there.
pub(crate) type Orders = Queue<Order, Result<bool, Failure>>;
pub(crate) type Claims = Queue<Claim, Result<Vec<Claimed<PostgresReceipt>>, Failure>>;

/// How much of contents may wait to be stored, in KiB.
const APPEND_KIB: u32 = 64 << 10;

/// How many other calls may wait.
const ORDERS: u32 = 16 << 10;

/// The largest content, in bytes.
pub(crate) const LARGEST: usize = ((APPEND_KIB - 1) as usize) << 10;

/// How many statements with appends are under way at a time: while the server syncs one, it works
/// at another.
const APPEND_LANES: u32 = 2;

pub(crate) fn queues() -> (Appends, Orders, Claims) {
    (
        Queue::new(APPEND_KIB),
        Queue::new(ORDERS),
        Queue::new(ORDERS),
    )
}

/// What a content weighs among those that wait, in KiB.
pub(crate) fn kib(length: usize) -> u32 {
    let kib = u32::try_from(length.div_ceil(1 << 10)).unwrap_or(APPEND_KIB);
    kib.saturating_add(1)
}

/// Starts the tasks, each of which holds `end` until it has ended.
pub(crate) fn start(
    core: &Arc<Core>,
    listener: Option<Listener>,
    end: &watch::Receiver<()>,
    left_out: Option<LeftOut>,
) {
    let spawn = |lane: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        let end = end.clone();
        tokio::spawn(async move {
            lane.await;
            drop(end);
        });
    };
    for lane in 0..APPEND_LANES {
        spawn(Box::pin(appends::run(core.clone(), core.slot(lane))));
    }
    let slot = |lane| core.slot(APPEND_LANES + lane);
    spawn(Box::pin(orders::run(core.clone(), slot(0))));
    spawn(Box::pin(claims::run(core.clone(), slot(1))));
    spawn(Box::pin(upkeep::run(core.clone(), slot(2), left_out)));
    spawn(Box::pin(statistics::run(core.clone())));
    if core.options.notifies {
        spawn(Box::pin(notices::tell(core.clone())));
        if let Some(listener) = listener {
            spawn(Box::pin(notices::hear(core.clone(), listener)));
        }
    }
}

/// A panic is a bug here or below: those for whom the work was get an error, and the lane goes on.
async fn isolated<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    tokio::spawn(work).await.ok()
}
