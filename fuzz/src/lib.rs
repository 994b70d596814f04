//! What each fuzz target does with its bytes.
//!
//! `tests/fuzz_corpus.rs` of the crate includes the same files and replays the corpora.

#![forbid(unsafe_code)]

pub mod challenge_query;
pub mod envelope_reader;
pub mod gzip;
#[path = "../../tests/reference/mod.rs"]
pub mod reference;
pub mod signature_header;
pub mod stack;
pub mod tree;
pub mod typed_objects;
