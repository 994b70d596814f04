//! Inflates gzip up to a limit.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use crate::{middleware::is_gzip, report::Undecodable};

/// Inflates one or several gzip members, to at most `max_size` bytes together. Returns the number
/// of bytes behind the last one as well, which are ignored: other receivers do so (zero padding is
/// common), and all that was sent is read.
///
/// A later member that is cut or corrupt is an error, since it may be a part of the notification.
pub(super) fn inflate(compressed: &[u8], max_size: usize) -> Result<(Bytes, usize), Undecodable> {
    // Four to one is usual for JSON; beyond that the buffer grows with what was inflated.
    let mut plain = Vec::with_capacity(compressed.len().saturating_mul(4).min(max_size));
    let mut rest = compressed;
    loop {
        // One byte over the limit shows that it is exceeded.
        let left = max_size.saturating_sub(plain.len()) as u64;
        let mut member = GzDecoder::new(rest);
        Read::by_ref(&mut member)
            .take(left.saturating_add(1))
            .read_to_end(&mut plain)
            .map_err(|_| Undecodable::Corrupt)?;
        if plain.len() > max_size {
            return Err(Undecodable::TooLarge(max_size));
        }
        rest = member.into_inner();
        if !is_member(rest) {
            return Ok((plain.into(), rest.len()));
        }
    }
}

/// Whether a gzip member begins here. Its only compression method is 8 (RFC 1952, 2.3.1), so this
/// tells a member from other bytes with more certainty than the first two alone.
fn is_member(bytes: &[u8]) -> bool {
    is_gzip(bytes) && bytes.get(2) == Some(&8)
}
