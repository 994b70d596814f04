//! The simulated Nylas, and the layers under it: days on virtual time.

mod deliveries;
mod management;
mod scripted;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tower_nylas::{
    Notification, Secrets, TriggerRouter, WebhookLayer,
    testing::{
        VirtualClock,
        nylas::{Builder, Created, DestinationId, NewDestination, Simulator},
    },
    webhook::Webhook,
};

const URL: &str = "https://app.example.com/webhooks/nylas";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The ids of what handlers have handled, in its order.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<Vec<String>>>);

impl Handled {
    fn add(&self, notification: &Notification) {
        let id = notification.id().unwrap_or_default();
        self.0.lock().unwrap().push(id.to_owned());
    }

    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A simulated Nylas with one destination, and the secrets of its endpoint.
struct Stage {
    clock: VirtualClock,
    nylas: Simulator,
    #[expect(dead_code, reason = "scenarios will exchange them")]
    secrets: Secrets,
    handled: Handled,
    id: DestinationId,
}

fn builder(clock: &VirtualClock) -> Builder {
    Simulator::builder().clock(clock.clone())
}

fn new_destination() -> NewDestination {
    NewDestination::new(URL, ["message.created", "event.updated"])
        .notification_email_addresses(["ops@app.example.com"])
}

fn create(clock: &VirtualClock, nylas: &Simulator, new: &NewDestination) -> Created {
    clock.run_until(nylas.create(new)).unwrap()
}

/// Handlers that succeed, as an endpoint that knows no secret yet.
fn handling(clock: &VirtualClock, handled: &Handled) -> (Secrets, Webhook<TriggerRouter>) {
    let (secrets, seen) = (
        Secrets::builder().clock(clock.clone()).pending(),
        handled.clone(),
    );
    let handle = move |notification: Notification| {
        seen.add(&notification);
        async {}
    };
    let triggers = TriggerRouter::new()
        .on("message.*", handle.clone())
        .on("event.*", handle);
    let layer = WebhookLayer::with_timer(secrets.clone(), clock.clone());
    (secrets, layer.layer(triggers))
}

impl Stage {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = VirtualClock::new();
        let nylas = settings(builder(&clock)).build();
        let handled = Handled::default();
        let (secrets, endpoint) = handling(&clock, &handled);
        nylas.host(URL, endpoint);
        let created = create(&clock, &nylas, &new_destination());
        secrets.set(created.secret()).unwrap();
        Self {
            clock,
            nylas,
            secrets,
            handled,
            id: created.id,
        }
    }

    fn settle(&self) {
        self.clock.run_until(self.nylas.settled());
    }
}
