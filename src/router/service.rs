use std::{
    collections::{BTreeMap, BTreeSet},
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
    unread::Unread,
};
use crate::{
    notification::{Kind, Malformed},
    report::{BoxError, MalformedReason},
    trigger::{Filter, Trigger, TriggerKind},
    verify::VerifiedBody,
};

/// A service that routes verified notifications by their trigger, for handlers that share a state
/// `S`. See the [module](crate::router).
///
/// Cloning is cheap; the routes and the state are shared. [`Debug`](fmt::Debug) shows the routes
/// with the places in the program where they were added, and nothing of the state.
pub struct TriggerRouter<S = ()> {
    routes: Arc<Routes<S>>,
}

struct Routes<S> {
    /// Handlers hold it as well, so nothing of it is looked for when one is called.
    state: Arc<S>,
    table: Table<Route>,
    fallback: Option<Fallback>,
    deltas: Option<Route>,
    on_malformed: Option<Route>,
    /// Made of the fallback and `on_malformed`; `None` if both are missing, as each `Arc` costs a
    /// request two atomic operations.
    unread: Option<Arc<Unread>>,
    /// Here and not beside them, since each `Arc` costs a request two atomic operations.
    unrouted: Arc<AtomicU64>,
}

/// Why a body reaches no handler.
enum Missing {
    /// The trigger is `None` for deltas.
    Route(Option<Trigger>),
    Type(MalformedReason),
}

#[derive(Clone)]
struct Fallback {
    route: Route,
    takes_misfits: bool,
    takes_deltas: bool,
}

#[derive(Clone)]
struct Route {
    endpoint: Arc<dyn Endpoint>,
    /// Where in the program it was added.
    added_at: &'static Location<'static>,
}

impl TriggerRouter {
    /// A router without routes and without a state: it acknowledges everything.
    pub fn new() -> Self {
        Self::with_state(())
    }
}

