//! A plain receiver, for use behind a tunnel.

use axum::Router;
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    net::TcpListener,
};
use tower_nylas::{BoxError, Notification, Secrets, TriggerRouter, WebhookLayer};

pub(crate) async fn listen(address: &str) -> Result<(), BoxError> {
    let secrets = Secrets::from_env_or_pending("NYLAS_WEBHOOK_SECRET")?;
    let triggers = TriggerRouter::new().fallback(print);
    let webhooks = WebhookLayer::new(secrets.clone())
        .acknowledge_test_events(true)
        .observe(|report| println!("  {report}"));
    let app = Router::new().route_service("/webhooks/nylas", webhooks.layer(triggers));

    let listener = TcpListener::bind(address).await?;
    println!(
        "listening on http://{}/webhooks/nylas",
        listener.local_addr()?
    );
    if secrets.is_pending() {
        println!("pending: challenges are answered, notifications are asked to come again");
        println!("paste the webhook_secret here once the destination is created:");
        tokio::spawn(read_secret(secrets));
    }
    axum::serve(listener, app).await?;
    Ok(())
}

async fn print(notification: Notification) {
    println!("{notification:?}");
    println!("{:#}", notification.object);
}

async fn read_secret(secrets: Secrets) {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match secrets.set(line.trim()) {
            Ok(()) => return println!("the secret is set"),
            Err(error) => println!("{error}"),
        }
    }
}
