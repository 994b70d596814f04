use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    ResponseFuture, fetch::Fetcher, future::Refetching, layer::Access, settings::Settings,
    truncated::Truncated,
};
use crate::{
    middleware::{ResponseBody, inner_service_accessors},
    verify::VerifiedBody,
};

/// The service of [`RefetchLayer`](super::RefetchLayer).
#[derive(Clone)]
pub struct Refetch<S> {
    inner: S,
    fetcher: Arc<Fetcher>,
    access: Access,
    settings: Settings,
}

impl<S> Refetch<S> {
    pub(super) fn new(inner: S, fetcher: Arc<Fetcher>, access: Access, settings: Settings) -> Self {
        Self {
            inner,
            fetcher,
            access,
            settings,
        }
    }

    inner_service_accessors!();
}

impl<S, R> Service<Request<VerifiedBody>> for Refetch<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S>;

    /// Always ready, as every layer of this crate.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<VerifiedBody>) -> Self::Future {
        let inner = self.inner.clone();
        ResponseFuture::new(match Truncated::of(request.body(), &self.settings) {
            None => Refetching::call(inner, request),
            Some(Err(reason)) => {
                request.extensions_mut().insert(reason);
                Refetching::call(inner, request)
            }
            Some(Ok(truncated)) => {
                let (fetcher, access) = (self.fetcher.clone(), self.access.clone());
                let settings = self.settings;
                Refetching::fetch(inner, async move {
                    fetcher
                        .complete(request, truncated, &access, &settings)
                        .await
                })
            }
        })
    }
}

impl<S> fmt::Debug for Refetch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refetch").finish_non_exhaustive()
    }
}
