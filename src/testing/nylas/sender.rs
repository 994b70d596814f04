//! A sender that behaves as Nylas does.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tower_service::Service;

use super::{answer, request};
use crate::{
    middleware::CallReady,
    report::BoxError,
    signature::WebhookSecret,
    testing::{ChallengeError, Delivery, DeliveryAttempt, NoAnswer},
    time::{Timer, TokioTimer},
};

/// What [`Nylas::at`] sends with: a client for plain HTTP/1.1.
pub type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Simulates Nylas for an endpoint: a tower service in this process, or a URL.
///
/// It signs with the given secret, waits 10 seconds for each answer, and repeats a delivery when
/// Nylas would ([source](https://developer.nylas.com/docs/v3/notifications/)), but without waiting in
/// between.
#[derive(Clone)]
pub struct Nylas<S> {
    endpoint: S,
    uri: Uri,
    secret: WebhookSecret,
    timer: Arc<dyn Timer>,
    is_compressed: bool,
    /// Whether the endpoint's responses arrive with their extensions.
    is_in_process: bool,
}

impl Nylas<HttpClient> {
    /// Sends to a server at this URL, by HTTP/1.1 without TLS.
    ///
    /// On tokio's paused clock, it needs another [timer](Self::timer): that clock does not wait for
    /// sockets, and 10 seconds have passed before an answer can arrive.
    pub fn at(uri: Uri, secret: WebhookSecret) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self::with_client(client, uri, secret)
    }
}

impl<S> Nylas<S> {
    /// The value of the challenge: a UUID, like those of Nylas so far.
    pub const CHALLENGE: &str = "bc609b38-c81f-47fb-a275-1d9bd61ba968";

    /// How many times a notification is delivered at most: 3.
    pub const ATTEMPTS: u32 = request::ATTEMPTS;

    /// How long Nylas waits for an answer: 10 seconds
    /// ([source](https://developer.nylas.com/docs/dev-guide/best-practices/webhook-best-practices/)).
    pub const DEADLINE: Duration = request::DEADLINE;

    /// Sends to an endpoint in this process.
    ///
    /// Not for a client of a server ([`with_client`](Self::with_client)), whose every `200` would
    /// count as [handled](DeliveryAttempt::is_handled).
    pub fn new(endpoint: S, secret: WebhookSecret) -> Self {
        Self {
            endpoint,
            uri: Uri::from_static("/"),
            secret,
            timer: Arc::new(TokioTimer),
            is_compressed: false,
            is_in_process: true,
        }
    }

    /// Sends to a server at this URL, with any client that is a tower service.
    ///
    /// What became of a notification is not on the wire: after a `200`,
    /// [`DeliveryAttempt::is_handled`] is `None`.
    pub fn with_client(client: S, uri: Uri, secret: WebhookSecret) -> Self {
        Self {
            is_in_process: false,
            ..Self::new(client, secret).uri(uri)
        }
    }

    /// Sends to this path or URL, by default `/`.
    #[must_use]
    pub fn uri(mut self, uri: Uri) -> Self {
        self.uri = uri;
        self
    }

    /// Measures the [deadline](Self::DEADLINE) with this timer, by default tokio's; a
    /// [`VirtualClock`](crate::testing::VirtualClock) needs no real time.
    #[must_use]
    pub fn timer(mut self, timer: impl Timer) -> Self {
        self.timer = Arc::new(timer);
        self
    }

    /// Whether notifications are sent with gzip, as to a destination with `compressed_delivery`; by
    /// default `false`.
    ///
    /// The signature is over the compressed bytes
    /// ([source](https://developer.nylas.com/docs/dev-guide/best-practices/compression/)).
    #[must_use]
    pub fn compressed_delivery(mut self, is_compressed: bool) -> Self {
        self.is_compressed = is_compressed;
        self
    }

    /// Signs with another secret from now on, as after a rotation.
    pub fn rotate(&mut self, secret: WebhookSecret) {
        self.secret = secret;
    }
}

impl<S, R> Nylas<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    R: Body<Error: Into<BoxError>>,
{
    /// Sends the challenge and checks the answer as strictly as Nylas does.
    ///
    /// # Errors
    ///
    /// [`ChallengeError`] says why Nylas would refuse the endpoint.
    ///
    /// # Panics
    ///
    /// As [`deliver_once`](Self::deliver_once).
    pub async fn challenge(&mut self) -> Result<(), ChallengeError> {
        let request = request::challenge(&self.uri, Self::CHALLENGE).map_err(NoAnswer::of)?;
        let timer = self.timer.clone();
        request::within_deadline(&*timer, async {
            answer::check_challenge(self.send(request).await?, Self::CHALLENGE).await
        })
        .await
    }

    /// Delivers a notification: signed, and up to three times while Nylas would repeat it. A
    /// `webhook_delivery_attempt` in the body counts up.
    ///
    /// An attempt is repeated if there was [no answer](NoAnswer), or 408, 429, 502, 503, 504 or
    /// 507; `Retry-After` is ignored.
    ///
    /// # Panics
    ///
    /// As [`deliver_once`](Self::deliver_once).
    pub async fn deliver(&mut self, body: impl Into<Bytes>) -> Delivery {
        let mut body = body.into();
        let mut attempts = Vec::new();
        for number in 1..=Self::ATTEMPTS {
            if number > 1 {
                body = repeated(&body, number);
            }
            let answer = self.deliver_once(body.clone()).await;
            let attempt = match answer {
                Ok(response) => DeliveryAttempt::answered(&response, self.is_in_process),
                Err(why) => DeliveryAttempt::unanswered(why),
            };
            let is_last = !attempt.is_repeated();
            attempts.push(attempt);
            if is_last {
                break;
            }
        }
        Delivery::new(attempts)
    }

    /// Delivers exactly this body once, signed.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`] if there is none in time. The call is dropped then, as a server drops it when
    /// the client disconnects.
    ///
    /// # Panics
    ///
    /// Panics if the endpoint does not answer at once and the [timer](Self::timer) cannot sleep, as
    /// tokio's outside its runtime.
    pub async fn deliver_once(&mut self, body: impl Into<Bytes>) -> Result<Response<R>, NoAnswer> {
        let request = request::delivery(&self.uri, &self.secret, body.into(), self.is_compressed);
        let timer = self.timer.clone();
        request::within_deadline(&*timer, self.send(request)).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<R>, NoAnswer> {
        let call = CallReady::new(self.endpoint.clone(), request);
        call.await.map_err(NoAnswer::of)
    }
}

/// The body of a later attempt: the same notification with another count, so other bytes.
fn repeated(body: &Bytes, attempt: u32) -> Bytes {
    let Ok(Value::Object(mut notification)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    if let Some(count) = notification.get_mut("webhook_delivery_attempt") {
        *count = attempt.into();
    }
    Value::Object(notification).to_string().into()
}

impl<S> fmt::Debug for Nylas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nylas")
            .field("uri", &self.uri)
            .field("compressed_delivery", &self.is_compressed)
            .finish_non_exhaustive()
    }
}
