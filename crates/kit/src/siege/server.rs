//! The server under siege: hyper with HTTP/1 and HTTP/2 on one port, and the layer. It is as the
//! example `hyper` has it, but for the counting.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time::sleep};
use tower_nylas::{MemoryBudget, Notification, Secrets, TriggerRouter, WebhookLayer};

use crate::delivery::SECRET;

/// The beginning of the ids in what attackers send.
pub const FORGED: &str = "forged";

/// By default hyper reads up to 400 KiB ahead on each connection, and keeps the buffer.
pub const READ_BUFFER: usize = 64 * 1024;

#[derive(Debug, Default)]
pub struct Counters {
    pub open: AtomicUsize,
    pub most_open: AtomicUsize,
    /// Genuine notifications whose handler ran to its end.
    pub handled: AtomicU64,
    /// Forged ones that reached a handler.
    pub intruders: AtomicU64,
}

/// With a secret that whoever besieges the server does not know.
pub fn layer(budget: MemoryBudget) -> io::Result<WebhookLayer> {
    let secrets = Secrets::new(SECRET).map_err(io::Error::other)?;
    Ok(WebhookLayer::new(secrets).memory_budget(budget))
}

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener, layer: WebhookLayer, counters: Arc<Counters>) {
    let handled = counters.clone();
    let triggers = TriggerRouter::new().fallback(move |notification: Notification| {
        let handled = handled.clone();
        async move {
            // Long enough for requests to meet each other, short enough for any machine.
            sleep(Duration::from_millis(1)).await;
            let is_forged = notification.id().is_none_or(|id| id.starts_with(FORGED));
            let counter = if is_forged {
                &handled.intruders
            } else {
                &handled.handled
            };
            counter.fetch_add(1, Relaxed);
        }
    });
    let service = TowerToHyperService::new(layer.layer(triggers));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(5))
        .max_buf_size(READ_BUFFER);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(5));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, which others close in time.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = server.serve_connection(TokioIo::new(stream), service.clone());
        let connection = connection.into_owned();
        let open = Open::new(counters.clone());
        tokio::spawn(async move {
            // Most of them fail, as they are meant to.
            let _ = connection.await;
            drop(open);
        });
    }
}

/// Counted while it lives.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: Arc<Counters>) -> Self {
        let open = counters.open.fetch_add(1, Relaxed) + 1;
        counters.most_open.fetch_max(open, Relaxed);
        Self(counters)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}
