//! Inflating, bounded.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::report::Undecodable;

/// Inflates one or several gzip members, and nothing else behind them.
pub(super) fn inflate(compressed: &[u8], max_size: usize) -> Result<Bytes, Undecodable> {
    // Four to one is usual for JSON; the rest grows with what is really there.
    let mut plain = Vec::with_capacity(compressed.len().saturating_mul(4).min(max_size));
    // One byte more than allowed tells that there is more.
    let limit = (max_size as u64).saturating_add(1);
    MultiGzDecoder::new(compressed)
        .take(limit)
        .read_to_end(&mut plain)
        .map_err(|_| Undecodable::Corrupt)?;
    if plain.len() > max_size {
        return Err(Undecodable::TooLarge(max_size));
    }
    Ok(plain.into())
}
