//! What a worker does from its start to the end of its drain.

use std::{pin::pin, time::Duration};

use super::{
    backoff::of_engine,
    claims::claim,
    core::{Phase, Shared},
    handler::Handler,
    race::{First, race},
    slots::Slot,
};
use crate::inbox::{Inbox, observe::Witness, runtime::ENGINE_TIMEOUT};

/// How many claims may hang before no other is started.
const MOST_HUNG_CLAIMS: usize = 4;

/// Between two claims without an entry, for an engine that does not wait.
const PAUSE: Duration = Duration::from_millis(10);

/// How often a drain tries to settle what could not be settled.
const DRAIN_PAUSE: Duration = Duration::from_secs(1);

/// Claims until the worker is to stop, and drains then.
pub(super) async fn run<I: Inbox, H: Handler>(
    core: Shared<I, H>,
    shutdown: impl Future<Output = ()>,
) {
    let _stop = Stop(&core);
    // Not dropped when the worker is to stop, as a claim may be under way.
    let mut work = pin!(work(&core));
    if let First::Right(()) = race(work.as_mut(), shutdown).await {
        core.enter(Phase::Draining);
        work.await;
    }
    drain(&core).await;
}

/// Ends the tasks of a worker, also of one that is dropped before its drain.
struct Stop<'a, I: Inbox, H>(&'a Shared<I, H>);

impl<I: Inbox, H> Drop for Stop<'_, I, H> {
    fn drop(&mut self) {
        self.0.enter(Phase::Cut);
    }
}

async fn work<I: Inbox, H: Handler>(core: &Shared<I, H>) {
    let mut failures: u32 = 0;
    while !core.is_in(Phase::Draining) {
        if !settle_again(core).await {
            failures = failures.saturating_add(1);
        }
        let Some(slots) = free_slots(core, failures).await else {
            continue;
        };
        let pause = if core.has_hung_claims(MOST_HUNG_CLAIMS) {
            drop(slots);
            of_engine(u32::MAX)
        } else {
            match claim(core, slots).await {
                Ok(0) => {
                    failures = 0;
                    PAUSE
                }
                Ok(_) => {
                    failures = 0;
                    continue;
                }
                Err(why) => {
                    let now = core.runtime.timer.now();
                    core.observers.engine_failed("claim", &why, now);
                    failures = failures.saturating_add(1);
                    of_engine(failures)
                }
            }
        };
        let pause = core.runtime.timer.sleep(pause);
        race(core.reaches(Phase::Draining), pause).await;
    }
}

/// Tries to settle what could not be settled, each once, as long as the engine answers. Whether it
/// does.
async fn settle_again<I: Inbox, H>(core: &Shared<I, H>) -> bool {
    for _ in 0..core.unsettled_count() {
        let Some(unsettled) = core.next_unsettled() else {
            break;
        };
        if !core.settle(unsettled).await {
            return false;
        }
    }
    true
}

/// Those of which entries are to be claimed, so none during a pause. `None` if the worker is to
/// stop, or something is to be settled first.
async fn free_slots<I: Inbox, H>(core: &Shared<I, H>, failures: u32) -> Option<Vec<Slot>> {
    let interrupted = async {
        if core.unsettled_count() == 0 {
            core.added.notified().await;
        }
        core.runtime.timer.sleep(of_engine(failures)).await;
    };
    let interrupted = race(core.reaches(Phase::Draining), interrupted);
    let slots = async {
        loop {
            core.settings.pause.is_over().await;
            let slots = core.slots.take().await;
            // It may have been switched on while none was free.
            if !core.settings.pause.is_paused() {
                break slots;
            }
        }
    };
    match race(slots, interrupted).await {
        First::Left(slots) => Some(slots),
        First::Right(_) => None,
    }
}

async fn drain<I: Inbox, H>(core: &Shared<I, H>) {
    core.enter(Phase::Draining);
    let timer = &*core.runtime.timer;
    for (phase, limit) in [
        (Phase::Draining, core.settings.drain_timeout),
        (Phase::Cut, ENGINE_TIMEOUT),
    ] {
        core.enter(phase);
        let mut deadline = pin!(timer.sleep(limit));
        loop {
            // Not dropped at the deadline, or what it settles would be forgotten.
            settle_again(core).await;
            let pause = race(deadline.as_mut(), timer.sleep(DRAIN_PAUSE));
            match race(core.slots.all_free(), pause).await {
                First::Left(()) => return,
                First::Right(First::Left(())) => break,
                First::Right(First::Right(())) => {}
            }
        }
    }
    core.observers.left_open(core.unsettled_count());
}
