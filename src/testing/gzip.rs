//! Compressed bodies.

use std::io::Read;

use flate2::{Compression, bufread::GzEncoder};

/// A body as Nylas sends it to a destination with `compressed_delivery`, to which the header
/// `Content-Encoding: gzip` belongs. [`Nylas`](super::Nylas) can
/// [do both](super::Nylas::compressed_delivery).
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    // Reading from memory does not fail.
    let _ = GzEncoder::new(body, Compression::default()).read_to_end(&mut compressed);
    compressed
}
