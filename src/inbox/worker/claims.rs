//! One claim, under a watchdog.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use super::{
    core::{Phase, Shared, Unsettled},
    handler::Handler,
    held::Newer,
    keep,
    slots::Slot,
    suspects::{self, Admission},
};
use crate::{
    inbox::{Claimed, DeadCause, Inbox, Settlement, observe::Witness, runtime::ENGINE_TIMEOUT},
    middleware::caught,
    report::BoxError,
    time::within,
};

/// How long the engine waits for the first entry.
const WAIT: Duration = Duration::from_secs(1);

/// A claim that hangs for so long is dropped: the leases of what it may have claimed are over.
const DROPPED_AFTER: Duration = Duration::from_secs(60);

/// The slots of a claim, for whoever takes them first: the claim, when the engine has answered, or
/// the worker, when it has waited long enough.
type Handover = Arc<Mutex<Option<Vec<Slot>>>>;

fn take(handover: &Handover) -> Option<Vec<Slot>> {
    let mut slots = handover.lock().unwrap_or_else(PoisonError::into_inner);
    slots.take()
}

/// Claims an entry for each slot, and starts their handlers. Returns how many there were, but for
/// those that an engine whose leases do not last returns again at once.
///
/// The claim is polled in a task of its own, to its end if it has one: a dropped one may have
/// claimed entries that nobody would know of. What comes too late is given back.
pub(super) async fn claim<I: Inbox, H: Handler>(
    core: &Shared<I, H>,
    slots: Vec<Slot>,
) -> Result<usize, BoxError> {
    let max = slots.len();
    let handover = Handover::new(Mutex::new(Some(slots)));
    let (sender, answered) = oneshot::channel();
    core.runtime.spawn({
        let (core, handover) = (core.clone(), handover.clone());
        async move {
            let claimed = caught(async { core.inbox.claim(max, WAIT).await });
            let claimed = match within(&*core.runtime.timer, DROPPED_AFTER, claimed).await {
                Some(Ok(claimed)) => claimed,
                Some(Err(panic)) => Err(panic.into()),
                None => Err("it hung and was dropped".into()),
            };
            let slots = take(&handover);
            if slots.is_none() {
                core.hung_claims.fetch_sub(1, Ordering::SeqCst);
            }
            let (result, claimed) = match claimed {
                Ok(claimed) => (Ok(count_new(&core, &claimed)), claimed),
                Err(why) => (Err(why), Vec::new()),
            };
            // The worker may have stopped waiting.
            let _ = sender.send(result);
            dispatch(&core, claimed, slots.unwrap_or_default()).await;
        }
    });
    let limit = WAIT + ENGINE_TIMEOUT;
    match within(&*core.runtime.timer, limit, answered).await {
        Some(Ok(claimed)) => claimed,
        Some(Err(_)) => Err("the task of a claim ended without an answer".into()),
        None => {
            // Before the slots are taken, or the claim would count down first.
            core.hung_claims.fetch_add(1, Ordering::SeqCst);
            if take(&handover).is_none() {
                core.hung_claims.fetch_sub(1, Ordering::SeqCst);
            }
            Err(format!("it did not answer within {limit:?}").into())
        }
    }
}

fn count_new<I: Inbox, H>(core: &Shared<I, H>, claimed: &[Claimed<I::Receipt>]) -> usize {
    let is_new = |claimed: &&Claimed<_>| {
        suspects::is_innocent(claimed.crashes) && !core.held.holds(claimed.entry.key())
    };
    claimed.iter().filter(is_new).count()
}

/// Settles those that are not to be handled now, all at a time, and then starts the others: one of
/// them may end the process, and with it every claim that is still open.
async fn dispatch<I: Inbox, H: Handler>(
    core: &Shared<I, H>,
    claimed: Vec<Claimed<I::Receipt>>,
    mut slots: Vec<Slot>,
) {
    let mut starting = Vec::new();
    // Each task that settles has a sender.
    let (settling, mut settled) = mpsc::channel::<()>(1);
    for claimed in claimed {
        let key = claimed.entry.key();
        let now = core.runtime.timer.now();
        core.observers
            .claimed(key, claimed.crashes, claimed.failures, now);
        let Some(slot) = slots.pop() else {
            // Late, or more than were asked for. If this fails, the lease ends.
            let settlement = Settlement::given_back("claimed too late");
            core.runtime.spawn({
                let (core, settling) = (core.clone(), settling.clone());
                async move {
                    let _ = core.try_settle(&claimed.receipt, &settlement).await;
                    drop(settling);
                }
            });
            continue;
        };
        let Some(mut newer) = core.held.enter(Newer { claimed, slot }) else {
            continue;
        };
        let crashes = core.held.crashes(&newer.claimed);
        let settlement = match core.suspects.admit(crashes) {
            _ if core.is_in(Phase::Draining) => Settlement::given_back("the worker has stopped"),
            Admission::Innocent => {
                starting.push(newer);
                continue;
            }
            Admission::Suspect(inside) => {
                newer.slot.suspect = Some(inside);
                starting.push(newer);
                continue;
            }
            Admission::PutOff => Settlement::Retry {
                after: suspects::PUT_OFF_FOR,
                failed: false,
                why: "another entry that may end the process is being handled".to_owned(),
            },
            Admission::Dead => Settlement::Dead {
                cause: DeadCause::Crashed,
                why: format!("{crashes} claims of it have ended without a settlement"),
            },
        };
        let Newer { claimed, slot } = newer;
        let unsettled = Unsettled {
            key,
            receipt: claimed.receipt,
            failures: claimed.failures,
            settlement,
            _slot: slot,
        };
        core.runtime.spawn({
            let (core, settling) = (core.clone(), settling.clone());
            async move {
                core.settle(unsettled).await;
                drop(settling);
            }
        });
    }
    drop(settling);
    settled.recv().await;
    for newer in starting {
        keep::start(core, newer);
    }
}
