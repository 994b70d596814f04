use crate::inbox::EntryKey;

/// A claim of [`MemoryInbox`](super::MemoryInbox).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryReceipt {
    pub(super) key: EntryKey,
    pub(super) token: u64,
}
