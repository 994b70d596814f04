//! What observes a worker and what stands beside it: metrics and the log. The guide in
//! `inbox/mod.rs` lists what they emit.

#[cfg(feature = "tracing")]
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod span;
mod witness;

#[cfg(feature = "tracing")]
use self::log::Log;
#[cfg(feature = "metrics")]
use self::metrics::Metrics;
#[cfg(feature = "metrics")]
pub use self::metrics::describe_metrics;
pub(super) use self::{
    span::{Span, too_large},
    witness::Witness,
};

#[cfg(not(feature = "metrics"))]
type Metrics = ();
#[cfg(not(feature = "tracing"))]
type Log = ();

/// Everything that observes a worker.
pub(super) type Observers = (Metrics, Log);
