//! What a browser says of where a request comes from.

use http::HeaderMap;

/// Whether a request comes from a page of this origin, as every browser of today says in
/// `Sec-Fetch-Site`, which no script can set. A request without it, or with several, does not: it
/// is of an old browser, of plain HTTP to another machine, or of a program, which can send it.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all("sec-fetch-site").iter();
    values
        .next()
        .is_some_and(|value| value.as_bytes() == b"same-origin")
        && values.next().is_none()
}
