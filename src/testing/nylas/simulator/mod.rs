//! The whole of Nylas' webhooks.

mod builder;
mod delivery;
mod destination;
mod draws;
mod emission;
mod error;
mod event;
mod fault;
mod ledger;
mod management;
mod network;
mod objects;
mod operations;
mod readings;
mod schedule;
mod state;
mod statuses;
mod test_event;
mod time;
mod traffic;
mod triggers;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use serde_json::Value;
use tower_service::Service;

pub use self::{
    builder::{Builder, Task},
    destination::{Created, Destination, DestinationId, DestinationUpdate, NewDestination},
    error::ManagementError,
    event::Event,
    fault::{Fault, Injected},
    ledger::{AttemptRecord, EventRecord, Fate, Ledger, Note, Step, TestEventRecord, Totals},
    management::{Cut, Management, ManagementBody},
    network::Hosted,
    readings::{Attempts, PayloadSize, Readings, Retried, RetrySecret, TruncatedBody},
    statuses::Status,
    traffic::Traffic,
};
use self::{
    draws::Purpose,
    network::erase,
    state::{Shared, State},
};
use crate::report::BoxError;

/// Nylas as its webhooks show it: destinations with their challenges, secrets and statuses, the
/// deliveries with their repetitions, and the management API.
///
/// Clones are handles of the same one.
///
/// ```
/// use std::time::Duration;
/// use tower_nylas::{Secrets, TriggerRouter, WebhookLayer};
/// use tower_nylas::testing::{VirtualClock, nylas::{NewDestination, Simulator, Traffic}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = VirtualClock::new();
/// let nylas = Simulator::builder().clock(clock.clone()).seed(7).build();
///
/// let secrets = Secrets::pending();
/// let endpoint = WebhookLayer::with_timer(secrets.clone(), clock.clone())
///     .layer(TriggerRouter::new().on("message.*", async || ()));
/// let url = "https://app.example.com/webhooks/nylas";
/// nylas.host(url, endpoint);
///
/// let new = NewDestination::new(url, ["message.created", "message.updated"]);
/// let created = clock.run_until(nylas.create(&new))?;
/// secrets.set(created.secret())?;
///
/// let hour = Duration::from_secs(60 * 60);
/// nylas.run(Traffic::new(["message.created"], Duration::from_secs(30)).during(hour));
/// clock.run_until(nylas.settled());
/// nylas.ledger().no_event_lost();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

impl Simulator {
    /// The key of the management API, unless [another one](Builder::api_key) was set.
    pub const API_KEY: &str = "nyk_v0_invented-key";

    /// Puts an endpoint at a URL. Several at one URL are replicas, and get the requests by turns.
    ///
    /// # Panics
    ///
    /// Panics if the URL is not an absolute one of `http` or `https`.
    #[track_caller]
    pub fn host<S, R>(&self, url: &str, endpoint: S) -> Hosted
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Body<Error: Into<BoxError>> + Send + 'static,
    {
        let url: Uri = operations::check_url(url).unwrap_or_else(|why| panic!("{why}"));
        let call = erase(endpoint);
        self.shared.state().network.host(url, call.clone());
        Hosted::new(call, Arc::downgrade(&self.shared))
    }

    /// Creates a destination: sends the challenge, and issues the secret if it was answered
    /// rightly.
    ///
    /// # Errors
    ///
    /// [`ManagementError`] as from the management API.
    pub async fn create(&self, new: &NewDestination) -> Result<Created, ManagementError> {
        self.shared.create(new).await
    }

    /// Changes a destination. Setting it active and giving it another URL sends the challenge
    /// first.
    ///
    /// # Errors
    ///
    /// [`ManagementError`] as from the management API.
    pub async fn update(
        &self,
        id: impl AsRef<str>,
        update: &DestinationUpdate,
    ) -> Result<Destination, ManagementError> {
        self.shared.update(id.as_ref(), update).await
    }

    /// Issues another secret, with which everything is signed from now on.
    ///
    /// # Errors
    ///
    /// [`ManagementError::UnknownDestination`].
    pub fn rotate(&self, id: impl AsRef<str>) -> Result<Created, ManagementError> {
        let rotated = self.shared.rotate(id.as_ref())?;
        Ok(Created {
            id: rotated.id,
            secret: rotated.secret,
        })
    }

