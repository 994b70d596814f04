use std::{
    convert::Infallible,
    fmt,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    ResponseFuture, RoutedBody,
    argument::Content,
    endpoint::{Endpoint, HandlerEndpoint, ServiceEndpoint},
    handler::Handler,
    table::Table,
};
use crate::{
    notification::{Kind, Malformed},
    report::{Ack, BoxError, MalformedReason},
    trigger::{Filter, Trigger, TriggerKind},
    verify::VerifiedBody,
};

/// A service that routes verified notifications by their trigger. See the
/// [module](crate::router).
///
/// Cloning is cheap; the routes are shared.
#[derive(Clone)]
pub struct TriggerRouter {
    routes: Arc<Routes>,
}

#[derive(Clone)]
struct Routes {
    table: Table<Route>,
    fallback: Option<Route>,
    deltas: Option<Route>,
    on_malformed: Option<Arc<OnMalformed>>,
    /// Here and not beside them, since each `Arc` costs a request two atomic operations.
    unrouted: Arc<AtomicU64>,
}

/// Why a body reaches no handler.
enum Missing {
    Route(Trigger),
    Type(MalformedReason),
}

pub(super) type OnMalformed = dyn Fn(&Malformed) -> Ack + Send + Sync;

#[derive(Clone)]
struct Route {
    endpoint: Arc<dyn Endpoint>,
    /// Where in the program it was added.
    added_at: &'static Location<'static>,
}

impl TriggerRouter {
    /// A router without routes: it acknowledges everything.
    pub fn new() -> Self {
        Self {
            routes: Arc::new(Routes {
                table: Table::new(),
                fallback: None,
                deltas: None,
                on_malformed: None,
                unrouted: Arc::default(),
            }),
        }
    }

    /// Calls `handler` for the triggers that `filter` receives; see [`Handler`] and [`Filter`].
    ///
    /// # Panics
    ///
    /// If `filter` is no filter, if the router has a route with the same filter already, or if the
    /// filter covers a trigger that the handler's [object](crate::notification::object) does not
    /// model, as `message.opened` is no `Message`.
    #[must_use]
    #[track_caller]
    pub fn on<H, Args>(self, filter: impl AsRef<str>, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        let filter = parse(filter.as_ref());
        let covered = |kind: &&TriggerKind| filter.matches(&Trigger::from((*kind).clone()));
        require_models::<H, Args>(TriggerKind::KNOWN.iter().filter(covered), &filter);
        self.route(&filter, HandlerEndpoint::new(handler))
    }

