//! Webhooks in a server on hyper 1 alone, for HTTP/1 and HTTP/2 on one port.
//!
//! Everything in this crate is a tower service, and `TowerToHyperService` puts one under hyper. As
//! there is no router for paths, the program tells its paths apart itself.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me cargo run --example hyper -- 127.0.0.1:8080
//! ```
//!
//! Without the variable it starts pending: it answers the challenge, which Nylas sends when the
//! destination is created, and asks for every notification to be sent again later. Restart it with
//! the `webhook_secret` that the creation returned.
//!
//! ```text
//! curl -i 'http://127.0.0.1:8080/webhooks/nylas?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968'
//!
//! BODY='{"type":"grant.expired","id":"n-1","data":{"object":{"grant_id":"g-1"}}}'
//! SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac try-me | sed 's/.* //')
//! curl -i http://127.0.0.1:8080/webhooks/nylas -H "X-Nylas-Signature: $SIGNATURE" --data-binary "$BODY"
//! curl -i http://127.0.0.1:8080/webhooks/nylas -H "X-Nylas-Signature: $SIGNATURE" --data-binary "$BODY" \
//!     --http2-prior-knowledge
//! ```

use std::{convert::Infallible, pin::pin, time::Duration};

use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    signal::ctrl_c,
    time::{sleep, timeout},
};
use tower::{ServiceExt, service_fn};
use tower_nylas::{BoxError, Notification, Secrets, TriggerRouter, WebhookLayer};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let secrets = Secrets::from_env_or_pending("NYLAS_WEBHOOK_SECRET")?;

    let listener = TcpListener::bind(address).await?;
    println!(
        "listening on http://{}/webhooks/nylas",
        listener.local_addr()?
    );
    if secrets.is_pending() {
        println!("pending: NYLAS_WEBHOOK_SECRET is not set");
    }
    serve(listener, secrets).await;
    Ok(())
}

async fn serve(listener: TcpListener, secrets: Secrets) {
    let triggers = TriggerRouter::new()
        .on("grant.expired", on_expired)
        .fallback(on_other);
    let webhooks = WebhookLayer::new(secrets)
        .observe(|report| eprintln!("{report}"))
        .layer(triggers);
    let service = service_fn(move |request: Request<Incoming>| {
        let webhooks = webhooks.clone();
        async move {
            Ok::<_, Infallible>(match request.uri().path() {
                "/webhooks/nylas" => {
                    let response = webhooks.oneshot(request).await?;
                    response.map(|body| body.map_err(Into::into).boxed_unsync())
                }
                "/" => text(StatusCode::OK, "hello\n"),
                _ => text(StatusCode::NOT_FOUND, "not found\n"),
            })
        }
    });

    let server = server();
    let graceful = GracefulShutdown::new();
    let mut interrupted = pin!(interrupted());
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Too many open files, for instance, which others close in time.
                    eprintln!("no connection accepted: {error}");
                    sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            () = &mut interrupted => break,
        };
        let service = TowerToHyperService::new(service.clone());
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("connection failed: {error}");
            }
        });
    }

    println!("shutting down");
    // Nobody may connect while requests under way are finished, each within the layer's deadlines.
    drop(listener);
    if timeout(WebhookLayer::NYLAS_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        eprintln!("some connections were still open");
    }
}

/// The deadlines of the layer begin with a request's body; what comes before is the server's.
fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(5));
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20));
    server
}

fn text(status: StatusCode, text: &'static str) -> Response<UnsyncBoxBody<Bytes, BoxError>> {
    let body = Full::from(text).map_err(Into::into).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

async fn on_expired(grant: Notification) -> Result<(), String> {
    let grant_id = grant.grant_id().ok_or("a grant without an id")?;
    println!("{grant_id} has to log in again");
    Ok(())
}

async fn on_other(notification: Notification) {
    println!("{}", notification.trigger());
}

/// Waits for ctrl-c, or for the SIGTERM of whatever manages services.
async fn interrupted() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).ok()?.recv().await
    };
    #[cfg(not(unix))]
    let terminated = std::future::ready(None::<()>);
    tokio::select! {
        Ok(()) = ctrl_c() => {}
        Some(()) = terminated => {}
        // Nobody can interrupt it in this way, so it goes on.
        else => std::future::pending().await,
    }
}