    /// Deletes a destination.
    ///
    /// # Errors
    ///
    /// [`ManagementError::UnknownDestination`].
    pub fn delete(&self, id: impl AsRef<str>) -> Result<(), ManagementError> {
        self.shared.delete(id.as_ref())
    }

    /// Adds or replaces a destination as somebody else has made it: with this id, this secret and
    /// this status, and without a challenge. Its triggers need not exist.
    ///
    /// # Errors
    ///
    /// [`ManagementError::Invalid`] for a URL or a secret that is none.
    pub fn put(
        &self,
        id: &str,
        secret: &str,
        new: &NewDestination,
        status: Status,
    ) -> Result<DestinationId, ManagementError> {
        let id = DestinationId::new(id);
        self.shared.put(id.clone(), secret, new, status)?;
        Ok(id)
    }

    /// The destinations, in the order in which they were created.
    pub fn destinations(&self) -> Vec<Destination> {
        let state = self.shared.state();
        let all = state.destinations.iter().map(|entry| &entry.destination);
        all.cloned().collect()
    }

    /// The status of a destination; `None` if there is none of this id.
    pub fn status_of(&self, id: impl AsRef<str>) -> Option<Status> {
        let found = self.shared.destination(id.as_ref()).ok()?;
        Some(found.status)
    }

    /// Something happens, and those that are subscribed to it are notified. Returns the id of the
    /// notification.
    ///
    /// # Panics
    ///
    /// Panics if there is no sample of its trigger, or one of its changes does not fit that; and on
    /// tokio, outside its runtime.
    #[track_caller]
    pub fn emit(&self, event: impl Into<Event>) -> Arc<str> {
        self.shared.emit(&event.into())
    }

    /// Events happen from now on.
    ///
    /// # Panics
    ///
    /// On tokio, panics outside its runtime.
    pub fn run(&self, traffic: Traffic) {
        let random = self.shared.next_random(Purpose::Traffic);
        let run = traffic.run(self.shared.clone(), random);
        self.shared.spawn(run);
    }

    /// Waits until no traffic goes on and no notification is under way.
    pub async fn settled(&self) {
        self.shared.settled().await;
    }

    /// How many runs of traffic go on and notifications are under way, each of which may still have
    /// attempts to come, be it that an answer was lost.
    pub fn under_way(&self) -> usize {
        self.shared.under_way()
    }

    /// How many attempts are due or sent, and not answered yet. One that a
    /// [fault](Fault::out_of_order) delays is none of them meanwhile, nor is a notification that
    /// waits for its next attempt.
    pub fn in_flight(&self) -> usize {
        self.shared.state().in_flight
    }

    /// Lets something go wrong from now on.
    pub fn inject(&self, fault: Fault) -> Injected {
        let (injected, active) = Injected::new(fault, Arc::downgrade(&self.shared));
        self.shared.state().faults.push(active);
        injected
    }

    /// Ends everything that goes wrong.
    pub fn clear_faults(&self) {
        let faults = std::mem::take(&mut self.shared.state().faults);
        for fault in faults {
            fault.remove();
        }
    }

    /// Everything until now.
    pub fn ledger(&self) -> Ledger {
        self.shared.state().ledger.clone()
    }

    /// Reads everything until now without a copy of it.
    ///
    /// Nylas stands still meanwhile: `read` must not wait, nor use the simulator.
    pub fn with_ledger<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        read(&self.shared.state().ledger)
    }

    /// How much time has passed since the start, which is what the ledger's times count from.
    pub fn elapsed(&self) -> Duration {
        self.shared.time.elapsed()
    }

    /// An object that the management API returns at `/v3/grants/GRANT/COLLECTION/ID`, for instance
    /// of the collection `messages`. Those of truncated notifications, the last 100, are there by
    /// themselves.
    pub fn store_object(&self, grant: &str, collection: &str, id: &str, object: Value) {
        let path = objects::path(grant, collection, id);
        self.shared.state().objects.put(path, object);
    }

    /// Removes such an object, so that it is answered with `404`.
    pub fn remove_object(&self, grant: &str, collection: &str, id: &str) {
        let path = objects::path(grant, collection, id);
        self.shared.state().objects.remove(&path);
    }

    /// The management API, for any client or server.
    pub fn management(&self) -> Management {
        Management::new(self.shared.clone())
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("elapsed", &self.elapsed())
            .field("destinations", &self.destinations())
            .finish_non_exhaustive()
    }
}
