//! axum handlers that take a notification apart with extractors, and handle each one only once.
//!
//! Nylas delivers at least once: after a time-out it sends a notification again that was handled
//! long ago. All attempts have the same id, so a store of ids tells. It must not remember an id
//! before the work is done, or a notification whose first attempt failed would be taken for a
//! duplicate and be lost.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me cargo run --features axum --example axum_extractors -- 127.0.0.1:8080
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

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use tokio::{net::TcpListener, signal::ctrl_c, time::sleep};
use tower_nylas::{
    BoxError, Notification, Secrets, Trigger, VerifiedBody, WebhookLayer,
    notification::{Envelope, object::Object},
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
struct Inbox(Arc<tokio::sync::Mutex<Vec<String>>>);

fn app(secrets: Secrets) -> Router {
    let inbox = Inbox::default();
    let handler: MethodRouter = post(receive)
        .layer(middleware::from_fn_with_state(Seen::default(), once))
        .with_state(inbox.clone());
    // The layer is given the handler itself. Around a whole `Router` it would also answer for paths
    // that are none of its business.
    let webhooks = WebhookLayer::new(secrets).layer(handler);
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

/// Lets one attempt of each notification through, unless it fails.
async fn once(
    State(seen): State<Seen>,
    body: VerifiedBody,
    request: Request,
    next: Next,
) -> Response {
    let envelope = Envelope::peek(&body).ok();
    let Some(id) = envelope.as_ref().and_then(Envelope::id) else {
        // Nothing to recognise it by, so it must not be taken for a duplicate of another.
        return next.run(request).await;
    };
    match seen.begin(id) {
        Begin::Now(underway) => {
            let response = next.run(request).await;
            if response.status().is_success() {
                underway.finish();
            }
            response
        }
        Begin::AlreadyUnderway => {
            println!("{id} is being handled: it is to come again, in case that fails");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Begin::AlreadyDone => {
            println!("{id} was handled before");
            StatusCode::OK.into_response()
        }
    }
}

/// The notifications that this process has handled lately. An application that runs several
/// processes keeps the ids in its database, best in the transaction that does the work.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Ids>>);

#[derive(Default)]
struct Ids {
    underway: HashSet<String>,
    done: HashSet<Arc<str>>,
    /// The ids that are done, the oldest first.
    done_at: VecDeque<(Instant, Arc<str>)>,
}

enum Begin {
    Now(Underway),
    AlreadyUnderway,
    AlreadyDone,
}

impl Seen {
    /// Nylas goes on delivering to a destination that fails for 72 hours.
    const REMEMBERED_FOR: Duration = Duration::from_secs(72 * 60 * 60);

    /// Bounds the memory. Ids come from Nylas alone, but a busy application gets many of them.
    const REMEMBERED: usize = 1_000_000;

    fn begin(&self, id: &str) -> Begin {
        let mut ids = self.ids();
        if ids.done.contains(id) {
            return Begin::AlreadyDone;
        }
        if !ids.underway.insert(id.to_owned()) {
            return Begin::AlreadyUnderway;
        }
        Begin::Now(Underway {
            seen: self.clone(),
            id: id.to_owned(),
        })
    }

    /// No method panics halfway, so what a panic elsewhere has poisoned is still whole.
    fn ids(&self) -> MutexGuard<'_, Ids> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attempt. Whatever ends it too early, a panic, the handler deadline or a closed connection,
/// drops it, and the next attempt gets its turn.
struct Underway {
    seen: Seen,
    id: String,
}

impl Underway {
    fn finish(self) {
        let mut ids = self.seen.ids();
        let (id, now) = (Arc::<str>::from(&*self.id), Instant::now());
        ids.done.insert(id.clone());
        ids.done_at.push_back((now, id));
        while let Some((at, oldest)) = ids.done_at.front().cloned() {
            let is_old = now.duration_since(at) > Seen::REMEMBERED_FOR;
            if !is_old && ids.done_at.len() <= Seen::REMEMBERED {
                break;
            }
            ids.done_at.pop_front();
            ids.done.remove(&oldest);
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.seen.ids().underway.remove(&self.id);
    }
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
