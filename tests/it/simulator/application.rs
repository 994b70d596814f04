//! An application behind the layers, with a database that can be away.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use tower::Service;
use tower_nylas::{
    BoxError, DeduplicateLayer, Notification, Secrets, State, TriggerRouter, VerifiedBody,
    WebhookLayer,
    dedup::{Deduplicate, MemorySeenIds},
    inbox::{Enqueue, Inbox, MemoryInbox, Worker},
    testing::VirtualClock,
    time::Timer,
    webhook::Webhook,
};

/// How long a handler takes.
const WORK: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(super) struct Application {
    clock: VirtualClock,
    is_away: Arc<AtomicBool>,
    handled: Arc<Mutex<Vec<String>>>,
}

pub(super) type Triggers = TriggerRouter<Application>;

impl Application {
    pub(super) fn new(clock: &VirtualClock) -> Self {
        Self {
            clock: clock.clone(),
            is_away: Arc::default(),
            handled: Arc::default(),
        }
    }

    pub(super) fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Handlers fail until the database is back.
    pub(super) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// The ids of what was handled, in its order.
    pub(super) fn handled(&self) -> Vec<String> {
        self.handled.lock().unwrap().clone()
    }

    pub(super) fn triggers(&self) -> Triggers {
        TriggerRouter::with_state(self.clone())
            .on("message.*", handle)
            .on("event.*", handle)
    }

    pub(super) fn secrets(&self) -> Secrets {
        Secrets::builder().clock(self.clock.clone()).pending()
    }

    fn layer(&self, secrets: &Secrets) -> WebhookLayer {
        WebhookLayer::with_timer(secrets.clone(), self.clock.clone())
    }

    /// Handlers right behind the layer.
    pub(super) fn direct(&self, secrets: &Secrets) -> Webhook<Triggers> {
        self.layer(secrets).layer(self.triggers())
    }

    /// Handlers behind the ids of what was handled.
    pub(super) fn deduplicated(
        &self,
        secrets: &Secrets,
    ) -> Webhook<Deduplicate<Triggers, MemorySeenIds>> {
        let ids = MemorySeenIds::with_clock(self.clock.clone());
        let ids = DeduplicateLayer::over(ids);
        self.layer(secrets).layer(ids.layer(self.triggers()))
    }

    /// Handlers behind an inbox and a worker.
    pub(super) fn stored<I: Inbox>(&self, secrets: &Secrets, inbox: I) -> Webhook<Enqueue<I>> {
        self.work(inbox.clone());
        let enqueue = Enqueue::with_timer(inbox, self.clock.clone());
        self.layer(secrets).layer(enqueue)
    }

    /// The same with another inbox, for what the first one does not store, and back.
    pub(super) fn spilled<I: Inbox>(
        &self,
        secrets: &Secrets,
        inbox: I,
        other: impl Inbox,
    ) -> Webhook<Enqueue<I>> {
        let forward = Enqueue::with_timer(inbox.clone(), self.clock.clone()).forwarding();
        self.run(other.clone(), forward);
        self.work(inbox.clone());
        let enqueue = Enqueue::with_timer(inbox, self.clock.clone()).or(other);
        self.layer(secrets).layer(enqueue)
    }

    fn work(&self, inbox: impl Inbox) {
        self.run(inbox, self.triggers());
    }

    fn run<I: Inbox, S, R>(&self, inbox: I, service: S)
    where
        S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Send + 'static,
    {
        let (clock, tasks) = (self.clock.clone(), self.clock.clone());
        let spawn = move |task| tasks.spawn(task);
        let worker = Worker::on_runtime(inbox, service, clock, spawn);
        self.clock.spawn(async move {
            worker.run_until(std::future::pending()).await.unwrap();
        });
    }

    pub(super) fn inbox(&self) -> MemoryInbox {
        MemoryInbox::with_timer(self.clock.clone())
    }
}

async fn handle(
    State(app): State<Application>,
    notification: Notification,
) -> Result<(), &'static str> {
    app.clock.sleep(WORK).await;
    if app.is_away.load(Ordering::SeqCst) {
        return Err("the database is away");
    }
    let id = notification.id().unwrap_or_default().to_owned();
    app.handled.lock().unwrap().push(id);
    Ok(())
}
