//! Accepted means stored: what the inbox, its worker and `Enqueue` promise.

#![cfg(feature = "inbox")]

mod conformance;
mod enqueue;
mod worker;
