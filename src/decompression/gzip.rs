//! Inflates gzip up to a limit.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::report::Undecodable;

/// Inflates one or several gzip members; anything else after them is an error.
pub(super) fn inflate(compressed: &[u8], max_size: usize) -> Result<Bytes, Undecodable> {
    // Four to one is usual for JSON; beyond that the buffer grows with what was inflated.
    let mut plain = Vec::with_capacity(compressed.len().saturating_mul(4).min(max_size));
    // One byte over the limit shows that it is exceeded.
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
