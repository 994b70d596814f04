//! A plain receiver, for use behind a tunnel.

use axum::Router;
use tokio::{net::TcpListener, signal::ctrl_c, time::sleep};
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
        // A thread of its own: tokio's stdin would keep the program from ending until a line comes.
        std::thread::spawn(move || read_secret(&secrets));
    }
    axum::serve(listener, app)
        .with_graceful_shutdown(interrupted())
        .await?;
    Ok(())
}

async fn print(notification: Notification) {
    println!("{notification:?}");
    println!("{:#}", notification.object);
}

fn read_secret(secrets: &Secrets) {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match secrets.set(line.trim()) {
            Ok(()) => return println!("the secret is set"),
            Err(error) => println!("{error}"),
        }
    }
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
