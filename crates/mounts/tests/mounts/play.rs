//! What Nylas and a forger send, and what they must get.

use std::net::SocketAddr;

use http::{Method, StatusCode};
use tower_nylas_kit::{
    delivery::{PATH, UUID, notification, notification_of},
    parts::Log,
    wire::{Answer, Ask, Wire, assert_exact, send_over},
};

/// Over sockets, with each protocol of `wires`.
pub(crate) async fn play_over(wires: &[Wire], address: SocketAddr, handled: &Log) {
    for &wire in wires {
        let what = format!("{wire:?}");
        play(&what, handled, async |ask| {
            send_over(address, wire, ask).await
        })
        .await;
    }
}

/// However `send` gets a request to the endpoint and its answer back.
pub(crate) async fn play(what: &str, handled: &Log, send: impl AsyncFn(&Ask) -> Answer) {
    let answer = send(&Ask::challenge(&format!("challenge={UUID}"))).await;
    assert_exact(&answer, UUID.as_bytes(), what);
    // Nothing on the way decodes it too little or once too often.
    let answer = send(&Ask::challenge("other=1&challenge=a%20b%2Bc%25%3D%26d")).await;
    assert_exact(&answer, b"a b+c%=&d", what);

    // The longer one is larger than the limits that frameworks have by default.
    for (id, size) in [("short", 0), ("long", 3_500_000)] {
        let body = notification_of("message.created", id, 1, size);
        for ask in [Ask::compressed(&body), Ask::delivery(body)] {
            let answer = send(&ask).await;
            assert_eq!(answer.status, StatusCode::OK, "{what}, {id}: {answer:?}");
            assert_eq!(answer.text(), "", "{what}, {id}");
            assert_eq!(handled.take(), [id], "{what}");
        }
    }

    let mut forged = Ask::delivery(notification("message.created", "forged"));
    forged.body[0] = b'[';
    let mut forged_gzip = Ask::compressed(&notification("message.created", "forged"));
    // The operating system in the header of gzip, which does not change what is inflated.
    forged_gzip.body[9] ^= 1;
    for forged in [forged, forged_gzip] {
        let answer = send(&forged).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        // poem and salvo keep the size of a body to themselves, so that hyper sends it in chunks.
        let text = answer.text();
        assert!(text.contains("signature not accepted"), "{what}: {text}");
    }
    let unsigned = send(&Ask::new(Method::POST, PATH)).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED, "{what}");
    assert!(handled.take().is_empty(), "{what}");

    let put = send(&Ask::new(Method::PUT, PATH)).await;
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
    assert_eq!(put.header("allow"), Some("GET, HEAD, POST"), "{what}");
}
