//! A sender that behaves as Nylas does.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tower_service::Service;

use super::{ChallengeError, Delivery, DeliveryAttempt, NoAnswer, gzip, signed_request};
use crate::{
    middleware::CallReady,
    report::BoxError,
    signature::WebhookSecret,
    time::{Timer, TokioTimer, within},
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
    pub const ATTEMPTS: u32 = 3;

    /// How long Nylas waits for an answer: 10 seconds
    /// ([source](https://developer.nylas.com/docs/dev-guide/best-practices/webhook-best-practices/)).
    pub const DEADLINE: Duration = Duration::from_secs(10);

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
    /// [`VirtualClock`](super::VirtualClock) needs no real time.
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
        let separator = if self.uri.query().is_some() { '&' } else { '?' };
        let target = format!("{}{separator}challenge={}", self.uri, Self::CHALLENGE);
        let target = target.parse().map_err(NoAnswer::of)?;
        let mut request = Request::new(Full::default());
        *request.uri_mut() = target;

        let timer = self.timer.clone();
        within_deadline(&*timer, async {
            let response = self.send(request).await?;
            if response.status() != StatusCode::OK {
                return Err(ChallengeError::Status(response.status()));
            }
            let length = response.body().size_hint().exact();
            if length.is_none() || response.headers().contains_key(header::TRANSFER_ENCODING) {
                return Err(ChallengeError::Chunked);
            }
            if length != Some(Self::CHALLENGE.len() as u64) {
                return Err(ChallengeError::Value);
            }
            let body = response.into_body().collect().await;
            if body.map_err(NoAnswer::of)?.to_bytes() != Self::CHALLENGE {
                return Err(ChallengeError::Value);
            }
            Ok(())
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
        let mut body = body.into();
        if self.is_compressed {
            body = gzip(&body).into();
        }
        let mut request = signed_request(&self.secret, body);
        *request.uri_mut() = self.uri.clone();
        if self.is_compressed {
            let headers = request.headers_mut();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let timer = self.timer.clone();
        within_deadline(&*timer, self.send(request)).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<R>, NoAnswer> {
        let call = CallReady::new(self.endpoint.clone(), request);
        call.await.map_err(NoAnswer::of)
    }
}

/// Waits for an answer as long as Nylas does.
async fn within_deadline<T, E: From<NoAnswer>>(
    timer: &dyn Timer,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let answer = within(timer, Nylas::<()>::DEADLINE, answer).await;
    answer.unwrap_or_else(|| Err(NoAnswer::TimedOut.into()))
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
