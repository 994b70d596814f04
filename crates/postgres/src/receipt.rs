//! A claim.

/// A claim of [`PostgresInbox`](crate::PostgresInbox): the place of the entry, and a random number
/// that another claim of it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresReceipt {
    pub(crate) position: i64,
    pub(crate) token: i64,
}
