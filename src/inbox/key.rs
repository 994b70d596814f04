//! What tells one entry from another.

use std::fmt;

use crate::{notification::NotificationKey, verify::VerifiedBody};

/// The key of an entry, as 16 bytes: the [`NotificationKey`] of the notification or, of a body
/// without an id, a hash of its label and its bytes.
///
/// All replicas and versions of a program compute the same. A handler whose effects must happen
/// exactly once writes the key in the transaction of these effects; it gets the key from
/// [`Delivery`](super::Delivery).
///
/// [`Display`](fmt::Display) is 32 hex digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryKey(NotificationKey);

impl EntryKey {
    /// The number of its bytes: 16.
    pub const LENGTH: usize = NotificationKey::LENGTH;

    pub(super) fn of(body: &VerifiedBody) -> Self {
        let by_id = NotificationKey::of(body);
        Self(by_id.unwrap_or_else(|| NotificationKey::of_bytes(body.verified_by(), body.bytes())))
    }

    /// A key that an engine has stored.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(NotificationKey::from_bytes(bytes))
    }

    /// The bytes, for an engine to store.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        self.0.as_bytes()
    }
}

impl From<NotificationKey> for EntryKey {
    fn from(key: NotificationKey) -> Self {
        Self(key)
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryKey({self})")
    }
}
