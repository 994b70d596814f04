//! A sender that behaves as Nylas does.

use std::{fmt, future::poll_fn};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tower_service::Service;

use super::signed_request;
use crate::{report::BoxError, signature::WebhookSecret};

/// What [`Nylas::at`] sends with: a client for plain HTTP/1.1.
pub type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Simulates Nylas for an endpoint: a tower service in this process, or a URL.
///
/// It signs with the given secret, and repeats a delivery when Nylas would
/// ([source](https://developer.nylas.com/docs/v3/notifications/)), but without waiting in between.
#[derive(Clone)]
pub struct Nylas<S> {
    endpoint: S,
    uri: Uri,
    secret: WebhookSecret,
}

impl Nylas<HttpClient> {
    /// Sends to a server at this URL, by HTTP/1.1 without TLS.
    pub fn at(uri: Uri, secret: WebhookSecret) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self::new(client, secret).uri(uri)
    }
}

impl<S> Nylas<S> {
    /// The value of the challenge: a UUID, like those of Nylas so far.
    pub const CHALLENGE: &str = "bc609b38-c81f-47fb-a275-1d9bd61ba968";

    /// How many times a notification is delivered at most: 3.
    pub const ATTEMPTS: u32 = 3;

    /// Sends to a service: an endpoint in this process, or any client that is a tower service.
    pub fn new(endpoint: S, secret: WebhookSecret) -> Self {
        Self {
            endpoint,
            uri: Uri::from_static("/"),
            secret,
        }
    }

    /// Sends to this path or URL, by default `/`.
    #[must_use]
    pub fn uri(mut self, uri: Uri) -> Self {
        self.uri = uri;
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
    pub async fn challenge(&mut self) -> Result<(), ChallengeError> {
        let service = |error: BoxError| ChallengeError::Service(error);
        let mut request = Request::new(Full::default());
        let separator = if self.uri.query().is_some() { '&' } else { '?' };
        let target = format!("{}{separator}challenge={}", self.uri, Self::CHALLENGE);
        *request.uri_mut() = target.parse().map_err(|error| service(Box::new(error)))?;

        let response = self.send(request).await.map_err(service)?;
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
        let body = body.map_err(|error| service(error.into()))?;
        if body.to_bytes() != Self::CHALLENGE {
            return Err(ChallengeError::Value);
        }
        Ok(())
    }

    /// Delivers a notification: signed, and up to three times while Nylas would repeat it. A
    /// `webhook_delivery_attempt` in the body counts up.
    ///
    /// # Errors
    ///
    /// Those of the service, such as a refused connection.
    pub async fn deliver(&mut self, body: impl Into<Bytes>) -> Result<Delivery, BoxError> {
        let mut body = body.into();
        let mut delivery = Delivery {
            statuses: Vec::new(),
        };
        for attempt in 1..=Self::ATTEMPTS {
            if attempt > 1 {
                body = repeated(&body, attempt);
            }
            let status = self.deliver_once(body.clone()).await?.status();
            delivery.statuses.push(status);
            if !is_retried(status) {
                break;
            }
        }
        Ok(delivery)
    }

    /// Delivers exactly these bytes once, signed.
    ///
    /// # Errors
    ///
    /// Those of the service.
    pub async fn deliver_once(&mut self, body: impl Into<Bytes>) -> Result<Response<R>, BoxError> {
        let mut request = signed_request(&self.secret, body);
        *request.uri_mut() = self.uri.clone();
        self.send(request).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<R>, BoxError> {
        let mut endpoint = self.endpoint.clone();
        let ready = poll_fn(|cx| endpoint.poll_ready(cx)).await;
        ready.map_err(Into::into)?;
        endpoint.call(request).await.map_err(Into::into)
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

fn is_retried(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504 | 507)
}

/// How a delivery went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    statuses: Vec<StatusCode>,
}

impl Delivery {
    /// The answer to each attempt.
    pub fn statuses(&self) -> &[StatusCode] {
        &self.statuses
    }

    /// Whether the last attempt was answered with exactly `200`.
    pub fn is_accepted(&self) -> bool {
        self.statuses.last() == Some(&StatusCode::OK)
    }
}

/// Why Nylas would refuse an endpoint.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChallengeError {
    /// The answer is not `200`.
    Status(StatusCode),
    /// The body is not exactly the challenge.
    Value,
    /// The body has no known length, so it is sent in chunks.
    Chunked,
    /// There was no answer.
    Service(BoxError),
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the challenge was answered with {status}, not 200"),
            Self::Value => f.write_str("the answer is not exactly the challenge"),
            Self::Chunked => f.write_str("the answer has no length, so it is sent in chunks"),
            Self::Service(error) => write!(f, "there was no answer: {error}"),
        }
    }
}

impl std::error::Error for ChallengeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service(error) => Some(&**error),
            _ => None,
        }
    }
}

impl<S> fmt::Debug for Nylas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nylas")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}
