//! What the first bytes of a body say of its coding.

/// Whether a body begins as gzip does (RFC 1952, 2.3.1). No JSON begins so.
pub(crate) fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1f, 0x8b])
}

/// Whether a body begins as a JSON object or array does, after white space and a byte order mark.
pub(crate) fn is_json(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    matches!(body.trim_ascii_start(), [b'{' | b'[', ..])
}
