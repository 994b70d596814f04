//! A receiver that registers itself: at its start it creates its destination at Nylas, or finds and
//! adopts it, by the URL, the API key and a description of its own.
//!
//! ```text
//! NYLAS_API_KEY=… cargo run --features api --example register -- \
//!     https://app.example/webhooks/nylas [127.0.0.1:8080] [--dry-run]
//! ```
//!
//! The URL is where Nylas reaches this server, by way of a proxy or a tunnel. It prints what it is
//! about to do, and with `--dry-run` that is all. `NYLAS_API_URL` is the API, by default the one in
//! the United States. The id and the secret are kept in the file that `NYLAS_DESTINATION` names, by
//! default `nylas-destination.json`, as a database would keep them for several replicas. Started
//! again, it changes nothing; without the file, it gives the destination a new secret. If Nylas'
//! API is out of reach, it goes on with the secret that it has, unless that one is in doubt.

mod store;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::{net::TcpListener, signal, time::sleep};
use tower::{Service, service_fn};
use tower_nylas::{
    BoxError, Notification, Secrets, TriggerRouter, WebhookLayer,
    api::{self, Api, Desired, DestinationStore, ReconcileError, Reconciled, Rotation},
};

use self::store::FileStore;

/// What this application calls its destinations.
const DESCRIPTION: &str = "tower-nylas, example `register`";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_dry = arguments.iter().any(|argument| argument == "--dry-run");
    arguments.retain(|argument| argument != "--dry-run");
    let (url, address) = match &arguments[..] {
        [url] => (url, "127.0.0.1:8080"),
        [url, address] => (url, address.as_str()),
        _ => return Err("usage: register URL [ADDRESS] [--dry-run]".into()),
    };
    let key = std::env::var("NYLAS_API_KEY").map_err(|_| "NYLAS_API_KEY is not set")?;
    let base = std::env::var("NYLAS_API_URL").unwrap_or(Api::US.to_owned());
    let (api, client) = (Api::at(&base, key)?, client()?);

    let triggers = TriggerRouter::new()
        .on("message.created", on_any)
        .on("grant.expired", on_any);
    let desired = Desired::new(url, DESCRIPTION, triggers.filters()).reactivate(true);
    let store = FileStore::from_env()?;
    if is_dry {
        println!("{}", api::dry_run(&desired, &api, client, &store).await?);
        return Ok(());
    }

    // The server runs first, since Nylas sends the challenge before there is a secret.
    let secrets = match store.secret() {
        Some(secret) => Secrets::new(secret)?,
        None => Secrets::pending(),
    };
    if store
        .load()
        .await?
        .is_some_and(|recorded| !recorded.is_current)
    {
        // A rotation was interrupted: what does not match is sent again until it is repaired.
        secrets.expect_rotation(Rotation::EXPECT_FOR);
    }
    let webhooks = WebhookLayer::new(secrets.clone()).layer(triggers);
    let app = axum::Router::new().route_service("/webhooks/nylas", webhooks);
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let server = axum::serve(listener, app).with_graceful_shutdown(stopped());
    let server = tokio::spawn(server.into_future());

    let registered = register(&desired, &api, client, &store).await;
    let new_secret = match &registered {
        Ok(reconciled) => reconciled.secret.as_ref(),
        Err(error) => error.secret(), // Nylas signs with it all the same
    };
    if let Some(secret) = new_secret {
        secrets.rotate(secret, Secrets::KEEP_OLD_FOR)?;
    }
    let is_known = new_secret.is_some()
        || store
            .load()
            .await?
            .is_some_and(|recorded| recorded.is_current);
    match registered {
        Ok(reconciled) => println!("registered as {}", reconciled.destination.id),
        // Nylas' API may be out of reach; notifications are not.
        Err(error) if is_known => println!("not checked: {error}"),
        // Without the right secret, to be started again.
        Err(error) => return Err(error.into()),
    }

    tokio::select! {
        ended = server => Ok(ended??),
        () = async { stopped().await; sleep(WebhookLayer::NYLAS_TIMEOUT).await } => Ok(()),
    }
}

/// Prints the plan, and carries it out.
async fn register(
    desired: &Desired,
    api: &Api,
    client: impl Client,
    store: &FileStore,
) -> Result<Reconciled, ReconcileError> {
    let plan = api::dry_run(desired, api, client.clone(), store).await?;
    println!("{plan}");
    api::reconcile(desired, api, client, store).await
}

async fn on_any(notification: Notification) {
    println!("{} {:?}", notification.trigger(), notification.id());
}

/// What this program sends with.
trait Client:
    Service<Request<Full<Bytes>>, Response = Response<reqwest::Body>, Error = reqwest::Error> + Clone
{
}

impl<S> Client for S where
    S: Service<Request<Full<Bytes>>, Response = Response<reqwest::Body>, Error = reqwest::Error>
        + Clone
{
}

/// reqwest with TLS, as a tower service. A redirect would take the API key along.
fn client() -> Result<impl Client, reqwest::Error> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .build()?;
    Ok(service_fn(move |request: Request<Full<Bytes>>| {
        let client = client.clone();
        async move {
            let request = request.map(reqwest::Body::wrap);
            Ok(client.execute(request.try_into()?).await?.into())
        }
    }))
}

async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminated) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! { _ = terminated.recv() => return, _ = signal::ctrl_c() => return }
    }
    let _ = signal::ctrl_c().await;
}
