//! Endpoints of which every request is digested, as it comes.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use sha2::{Digest, Sha256};
use tower::{Service, ServiceExt, service_fn};

/// Everything that was sent: a line for each request, in their order. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Vec<String>>>);

impl Wire {
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The same endpoint.
    pub(super) fn around<S>(
        &self,
        endpoint: S,
    ) -> impl Service<Request<Full<Bytes>>, Response = S::Response, Error = S::Error, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
    where
        S: Service<Request<Full<Bytes>>, Future: Send> + Clone + Send + Sync + 'static,
    {
        let wire = self.clone();
        service_fn(move |request: Request<Full<Bytes>>| {
            let (wire, endpoint) = (wire.clone(), endpoint.clone());
            async move {
                let request = wire.enter(request).await;
                endpoint.oneshot(request).await
            }
        })
    }

    async fn enter(&self, request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        let mut line = format!("{} {}", parts.method, parts.uri);
        for (name, value) in &parts.headers {
            let _ = write!(line, " {name}: {value:?}");
        }
        let _ = write!(line, " {:x?}", &Sha256::digest(&body)[..]);
        self.0.lock().unwrap().push(line);
        Request::from_parts(parts, Full::new(body))
    }
}
