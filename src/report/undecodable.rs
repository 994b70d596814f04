//! A verified body whose content coding cannot be undone.

use std::fmt;

/// Why the content of a verified notification could not be decoded. The client sees `503`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecodable {
    /// `Content-Encoding` is neither `gzip` nor `identity`, or more than one coding, and the body
    /// begins neither as gzip nor as JSON.
    UnknownCoding,
    /// Compressed, but the crate was built without its feature `gzip`.
    FeatureOff,
    /// Not gzip, or one of its members is cut off or corrupt.
    Corrupt,
    /// Inflates to more than this many bytes.
    TooLarge(usize),
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCoding => f.write_str(
                "its Content-Encoding is neither gzip nor identity, and it begins neither as gzip \
                 nor as JSON",
            ),
            Self::FeatureOff => f.write_str(
                "it is compressed: enable the feature `gzip` of tower-nylas, or switch \
                 `compressed_delivery` of the destination off",
            ),
            Self::Corrupt => f.write_str("its gzip stream is cut or corrupt"),
            Self::TooLarge(limit) => write!(f, "it inflates to more than {limit} bytes"),
        }
    }
}

impl std::error::Error for Undecodable {}