    /// Calls a service for the triggers that `filter` receives: any tower service over
    /// `Request<VerifiedBody>`, such as axum's `post(handler).with_state(state)` or a whole axum
    /// `Router`.
    ///
    /// Its response reaches the client as the [`AcknowledgeLayer`](crate::AcknowledgeLayer) settles
    /// it, so the `4xx` with which axum's `Json` refuses a body becomes `503`, and the same body is
    /// sent again in vain; axum handlers better take a `Notification` ([`extract`](crate::extract),
    /// feature `axum`). A service that is not `Sync` can be made so with
    /// `tower::util::BoxCloneSyncService` or a `tower::buffer::Buffer`.
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on).
    #[must_use]
    #[track_caller]
    pub fn on_service<S, R>(self, filter: impl AsRef<str>, service: S) -> Self
    where
        S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.route(&parse(filter.as_ref()), ServiceEndpoint(service))
    }

    /// Calls `handler` for every trigger without a route.
    ///
    /// # Panics
    ///
    /// If there is a fallback already, or if the handler's object does not model every trigger:
    /// use `Notification` or `Notification<Object>`.
    #[must_use]
    #[track_caller]
    pub fn fallback<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        require_models::<H, Args>(TriggerKind::KNOWN.iter(), &"the fallback");
        self.set_fallback(HandlerEndpoint::new(handler))
    }

    /// Calls a service for every trigger without a route, as [`on_service`](Self::on_service).
    ///
    /// # Panics
    ///
    /// If there is a fallback already.
    #[must_use]
    #[track_caller]
    pub fn fallback_service<S, R>(self, service: S) -> Self
    where
        S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.set_fallback(ServiceEndpoint(service))
    }

    /// Calls `handler` for bodies of Nylas API v2: [`Deltas`](crate::notification::Deltas), a
    /// [`VerifiedBody`] or a `Request<VerifiedBody>`.
    ///
    /// # Panics
    ///
    /// If there is such a handler already, or if this one takes something else.
    #[must_use]
    #[track_caller]
    pub fn on_deltas<H, Args>(mut self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        assert!(
            H::models(Content::Deltas),
            "a handler for deltas takes `Deltas`, since they are no `Notification`"
        );
        let route = Route::new(HandlerEndpoint::new(handler));
        let deltas = &mut Arc::make_mut(&mut self.routes).deltas;
        if let Some(other) = deltas {
            panic!(
                "there are two handlers for deltas: this one, and one added at {}",
                other.added_at
            );
        }
        *deltas = Some(route);
        self
    }

    /// Decides about verified bodies that are no notification or do not fit the type of their
    /// handler; by default [`Ack::Done`], since Nylas would only repeat the same bytes.
    ///
    /// The function gets the reason and the raw bytes. With [`Ack::Retry`] the answer is `503`:
    /// for an operator who would rather mend the type within 20 minutes. Either way the outcome is
    /// reported as [`Outcome::Malformed`](crate::Outcome::Malformed).
    #[must_use]
    pub fn on_malformed(
        mut self,
        decide: impl Fn(&Malformed) -> Ack + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.routes).on_malformed = Some(Arc::new(decide));
        self
    }

    /// How many notifications were acknowledged because there was no route for them, since the
    /// router was made; all clones count together.
    pub fn unrouted_count(&self) -> u64 {
        self.routes.unrouted.load(Ordering::Relaxed)
    }

    #[track_caller]
    fn route(mut self, filter: &Filter, endpoint: impl Endpoint + 'static) -> Self {
        let route = Route::new(endpoint);
        let table = &mut Arc::make_mut(&mut self.routes).table;
        if let Some(other) = table.insert(filter, route) {
            panic!(
                "there are two routes for `{filter}`: this one, and one added at {}",
                other.added_at
            );
        }
        self
    }

    #[track_caller]
    fn set_fallback(mut self, endpoint: impl Endpoint + 'static) -> Self {
        let route = Route::new(endpoint);
        let fallback = &mut Arc::make_mut(&mut self.routes).fallback;
        if let Some(other) = fallback {
            panic!(
                "there are two fallbacks: this one, and one added at {}",
                other.added_at
            );
        }
        *fallback = Some(route);
        self
    }
}

#[track_caller]
fn parse(filter: &str) -> Filter {
    match filter.parse() {
        Ok(filter) => filter,
        Err(invalid) => panic!("{invalid}"),
    }
}

#[track_caller]
fn require_models<'a, H, Args>(
    mut covered: impl Iterator<Item = &'a TriggerKind>,
    filter: &dyn fmt::Display,
) where
    H: Handler<Args>,
{
    if let Some(kind) = covered.find(|kind| !H::models(Content::Notification(kind))) {
        panic!(
            "the handler for `{filter}` would receive `{kind}`, which its type does not model: \
             narrow the filter, or take a `Notification<Object>`"
        );
    }
}

impl Route {
    #[track_caller]
    fn new(endpoint: impl Endpoint + 'static) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            added_at: Location::caller(),
        }
    }
}

impl Default for TriggerRouter {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<Request<VerifiedBody>> for TriggerRouter {
    type Response = Response<RoutedBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    /// Always ready: a routed service is driven ready when its turn comes.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let routes = &*self.routes;
        let on_malformed = routes.on_malformed.clone();
        let route = match Kind::of_verified(request.body()) {
            Kind::Trigger(name) => {
                let route = routes.table.find(&name);
                route
                    .or(routes.fallback.as_ref())
                    .ok_or_else(|| Missing::Route(Trigger::from(&*name)))
            }
            Kind::Deltas => {
                let route = routes.deltas.as_ref();
                route.ok_or(Missing::Type(MalformedReason::Deltas))
            }
            Kind::Malformed(reason) => Err(Missing::Type(reason)),
        };
        match route {
            Ok(route) => ResponseFuture::routed(route.endpoint.call(request), on_malformed),
            Err(Missing::Route(trigger)) => {
                ResponseFuture::unrouted(trigger, routes.unrouted.clone())
            }
            Err(Missing::Type(reason)) => {
                let malformed = Malformed::new(reason, None, request.into_body());
                ResponseFuture::malformed(malformed, on_malformed.as_deref())
            }
        }
    }
}

impl fmt::Debug for TriggerRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TriggerRouter")
            .field("unrouted", &self.unrouted_count())
            .finish_non_exhaustive()
    }
}
