use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_layer::Layer;
use tower_service::Service;

use super::{OnUnauthorized, Refetch, fetch::Fetcher, settings::Settings};
use crate::{api::Api, report::BoxError, verify::VerifiedBody};

/// Fetches the objects of truncated notifications. See the [module](crate::refetch).
#[derive(Clone)]
pub struct RefetchLayer {
    fetcher: Arc<Fetcher>,
    access: Access,
    settings: Settings,
}

/// Which API a verified notification belongs to.
pub(super) type Access = Arc<dyn Fn(&VerifiedBody) -> Option<Api> + Send + Sync>;

impl RefetchLayer {
    /// How long an object may take by default: 4 seconds, which leaves 2 of its 6 to the handler.
    pub const TIMEOUT: Duration = Duration::from_secs(4);

    /// How many bytes a response may have by default: 32 MiB.
    pub const MAX_SIZE: usize = 32 << 20;

    /// How many requests there are at a time by default: 8.
    pub const MAX_IN_FLIGHT: usize = 8;

    /// Fetches from this API, with any HTTP client that is a tower service and follows no
    /// redirects. For the destinations of one Nylas application.
    pub fn new<C, B>(api: Api, client: C) -> Self
    where
        C: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self::by_destination(move |_| Some(api.clone()), client)
    }

    /// Fetches from the API that belongs to the destination of a notification, which
    /// [`VerifiedBody::verified_by`] names. For tenants with applications of their own: one of them
    /// could otherwise name a grant of another in a notification that it signs itself.
    ///
    /// `None` is treated as an API key that Nylas refuses. Requests of different destinations are
    /// never answered together.
    pub fn by_destination<C, B>(
        access: impl Fn(&VerifiedBody) -> Option<Api> + Send + Sync + 'static,
        client: C,
    ) -> Self
    where
        C: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self {
            fetcher: Arc::new(Fetcher::new(client, Self::MAX_IN_FLIGHT)),
            access: Arc::new(access),
            settings: Settings::default(),
        }
    }

    /// How long an object may take, by default [4 seconds](Self::TIMEOUT), in place of the
    /// [timeout](Api::timeout) of the API: the wait for [others](Self::max_in_flight), the request
    /// and its response.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How many bytes a response may have, by default [32 MiB](Self::MAX_SIZE).
    #[must_use]
    pub fn max_size(mut self, max: usize) -> Self {
        self.settings.max_size = max;
        self
    }

    /// How many requests there may be at a time, by default [8](Self::MAX_IN_FLIGHT), and at least
    /// one. A layer that has made services already shares nothing with them from then on.
    #[must_use]
    pub fn max_in_flight(mut self, max: usize) -> Self {
        self.fetcher = Arc::new(self.fetcher.with_max_in_flight(max.max(1)));
        self
    }

    /// What happens if Nylas refuses the API key; by default the answer is `503`.
    #[must_use]
    pub fn on_unauthorized(mut self, chosen: OnUnauthorized) -> Self {
        self.settings.on_unauthorized = chosen;
        self
    }

    /// Whether a notification that Nylas will not send again goes on truncated if its object cannot
    /// be fetched; by default it does. A worker that repeats its work by itself switches it off.
    #[must_use]
    pub fn pass_last_attempt(mut self, passes: bool) -> Self {
        self.settings.passes_last_attempt = passes;
        self
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> Refetch<S> {
        Refetch::new(
            inner,
            self.fetcher.clone(),
            self.access.clone(),
            self.settings,
        )
    }
}

impl<S> Layer<S> for RefetchLayer {
    type Service = Refetch<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}

impl fmt::Debug for RefetchLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefetchLayer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
