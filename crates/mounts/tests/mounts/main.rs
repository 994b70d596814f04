//! The endpoint in frameworks that the root package does not depend on, for what they need to be
//! compiled. Each test mounts it as the framework's users do and plays Nylas against it.
//!
//! Those that the root package does depend on are in its `tests/it/mounts.rs`.
#![forbid(unsafe_code)]

mod actix;
mod lambda;
mod play;
mod poem;
mod salvo;
