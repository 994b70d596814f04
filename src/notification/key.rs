//! What tells one notification from another.

use std::fmt;

use sha2::{Digest, Sha256};

use super::Head;
use crate::verify::VerifiedBody;

/// The destination and the id of a notification, as 16 bytes.
///
/// They are the first half of a SHA-256, of the length of the label (8 bytes, the highest first),
/// the label, and the id. No key is in it, so that all replicas and versions of a program compute
/// the same. Ids are chosen by Nylas alone, behind the signature; among 100,000 of them, two are
/// the same by chance with a probability below 10⁻²⁸.
///
/// [`Display`](fmt::Display) is 32 hex digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NotificationKey([u8; Self::LENGTH]);

impl NotificationKey {
    /// The number of its bytes: 16.
    pub const LENGTH: usize = 16;

    /// The key of a notification with this `id`, verified by the secrets with this
    /// [label](crate::Secrets::label).
    pub fn new(label: &str, id: &str) -> Self {
        Self::of_hash(labelled(Sha256::new(), label).chain_update(id))
    }

    /// The key of a body that has no id: that of its bytes. It differs from that of any id, since
    /// no label has the length with which it begins.
    #[cfg(feature = "inbox")]
    pub(crate) fn of_bytes(label: &str, bytes: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(u64::MAX.to_be_bytes());
        Self::of_hash(labelled(hash, label).chain_update(bytes))
    }

    #[cfg(feature = "inbox")]
    pub(crate) const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    fn of_hash(hash: Sha256) -> Self {
        let mut key = [0; Self::LENGTH];
        for (byte, hashed) in key.iter_mut().zip(hash.finalize()) {
            *byte = hashed;
        }
        Self(key)
    }

    /// The key of a verified notification; `None` if it has no id, or an empty one.
    pub fn of(body: &VerifiedBody) -> Option<Self> {
        let id = Head::of(body.bytes()).id()?;
        (!id.is_empty()).then(|| Self::new(body.verified_by(), &id))
    }

    /// The bytes, for a store that keeps bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

/// The length stands in front, or a label could continue as an id.
fn labelled(hash: Sha256, label: &str) -> Sha256 {
    hash.chain_update((label.len() as u64).to_be_bytes())
        .chain_update(label)
}

impl fmt::Display for NotificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NotificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotificationKey({self})")
    }
}
