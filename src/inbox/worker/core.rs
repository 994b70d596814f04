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
    runtime::Runtime,
    settings::Settings,
    slots::{Slot, Slots},
    suspects::Suspects,
};
use crate::inbox::{
    EntryKey, Inbox, SettleError, Settlement,
    observe::{Observers, Witness},
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
    key: EntryKey,
    receipt: R,
    settlement: Settlement,
    /// Until it is settled.
    _slot: Slot,
}

impl<R> Unsettled<R> {
    pub(super) fn new(key: EntryKey, receipt: R, settlement: Settlement, slot: Slot) -> Self {
        Self {
            key,
            receipt,
            settlement,
            _slot: slot,
        }
    }
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
                    // Where the engine does not fence, another claim of it may have come.
                    if let Some(receipt) = self.held.leave(key) {
                        // If that fails, its lease ends.
                        let _ = self.try_settle(&receipt, settlement).await;
                    }
                    return true;
                }
                Err(SettleError::LeaseLost) => {
                    if let Some(receipt) = self.held.take_over(key) {
                        unsettled.receipt = receipt;
                        continue;
                    }
                    self.held.leave(key);
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
