//! A server with an inspector, and what stands behind it.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use http::{Request, StatusCode};
use reqwest::{Client, redirect::Policy};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_nylas::{
    Notification, Secrets, TriggerRouter, VerifiedBody, WebhookLayer, WebhookSecret,
    health::Health,
    inbox::{
        DeadCause, Enqueue, Entry, EntryKey, Inbox, Inspect, Pause, Query, Settlement, Worker,
    },
    testing,
};
use tower_nylas_inspector::{Builder, Closed, Inspector, Open, Peer, Recent};
use tower_nylas_sqlite::SqliteInbox;

pub(crate) const PATH: &str = "/ops/inspector";

const SECRET: &str = "an-invented-secret";

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) inbox: SqliteInbox,
    pub(crate) recent: Recent,
    pub(crate) health: Health,
    pub(crate) pause: Pause,
    pub(crate) file: PathBuf,
    /// What the hook was told.
    pub(crate) actions: Arc<Mutex<Vec<String>>>,
    /// Whether handlers can read what they get.
    pub(crate) is_mended: Arc<AtomicBool>,
    next: AtomicU64,
    client: Client,
    _folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// No object has it.
#[derive(Deserialize)]
struct Unfit {
    #[serde(rename = "not_there")]
    _not_there: u32,
}

impl Stage {
    /// On a loopback address, for loopback addresses.
    pub(crate) async fn start() -> Self {
        Self::with(Builder::loopback_only).await
    }

