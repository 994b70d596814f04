//! What the tests and the measurements of engines share.

mod conformance;
mod entries;
mod handled;
#[cfg(feature = "net")]
pub mod load;
pub mod scenes;
mod sending;
pub mod servers;
mod timeless;
mod trials;
mod working;

pub use self::{
    conformance::Virtual,
    entries::{dead, entry, large_entry, retry},
    handled::Handled,
    sending::Sending,
    servers::Scratch,
    timeless::Timeless,
    trials::trial,
    working::Working,
};
