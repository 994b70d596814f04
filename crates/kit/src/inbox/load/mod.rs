//! The load programs of the engines: how many notifications a receiver accepts, and how soon, when
//! accepted means stored.
//!
//! Receivers are processes of their own; the load is made on the same cores. Everything is measured
//! in one run, so that ratios mean something.

mod bare;
mod client;
mod program;
mod receiver;
mod report;
mod serve;

pub use self::{
    bare::bare,
    client::{Load, Measured, Sending, Tally},
    program::program,
    receiver::Receiver,
    report::{Goals, note, row, title},
    serve::{enqueue, resident_kib, serve, webhook, work},
};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What is left of two rates if the same cores do both, one after the other.
pub fn one_after_the_other(one: f64, other: f64) -> f64 {
    1.0 / (1.0 / one + 1.0 / other)
}
