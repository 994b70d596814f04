//! The tests of the engine in one process, a module for each subject. Those that kill processes, or
//! need a disk of their own, stand beside it.

mod conformance;
mod dropped;
mod growth;
mod lifetime;
mod open;
mod panics;
mod paths;
mod scratch;
mod simulated;
