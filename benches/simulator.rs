//! How long 72 virtual hours take: three destinations, each with the whole layer and a
//! handler, and 10,000 deliveries in all.
//!
//! ```text
//! cargo bench --bench simulator --features testing
//! ```

use std::time::{Duration, Instant};

use tower_nylas::{
    Notification, Secrets, TriggerRouter, WebhookLayer,
    testing::{
        VirtualClock,
        nylas::{Fault, NewDestination, Simulator, Traffic},
    },
};

const HOURS: Duration = Duration::from_secs(72 * 60 * 60);
const DESTINATIONS: u32 = 3;
const DELIVERIES: u32 = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let mut times: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    times.sort_unstable();
    let per_delivery = times[ROUNDS / 2] / DELIVERIES;
    println!(
        "72 hours, {DESTINATIONS} destinations, about {DELIVERIES} deliveries: {:?} (of {ROUNDS} \
         rounds: {:?} to {:?}), {per_delivery:?} each",
        times[ROUNDS / 2],
        times[0],
        times[ROUNDS - 1]
    );
}

fn round() -> Duration {
    let begin = Instant::now();
    let clock = VirtualClock::new();
    let nylas = Simulator::builder().clock(clock.clone()).seed(7).build();
    for destination in 0..DESTINATIONS {
        let secrets = Secrets::builder().clock(clock.clone()).pending();
        let triggers = TriggerRouter::new()
            .on("message.*", async |_: Notification| ())
            .on("event.*", async |_: Notification| ());
        let endpoint = WebhookLayer::with_timer(secrets.clone(), clock.clone()).layer(triggers);
        let url = format!("https://app.example.com/{destination}");
        nylas.host(&url, endpoint);
        let new = NewDestination::new(url, ["message.created", "event.updated"]);
        let created = clock.run_until(nylas.create(&new)).expect("it answers");
        secrets.set(created.secret()).expect("it is a secret");
    }
    nylas.inject(Fault::answer_lost().probability(0.02));
    // What one of them does not get is sent to all again.
    let events = DELIVERIES * 94 / 100 / DESTINATIONS;
    let traffic = Traffic::new(["message.created", "event.updated"], HOURS / events);
    nylas.run(traffic.day_and_night().during(HOURS));
    clock.run_until(nylas.settled());
    let ledger = nylas.ledger();
    ledger.no_event_lost();
    let deliveries = ledger.attempts().len();
    let wanted = DELIVERIES as usize;
    assert!(deliveries.abs_diff(wanted) < wanted / 10, "{deliveries}");
    begin.elapsed()
}
