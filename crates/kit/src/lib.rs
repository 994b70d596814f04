//! What the tests, the fuzz targets and the siege of tower-nylas share, each written once.
//!
//! Not published, and nothing that is published needs it: cargo leaves the development dependency
//! out of the package, and the examples and benches in there use published crates only. Unit tests
//! in `src` cannot use it either, since it depends on another build of the crate than theirs.
#![forbid(unsafe_code)]
// Whoever tests wants the panic, and looks at errors in their text.
#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]

pub mod accounting;
pub mod body;
pub mod delivery;
#[cfg(feature = "net")]
pub mod endpoint;
pub mod faulty;
mod forward;
#[cfg(feature = "oracles")]
pub mod fuzz;
#[cfg(feature = "inbox")]
pub mod inbox;
pub mod parts;
#[cfg(feature = "net")]
pub mod pool;
#[cfg(feature = "net")]
pub mod program;
#[cfg(feature = "net")]
pub mod proxy;
#[cfg(feature = "oracles")]
pub mod reference;
#[cfg(feature = "net")]
pub mod serve;
pub mod shifted;
#[cfg(feature = "net")]
pub mod siege;
#[cfg(feature = "net")]
pub mod traffic;
#[cfg(feature = "net")]
pub mod wire;
