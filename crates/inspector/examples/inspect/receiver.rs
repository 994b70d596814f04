//! What a user of the crate writes.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use http::{Request, Response};
use serde::Deserialize;
use tokio::{net::TcpListener, time::sleep};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_nylas::{
    Ack, BoxError, Notification, Secrets, State, TriggerRouter, VerifiedBody, WebhookLayer,
    health::Health,
    inbox::{Enqueue, Pause},
    notification::object::Message,
    router::RoutedBody,
    webhook::Webhook,
};
use tower_nylas_inspector::{Inspector, Peer, Recent};
use tower_nylas_sqlite::SqliteInbox;

#[derive(Clone)]
pub(crate) struct Receiver {
    inbox: SqliteInbox,
    pub(crate) pause: Pause,
    pub(crate) secrets: Secrets,
    pub(crate) health: Health,
    recent: Recent,
    app: App,
}

#[derive(Clone, Default)]
pub(crate) struct App {
    is_mended: Arc<AtomicBool>,
}

impl App {
    fn is_mended(&self) -> bool {
        self.is_mended.load(Ordering::SeqCst)
    }
}

impl Receiver {
    pub(crate) fn new(inbox: SqliteInbox) -> Self {
        Self {
            inbox,
            pause: Pause::new(),
            secrets: Secrets::pending(),
            health: Health::new(),
            recent: Recent::new(500),
            app: App::default(),
        }
    }

    pub(crate) fn set_mended(&self, is_mended: bool) {
        self.app.is_mended.store(is_mended, Ordering::SeqCst);
        println!(
            "handlers are {}",
            if is_mended { "mended" } else { "broken" }
        );
    }

    /// Mail, events and contacts are stored; what becomes of a grant is handled at once.
    pub(crate) fn endpoint(&self) -> Webhook<TriggerRouter<App>> {
        let store = Enqueue::new(self.inbox.clone());
        let triggers = TriggerRouter::with_state(self.app.clone())
            .on("grant.expired", on_expired)
            .on_service("message.*", store.clone())
            .on_service("event.*", store.clone())
            .on_service("contact.*", store);
        WebhookLayer::new(self.secrets.clone())
            .observe(self.recent.observer())
            .health(&self.health)
            .layer(triggers)
    }

    /// Behind the inbox: those of a deploy in which some are broken, or of the next one.
    pub(crate) fn handlers(
        &self,
    ) -> impl Service<
        Request<VerifiedBody>,
        Response = Response<RoutedBody>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static {
        let common = TriggerRouter::with_state(self.app.clone())
            .on("message.created", on_message)
            .on("message.updated", async || Ack::Discard)
            .on("event.*", on_event);
        let broken = common
            .clone()
            .on("contact.updated", async |_: Notification<Person>| ());
        let mended = common.on("contact.updated", async |_: VerifiedBody| ());
        let app = self.app.clone();
        service_fn(move |request| {
            let triggers = if app.is_mended() { &mended } else { &broken };
            triggers.clone().oneshot(request)
        })
    }

    pub(crate) fn inspector(&self) -> Inspector {
        Inspector::builder()
            .inbox(self.inbox.clone())
            .recent(&self.recent)
            .health(&self.health)
            .pause(&self.pause)
            .on_action(|action| println!("{action}"))
            // Invented mail.
            .show_bodies()
            .loopback_only()
            .build()
    }
}

async fn on_message(mail: Notification<Message>) {
    sleep(Duration::from_millis(20)).await;
    drop(mail);
}

/// Fails until it is mended, and so comes again, later each time.
async fn on_event(State(app): State<App>, _event: VerifiedBody) -> Result<(), BoxError> {
    if app.is_mended() {
        return Ok(());
    }
    Err("the calendar API answered 500 Internal Server Error".into())
}

/// What somebody took for a contact: no contact fits it, so all of them are buried.
#[derive(Deserialize)]
struct Person {
    #[serde(rename = "full_name")]
    _full_name: String,
}

/// Fails at each of Nylas' three attempts, and then the notification is lost: it was not stored.
async fn on_expired(State(app): State<App>) -> Result<(), BoxError> {
    if app.is_mended() {
        return Ok(());
    }
    Err("the database is away: connection refused".into())
}

/// On a port of this machine, with the address of each peer.
pub(crate) async fn serve(listener: TcpListener, inspector: Inspector) -> io::Result<()> {
    let inspector = ServiceBuilder::new()
        .map_request(|mut request: axum::extract::Request| {
            let peer = request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .copied();
            if let Some(ConnectInfo(address)) = peer {
                request.extensions_mut().insert(Peer(address));
            }
            request
        })
        .service(inspector);
    let app = Router::new().nest_service("/inspector", inspector);
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
