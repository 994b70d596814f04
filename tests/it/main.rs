//! The tests of what the crate promises, a module for each subject, in one program; what they share
//! is in `tower-nylas-kit`. Those whose process matters (what it allocates, what it still holds at
//! the end, other programs) stand beside it.

mod api;
mod budget;
mod cancel;
mod challenge;
mod connections;
mod dedup;
mod extract;
mod faults;
mod filters;
mod handlers;
mod health;
mod inbox;
mod layers;
mod mistakes_of_others;
mod mounts;
mod notifications;
mod objects;
mod observe;
mod panics;
mod readiness;
mod refetch;
mod repair;
mod rotation;
mod router;
mod secrecy;
mod shutdown;
mod signatures;
mod simulator;
mod status;
mod testing;
mod types;
mod v2;
