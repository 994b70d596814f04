//! Nylas, as far as the scene needs it.

use std::{net::SocketAddr, sync::Arc};

use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{sync::Mutex, task::JoinSet};
use tower_nylas::{BoxError, WebhookSecret};

/// How many requests are under way at a time.
const CONNECTIONS: usize = 16;

pub(crate) type Body = Full<axum::body::Bytes>;

pub(crate) struct Sender {
    secret: WebhookSecret,
}

impl Sender {
    pub(crate) fn new(secret: &str) -> Result<Self, BoxError> {
        Ok(Self {
            secret: WebhookSecret::new(secret)?,
        })
    }

    /// Sends the notifications with these numbers once each, and returns those of which the answer
    /// was `200`. Calls `on_accepted` with their number after each.
    pub(crate) async fn send(
        &self,
        address: SocketAddr,
        numbers: Vec<u32>,
        on_accepted: impl Fn(usize) + Send + Sync + 'static,
    ) -> Result<Vec<u32>, BoxError> {
        let requests: Result<Vec<_>, BoxError> = numbers
            .into_iter()
            .map(|number| Ok((number, self.request(address, number)?)))
            .collect();
        let requests = Arc::new(Mutex::new(requests?));
        let accepted = Arc::new(Mutex::new(Vec::new()));
        let on_accepted = Arc::new(on_accepted);
        let mut senders = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (requests, accepted) = (requests.clone(), accepted.clone());
            let on_accepted = on_accepted.clone();
            senders.spawn(async move {
                let client: Client<HttpConnector, Body> =
                    Client::builder(TokioExecutor::new()).build_http();
                loop {
                    let next = requests.lock().await.pop();
                    let Some((number, request)) = next else { break };
                    let answer = client.request(request).await;
                    if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                        let mut accepted = accepted.lock().await;
                        accepted.push(number);
                        on_accepted(accepted.len());
                    }
                }
            });
        }
        senders.join_all().await;
        Ok(std::mem::take(&mut *accepted.lock().await))
    }

    fn request(&self, address: SocketAddr, number: u32) -> Result<Request<Body>, BoxError> {
        let body = format!(
            r#"{{"specversion":"1.0","type":"message.created","id":"{}","data":{{"object":{{"id":"m-{number}","grant_id":"g-1"}}}}}}"#,
            id(number)
        );
        let signature = self.secret.sign(body.as_bytes()).to_hex();
        let request = Request::post(format!("http://{address}/webhooks/nylas"))
            .header("content-type", "application/json")
            .header("x-nylas-signature", signature);
        Ok(request.body(Full::from(body))?)
    }
}

/// The id of the notification with this number.
pub(crate) fn id(number: u32) -> String {
    format!("n-{number}")
}
