//! The service of a worker, under a name that says its bounds once.

use http::{Request, Response};
use tower_service::Service;

use crate::{acknowledge::Acknowledge, middleware::caught, report::BoxError, verify::VerifiedBody};

/// Handles one entry. Its answers say what they mean for Nylas, and so for the entry.
pub(super) trait Handler: Clone + Send + Sync + 'static {
    /// `None` if even the layer that catches panics has panicked.
    fn handle(
        &self,
        request: Request<VerifiedBody>,
    ) -> impl Future<Output = Option<Response<()>>> + Send;
}

impl<S, R> Handler for Acknowledge<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    async fn handle(&self, request: Request<VerifiedBody>) -> Option<Response<()>> {
        // The clone of the service may panic as well.
        let call = async {
            let Ok(response) = self.clone().call(request).await;
            response.map(drop)
        };
        caught(call).await.ok()
    }
}
