//! A claim.

/// A claim of [`SqliteInbox`](crate::SqliteInbox): the place of the entry, and a random number that
/// another claim of it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteReceipt {
    pub(crate) position: i64,
    pub(crate) token: i64,
}
