//! axum handlers that take a notification apart with extractors, and handle each one only once.
//!
//! Nylas delivers at least once: after a time-out it sends a notification again that was handled
//! long ago. All attempts have the same id, so `DeduplicateLayer` in front of the handler tells.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me \
//!     cargo run --features axum --features dedup --example axum_extractors -- 127.0.0.1:8080
//! ```
//!
//! Without the variable it starts pending: see the example `axum`. The second delivery below is
//! acknowledged, but not handled again:
//!
//! ```text
//! curl -i 'http://127.0.0.1:8080/webhooks/nylas?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968'
//!
//! for ATTEMPT in 1 2; do
//!     BODY='{"type":"message.created","id":"n-1","webhook_delivery_attempt":'$ATTEMPT',"data":{"object":{"id":"m-1","grant_id":"g-1"}}}'
//!     SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac try-me | sed 's/.* //')
//!     curl -i http://127.0.0.1:8080/webhooks/nylas -H "X-Nylas-Signature: $SIGNATURE" --data-binary "$BODY"
//! done
//!
//! curl http://127.0.0.1:8080/
//! ```

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{MethodRouter, get, post},
};
use tokio::{net::TcpListener, signal::ctrl_c, sync::Mutex, time::sleep};
use tower_nylas::{
    BoxError, DeduplicateLayer, Notification, Secrets, Trigger, WebhookLayer,
    notification::object::Object,
};

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
    axum::serve(listener, app(secrets))
        .with_graceful_shutdown(interrupted())
        .await?;
    Ok(())
}

/// What the handler writes to. Every clone is the same.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<String>>>);

fn app(secrets: Secrets) -> Router {
    let inbox = Inbox::default();
    let handler: MethodRouter = post(receive).with_state(inbox.clone());
    // An application that runs several processes keeps the ids in a store that they share: see the
    // example `dedup`.
    let once = DeduplicateLayer::new().layer(handler);
    // The layer is given the handler itself. Around a whole `Router` it would also answer for paths
    // that are none of its business.
    let webhooks = WebhookLayer::new(secrets).layer(once);
    Router::new()
        .route("/", get(list))
        .route_service("/webhooks/nylas", webhooks)
        .with_state(inbox)
}

/// Handles what was not handled before.
async fn receive(State(inbox): State<Inbox>, trigger: Trigger, notification: Notification<Object>) {
    let entry = match &notification.object {
        Object::Message(message) => format!("{trigger}: mail {}", message.id),
        Object::Grant(grant) => format!("{trigger}: {:?}", grant.email),
        other => format!("{trigger}: {}", other.type_name()),
    };
    println!("{entry}");
    inbox.0.lock().await.push(entry);
}

async fn list(State(inbox): State<Inbox>) -> String {
    let mut text = String::new();
    for entry in &*inbox.0.lock().await {
        text.extend([entry, "\n"]);
    }
    text
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
