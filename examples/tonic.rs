//! Webhooks beside gRPC, on one port.
//!
//! tonic's `Routes` and an axum `Router` are made of the same stuff, so the webhook becomes one
//! more route of the gRPC server. The gRPC service here is the standard health service.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me cargo run --example tonic -- 127.0.0.1:8080
//! ```
//!
//! Without the variable it starts pending: it answers the challenge, which Nylas sends when the
//! destination is created, and asks for every notification to be sent again later. Restart it with
//! the `webhook_secret` that the creation returned.
//!
//! The last command is the gRPC call, by hand: an empty message of zero length is asked, and
//! `08 01` in the answer means that the server is serving.
//!
//! ```text
//! curl -i 'http://127.0.0.1:8080/webhooks/nylas?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968'
//!
//! BODY='{"type":"grant.expired","id":"n-1","data":{"object":{"grant_id":"g-1"}}}'
//! SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac try-me | sed 's/.* //')
//! curl -i http://127.0.0.1:8080/webhooks/nylas -H "X-Nylas-Signature: $SIGNATURE" --data-binary "$BODY"
//!
//! printf '\0\0\0\0\0' | curl -s --http2-prior-knowledge http://127.0.0.1:8080/grpc.health.v1.Health/Check \
//!     -H 'Content-Type: application/grpc' -H 'TE: trailers' --data-binary @- | od -An -tx1
//! ```

use tokio::{net::TcpListener, signal::ctrl_c, time::sleep};
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
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
    Server::builder()
        // Webhooks come as HTTP/1, at least through most proxies; tonic would refuse that.
        .accept_http1(true)
        .add_routes(routes(secrets))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), interrupted())
        .await?;
    Ok(())
}

fn routes(secrets: Secrets) -> Routes {
    let triggers = TriggerRouter::new().on("grant.expired", on_expired);
    let webhooks = WebhookLayer::new(secrets)
        .observe(|report| eprintln!("{report}"))
        .layer(triggers);

    // The reporter would change the status later; whoever has none is always serving.
    let (_reporter, health) = tonic_health::server::health_reporter();
    Routes::new(health)
        .into_axum_router()
        .route_service("/webhooks/nylas", webhooks)
        .into()
}

async fn on_expired(grant: Notification) -> Result<(), String> {
    let grant_id = grant.grant_id().ok_or("a grant without an id")?;
    println!("{grant_id} has to log in again");
    Ok(())
}

/// Waits for ctrl-c, or for the SIGTERM of whatever manages services. From then on no connection is
/// accepted, and what is under way is finished.
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
    println!("shutting down");
    // A peer that holds its connection would be waited for without end, so the drain has one.
    tokio::spawn(async {
        sleep(WebhookLayer::NYLAS_TIMEOUT).await;
        eprintln!("some connections were still open");
        std::process::exit(0);
    });
}