    pub(crate) async fn with(finish: impl FnOnce(Builder<Closed>) -> Builder<Open>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("nylas-inspector-{}-{number}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        let file = folder.0.join("inbox.db");
        let inbox = SqliteInbox::open(&file).await.unwrap();
        let (recent, health, pause) = (Recent::new(200), Health::new(), Pause::new());
        let actions = Arc::new(Mutex::new(Vec::new()));
        let told = actions.clone();
        let builder = Inspector::builder()
            .inbox(inbox.clone())
            .recent(&recent)
            .health(&health)
            .pause(&pause)
            .on_action(move |action| told.lock().unwrap().push(action.to_string()));
        let address = serve(finish(builder).build()).await;
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self {
            address,
            inbox,
            recent,
            health,
            pause,
            file,
            actions,
            is_mended: Arc::default(),
            next: AtomicU64::new(1),
            client,
            _folder: folder,
        }
    }

    pub(crate) fn url(&self, query: &str) -> String {
        format!("http://{}{PATH}{query}", self.address)
    }

    pub(crate) async fn get(&self, query: &str) -> (StatusCode, String) {
        // As a browser does that follows a link of a page.
        let request = self.client.get(self.url(query));
        let request = request.header("sec-fetch-site", "same-origin");
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// A page that is there.
    pub(crate) async fn page(&self, query: &str) -> String {
        let (status, text) = self.get(query).await;
        assert_eq!(status, StatusCode::OK, "{query}: {text}");
        text
    }

    pub(crate) async fn json(&self, query: &str) -> Value {
        let (status, value) = self.json_of(query).await;
        assert_eq!(status, StatusCode::OK, "{query}: {value}");
        value
    }

    pub(crate) async fn json_of(&self, query: &str) -> (StatusCode, Value) {
        let request = self.client.get(self.url(query));
        let response = request
            .header("accept", "application/json")
            .send()
            .await
            .unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    /// As a browser sends a form of a page.
    pub(crate) async fn post(&self, form: &str) -> (StatusCode, String) {
        let response = self.posting(form).send().await.unwrap();
        let status = response.status();
        let location = response.headers().get("location");
        let location = location.map(|link| link.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        (status, location.unwrap_or(text))
    }

    pub(crate) async fn post_json(&self, form: &str) -> (StatusCode, Value) {
        let request = self.posting(form).header("accept", "application/json");
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn posting(&self, form: &str) -> reqwest::RequestBuilder {
        self.client
            .post(self.url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(form.to_owned())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn store(&self, notification: String) -> EntryKey {
        let entry = Entry::new(&testing::verified_by("default", notification), now());
        let key = entry.key();
        self.inbox.append(entry).await.unwrap();
        key
    }

    /// A message with a subject of a grant, with an id of its own.
    pub(crate) fn message(&self, subject: &str, grant: &str) -> String {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        notification("message.created", &format!("n-{number}"), grant, subject)
    }

    /// Stores it, and buries it.
    pub(crate) async fn bury(&self, notification: String, cause: DeadCause, why: &str) -> EntryKey {
        let key = self.store(notification).await;
        loop {
            let claimed = self.inbox.claim(64, Duration::ZERO).await.unwrap();
            for claim in claimed {
                let is_it = claim.entry.key() == key;
                let settlement = if is_it {
                    let why = why.to_owned();
                    Settlement::Dead { cause, why }
                } else {
                    let (after, why) = (Duration::from_secs(3600), "put off".to_owned());
                    Settlement::Retry {
                        after,
                        failed: true,
                        why,
                    }
                };
                self.inbox.settle(&claim.receipt, settlement).await.unwrap();
                if is_it {
                    return key;
                }
            }
        }
    }

    pub(crate) async fn bury_many(&self, count: usize, cause: DeadCause) -> Vec<EntryKey> {
        let mut keys = Vec::new();
        for _ in 0..count {
            let mail = self.message("one of many", "g-many");
            keys.push(self.bury(mail, cause, "one of many").await);
        }
        keys
    }

    /// A worker whose handlers cannot read what they get, until they are mended.
    pub(crate) fn work(&self) {
        let unfit = TriggerRouter::new().fallback(async |_: Notification<Unfit>| ());
        let fit = TriggerRouter::new().fallback(async |_: VerifiedBody| ());
        let is_mended = self.is_mended.clone();
        let service = service_fn(move |request: Request<VerifiedBody>| {
            let (fit, unfit) = (fit.clone(), unfit.clone());
            let is_mended = is_mended.load(Ordering::SeqCst);
            async move {
                if is_mended {
                    fit.oneshot(request).await
                } else {
                    unfit.oneshot(request).await
                }
            }
        });
        let worker = Worker::new(self.inbox.clone(), service).pause(&self.pause);
        tokio::spawn(worker.run_until(std::future::pending()));
    }

    pub(crate) fn mend(&self) {
        self.is_mended.store(true, Ordering::SeqCst);
    }

    /// Sends a notification as Nylas does, to an endpoint that stores it.
    pub(crate) async fn deliver(&self, notification: String) -> StatusCode {
        self.deliver_to("default", notification).await
    }

    /// The same, to another destination than the default one.
    pub(crate) async fn deliver_to(&self, label: &str, notification: String) -> StatusCode {
        let secret = WebhookSecret::new(SECRET).unwrap();
        let request = testing::signed_request(&secret, notification);
        let secrets = Secrets::builder().label(label).secret(SECRET).unwrap();
        let layer = WebhookLayer::new(secrets)
            .observe(self.recent.observer())
            .health(&self.health);
        let service = layer.layer(Enqueue::new(self.inbox.clone()));
        service.oneshot(request).await.unwrap().status()
    }

    /// Sends one whose handler fails.
    pub(crate) async fn fail(&self, notification: String) -> StatusCode {
        let secret = WebhookSecret::new(SECRET).unwrap();
        let request = testing::signed_request(&secret, notification);
        let failing = async |_: VerifiedBody| Err::<(), _>("the database is away");
        self.endpoint(request, TriggerRouter::new().fallback(failing))
            .await
    }

    /// Sends one without a signature.
    pub(crate) async fn forge(&self) -> StatusCode {
        let request = Request::post("/")
            .body(http_body_util::Full::from("{}"))
            .unwrap();
        self.endpoint(request, TriggerRouter::new()).await
    }

    async fn endpoint<S, R>(
        &self,
        request: Request<http_body_util::Full<bytes::Bytes>>,
        service: S,
    ) -> StatusCode
    where
        S: tower::Service<Request<VerifiedBody>, Response = http::Response<R>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<tower_nylas::BoxError>,
        S::Future: Send,
        R: http_body::Body<Error: Into<tower_nylas::BoxError>> + Send + 'static,
    {
        let layer = WebhookLayer::new(Secrets::new(SECRET).unwrap())
            .observe(self.recent.observer())
            .health(&self.health);
        layer
            .layer(service)
            .oneshot(request)
            .await
            .unwrap()
            .status()
    }

    pub(crate) async fn count(&self, state: tower_nylas::inbox::EntryState) -> usize {
        let mut query = Query::default();
        (query.state, query.any_cause, query.max) = (Some(state), true, 1_000);
        self.inbox.list(&query).await.unwrap().len()
    }

    /// Waits until something is so, which another task brings about.
    pub(crate) async fn until<F>(&self, what: &str, mut is_so: impl FnMut() -> F)
    where
        F: Future<Output = bool>,
    {
        for _ in 0..600 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not within 30 s: {what}");
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        self.actions.lock().unwrap().clone()
    }

    /// Whoever keeps a record was told of so many actions that were refused, for this reason, and
    /// of none that was begun.
    pub(crate) fn assert_refused(&self, count: usize, why: &str) {
        let actions = std::mem::take(&mut *self.actions.lock().unwrap());
        assert_eq!(actions.len(), count, "{actions:?}");
        for action in &actions {
            let reason = action.split_once(", refused: ");
            assert!(
                reason.is_some_and(|(_, reason)| reason.contains(why)),
                "{action}"
            );
        }
    }
}

/// Under a path, on a port of this machine, with the address of the peer.
pub(crate) async fn serve(inspector: Inspector) -> SocketAddr {
    let service = ServiceBuilder::new()
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
    serve_app(Router::new().nest_service(PATH, service)).await
}

pub(crate) async fn serve_app(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) fn now() -> Duration {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap()
}

pub(crate) fn notification(trigger: &str, id: &str, grant: &str, subject: &str) -> String {
    serde_json::json!({
        "specversion": "1.0",
        "type": trigger,
        "id": id,
        "time": now().as_secs(),
        "webhook_delivery_attempt": 1,
        "data": {
            "application_id": "an-application",
            "grant_id": grant,
            "object": {
                "id": format!("object-of-{id}"),
                "grant_id": grant,
                "object": "message",
                "subject": subject,
            },
        },
    })
    .to_string()
}

/// What a page's form sends, but for what is typed: that of an action, of which it has one.
pub(crate) fn form_of(page: &str) -> String {
    let (_, form) = page.split_once("method=\"post\"").expect("a form");
    let (form, _) = form.split_once("</form>").unwrap();
    let mut fields = form_urlencoded::Serializer::new(String::new());
    for part in form
        .split('<')
        .filter(|part| part.contains("type=\"hidden\""))
    {
        let value = |name: &str| Some(part.split_once(name)?.1.split_once('"')?.0);
        let (name, value) = (value("name=\""), value("value=\""));
        fields.append_pair(name.unwrap(), value.unwrap());
    }
    let button = form.split_once("name=\"action\" value=\"");
    if let Some((before, button)) = button
        && before.contains("<button")
    {
        fields.append_pair("action", button.split_once('"').unwrap().0);
    }
    fields.finish()
}

/// An inspector without a stage.
pub(crate) struct At(pub(crate) SocketAddr);

impl At {
    fn url(&self, query: &str) -> String {
        format!("http://{}{PATH}{query}", self.0)
    }

    pub(crate) async fn get(&self, query: &str) -> (StatusCode, String) {
        let response = reqwest::get(self.url(query)).await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    pub(crate) async fn get_with(&self, query: &str, headers: &[(&str, &str)]) -> StatusCode {
        let mut request = Client::new().get(self.url(query));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status()
    }

    pub(crate) async fn json(&self, query: &str) -> Value {
        let request = Client::new().get(self.url(query));
        let request = request.header("accept", "application/json");
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn posting(&self, form: &str) -> reqwest::RequestBuilder {
        Client::new()
            .post(self.url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(form.to_owned())
    }

    pub(crate) async fn post(&self, form: &str) -> (StatusCode, Value) {
        let request = self.posting(form).header("accept", "application/json");
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    pub(crate) async fn post_page(&self, form: &str) -> String {
        let response = self.posting(form).send().await.unwrap();
        response.text().await.unwrap()
    }
}
