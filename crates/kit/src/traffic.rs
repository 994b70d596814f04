//! What a proxy in front of the endpoint has to pass on: genuine notifications, and beside them
//! strangers with bodies that are refused unread.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use tokio::{
    task::JoinSet,
    time::{interval, timeout},
};
use tower_nylas::{Secrets, TriggerRouter, WebhookLayer};

use crate::{
    delivery::{PATH, SECRET, delivery, delivery_head, notification_of},
    serve::serve_axum,
    wire::{Connection, PATIENCE},
};

/// Genuine notifications.
pub const A_SECOND: u32 = 90;
const SIZE: usize = 2_000;

/// Each sends one unsigned body after the other.
const STRANGERS: usize = 8;
const UNSIGNED_SIZE: usize = 60_000;

/// The endpoint with the default settings.
pub async fn serve_endpoint() -> SocketAddr {
    let webhook = WebhookLayer::new(Secrets::new(SECRET).unwrap());
    let triggers = TriggerRouter::new().fallback(async || ());
    serve_axum(Router::new().route_service(PATH, webhook.layer(triggers))).await
}

/// How often there was which answer, or which error instead.
pub type Tally = BTreeMap<String, u64>;

/// How it went.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    pub genuine: Tally,
    pub strangers: Tally,
}

impl Traffic {
    /// Sends everything to this address, each request on a connection of its own, for so many
    /// seconds.
    pub async fn play(address: SocketAddr, seconds: u32) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let mut strangers = JoinSet::new();
        for _ in 0..STRANGERS {
            strangers.spawn(stranger(address, ended.clone()));
        }
        let genuine = genuine(address, seconds * A_SECOND).await;
        ended.store(true, Ordering::Relaxed);
        let mut traffic = Self {
            genuine,
            strangers: Tally::new(),
        };
        for tally in strangers.join_all().await {
            for (outcome, count) in tally {
                *traffic.strangers.entry(outcome).or_default() += count;
            }
        }
        traffic
    }

    /// Genuine notifications that did not get their 200.
    pub fn lost(&self) -> u64 {
        let others = self.genuine.iter().filter(|(outcome, _)| *outcome != "200");
        others.map(|(_, count)| count).sum()
    }

    /// Nothing if all is well: every genuine notification was accepted, and strangers were refused
    /// meanwhile.
    pub fn check(&self, seconds: u32) -> Result<(), String> {
        let sent: u64 = self.genuine.values().sum();
        let refused = self.strangers.get("401").copied().unwrap_or_default();
        if self.lost() == 0 && sent == u64::from(seconds * A_SECOND) && refused > 0 {
            return Ok(());
        }
        let lost = self.lost();
        Err(format!("{lost} of {sent} genuine ones were lost: {self:?}"))
    }
}

async fn genuine(address: SocketAddr, count: u32) -> Tally {
    let mut tick = interval(Duration::from_secs(1) / A_SECOND);
    let mut all = JoinSet::new();
    for number in 0..count {
        tick.tick().await;
        let id = format!("genuine-{number}");
        let body = notification_of("message.created", &id, 1, SIZE);
        all.spawn(async move { outcome(address, &delivery(&body)).await });
    }
    let mut tally = Tally::new();
    for outcome in all.join_all().await {
        *tally.entry(outcome).or_default() += 1;
    }
    tally
}

async fn stranger(address: SocketAddr, ended: Arc<AtomicBool>) -> Tally {
    let mut request = delivery_head(Some(UNSIGNED_SIZE), None);
    request.resize(request.len() + UNSIGNED_SIZE, b'x');
    let mut tally = Tally::new();
    while !ended.load(Ordering::Relaxed) {
        *tally.entry(outcome(address, &request).await).or_default() += 1;
    }
    tally
}

/// The status, or why there is none.
async fn outcome(address: SocketAddr, request: &[u8]) -> String {
    let exchange = async {
        let mut connection = Connection::try_open(address).await?;
        connection.try_exchange(&[request], Duration::ZERO).await
    };
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(answer)) => answer.status.as_u16().to_string(),
        Ok(Err(error)) => error.kind().to_string(),
        Err(_) => "no answer".to_owned(),
    }
}
