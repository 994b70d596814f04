//! Nylas' management API of webhooks, as its reference describes it, with a connection that can be
//! cut.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::Service;
use tower_nylas::BoxError;

use crate::{
    delivery::UUID,
    wire::{head, send},
};

/// The API of one application.
#[derive(Debug, Clone, Default)]
pub struct Management {
    state: Arc<Mutex<State>>,
    endpoint: Arc<watch::Sender<Option<SocketAddr>>>,
}

#[derive(Debug, Default)]
struct State {
    /// With their secrets.
    destinations: Vec<Value>,
    requests: Vec<String>,
    issued: usize,
    cut: Option<(usize, Cut)>,
    challenges: Challenges,
}

/// How challenges are answered.
#[derive(Debug, Clone, Copy, Default)]
pub enum Challenges {
    #[default]
    Right,
    /// With `404`.
    Wrong,
    /// As the endpoint does whose address was [told](Management::serve).
    Sent,
}

/// Where a connection is cut.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// Before Nylas has got the request.
    Request,
    /// Behind that: Nylas has done what was asked, and its answer does not arrive.
    Answer,
}

/// The only key that it accepts.
pub const API_KEY: &str = "nyk_v0_invented-key";

impl Management {
    pub fn with_challenges(challenges: Challenges) -> Self {
        let management = Self::default();
        management.state().challenges = challenges;
        management
    }

    /// Cuts the connection of the request with this number, from 0, and of no other.
    pub fn cut(&self, request: usize, at: Cut) {
        let state = &mut *self.state();
        state.cut = Some((state.requests.len() + request, at));
    }

    /// The requests since the last time, as `POST /v3/webhooks`.
    pub fn requests(&self) -> Vec<String> {
        let state = &mut *self.state();
        state.cut = None;
        std::mem::take(&mut state.requests)
    }

    /// Adds or changes a destination, as somebody else does.
    pub fn put(&self, id: &str, fields: Value) {
        let state = &mut *self.state();
        let mut put = state.create(fields);
        put["id"] = id.into();
        state.destinations.retain(|it| it["id"] != id);
        state.destinations.push(put);
    }

    pub fn remove(&self, id: &str) {
        self.state().destinations.retain(|it| it["id"] != id);
    }

    pub fn destinations(&self) -> Vec<Value> {
        self.state().destinations.clone()
    }

