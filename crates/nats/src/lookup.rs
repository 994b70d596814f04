//! What is known of entries that were delivered before.

use std::time::{Duration, Instant};

use async_nats::datetime::DateTime;
use tokio::{
    sync::OnceCell,
    time::{sleep, timeout, timeout_at},
};

use crate::{
    core::{Core, PATIENCE},
    tries::Tries,
};

/// How long the look-ups of a claim may take together, or a third of the lease if that is shorter.
/// What is new waits for them.
const LONGEST: Duration = Duration::from_secs(2);

/// How often a look-up is repeated that has failed.
const TRY_EACH: Duration = Duration::from_millis(100);

/// The look-ups of one claim.
pub(crate) struct Lookup {
    end: Instant,
    /// When the stream of tries was created.
    created: OnceCell<DateTime>,
}

impl Lookup {
    pub(crate) fn new(since: Instant, lease: Duration) -> Self {
        Self {
            end: since + LONGEST.min(lease / 3),
            created: OnceCell::new(),
        }
    }
}

impl Core {
    /// What is known of the entry at a place, that was stored then and delivered so often; `None`
    /// if it cannot be read in time.
    ///
    /// The entry is handed out all the same: given back, or left to its lease, it would count a
    /// crash each time, until it were dead and no handler had run.
    pub(crate) async fn look_up(
        &self,
        (position, born, delivered): (u64, u64, u64),
        published: DateTime,
        lookup: &Lookup,
    ) -> Option<Tries> {
        let looking = async {
            loop {
                match self.tries(position).await {
                    Ok(Some((tries, _))) => return Some(tries.of(born, delivered)),
                    Ok(None) => return self.without_tries(published, delivered, lookup).await,
                    Err(_) => {}
                }
                self.repair().await;
                sleep(TRY_EACH).await;
            }
        };
        let looked_up = timeout_at(lookup.end.into(), looking).await;
        looked_up.ok().flatten()
    }

    /// An entry that is older than the stream of tries has had some in a stream that somebody has
    /// deleted: then it cannot be told what was a crash.
    async fn without_tries(
        &self,
        published: DateTime,
        delivered: u64,
        lookup: &Lookup,
    ) -> Option<Tries> {
        let created = lookup.created.get_or_try_init(async || {
            let info = timeout(PATIENCE, self.streams.tries.get_info()).await;
            info.map_err(drop)?.map(|info| info.created).map_err(drop)
        });
        let created = created.await.ok()?;
        let is_lost = published < *created;
        Some(if is_lost {
            Tries::lost(delivered)
        } else {
            Tries::default()
        })
    }
}
