//! The crate against computations of its own kind: the inputs that the fuzz targets have kept, and
//! random ones.

mod fuzz_corpus;
mod properties;