impl<S> TriggerRouter<S>
where
    S: Send + Sync + 'static,
{
    /// A router without routes, whose handlers can ask for `state` or parts of it; see
    /// [`State`](super::State).
    ///
    /// The state comes first: it stands when a handler is added, so one that asks for something
    /// else does not compile. Routers with different states can be [merged](Self::merge).
    pub fn with_state(state: S) -> Self {
        Self {
            routes: Arc::new(Routes {
                state: Arc::new(state),
                table: Table::new(),
                fallback: None,
                deltas: None,
                on_malformed: None,
                unread: None,
                unrouted: Arc::default(),
            }),
        }
    }

    /// Calls `handler` for the triggers that `filter` receives; see [`Handler`] and [`Filter`].
    ///
    /// The filter is a [name](TriggerKind::KNOWN) that this version of the crate knows, with or
    /// without the suffixes that Nylas appends, or a family of such names, as `message.*`. For
    /// others there is [`on_unlisted`](Self::on_unlisted).
    ///
    /// # Panics
    ///
    /// If `filter` is no filter or covers no known name (the message says which name is nearest),
    /// if the router has a route with the same filter already, or if the filter covers a trigger
    /// that the handler's [object](crate::notification::object) does not model, as `message.opened`
    /// is no `Message`.
    #[must_use]
    #[track_caller]
    pub fn on<H, Args>(self, filter: impl AsRef<str>, handler: H) -> Self
    where
        H: Handler<Args, S>,
        Args: 'static,
    {
        self.handle(&listed(filter.as_ref()), handler)
    }

    /// As [`on`](Self::on), for a filter that this version of the crate need not know: a trigger
    /// that Nylas has added since.
    ///
    /// Known names are taken as well, so that an update of this crate, which may know more of them,
    /// breaks nothing.
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on), but not for a name that is not known.
    #[must_use]
    #[track_caller]
    pub fn on_unlisted<H, Args>(self, filter: impl AsRef<str>, handler: H) -> Self
    where
        H: Handler<Args, S>,
        Args: 'static,
    {
        self.handle(&parse(filter.as_ref()), handler)
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
    pub fn on_service<T, R>(self, filter: impl AsRef<str>, service: T) -> Self
    where
        T: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        T::Error: Into<BoxError>,
        T::Future: Send,
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.route(&listed(filter.as_ref()), ServiceEndpoint(service))
    }

    /// As [`on_service`](Self::on_service), for a filter that this version of the crate need not
    /// know; see [`on_unlisted`](Self::on_unlisted).
    ///
    /// # Panics
    ///
    /// As [`on_unlisted`](Self::on_unlisted).
    #[must_use]
    #[track_caller]
    pub fn on_unlisted_service<T, R>(self, filter: impl AsRef<str>, service: T) -> Self
    where
        T: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        T::Error: Into<BoxError>,
        T::Future: Send,
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.route(&parse(filter.as_ref()), ServiceEndpoint(service))
    }

    /// Calls `handler` for every trigger without a route.
    ///
    /// If it takes whatever comes, as a [`Notification`](crate::Notification),
    /// `Notification<Object>`, [`VerifiedBody`] or `Request<VerifiedBody>`, it is also called for
    /// notifications that do not fit the handler of their trigger. With one of the last two it gets
    /// bodies that are no notification as well, and the deltas of API v2 without a
    /// [route](Self::on_deltas).
    ///
    /// # Panics
    ///
    /// If there is a fallback already, or if the handler's object does not model every trigger:
    /// use `Notification` or `Notification<Object>`.
    #[must_use]
    #[track_caller]
    pub fn fallback<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args, S>,
        Args: 'static,
    {
        require_models::<H, Args, S>(TriggerKind::KNOWN.iter(), &"the fallback");
        let takes = |content| H::models(content) == Some(true);
        let endpoint = self.endpoint(handler);
        self.set_fallback(Fallback {
            route: Route::new(endpoint),
            takes_misfits: takes(Content::Misfit),
            takes_deltas: takes(Content::Deltas),
        })
    }

    /// Calls a service for every trigger without a route, as [`on_service`](Self::on_service), and
    /// for everything else that no handler reads.
    ///
    /// # Panics
    ///
    /// If there is a fallback already.
    #[must_use]
    #[track_caller]
    pub fn fallback_service<T, R>(self, service: T) -> Self
    where
        T: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
        T::Error: Into<BoxError>,
        T::Future: Send,
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.set_fallback(Fallback {
            route: Route::new(ServiceEndpoint(service)),
            takes_misfits: true,
            takes_deltas: true,
        })
    }

    /// Calls `handler` for bodies of Nylas API v2. In place of a notification it takes
    /// [`Deltas`](crate::notification::Deltas), a [`VerifiedBody`] or a `Request<VerifiedBody>`.
    ///
    /// # Panics
    ///
    /// If there is such a handler already, or if this one takes something else.
    #[must_use]
    #[track_caller]
    pub fn on_deltas<H, Args>(mut self, handler: H) -> Self
    where
        H: Handler<Args, S>,
        Args: 'static,
    {
        assert!(
            H::models(Content::Deltas) != Some(false),
            "a handler for deltas takes `Deltas`, since they are no `Notification`"
        );
        let route = Route::new(self.endpoint(handler));
        let deltas = &mut Arc::make_mut(&mut self.routes).deltas;
        if let Some(other) = deltas {
            panic!("there are two handlers for deltas: this one, and one added at {other:?}");
        }
        *deltas = Some(route);
        self
    }

    /// Calls `handler` for verified bodies that no other handler reads: that are no notification,
    /// or do not fit the type of their handler, while the [fallback](Self::fallback) does not take
    /// whatever comes.
    ///
    /// It takes [`Malformed`](crate::notification::Malformed), which has the reason and the bytes,
    /// in place of a notification. What it returns is the answer. If it is done with it, the
    /// outcome is [`Outcome::Malformed`](crate::Outcome::Malformed); if it asks for another
    /// attempt, fails or gives up, the outcome says so, as for any other handler.
    ///
    /// Without such a handler the answer is `503`, so that the application can be mended before
    /// Nylas' last attempt, and `200` from the third attempt on, since nothing is sent again after
    /// it: then the notification is lost, which is reported as an error
    /// ([`Outcome::Unread`](crate::Outcome::Unread)). A kind of notification that nobody reads would
    /// otherwise end the whole destination, which Nylas fails at 95 % of other answers
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    ///
    /// ```
    /// use tower_nylas::{State, TriggerRouter, notification::Malformed};
    ///
    /// #[derive(Clone)]
    /// struct Archive;
    ///
    /// impl Archive {
    ///     async fn store(&self, bytes: &[u8]) -> Result<(), std::io::Error> {
    ///         # let _ = bytes;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// async fn put_aside(State(archive): State<Archive>, what: Malformed) -> std::io::Result<()> {
    ///     archive.store(what.body().bytes()).await
    /// }
    ///
    /// let router = TriggerRouter::with_state(Archive).on_malformed(put_aside);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is such a handler already, or if this one takes a notification.
    #[must_use]
    #[track_caller]
    pub fn on_malformed<H, Args>(mut self, handler: H) -> Self
    where
        H: Handler<Args, S>,
        Args: 'static,
    {
        assert!(
            H::models(Content::Malformed) != Some(false),
            "a handler for malformed bodies takes `Malformed`, since they are no `Notification`"
        );
        let route = Route::new(self.endpoint(handler));
        let routes = Arc::make_mut(&mut self.routes);
        if let Some(other) = &routes.on_malformed {
            panic!(
                "there are two handlers for malformed bodies: this one, and one added at {other:?}"
            );
        }
        routes.on_malformed = Some(route);
        routes.collect_unread();
        self
    }

    /// Adds the routes of another router, whose handlers keep their own state: its fallback, its
    /// handlers of deltas and of malformed bodies as well.
    ///
    /// The count of unrouted notifications goes on from this router's.
    ///
    /// ```
    /// # use tower_nylas::{Notification, State, TriggerRouter};
    /// # #[derive(Clone)]
    /// # struct Calendar;
    /// # async fn on_event(State(_): State<Calendar>, _: Notification) {}
    /// # #[derive(Clone)]
    /// # struct Mailbox;
    /// # async fn on_message(State(_): State<Mailbox>, _: Notification) {}
    /// let calendar = TriggerRouter::with_state(Calendar).on("event.*", on_event);
    /// let mail = TriggerRouter::with_state(Mailbox).on("message.created", on_message);
    /// let router = mail.merge(calendar);
    /// ```
    ///
    /// # Panics
    ///
    /// If both have a route with the same filter, a fallback, a handler of deltas, or one of
    /// malformed bodies.
    #[must_use]
    #[track_caller]
    pub fn merge<T>(mut self, other: TriggerRouter<T>) -> Self {
        let other = other.routes;
        let routes = Arc::make_mut(&mut self.routes);
        for (filter, route) in other.table.iter() {
            if let Some(first) = routes.table.insert(&filter, route.clone()) {
                panic!("both routers have a route for `{filter}`: {first:?} and {route:?}");
            }
        }
        join(&mut routes.fallback, other.fallback.as_ref(), "a fallback");
        join(
            &mut routes.deltas,
            other.deltas.as_ref(),
            "a handler for deltas",
        );
        join(
            &mut routes.on_malformed,
            other.on_malformed.as_ref(),
            "a handler for malformed bodies",
        );
        routes.collect_unread();
        self
    }

    fn endpoint<H, Args>(&self, handler: H) -> HandlerEndpoint<H, Args, S> {
        HandlerEndpoint::new(handler, self.routes.state.clone())
    }

    #[track_caller]
    fn handle<H, Args>(self, filter: &Filter, handler: H) -> Self
    where
        H: Handler<Args, S>,
        Args: 'static,
    {
        assert!(
            H::models(Content::Unlisted) != Some(false),
            "the handler for `{filter}` takes no notification: `Deltas` and `Malformed` have routes \
             of their own, `on_deltas` and `on_malformed`"
        );
        let covered = |kind: &&TriggerKind| filter.matches(&Trigger::from((*kind).clone()));
        require_models::<H, Args, S>(TriggerKind::KNOWN.iter().filter(covered), filter);
        let endpoint = self.endpoint(handler);
        self.route(filter, endpoint)
    }

    #[track_caller]
    fn route(mut self, filter: &Filter, endpoint: impl Endpoint + 'static) -> Self {
        let route = Route::new(endpoint);
        let table = &mut Arc::make_mut(&mut self.routes).table;
        if let Some(other) = table.insert(filter, route) {
            panic!("there are two routes for `{filter}`: this one, and one added at {other:?}");
        }
        self
    }

    #[track_caller]
    fn set_fallback(mut self, fallback: Fallback) -> Self {
        let routes = Arc::make_mut(&mut self.routes);
        if let Some(other) = &routes.fallback {
            panic!("there are two fallbacks: this one, and one added at {other:?}");
        }
        routes.fallback = Some(fallback);
        routes.collect_unread();
        self
    }
}

