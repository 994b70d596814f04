//! Verified bodies for applications with a queue of their own.

use bytes::Bytes;

use crate::verify::VerifiedBody;

/// A verified body of bytes that the application itself has stored **after** their verification,
/// for instance in a queue of its own.
///
/// Nothing is verified here. Bytes that came from anywhere else, or were stored before they were
/// verified, are to be verified with their signature instead
/// ([`VerifiedBody::verify`](crate::VerifiedBody::verify)): whoever can write into such a store
/// could otherwise forge notifications. `label` is what
/// [`VerifiedBody::verified_by`](crate::VerifiedBody::verified_by) was then, and keeps tenants apart.
///
/// ```
/// use tower_nylas::{VerifiedBody, inbox};
///
/// # async fn push(_label: &str, _bytes: &[u8]) {}
/// async fn store(body: VerifiedBody) {
///     push(body.verified_by(), body.bytes()).await;
/// }
///
/// fn restored(label: &str, bytes: Vec<u8>) -> VerifiedBody {
///     inbox::assume_verified(bytes, label)
/// }
/// # let _ = (store, restored("default", Vec::new()));
/// ```
pub fn assume_verified(bytes: impl Into<Bytes>, label: &str) -> VerifiedBody {
    VerifiedBody::stored(bytes.into(), label.into(), false)
}
