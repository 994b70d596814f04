//! Webhooks beside the other routes of an axum application.
//!
//! Several triggers, each with a handler of its own: typed functions that share the application's
//! state, and an axum handler with axum's extractors and its `State`, which is another type. The
//! layer stands on one path only, so the rest of the application does not notice it.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me cargo run --example axum -- 127.0.0.1:8080
//! ```
//!
//! Without the variable it starts pending: it answers the challenge, which Nylas sends when the
//! destination is created, and asks for every notification to be sent again later. Restart it with
//! the `webhook_secret` that the creation returned.
//!
//! ```text
//! curl -i 'http://127.0.0.1:8080/webhooks/nylas?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968'
//!
//! BODY='{"type":"message.created","id":"n-1","data":{"object":{"id":"m-1","grant_id":"g-1","subject":"Hello"}}}'
//! SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac try-me | sed 's/.* //')
//! curl -i http://127.0.0.1:8080/webhooks/nylas \
//!     -H "X-Nylas-Signature: $SIGNATURE" -H 'Content-Type: application/json' --data-binary "$BODY"
//!
//! curl http://127.0.0.1:8080/
//! ```

use std::{future::IntoFuture, io, sync::Arc, time::Duration};

use axum::{
    Json, Router, extract,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    signal::ctrl_c,
    sync::{Mutex, oneshot},
    time::sleep,
};
use tower_nylas::{
    Ack, BoxError, Notification, Secrets, State, TriggerRouter, WebhookLayer,
    notification::object::{Event, Message},
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
    serve(listener, app(secrets)).await?;
    Ok(())
}

/// Until it is interrupted. What is under way then is finished, each request within the layer's
/// deadlines. A peer that holds its connection otherwise would be waited for without end, so the
/// drain has one.
async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
    let (tell, begun) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        interrupted().await;
        let _ = tell.send(());
    });
    let drain_is_over = async {
        let _ = begun.await;
        sleep(WebhookLayer::NYLAS_TIMEOUT).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = drain_is_over => {
            eprintln!("some connections were still open");
            Ok(())
        }
    }
}

/// What the whole application shares, in place of a database. Every clone is the same store.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Vec<String>>>);

impl Store {
    async fn save(&self, entry: String) -> Result<(), BoxError> {
        let mut entries = self.0.lock().await;
        if entries.len() >= 10_000 {
            return Err("the store is full".into());
        }
        entries.push(entry);
        Ok(())
    }
}

fn app(secrets: Secrets) -> Router {
    let store = Store::default();
    let webhooks = WebhookLayer::new(secrets)
        .observe(|report| eprintln!("{report}"))
        .layer(triggers(store.clone()));
    Router::new()
        .route("/", get(list))
        .route_service("/webhooks/nylas", webhooks)
        .with_state(store)
}

fn triggers(store: Store) -> TriggerRouter<Store> {
    TriggerRouter::with_state(store.clone())
        .on("message.created", on_message)
        .on("event.*", on_event)
        // Goes before `event.*`, since it says more.
        .on("event.deleted", async || Ack::Discard)
        .on_service("grant.expired", post(on_expired).with_state(store))
}

/// With an error the answer is `503`, so that Nylas sends the notification again.
async fn on_message(
    State(store): State<Store>,
    message: Notification<Message>,
) -> Result<(), BoxError> {
    // A mail of more than 1 MB comes without its text, which is fetched by the id.
    let text = if message.is_truncated() {
        "without its text"
    } else {
        "with its text"
    };
    store
        .save(format!("mail {} {text}", message.object.id))
        .await
}

/// `Ack` says everything that nothing and an error cannot.
async fn on_event(State(store): State<Store>, event: Notification<Event>) -> Ack {
    let title = event.object.title.as_deref().unwrap_or("without a title");
    match store.save(format!("event {title}")).await {
        Ok(()) => Ack::Done,
        Err(_) => Ack::RetryAfter(Duration::from_secs(60)),
    }
}

/// As much of the notification as the handler needs. (With the feature `axum` of tower-nylas, a
/// handler takes a `Notification<Grant>` instead: see the example `axum_extractors`.)
#[derive(Deserialize)]
struct Expired {
    data: ExpiredData,
}

#[derive(Deserialize)]
struct ExpiredData {
    object: ExpiredGrant,
}

#[derive(Deserialize)]
struct ExpiredGrant {
    grant_id: String,
}

/// An axum handler as it would stand anywhere else. What it reads was verified before.
async fn on_expired(
    extract::State(store): extract::State<Store>,
    Json(expired): Json<Expired>,
) -> Result<(), StatusCode> {
    let entry = format!("{} has to log in again", expired.data.object.grant_id);
    let saved = store.save(entry).await;
    saved.map_err(|_| StatusCode::INSUFFICIENT_STORAGE)
}

async fn list(extract::State(store): extract::State<Store>) -> String {
    let mut text = String::new();
    for entry in &*store.0.lock().await {
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
}