impl<S> TriggerRouter<S> {
    /// The triggers to subscribe to at Nylas, so that every route gets what it asks for: the
    /// `trigger_types` of a webhook destination
    /// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
    ///
    /// A family stands for the documented names that it covers, and a form that Nylas sends on its
    /// own account (`.truncated`, `.transformed`, `.metadata`) for the name that one subscribes to.
    /// A fallback and a handler of deltas stand for none, and so does a family of unknown names.
    /// The names are sorted and distinct.
    ///
    /// Note that `message.*` covers `message.created.cleaned` and the `.legacy` names as well, with
    /// which Nylas sends a second notification of the same mail: a router that names the triggers
    /// one by one subscribes to no more than those.
    ///
    /// ```
    /// use tower_nylas::TriggerRouter;
    ///
    /// let router = TriggerRouter::new()
    ///     .on("contact.*", async || ())
    ///     .on("message.created", async || ())
    ///     .on("message.created.truncated", async || ());
    ///
    /// // The body of `POST /v3/webhooks`.
    /// let create = serde_json::json!({
    ///     "trigger_types": router.filters(),
    ///     "webhook_url": "https://app.example/webhooks/nylas",
    /// });
    /// assert_eq!(
    ///     create["trigger_types"],
    ///     serde_json::json!(["contact.deleted", "contact.updated", "message.created"])
    /// );
    /// ```
    pub fn filters(&self) -> Vec<String> {
        let filters = self.routes.table.iter().map(|(filter, _)| filter);
        let names: BTreeSet<String> = filters.flat_map(|filter| filter.subscriptions()).collect();
        names.into_iter().collect()
    }

