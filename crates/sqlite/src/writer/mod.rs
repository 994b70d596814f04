//! The one thread that writes.

mod appends;
mod claims;
mod orders;
mod queue;
mod thread;
mod upkeep;

pub(crate) use self::{
    queue::{Append, Claim, Order, Queue, What},
    thread::Writer,
};
