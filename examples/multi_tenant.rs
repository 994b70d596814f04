//! A secret for each tenant: a Nylas application for each customer, and a path for each of them.
//!
//! Two ways to find the secrets of a request, each under a path of its own:
//!
//! - `/webhooks/nylas/{tenant}` looks into a map in memory. That takes no waiting, so the layer
//!   does it itself (`WebhookLayer::by_lookup`).
//! - `/database/webhooks/nylas/{tenant}` has to ask a database when it sees a tenant for the first
//!   time. That takes waiting, so a layer outside does it, and puts the secrets into the request's
//!   extensions (`WebhookLayer::from_extensions`).
//!
//! Either way a tenant's `Secrets` are made once, kept, and cloned for each request. A clone is the
//! same set, so `set`, `rotate` and `expect_rotation` on the kept one reach every request; one that
//! was made anew for each request would not know that a rotation is expected, and would prepare the
//! keys each time, which costs as much as hashing a small body. And tenants never share a set:
//! whoever knows one secret of a set can sign for all of it.
//!
//! The tenants here are the variables whose names begin with `NYLAS_WEBHOOK_SECRET_`; an empty one
//! is a tenant whose destination does not exist yet.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET_ACME=acme-key NYLAS_WEBHOOK_SECRET_GLOBEX=globex-key \
//!     cargo run --example multi_tenant -- 127.0.0.1:8080
//! ```
//!
//! The first delivery below is the right tenant's, on both paths. The last one is refused: what
//! `acme` has signed is nothing to `globex`.
//!
//! ```text
//! curl -i 'http://127.0.0.1:8080/webhooks/nylas/acme?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968'
//!
//! BODY='{"type":"grant.expired","id":"n-1","data":{"object":{"grant_id":"g-1"}}}'
//! SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac acme-key | sed 's/.* //')
//! for TARGET in webhooks/nylas/acme database/webhooks/nylas/acme webhooks/nylas/globex; do
//!     curl -i "http://127.0.0.1:8080/$TARGET" -H "X-Nylas-Signature: $SIGNATURE" --data-binary "$BODY"
//! done
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::Method,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use tokio::{net::TcpListener, signal::ctrl_c, time::sleep};
use tower_nylas::{
    BoxError, InvalidSecret, Notification, Secrets, TriggerRouter, WebhookLayer,
    verify::UnknownTenant,
};

const PREFIX: &str = "NYLAS_WEBHOOK_SECRET_";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let rows = rows()?;
    let tenants = Tenants::default();
    for (tenant, secret) in &rows {
        tenants.keep(tenant, secrets_of(tenant, secret)?)?;
    }
    let directory = Directory {
        rows: Arc::new(rows),
        seen: Tenants::default(),
    };

    let listener = TcpListener::bind(address).await?;
    println!(
        "listening on http://{}/webhooks/nylas/{{tenant}}",
        listener.local_addr()?
    );
    axum::serve(listener, app(tenants, directory))
        .with_graceful_shutdown(interrupted())
        .await?;
    Ok(())
}

fn rows() -> Result<HashMap<String, String>, BoxError> {
    let mut rows = HashMap::new();
    for (name, secret) in std::env::vars_os() {
        if let Some(tenant) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) {
            let secret = secret.into_string();
            let secret = secret.map_err(|_| format!("{PREFIX}{tenant} is not Unicode"))?;
            rows.insert(tenant.to_lowercase(), secret);
        }
    }
    Ok(rows)
}

/// The label tells handlers and reports whose secrets have verified a notification.
fn secrets_of(tenant: &str, secret: &str) -> Result<Secrets, InvalidSecret> {
    let secrets = Secrets::builder().label(tenant);
    match secret {
        "" => Ok(secrets.pending()),
        known => secrets.secret(known),
    }
}

fn app(tenants: Tenants, directory: Directory) -> Router {
    let triggers = TriggerRouter::new().fallback(on_notification);

    let by_lookup = WebhookLayer::by_lookup(move |request| {
        let tenant = request.uri.path().strip_prefix("/webhooks/nylas/");
        tenants.find(tenant.unwrap_or_default())
    })
    .layer(triggers.clone());
    let by_extension = WebhookLayer::from_extensions().layer(triggers);

    let behind_database = Router::new()
        .route_service("/database/webhooks/nylas/{tenant}", by_extension)
        .route_layer(from_fn_with_state(directory, find_secrets));
    Router::new()
        .route("/", get(async || "hello\n"))
        .route_service("/webhooks/nylas/{tenant}", by_lookup)
        .merge(behind_database)
}

async fn on_notification(notification: Notification) {
    let tenant = notification.body().verified_by();
    println!("{tenant}: {}", notification.trigger());
}

/// The secrets of every tenant that was seen so far. All clones share them, so a tenant can be
/// added while requests arrive.
#[derive(Clone, Default)]
struct Tenants(Arc<RwLock<HashMap<String, Secrets>>>);

impl Tenants {
    /// An error gives a `503`: Nylas sends the notification again. `None` gives a `401`, and the
    /// caller is not told whether there is such a tenant.
    fn find(&self, tenant: &str) -> Result<Option<Secrets>, BoxError> {
        let tenants = self.0.read().map_err(|_| "the tenants are out of order")?;
        Ok(tenants.get(tenant).cloned())
    }

    /// Keeps what is there already: another request may have been first, and a rotation may have
    /// changed its secrets since.
    fn keep(&self, tenant: &str, secrets: Secrets) -> Result<Secrets, BoxError> {
        let mut tenants = self.0.write().map_err(|_| "the tenants are out of order")?;
        let kept = tenants.entry(tenant.to_owned()).or_insert(secrets);
        Ok(kept.clone())
    }
}

/// A database, and what is known from it.
#[derive(Clone)]
struct Directory {
    rows: Arc<HashMap<String, String>>,
    seen: Tenants,
}

impl Directory {
    async fn find(&self, tenant: &str) -> Result<Option<Secrets>, BoxError> {
        if let Some(secrets) = self.seen.find(tenant)? {
            return Ok(Some(secrets));
        }
        match self.query(tenant).await {
            None => Ok(None),
            // Not kept, so the next request asks whether the destination exists by now.
            Some("") => Ok(Some(Secrets::pending())),
            Some(secret) => {
                let secrets = self.seen.keep(tenant, secrets_of(tenant, secret)?)?;
                Ok(Some(secrets))
            }
        }
    }

    async fn query(&self, tenant: &str) -> Option<&str> {
        sleep(Duration::from_millis(5)).await;
        self.rows.get(tenant).map(String::as_str)
    }
}

/// The layer outside. It never answers by itself: a challenge comes before its tenant has a secret,
/// so it must get through without one.
async fn find_secrets(
    State(directory): State<Directory>,
    Path(tenant): Path<String>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::POST {
        let extensions = request.extensions_mut();
        match directory.find(&tenant).await {
            Ok(Some(secrets)) => {
                extensions.insert(secrets);
            }
            Ok(None) => {
                extensions.insert(UnknownTenant);
            }
            // Without either the answer is `503`, so nothing is lost.
            Err(error) => eprintln!("the database does not answer: {error}"),
        }
    }
    next.run(request).await
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
