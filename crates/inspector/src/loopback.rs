//! Requests of this machine itself.

use std::net::{IpAddr, SocketAddr};

use http::{header, request::Parts, uri::Authority};

/// The address of the other end of the connection, as the server has it, in the extensions of a
/// request: what [`loopback_only`](crate::Builder::loopback_only) decides by.
///
/// Whoever runs the server hands it in, and takes it from the socket, never from a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What proxies add. A proxy on this machine makes everybody a peer of this machine.
const FORWARDED: [&str; 11] = [
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// Why a request is not of this machine, or may not be.
pub(crate) fn check(parts: &Parts) -> Result<(), &'static str> {
    let Some(Peer(address)) = parts.extensions.get() else {
        return Err("the server hands no `Peer` in");
    };
    if !address.ip().to_canonical().is_loopback() {
        return Err("the peer is another machine");
    }
    if FORWARDED
        .iter()
        .any(|name| parts.headers.contains_key(*name))
    {
        return Err("a proxy has passed it on");
    }
    // A page of another site can have its name resolved to 127.0.0.1 after it was loaded (DNS
    // rebinding): the browser then takes what it reads for its own, but still says that name.
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        (None, None) => parts.uri.authority().cloned(),
        (_, Some(_)) => None,
    };
    let named = host.iter().chain(parts.uri.authority());
    if host.is_none() || !named.into_iter().all(is_local) {
        return Err("its `Host` is not this machine");
    }
    Ok(())
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_address = address
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    !authority.as_str().contains('@') && (is_address || host.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request(peer: Option<&str>, uri: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(peer) = peer {
            request = request.extension(Peer(peer.parse().unwrap()));
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn names_and_addresses_of_this_machine() {
        for peer in [
            "127.0.0.1:5",
            "127.8.9.1:5",
            "[::1]:5",
            "[::ffff:127.0.0.1]:5",
        ] {
            for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080"] {
                let parts = request(Some(peer), "/", &[("host", host)]);
                assert_eq!(check(&parts), Ok(()), "{peer} {host}");
            }
        }
        // As HTTP/2 has it.
        let parts = request(Some("[::1]:5"), "http://localhost:80/", &[]);
        assert_eq!(check(&parts), Ok(()));
    }

    #[test]
    fn everything_else_is_refused() {
        let local = Some("127.0.0.1:5");
        for (peer, uri, headers) in [
            (None, "/", &[("host", "localhost")][..]),
            (Some("10.0.0.1:5"), "/", &[("host", "localhost")]),
            (Some("[::ffff:10.0.0.1]:5"), "/", &[("host", "localhost")]),
            (local, "/", &[]),
            (local, "/", &[("host", "evil.example")]),
            (local, "/", &[("host", "localhost.evil.example")]),
            (local, "/", &[("host", "127.0.0.1.evil.example")]),
            (local, "/", &[("host", "localhost@evil.example")]),
            (local, "/", &[("host", "evil.example@localhost")]),
            (local, "/", &[("host", "localhost"), ("host", "localhost")]),
            (local, "/", &[("host", "")]),
            (local, "http://evil.example/", &[("host", "localhost")]),
            (local, "http://evil.example/", &[]),
            (
                local,
                "/",
                &[("host", "localhost"), ("x-forwarded-for", "127.0.0.1")],
            ),
            (
                local,
                "/",
                &[("host", "localhost"), ("forwarded", "for=_x")],
            ),
            (local, "/", &[("host", "localhost"), ("via", "1.1 proxy")]),
            (
                local,
                "/",
                &[("host", "localhost"), ("x-forwarded-port", "443")],
            ),
            (
                local,
                "/",
                &[("host", "localhost"), ("cf-connecting-ip", "10.0.0.1")],
            ),
            (
                local,
                "/",
                &[("host", "localhost"), ("x-real-ip", "10.0.0.1")],
            ),
        ] {
            assert!(
                check(&request(peer, uri, headers)).is_err(),
                "{peer:?} {uri} {headers:?}"
            );
        }
    }
}
