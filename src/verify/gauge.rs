//! Tells the feature `metrics` how much unverified bodies hold.
//!
//! Here and not in `observe`, since it is told of every change: so the numbers of several layers
//! add up, and are right between two requests as well.

#![cfg_attr(not(feature = "metrics"), allow(unused_variables))]

#[cfg(feature = "metrics")]
pub(crate) const BUFFERED_BYTES: &str = "nylas_webhook_buffered_bytes";

pub(super) fn add(bytes: usize) {
    #[cfg(feature = "metrics")]
    metrics::gauge!(BUFFERED_BYTES).increment(float(bytes));
}

pub(super) fn subtract(bytes: usize) {
    #[cfg(feature = "metrics")]
    metrics::gauge!(BUFFERED_BYTES).decrement(float(bytes));
}

#[cfg(feature = "metrics")]
#[allow(clippy::cast_precision_loss)] // no body has 2^53 bytes
fn float(bytes: usize) -> f64 {
    bytes as f64
}
