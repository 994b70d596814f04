//! What Nylas sends.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use tower::ServiceExt;
use tower_nylas::{
    BoxError,
    testing::nylas::{Event, Fault, NewDestination, Simulator, Traffic},
};

use crate::receiver::Receiver;

const URL: &str = "https://app.example.com/webhooks/nylas";

/// Some of everything at once, and then an event every few seconds.
pub(crate) async fn start(receiver: &Receiver) -> Result<(), BoxError> {
    let endpoint = receiver.endpoint();
    let nylas = Simulator::builder().speed(60).seed(7).build();
    nylas.host(URL, endpoint.clone());
    receiver.health.expect_challenge(Duration::from_secs(60));
    let triggers = [
        "message.created",
        "message.updated",
        "event.created",
        "contact.updated",
        "grant.expired",
    ];
    let created = nylas.create(&NewDestination::new(URL, triggers)).await?;
    receiver.secrets.set(created.secret())?;
    tokio::spawn(receiver.health.clone().run());

    for (number, trigger) in triggers.iter().cycle().take(15).enumerate() {
        let mut event = Event::new(*trigger);
        if trigger.starts_with("message") {
            event = event.set("data.object.subject", format!("Invoice 2026-{number:03}"));
        }
        nylas.emit(event);
    }
    // Forged, or signed with another secret.
    nylas.inject(Fault::wrong_signature().probability(0.05));
    nylas.inject(Fault::slow(Duration::from_millis(300)).probability(0.1));
    let scanner = Request::post(URL).body(Full::<bytes::Bytes>::from("{}"))?;
    endpoint.oneshot(scanner).await?;
    // By Nylas' time, which passes faster.
    nylas.run(Traffic::new(triggers, Duration::from_secs(120)));
    Ok(())
}
