//! What stands at the end of a route.

use std::{marker::PhantomData, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{body::RoutedBody, handler::Handler};
use crate::{
    middleware::CallReady,
    notification::Malformed,
    report::{BoxError, Outcome},
    verify::VerifiedBody,
};

/// The one allocation of a routed notification.
pub type EndpointFuture =
    Pin<Box<dyn Future<Output = Result<Response<RoutedBody>, Malformed>> + Send>>;

/// Called by reference, so that a route costs neither a lock nor a clone of a boxed service.
pub(super) trait Endpoint: Send + Sync {
    fn call(&self, request: Request<VerifiedBody>) -> EndpointFuture;
}

pub(super) struct HandlerEndpoint<H, Args, S> {
    handler: H,
    state: Arc<S>,
    args: PhantomData<fn(Args)>,
}

impl<H, Args, S> HandlerEndpoint<H, Args, S> {
    pub(super) fn new(handler: H, state: Arc<S>) -> Self {
        Self {
            handler,
            state,
            args: PhantomData,
        }
    }
}

impl<H, Args, S> Endpoint for HandlerEndpoint<H, Args, S>
where
    H: Handler<Args, S>,
    S: Send + Sync,
{
    fn call(&self, request: Request<VerifiedBody>) -> EndpointFuture {
        self.handler.call(request, &self.state)
    }
}

pub(super) struct ServiceEndpoint<S>(pub(super) S);

impl<S, R> Endpoint for ServiceEndpoint<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn call(&self, request: Request<VerifiedBody>) -> EndpointFuture {
        let response = CallReady::new(self.0.clone(), request);
        Box::pin(async move {
            Ok(match response.await {
                Ok(response) => response.map(RoutedBody::new),
                Err(error) => Outcome::failed(error).into_response(),
            })
        })
    }
}
