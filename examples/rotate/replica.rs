//! One of the servers behind the load balancer.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::Router;
use tokio::net::TcpListener;
use tower_nylas::{
    Ack, Attempt, BoxError, Notification, Secrets, State, TriggerRouter, WebhookLayer,
};

/// How often each notification was handled, by its id: the database of all replicas.
#[derive(Clone, Default)]
pub(crate) struct Handled(Arc<Mutex<HashMap<String, u32>>>);

impl Handled {
    pub(crate) fn times(&self, id: &str) -> u32 {
        self.counts().get(id).copied().unwrap_or_default()
    }

    fn add(&self, id: &str) {
        *self.counts().entry(id.to_owned()).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Replica {
    pub(crate) secrets: Secrets,
    pub(crate) address: SocketAddr,
}

impl Replica {
    /// Starts without a secret.
    pub(crate) async fn start(handled: &Handled) -> Result<Self, BoxError> {
        let secrets = Secrets::pending();
        let triggers = TriggerRouter::with_state(handled.clone()).on("message.created", on_message);
        let webhooks = WebhookLayer::new(secrets.clone()).layer(triggers);
        let app = Router::new().route_service("/webhooks/nylas", webhooks);

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { secrets, address })
    }
}

/// Fails now and then at first, so that notifications are repeated at every moment of the play.
async fn on_message(
    State(handled): State<Handled>,
    attempt: Attempt,
    message: Notification,
) -> Ack {
    let Some(id) = message.id() else {
        return Ack::Discard;
    };
    if id.ends_with('7') && attempt.number() == Some(1) {
        return Ack::Retry;
    }
    handled.add(id);
    Ack::Done
}
