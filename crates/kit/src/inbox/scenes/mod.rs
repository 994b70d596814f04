//! Tests that every durable engine passes, in whichever way it is opened.
//!
//! Beside the suite of the contract: what engines promise that can be opened again, and keep things
//! for as long as their settings say.

mod growth;
mod lifetime;
mod spill;

pub use self::{
    growth::Growth,
    lifetime::{closed, time_without_a_process, written_before_the_end},
    spill::{SENDERS, Spilled, spill},
};
