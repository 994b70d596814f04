//! What each fuzz target does with its bytes: the targets in `fuzz/` call these functions, and
//! `tests/oracles` replays the corpora with them.

pub mod challenge_query;
pub mod envelope_reader;
pub mod gzip;
pub mod signature_header;
pub mod stack;
pub mod tree;
pub mod typed_objects;
