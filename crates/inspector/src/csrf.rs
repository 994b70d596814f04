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

/// Whether a page of another origin has loaded it as a part of itself, as an image for instance. A
/// link from there is no such thing: it leads to a page that its reader sees.
pub(crate) fn is_loaded_from_elsewhere(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| {
        let mut values = headers.get_all(name).iter();
        values.any(|found| found.as_bytes() == value.as_bytes())
    };
    let is_link = is("sec-fetch-mode", "navigate")
        && (is("sec-fetch-dest", "document") || !headers.contains_key("sec-fetch-dest"));
    !is_link && (is("sec-fetch-site", "cross-site") || is("sec-fetch-site", "same-site"))
}
