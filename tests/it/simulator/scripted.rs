//! An endpoint that answers as it is told to, and keeps what it gets.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::service_fn;
use tower_nylas::{
    WebhookSecret,
    testing::nylas::{Hosted, Simulator},
};

/// Answers what it is told to, in that order, and then 200.
#[derive(Clone, Default)]
pub(super) struct Scripted(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The statuses to come, each with its `Retry-After`.
    script: Vec<(u16, Option<u64>)>,
    seen: Vec<Seen>,
}

#[derive(Clone)]
pub(super) struct Seen {
    pub(super) signature: String,
    pub(super) encoding: Option<String>,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn is_signed_with(&self, secret: &str) -> bool {
        let secret = WebhookSecret::new(secret).unwrap();
        secret.sign(&self.body).to_hex() == self.signature
    }
}

impl Scripted {
    pub(super) fn answer(&self, statuses: &[u16]) {
        let script = &mut self.0.lock().unwrap().script;
        script.extend(statuses.iter().map(|status| (*status, None)));
    }

    /// With `Retry-After`.
    pub(super) fn retry_after(&self, status: u16, seconds: u64) {
        self.0.lock().unwrap().script.push((status, Some(seconds)));
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    pub(super) fn host(&self, nylas: &Simulator, url: &str) -> Hosted {
        let script = self.clone();
        nylas.host(
            url,
            service_fn(move |request: Request<Full<Bytes>>| {
                let script = script.clone();
                async move { Ok::<_, Infallible>(script.call(request).await) }
            }),
        )
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        if let Some(query) = request.uri().query() {
            let value = query.strip_prefix("challenge=").unwrap().to_owned();
            return Response::new(Full::from(value));
        }
        let (parts, body) = request.into_parts();
        let header = |name: &str| {
            let value = parts.headers.get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let seen = Seen {
            signature: header("x-nylas-signature").unwrap(),
            encoding: header("content-encoding"),
            body: body.collect().await.unwrap().to_bytes(),
        };
        let state = &mut *self.0.lock().unwrap();
        state.seen.push(seen);
        let script = &mut state.script;
        let (status, wait) = if script.is_empty() {
            (200, None)
        } else {
            script.remove(0)
        };
        let mut response = Response::new(Full::default());
        *response.status_mut() = status.try_into().unwrap();
        if let Some(seconds) = wait {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        response
    }
}
