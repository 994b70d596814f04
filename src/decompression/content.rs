//! Decodes a body by its first bytes or, where these do not decide, by its `Content-Encoding`.

use http::{HeaderMap, Request, header};

use crate::{
    middleware::{is_gzip, is_json},
    report::{CodingFault, Undecodable},
    verify::VerifiedBody,
};

/// Decodes the content in place. What is not as it is labelled is decoded all the same: a proxy
/// that drops or adds the header leaves the bytes, and their signature was verified.
pub(super) fn decode(
    request: &mut Request<VerifiedBody>,
    max_size: usize,
) -> Result<Option<CodingFault>, Undecodable> {
    // This costs a plain delivery one comparison.
    let is_gzip = is_gzip(request.body().bytes());
    let fault = match coding(request.headers()) {
        Coding::Identity if !is_gzip => return Ok(None),
        Coding::Gzip | Coding::Unknown if is_json(request.body().bytes()) => {
            request.headers_mut().remove(header::CONTENT_ENCODING);
            Some(CodingFault::mislabelled_plain())
        }
        Coding::Unknown if !is_gzip => return Err(Undecodable::UnknownCoding),
        coding => {
            let is_mislabelled = !matches!(coding, Coding::Gzip);
            inflate(request, max_size, is_mislabelled)?
        }
    };
    if let Some(fault) = fault {
        request.extensions_mut().insert(fault);
    }
    Ok(fault)
}

enum Coding {
    Identity,
    Gzip,
    Unknown,
}

fn coding(headers: &HeaderMap) -> Coding {
    let mut coding = Coding::Identity;
    // Comparing the names takes 56 instructions less than a lookup, which hashes the name first.
    for (name, value) in headers {
        if *name != header::CONTENT_ENCODING {
            continue;
        }
        let Ok(text) = value.to_str() else {
            return Coding::Unknown;
        };
        for name in text.split(',').map(str::trim) {
            coding = match coding {
                same if name.is_empty() || name.eq_ignore_ascii_case("identity") => same,
                Coding::Identity
                    if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") =>
                {
                    Coding::Gzip
                }
                _ => return Coding::Unknown,
            };
        }
    }
    coding
}

#[cfg(feature = "gzip")]
fn inflate(
    request: &mut Request<VerifiedBody>,
    max_size: usize,
    is_mislabelled: bool,
) -> Result<Option<CodingFault>, Undecodable> {
    let (plain, ignored) = super::gzip::inflate(request.body().bytes(), max_size)?;
    let length = plain.len();
    let body = request.body().decoded(plain);
    body.replace_in(request);
    let headers = request.headers_mut();
    headers.remove(header::CONTENT_ENCODING);
    if let Some(declared) = headers.get_mut(header::CONTENT_LENGTH) {
        *declared = length.into();
    }
    Ok(CodingFault::of_gzip(is_mislabelled, ignored))
}

#[cfg(not(feature = "gzip"))]
fn inflate(
    _request: &mut Request<VerifiedBody>,
    _max_size: usize,
    _is_mislabelled: bool,
) -> Result<Option<CodingFault>, Undecodable> {
    Err(Undecodable::FeatureOff)
}
