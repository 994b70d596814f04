//! What the tasks of one worker share.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, watch};

use super::{
    held::Held,
    settings::Settings,
    slots::{Slot, Slots},
    suspects::Suspects,
};
use crate::inbox::{
    EntryKey, Inbox, SettleError, Settlement,
    observe::{Observers, Witness},
    runtime::Runtime,
};

pub(super) struct Core<I: Inbox, H> {
    pub(super) inbox: I,
    pub(super) handler: H,
    pub(super) settings: Settings,
    pub(super) runtime: Runtime,
    pub(super) observers: Observers,
    pub(super) slots: Slots,
    pub(super) held: Held<I::Receipt>,
    pub(super) suspects: Suspects,
    /// How many claims the engine has not answered in time.
    pub(super) hung_claims: AtomicUsize,
    phase: watch::Sender<Phase>,
    unsettled: Mutex<VecDeque<Unsettled<I::Receipt>>>,
    /// Something was added to `unsettled`.
    pub(super) added: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Working,
    /// Nothing is claimed any more, and handlers may end.
    Draining,
    /// Handlers are dropped, and their entries given back.
    Cut,
}

/// A claim that the engine could not settle, to be tried again.
pub(super) struct Unsettled<R> {
    pub(super) key: EntryKey,
    pub(super) receipt: R,
    /// When it was claimed.
    pub(super) failures: u32,
    pub(super) settlement: Settlement,
    /// Until it is settled.
    pub(super) _slot: Slot,
}

impl<I: Inbox, H> Core<I, H> {
    pub(super) fn new(inbox: I, handler: H, settings: Settings, runtime: Runtime) -> Self {
        Self {
            inbox,
            handler,
            observers: Observers::new(runtime.timer.now()),
            slots: Slots::new(settings.concurrency),
            settings,
            runtime,
            held: Held::default(),
            suspects: Suspects::default(),
            hung_claims: AtomicUsize::new(0),
            phase: watch::Sender::new(Phase::Working),
            unsettled: Mutex::default(),
            added: Notify::new(),
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    pub(super) fn is_in(&self, phase: Phase) -> bool {
        *self.phase.borrow() >= phase
    }

    /// Returns when the phase has come.
    pub(super) async fn reaches(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // An error only if the sender were dropped.
        let _ = phases.wait_for(|present| *present >= phase).await;
    }

    /// Settles a claim, or keeps it to be tried again. Whether the engine has answered.
    pub(super) async fn settle(&self, mut unsettled: Unsettled<I::Receipt>) -> bool {
        let key = unsettled.key;
        loop {
            let settlement = &unsettled.settlement;
            match self.try_settle(&unsettled.receipt, settlement).await {
                Ok(()) => {
                    let now = self.runtime.timer.now();
                    self.observers.settled(key, settlement, now);
                    // Another claim of it may have come: before, where the engine does not fence,
                    // or afterwards, where its answer was late.
                    let is_last = !matches!(settlement, Settlement::Retry { .. });
                    if let Some(newer) = self.held.leave(key, is_last) {
                        let settlement = settlement.clone().counted();
                        // If that fails, its lease ends.
                        let _ = self.try_settle(&newer.receipt, &settlement).await;
                    }
                    return true;
                }
                Err(SettleError::LeaseLost) => {
                    if let Some(newer) = self.held.take_over(key) {
                        // An earlier call has succeeded, and its answer was lost.
                        if newer.failures > unsettled.failures {
                            unsettled.settlement = unsettled.settlement.counted();
                        }
                        unsettled.receipt = newer.receipt;
                        continue;
                    }
                    self.held.leave(key, false);
                    self.observers.lease_lost(key, self.runtime.timer.now());
                    return true;
                }
                Err(SettleError::Unavailable(why)) => {
                    let now = self.runtime.timer.now();
                    self.observers.engine_failed("settle", &why, now);
                    self.postpone(unsettled);
                    return false;
                }
            }
        }
    }

    /// Once.
    pub(super) async fn try_settle(
        &self,
        receipt: &I::Receipt,
        settlement: &Settlement,
    ) -> Result<(), SettleError> {
        let settlement = settlement.clone();
        let call = async { self.inbox.settle(receipt, settlement).await };
        self.runtime.call(call).await
    }

    pub(super) fn postpone(&self, unsettled: Unsettled<I::Receipt>) {
        self.unsettled().push_back(unsettled);
        self.added.notify_one();
    }

    pub(super) fn unsettled_count(&self) -> usize {
        self.unsettled().len()
    }

    pub(super) fn next_unsettled(&self) -> Option<Unsettled<I::Receipt>> {
        self.unsettled().pop_front()
    }

    fn unsettled(&self) -> MutexGuard<'_, VecDeque<Unsettled<I::Receipt>>> {
        self.unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_hung_claims(&self, most: usize) -> bool {
        self.hung_claims.load(Ordering::SeqCst) >= most
    }
}

/// The parts that every task has.
pub(super) type Shared<I, H> = Arc<Core<I, H>>;
