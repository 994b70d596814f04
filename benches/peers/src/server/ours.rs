//! tower-nylas, on axum and on hyper.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower_nylas::{Secrets, TriggerRouter, VerifiedBody, WebhookLayer, webhook::Webhook};

use crate::{
    Result,
    notification::{PATH, SECRET},
};

pub(super) fn app() -> Result<Router> {
    Ok(Router::new().route_service(PATH, webhooks()?))
}

pub(super) async fn serve(listener: TcpListener) -> Result<()> {
    let webhooks = TowerToHyperService::new(webhooks()?);
    loop {
        let (connection, _) = listener.accept().await?;
        let webhooks = webhooks.clone();
        tokio::spawn(async move {
            http1::Builder::new()
                .serve_connection(TokioIo::new(connection), webhooks)
                .await
        });
    }
}

fn webhooks() -> Result<Webhook<TriggerRouter>> {
    let triggers = TriggerRouter::new()
        .on("message.created", receive)
        .on("message.updated", receive)
        .on("message.send_success", receive)
        .on("message.send_failed", receive)
        .on("message.bounce_detected", receive)
        .on("event.created", receive)
        .on("event.updated", receive)
        .on("event.deleted", receive)
        .on("grant.expired", receive)
        .on("thread.replied", receive);
    Ok(WebhookLayer::new(Secrets::new(SECRET)?).layer(triggers))
}

async fn receive(notification: VerifiedBody) {
    std::hint::black_box(notification);
}
