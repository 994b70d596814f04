//! What became of everything, also of what is no longer in the ledger.

use super::Fate;

/// What became of all events until now, each counted once for every destination that is subscribed
/// to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// [`Fate::Accepted`].
    pub accepted: u64,
    /// [`Fate::Open`].
    pub open: u64,
    /// [`Fate::Lost`].
    pub lost: u64,
    /// [`Fate::Unsent`].
    pub unsent: u64,
    /// What was open when the ledger forgot it, so that nobody knows what became of it.
    pub forgotten: u64,
}

impl Totals {
    pub(super) fn add(&mut self, fate: Fate) {
        *self.of(fate) += 1;
    }

    pub(super) fn change(&mut self, from: Fate, to: Fate) {
        let from = self.of(from);
        *from = from.saturating_sub(1);
        self.add(to);
    }

    pub(super) fn forget(&mut self, fate: Fate) {
        if fate == Fate::Open {
            self.open = self.open.saturating_sub(1);
            self.forgotten += 1;
        }
    }

    fn of(&mut self, fate: Fate) -> &mut u64 {
        match fate {
            Fate::Open => &mut self.open,
            Fate::Accepted => &mut self.accepted,
            Fate::Lost => &mut self.lost,
            Fate::Unsent => &mut self.unsent,
        }
    }
}
