//! The one thread that writes.

mod queue;
mod round;

pub(crate) use self::{
    queue::{Append, Claim, Order, Queue, What},
    round::Writer,
};
