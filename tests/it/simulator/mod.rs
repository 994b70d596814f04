//! The simulated Nylas, and with it days of a receiver's life on virtual time.

#![cfg(all(feature = "dedup", feature = "inbox"))]

mod application;
mod challenges;
mod connections;
mod deliveries;
mod deploys;
mod determinism;
mod ledger;
mod management;
mod outages;
mod readings;
mod rotations;
mod scripted;
mod statuses;
mod test_events;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::Service;
use tower_nylas::{
    BoxError, Secrets,
    testing::{
        VirtualClock,
        nylas::{Builder, Created, DestinationId, NewDestination, Simulator, Traffic},
    },
};

use self::application::Application;

const URL: &str = "https://app.example.com/webhooks/nylas";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

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

/// A simulated Nylas, an application, and one destination between them.
struct Stage {
    clock: VirtualClock,
    nylas: Simulator,
    app: Application,
    secrets: Secrets,
    id: DestinationId,
}

impl Stage {
    /// With handlers right behind the layer.
    fn direct() -> Self {
        Self::new(Application::direct)
    }

    fn stored() -> Self {
        Self::new(|app, secrets| app.stored(secrets, app.inbox()))
    }

    fn new<S, R>(endpoint: impl FnOnce(&Application, &Secrets) -> S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Body<Error: Into<BoxError>> + Send + 'static,
    {
        Self::with(|builder| builder, endpoint)
    }

    fn with<S, R>(
        settings: impl FnOnce(Builder) -> Builder,
        endpoint: impl FnOnce(&Application, &Secrets) -> S,
    ) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Body<Error: Into<BoxError>> + Send + 'static,
    {
        let clock = VirtualClock::new();
        let nylas = settings(builder(&clock)).build();
        let app = Application::new(&clock);
        let secrets = app.secrets();
        nylas.host(URL, endpoint(&app, &secrets));
        let created = create(&clock, &nylas, &new_destination());
        secrets.set(created.secret()).unwrap();
        Self {
            clock,
            nylas,
            app,
            secrets,
            id: created.id,
        }
    }

    /// Two kinds of events, one in this time on average.
    fn traffic(&self, each: Duration, during: Duration) {
        let traffic = Traffic::new(["message.created", "event.updated"], each);
        self.nylas.run(traffic.during(during));
    }

    /// Until Nylas has nothing more to send, and then until a worker has nothing more to do, unless
    /// handlers were away for more than minutes.
    fn settle(&self) {
        self.clock.run_until(self.nylas.settled());
        self.clock.run_for(10 * MINUTE);
    }

    /// Nothing is lost, and everything handled once.
    fn assert_whole(&self) {
        let ledger = self.nylas.ledger();
        ledger.no_event_lost();
        ledger.handled_exactly_once(self.app.handled());
    }
}