    /// How many notifications were acknowledged because there was no route for them, since the
    /// router was made; all clones count together.
    pub fn unrouted_count(&self) -> u64 {
        self.routes.unrouted.load(Ordering::Relaxed)
    }
}

#[track_caller]
fn parse(filter: &str) -> Filter {
    match filter.parse() {
        Ok(filter) => filter,
        Err(invalid) => panic!("{invalid}"),
    }
}

/// A filter that covers a known name.
#[track_caller]
fn listed(filter: &str) -> Filter {
    let filter = parse(filter);
    assert!(
        filter.is_listed(),
        "this version of tower-nylas knows no trigger `{filter}`; did you mean `{}`? For a trigger \
         that Nylas has added since, use `on_unlisted`",
        filter.nearest_listed()
    );
    filter
}

/// Takes the other router's route as well.
#[track_caller]
fn join<R: Clone + fmt::Debug>(slot: &mut Option<R>, other: Option<&R>, what: &str) {
    if let Some(second) = other {
        if let Some(first) = slot {
            panic!("both routers have {what}: {first:?} and {second:?}");
        }
        *slot = Some(second.clone());
    }
}

#[track_caller]
fn require_models<'a, H, Args, S>(
    mut covered: impl Iterator<Item = &'a TriggerKind>,
    filter: &dyn fmt::Display,
) where
    H: Handler<Args, S>,
{
    if let Some(kind) = covered.find(|kind| H::models(Content::Notification(kind)) == Some(false)) {
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

/// Where it was added.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.added_at, f)
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.route.fmt(f)
    }
}

impl<S> Routes<S> {
    /// To be called after each change of the fallback or of `on_malformed`.
    fn collect_unread(&mut self) {
        let fallback = self.fallback.as_ref().filter(|it| it.takes_misfits);
        let endpoint = |route: &Route| route.endpoint.clone();
        let unread = Unread {
            fallback: fallback.map(|fallback| endpoint(&fallback.route)),
            on_malformed: self.on_malformed.as_ref().map(endpoint),
        };
        let is_empty = unread.fallback.is_none() && unread.on_malformed.is_none();
        self.unread = (!is_empty).then(|| Arc::new(unread));
    }
}

impl<S> Clone for Routes<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            table: self.table.clone(),
            fallback: self.fallback.clone(),
            deltas: self.deltas.clone(),
            on_malformed: self.on_malformed.clone(),
            unread: self.unread.clone(),
            unrouted: self.unrouted.clone(),
        }
    }
}

impl<S> Clone for TriggerRouter<S> {
    fn clone(&self) -> Self {
        Self {
            routes: self.routes.clone(),
        }
    }
}

impl Default for TriggerRouter {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Service<Request<VerifiedBody>> for TriggerRouter<S> {
    type Response = Response<RoutedBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    /// Always ready: a routed service is driven ready when its turn comes.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let routes = &*self.routes;
        let fallback = routes.fallback.as_ref();
        let route = match Kind::of_verified(request.body()) {
            Kind::Trigger(name) => {
                let route = routes.table.find(&name);
                route
                    .or(fallback.map(|fallback| &fallback.route))
                    .ok_or_else(|| Missing::Route(Some(Trigger::from(&*name))))
            }
            Kind::Deltas => {
                let fallback = fallback.filter(|fallback| fallback.takes_deltas);
                let route = routes.deltas.as_ref();
                route
                    .or(fallback.map(|fallback| &fallback.route))
                    .ok_or(Missing::Route(None))
            }
            Kind::Malformed(reason) => Err(Missing::Type(reason)),
        };
        let unread = routes.unread.clone();
        match route {
            Ok(route) => ResponseFuture::routed(route.endpoint.call(request), unread),
            Err(Missing::Route(trigger)) => {
                ResponseFuture::unrouted(trigger, routes.unrouted.clone())
            }
            Err(Missing::Type(reason)) => {
                ResponseFuture::unread(Malformed::new(reason, None, request), unread)
            }
        }
    }
}

impl<S> fmt::Debug for TriggerRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = &*self.routes;
        let table = routes.table.iter();
        let table: BTreeMap<_, _> = table.map(|(filter, at)| (filter.to_string(), at)).collect();
        f.debug_struct("TriggerRouter")
            .field("routes", &table)
            .field("fallback", &routes.fallback)
            .field("deltas", &routes.deltas)
            .field("on_malformed", &routes.on_malformed)
            .field("unrouted", &self.unrouted_count())
            .finish_non_exhaustive()
    }
}
