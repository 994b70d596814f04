//! Accepted means stored: what the inbox, its worker and `Enqueue` promise.

#![cfg(feature = "inbox")]

mod browse;
mod conformance;
mod enqueue;
mod lazy;
mod memory;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod observe;
mod pause;
mod spill;
mod trouble;
mod worker;
