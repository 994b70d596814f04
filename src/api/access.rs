//! Where the API is, and what one shows it.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header, uri::PathAndQuery};

use super::path::Path;
use crate::time::Timer;
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;

/// Access to Nylas' API for one application: its base, its key, and how long a call may take.
///
/// An application's data is in one region, and so is its API
/// ([source](https://developer.nylas.com/docs/reference/api/)). `Debug` shows the base and not the
/// key. Cloning is cheap.
#[derive(Clone)]
pub struct Api {
    base: Uri,
    authorization: HeaderValue,
    timer: Arc<dyn Timer>,
    timeout: Duration,
}

const SCHEME: &str = "Bearer ";

impl Api {
    /// The base for applications in the United States.
    pub const US: &str = "https://api.us.nylas.com";

    /// The base for applications in the European Union.
    pub const EU: &str = "https://api.eu.nylas.com";

    /// How long a call may take by default: 30 seconds. Nylas answers [`CreateWebhook`] only after
    /// the endpoint has answered the challenge, for which it waits 10 seconds.
    ///
    /// [`CreateWebhook`]: super::CreateWebhook
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// The API in the United States, with this key, on tokio's time.
    ///
    /// # Errors
    ///
    /// As [`at`](Self::at).
    #[cfg(feature = "tokio")]
    pub fn us(key: impl AsRef<str>) -> Result<Self, InvalidApi> {
        Self::at(Self::US, key)
    }

    /// The API in the European Union, with this key, on tokio's time.
    ///
    /// # Errors
    ///
    /// As [`at`](Self::at).
    #[cfg(feature = "tokio")]
    pub fn eu(key: impl AsRef<str>) -> Result<Self, InvalidApi> {
        Self::at(Self::EU, key)
    }

    /// The API at this base, such as [`Api::US`], with this key, on tokio's time.
    ///
    /// # Errors
    ///
    /// [`InvalidApi`] if the base is no absolute URL of `https`, or of `http` on this machine, or
    /// if the key can only be a mistake.
    #[cfg(feature = "tokio")]
    pub fn at(base: &str, key: impl AsRef<str>) -> Result<Self, InvalidApi> {
        Self::with_timer(base, key, TokioTimer)
    }

    /// The same on any runtime.
    ///
    /// # Errors
    ///
    /// As [`at`](Self::at).
    pub fn with_timer(
        base: &str,
        key: impl AsRef<str>,
        timer: impl Timer,
    ) -> Result<Self, InvalidApi> {
        Ok(Self {
            base: read_base(base)?,
            authorization: authorization(key.as_ref())?,
            timer: Arc::new(timer),
            timeout: Self::TIMEOUT,
        })
    }

    /// How long a call may take, from the wait until the client is ready to the last byte of the
    /// response; by default [30 seconds](Self::TIMEOUT).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn timer(&self) -> &dyn Timer {
        &*self.timer
    }

    pub(crate) fn limit(&self) -> Duration {
        self.timeout
    }

    /// The key, for comparison with what must not contain it.
    pub(super) fn key(&self) -> &str {
        let value = self.authorization.to_str().unwrap_or_default();
        value.strip_prefix(SCHEME).unwrap_or(value)
    }

    /// A request without a body.
    pub(super) fn request(&self, method: Method, path: &Path) -> Request<Bytes> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = self.uri(path);
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::ACCEPT, JSON);
        request
    }

    /// A request with a body of JSON.
    pub(super) fn request_with(
        &self,
        method: Method,
        path: &Path,
        body: &impl serde::Serialize,
    ) -> Request<Bytes> {
        let mut request = self.request(method, path);
        request.headers_mut().insert(header::CONTENT_TYPE, JSON);
        let body = serde_json::to_vec(body).expect("texts and booleans can be written");
        *request.body_mut() = body.into();
        request
    }

    fn uri(&self, path: &Path) -> Uri {
        let prefix = self.base.path().trim_end_matches('/');
        let path = PathAndQuery::try_from(format!("{prefix}{path}"));
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = Some(path.expect("its ids are encoded, and not long"));
        Uri::from_parts(parts).expect("a base with another path")
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Longer than any base, and short enough for what comes behind it.
const MAX_BASE: usize = 1024;

fn read_base(base: &str) -> Result<Uri, InvalidApi> {
    let uri: Uri = base.parse().map_err(|_| InvalidApi::Base)?;
    let host = uri.host().unwrap_or_default();
    let has_credentials = uri.authority().is_some_and(|it| it.as_str().contains('@'));
    if host.is_empty() || has_credentials || uri.query().is_some() || base.len() > MAX_BASE {
        return Err(InvalidApi::Base);
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if matches!(host, "localhost" | "127.0.0.1" | "[::1]") => Ok(uri),
        Some("http") => Err(InvalidApi::Insecure),
        _ => Err(InvalidApi::Base),
    }
}

fn authorization(key: &str) -> Result<HeaderValue, InvalidApi> {
    let is_quoted = key.contains(['"', '\'', '`']);
    if key.is_empty() || is_quoted || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidApi::Key);
    }
    let value = HeaderValue::try_from(format!("{SCHEME}{key}"));
    let mut value = value.map_err(|_| InvalidApi::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why there is no [`Api`] of a base and a key. No part of the key is in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidApi {
    /// The key is empty, or has quotes, white space or characters that are not of ASCII.
    Key,
    /// The base is no absolute URL without a query and credentials.
    Base,
    /// The base is of `http`, to another host than this one, so that everybody in between could
    /// read the key.
    Insecure,
}

impl fmt::Display for InvalidApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => {
                "the API key is empty, or has quotes, white space or characters that are not of \
                 ASCII: copy the key alone"
            }
            Self::Base => "the base of the API is no absolute URL without a query and credentials",
            Self::Insecure => {
                "the base of the API is of `http`, which shows the key to everybody in between: \
                 use `https`"
            }
        })
    }
}

impl std::error::Error for InvalidApi {}
