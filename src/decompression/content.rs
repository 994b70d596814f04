//! What `Content-Encoding` asks for.

use std::fmt;

use http::{Request, header};

use crate::VerifiedBody;

/// The request with its content decoded.
pub(super) fn decode(
    request: Request<VerifiedBody>,
    max_size: usize,
) -> Result<Request<VerifiedBody>, Undecodable> {
    // One look at the headers is all that a plain delivery pays.
    if !request.headers().contains_key(header::CONTENT_ENCODING) {
        return Ok(request);
    }
    match coding(&request)? {
        Coding::Identity => Ok(request),
        Coding::Gzip => inflate(request, max_size),
    }
}

enum Coding {
    Identity,
    Gzip,
}

fn coding(request: &Request<VerifiedBody>) -> Result<Coding, Undecodable> {
    let mut coding = Coding::Identity;
    for value in request.headers().get_all(header::CONTENT_ENCODING) {
        let text = value.to_str().map_err(|_| Undecodable::UnknownCoding)?;
        for name in text.split(',').map(str::trim) {
            coding = match coding {
                same if name.is_empty() || name.eq_ignore_ascii_case("identity") => same,
                Coding::Identity
                    if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") =>
                {
                    Coding::Gzip
                }
                _ => return Err(Undecodable::UnknownCoding),
            };
        }
    }
    Ok(coding)
}

#[cfg(feature = "gzip")]
fn inflate(
    request: Request<VerifiedBody>,
    max_size: usize,
) -> Result<Request<VerifiedBody>, Undecodable> {
    let (mut parts, body) = request.into_parts();
    let plain = super::gzip::inflate(body.bytes(), max_size)?;
    parts.headers.remove(header::CONTENT_ENCODING);
    if let Some(length) = parts.headers.get_mut(header::CONTENT_LENGTH) {
        *length = plain.len().into();
    }
    Ok(body.decoded(plain).into_request(parts))
}

#[cfg(not(feature = "gzip"))]
fn inflate(
    _request: Request<VerifiedBody>,
    _max_size: usize,
) -> Result<Request<VerifiedBody>, Undecodable> {
    Err(Undecodable::FeatureOff)
}

/// Why the content of a verified notification could not be decoded. The client sees `503`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecodable {
    /// `Content-Encoding` is neither `gzip` nor `identity`, or more than one coding.
    UnknownCoding,
    /// Compressed, but the crate was built without its feature `gzip`.
    FeatureOff,
    /// Not gzip, cut off, or followed by something else.
    Corrupt,
    /// Inflates to more than this many bytes.
    TooLarge(usize),
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCoding => f.write_str("its Content-Encoding is neither gzip nor identity"),
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
