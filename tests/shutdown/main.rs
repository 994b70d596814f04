//! Shutting down while requests are under way, over sockets: what was accepted is finished, what
//! comes later finds no server, and no `200` goes out without its handler having run to its end.

#![cfg(all(feature = "router", feature = "tokio"))]

mod deadlines;
mod http1;
mod http2;
mod load;
mod server;

#[path = "../support/mod.rs"]
mod support;

/// A compact notification.
fn notification(trigger: &str, id: &str) -> Vec<u8> {
    format!(r#"{{"specversion":"1.0","type":"{trigger}","id":"{id}","data":{{"object":{{}}}}}}"#)
        .into_bytes()
}
