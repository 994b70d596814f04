//! A webhook endpoint in a real server, and what it noticed.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use tower::{Service, ServiceBuilder};
use tower_nylas::{BoxError, VerifiedBody, WebhookLayer};

use crate::{
    body::Counted,
    delivery::PATH,
    serve::serve_axum,
    wire::{Answer, send},
};

/// The whole layer around a service, served by axum on a loopback port.
#[derive(Debug)]
pub struct Endpoint {
    pub address: SocketAddr,
    polls: Arc<AtomicUsize>,
    reports: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    pub async fn serve<S, R>(layer: WebhookLayer, inner: S) -> Self
    where
        S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let polls = Arc::new(AtomicUsize::new(0));
        let reports = Arc::new(Mutex::new(Vec::new()));
        let noted = reports.clone();
        let counting = polls.clone();
        let webhook = ServiceBuilder::new()
            .map_request(move |request: Request<axum::body::Body>| {
                request.map(|body| Counted {
                    body,
                    polls: counting.clone(),
                })
            })
            .layer(layer.observe(move |report| noted.lock().unwrap().push(report.to_string())))
            .service(inner);
        // Tenants have paths below the common one.
        let app = Router::new()
            .route_service(PATH, webhook.clone())
            .route_service(&format!("{PATH}/{{tenant}}"), webhook);
        Self {
            address: serve_axum(app).await,
            polls,
            reports,
        }
    }

    pub async fn send(&self, request: &[u8]) -> Answer {
        send(self.address, request).await
    }

    /// How often the bodies of all requests together were polled.
    pub fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    /// What was reported since the last time.
    pub fn reports(&self) -> Vec<String> {
        std::mem::take(&mut *self.reports.lock().unwrap())
    }
}
