use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{NotificationKey, ResponseFuture, SeenIds, future::Deduplicating};
use crate::{
    middleware::{ResponseBody, inner_service_accessors},
    report::Outcome,
    verify::VerifiedBody,
};

/// The service of [`DeduplicateLayer`](super::DeduplicateLayer).
pub struct Deduplicate<S, I> {
    inner: S,
    ids: Arc<I>,
}

impl<S, I> Deduplicate<S, I> {
    pub(super) fn new(inner: S, ids: Arc<I>) -> Self {
        Self { inner, ids }
    }

    inner_service_accessors!();
}

impl<S, I, R> Service<Request<VerifiedBody>> for Deduplicate<S, I>
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone,
    I: SeenIds,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, I>;

    /// Always ready, as every layer of this crate.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let body = request.body();
        ResponseFuture::new(if body.is_of_unlabelled_tenant() {
            Deduplicating::answer(Outcome::Unlabelled)
        } else if let Some(key) = NotificationKey::of(body) {
            Deduplicating::begin(key, self.ids.clone(), self.inner.clone(), request)
        } else {
            Deduplicating::pass(self.inner.clone(), request)
        })
    }
}

impl<S: Clone, I> Clone for Deduplicate<S, I> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.ids.clone())
    }
}

impl<S, I> fmt::Debug for Deduplicate<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduplicate").finish_non_exhaustive()
    }
}