    /// Where the endpoints of all URLs are. Challenges wait until that is known.
    pub fn serve(&self, endpoint: SocketAddr) {
        self.endpoint.send_replace(Some(endpoint));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn answer<B>(self, request: Request<B>) -> io::Result<Response<Full<Bytes>>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let (parts, body) = request.into_parts();
        let line = format!("{} {}", parts.method, parts.uri.path());
        let cut = {
            let state = &mut *self.state();
            let at = state.requests.len();
            state.requests.push(line);
            state.cut.and_then(|(cut, how)| (cut == at).then_some(how))
        };
        let lost = || io::Error::from(io::ErrorKind::ConnectionReset);
        if let Some(Cut::Request) = cut {
            return Err(lost());
        }
        let body = body.collect().await;
        let body = body.map_err(|_| lost())?.to_bytes();
        let is_authorized = parts
            .headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| *value == format!("Bearer {API_KEY}"));
        let (status, answer) = if is_authorized {
            self.act(&parts.method, &parts.uri, &body).await
        } else {
            error(401, "unauthorized", "the key is wrong")
        };
        if let Some(Cut::Answer) = cut {
            return Err(lost());
        }
        let mut response = Response::new(Full::from(answer.to_string()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok(response)
    }

    async fn act(&self, method: &Method, uri: &Uri, body: &[u8]) -> (u16, Value) {
        let fields: Value = serde_json::from_slice(body).unwrap_or_default();
        let path: Vec<&str> = uri.path().split('/').skip(2).collect();
        match (method.as_str(), &path[..]) {
            ("POST", ["webhooks"]) => {
                if self.state().has_url(&fields["webhook_url"], "") {
                    return error(409, "conflict", "there is a destination at this URL");
                }
                if let Err(refused) = self.challenge(&fields["webhook_url"]).await {
                    return refused;
                }
                let state = &mut *self.state();
                let created = state.create(fields);
                state.destinations.push(created.clone());
                success(&created)
            }
            ("GET", ["webhooks"]) => {
                let destinations = self.destinations().into_iter().map(without_secret);
                success(&destinations.collect())
            }
            ("POST", ["webhooks", "rotate-secret", id]) => self.change(id, |state, it| {
                it["webhook_secret"] = state.new_secret();
                it.clone()
            }),
            ("GET", ["webhooks", id]) => self.change(id, |_, it| without_secret(it.clone())),
            ("DELETE", ["webhooks", id]) => {
                let answer = self.change(id, |_, _| json!({"status": "success"}));
                self.remove(id);
                answer
            }
            ("PUT", ["webhooks", id]) => {
                if self.state().has_url(&fields["webhook_url"], id) {
                    return error(409, "conflict", "there is a destination at this URL");
                }
                let url = match (&fields["webhook_url"], &fields["status"]) {
                    (Value::Null, Value::String(status)) if status == "active" => {
                        let all = self.destinations();
                        let found = all.into_iter().find(|it| it["id"] == *id);
                        found.unwrap_or_default()["webhook_url"].take()
                    }
                    (url, _) => url.clone(),
                };
                if !url.is_null()
                    && let Err(refused) = self.challenge(&url).await
                {
                    return refused;
                }
                self.change(id, |_, it| {
                    for (name, value) in fields.as_object().into_iter().flatten() {
                        it[name] = value.clone();
                    }
                    without_secret(it.clone())
                })
            }
            _ => error(404, "not_found", "no such path"),
        }
    }

    fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut State, &mut Value) -> Value,
    ) -> (u16, Value) {
        let state = &mut *self.state();
        let at = state.destinations.iter().position(|it| it["id"] == id);
        let Some(at) = at else {
            return error(404, "70000", "destination.id.not.found : record not found");
        };
        let mut destination = state.destinations[at].take();
        let answer = change(state, &mut destination);
        state.destinations[at] = destination;
        success(&answer)
    }

    async fn challenge(&self, url: &Value) -> Result<(), (u16, Value)> {
        let challenges = self.state().challenges;
        let status = match challenges {
            Challenges::Right => return Ok(()),
            Challenges::Wrong => 404,
            Challenges::Sent => {
                let url: Uri = url.as_str().unwrap().parse().unwrap();
                let mut endpoint = self.endpoint.subscribe();
                let address = *endpoint.wait_for(Option::is_some).await.unwrap();
                let target = format!("{}?challenge={UUID}", url.path());
                let answer = send(address.unwrap(), head("GET", &target, &[]).as_bytes()).await;
                if answer.status == 200 && answer.body == UUID.as_bytes() {
                    return Ok(());
                }
                answer.status.as_u16()
            }
        };
        let why = format!("unable.verify.webhook_url : status is not ok, got {status}");
        Err(error(400, "70005", &why))
    }
}

impl State {
    fn has_url(&self, url: &Value, except: &str) -> bool {
        let others = self.destinations.iter().filter(|it| it["id"] != except);
        others.into_iter().any(|it| it["webhook_url"] == *url)
    }

    fn create(&mut self, mut fields: Value) -> Value {
        let secret = self.new_secret();
        let id = format!("wh-{}", self.issued);
        let object = fields.as_object_mut().unwrap();
        object.insert("id".to_owned(), id.into());
        object.insert("webhook_secret".to_owned(), secret);
        object
            .entry("status")
            .or_insert_with(|| Value::from("active"));
        fields
    }

    fn new_secret(&mut self) -> Value {
        self.issued += 1;
        format!("invented-secret-{}", self.issued).into()
    }
}

fn without_secret(mut destination: Value) -> Value {
    destination
        .as_object_mut()
        .unwrap()
        .remove("webhook_secret");
    destination
}

fn success(data: &Value) -> (u16, Value) {
    (200, json!({"request_id": "r-1", "data": data}))
}

fn error(status: u16, name: &str, message: &str) -> (u16, Value) {
    let error = json!({"type": name, "message": message});
    (status, json!({"request_id": "r-1", "error": error}))
}

impl<B> Service<Request<B>> for Management
where
    B: Body<Error: Into<BoxError>> + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}
