//! Pages for operators of a receiver of [Nylas](https://www.nylas.com) webhooks: its last
//! deliveries, its inbox, dead letters and why they are dead, replay, and how Nylas will judge the
//! destinations. A tower service to mount under any path, with JSON at the same URLs.
//!
//! ```
//! use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, health::Health};
//! use tower_nylas::inbox::{Enqueue, MemoryInbox, Pause, Worker};
//! use tower_nylas_inspector::{Access, Inspector, Recent};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! let inbox = MemoryInbox::new();
//! let (health, pause, recent) = (Health::new(), Pause::new(), Recent::new(500));
//! let worker = Worker::new(inbox.clone(), TriggerRouter::new()).pause(&pause);
//! let webhooks = WebhookLayer::new(Secrets::pending())
//!     .observe(recent.observer())
//!     .health(&health)
//!     .layer(Enqueue::new(inbox.clone()));
//!
//! let inspector = Inspector::builder()
//!     .inbox(inbox)
//!     .recent(&recent)
//!     .health(&health)
//!     .pause(&pause)
//!     .authorize(|request| match request.extensions.get::<User>() {
//!         Some(user) if user.is_operator => Access::full(&user.name),
//!         Some(user) => Access::read_only(&user.name),
//!         None => Access::denied(),
//!     })
//!     .build();
//!
//! // What a layer of the application has found out about the session of the request.
//! #[derive(Clone)]
//! struct User { name: String, is_operator: bool }
//!
//! let app: axum::Router = axum::Router::new()
//!     .route_service("/webhooks/nylas", webhooks)
//!     .nest_service("/ops/nylas", inspector);
//! # let _ = (app, worker);
//! # Ok(())
//! # }
//! ```
//!
//! Each part is optional. Without an inbox, the last deliveries are shown; an engine that
//! implements [`Browse`](tower_nylas::inbox::Browse) only has its dead entries shown
//! ([`Builder::browse`]).
//!
//! # Mounting
//!
//! The service looks at the query of a request and not at its path, and every link, form and
//! redirect is a query. So it holds under any path: behind axum's `nest_service` and
//! `route_service`, with a slash at the end or without one, and behind a proxy that strips a
//! prefix. With hyper alone, `hyper_util::service::TowerToHyperService::new(inspector)`.
//!
//! A page is read and made as a whole, then sent: a slow client holds neither a snapshot nor a
//! lock. What the service waits for is the engine, up to 5 s to read entries, 15 s to count dead
//! ones, and 60 s to change something ([`Builder::timer`]); the overview shows the rest if that
//! does not answer. Serve it where few can reach it: on a port or a host name of its own.
//!
//! # Loopback only
//!
//! [`Builder::loopback_only`] is for a service on one's own machine, or behind `ssh -L`. It needs
//! the address of each connection's peer, as a [`Peer`] in the request's extensions. On axum:
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use axum::{Router, extract::{ConnectInfo, Request}};
//! use tower::ServiceBuilder;
//! use tower_nylas_inspector::{Inspector, Peer};
//!
//! # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
//! let inspector = ServiceBuilder::new()
//!     .map_request(|mut request: Request| {
//!         let info = request.extensions().get::<ConnectInfo<SocketAddr>>().copied();
//!         if let Some(ConnectInfo(peer)) = info {
//!             request.extensions_mut().insert(Peer(peer));
//!         }
//!         request
//!     })
//!     .service(Inspector::builder().loopback_only().build());
//! let app = Router::new().nest_service("/inspector", inspector);
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
//! # }
//! ```
//!
//! With hyper, insert `Peer(address)` with the address that `accept` has returned. Without one,
//! every request is refused. Take it from the socket and never from a header. Put no proxy in
//! front: one that adds no header and sets `Host` to the address that it connects to, as nginx does
//! by default, cannot be told apart from this machine, and everybody behind it may do everything.
//!
//! # Security
//!
//! - **Closed by default.** There is no [`Inspector`] before it was said who may see it:
//!   `build()` does not compile without [`authorize`](Builder::authorize) or
//!   [`loopback_only`](Builder::loopback_only). Who may only read sees no button, and is refused if
//!   the form is sent all the same; [`read_only`](Builder::read_only) holds for everybody.
//! - **Bodies are hidden** unless [`show_bodies`](Builder::show_bodies) was called, and so are
//!   subjects. The reasons of failures are shown: an error of a handler should contain no content.
//! - **Actions** are `POST`s with `Sec-Fetch-Site: same-origin`, which every browser sends and no
//!   script can set. Browsers send it over `https` and to this machine only, so pages over plain
//!   `http` to another one are read only. A program sends the header itself. What another origin
//!   loads, but for the page of a link, is refused as well, since to count reads a great deal.
//! - **What was counted** is what is changed. The confirmation sends the keys that were counted,
//!   and the state that they were in: what has died since is not among them, and what another
//!   operator has replayed is passed over. A parameter that is not known, empty, too long or there
//!   twice is a `400`, and changes nothing.
//! - **Between a look and a change**, up to 16 entries are looked up, then changed. The engine
//!   looks at the state once more, in the transaction that changes it
//!   ([`Browse::replay_dead`](tower_nylas::inbox::Browse::replay_dead)): what is not dead any more
//!   is neither replayed nor discarded. Two things are left. An entry that was replayed meanwhile
//!   and has died once more is dead, so it is changed, whatever it has died of this time. One that
//!   was done, if such are replayed (`was=done`), and that was replayed and has died meanwhile, is
//!   replayed. An engine that keeps what is done, and has no `replay_dead` of its own, replays what
//!   was replayed by somebody else and handled in that moment.
//! - **Nothing is loaded** from anywhere: `Content-Security-Policy: default-src 'none'`, with the
//!   style by its hash, `form-action 'self'`, `frame-ancestors 'none'`; `nosniff`, `no-store`, no
//!   referrer. There is no script.
//! - **Everything is bounded**: entries of a page (50), entries that an action changes (1,000),
//!   what is remembered of deliveries, what is read of a form (64 KiB, and 40 bytes for each entry
//!   that an action may change) and shown of a body (128 Ki characters). A dry run, and an action
//!   on a filter, reads up to 20,000 entries, 16 at a time; two dry runs are under way at most, and
//!   further ones are answered with `503`. A change of more than one entry is counted first, and
//!   confirmed. Purging a grant deletes all of its entries but those that are being handled. One of
//!   many hundred thousand entries may take longer than the 60 s of a change: what it has deleted
//!   by then stays so, and doing it again goes on.
//!
//! Pausing is about the workers of the process that answers: of several behind a balancer, the
//! others go on.
//!
//! # What is recorded
//!
//! Each action is two events of `tracing` with the target `tower_nylas_inspector`: `INFO` when it
//! begins, with `action`, `who`, `selection` and `reason`, and at its end `INFO`, or `WARN` if it
//! failed or its client left, with `selected` and `done`. A `POST` that is refused before it begins
//! is one `INFO`, with `why`: without access, from another origin, read only, too large, not
//! understood, not confirmed. [`Builder::on_action`] is called once for each of all these. A page
//! that is refused is a `DEBUG`.
//!
//! # URLs
//!
//! `Accept: application/json` gets the same as JSON, with the same limits; `next` is the link to
//! the following page. A group of dead entries has its `filter`, which selects what the group
//! counts, and of which `no_trigger` is `true` and `trigger` is `null` for those without one. Of
//! the cause `undecodable` are those that cannot be read, and those that have died of a cause which
//! only a later version knows.
//!
//! | query | page |
//! |---|---|
//! | none | overview |
//! | `page=deliveries` | the last deliveries and refusals; `kind` (`accepted`, `failed`, `lost`, `refused`, `challenge`), `trigger`, `id` |
//! | `page=inbox` | entries; `state` (`ready`, `waiting`, `claimed`, `done`, `dead`), `cause` of dead ones, `trigger`, `no_trigger=1`, `empty_trigger=1`, `grant`, `before` |
//! | `page=dead` | dead entries by trigger and cause |
//! | `page=entry&key=…` | one entry with its timeline |
//! | `page=find&q=…` | the entry of a key or of a notification's id, or its deliveries; several entries if the id is known under several [labels](Builder::labels) |
//! | `page=find&key=…` | the entry of exactly this key, or its deliveries |
//! | `page=replay`, `page=discard` | the dry run: how many entries, their `keys`, and the first ten; `key` (repeated) with `was` (`dead`, or `done` to replay once more), or what selects a list |
//! | `page=purge&grant=…` | the dry run of deleting a grant |
//!
//! Any page reloads itself with `refresh=5` (or `30`, `300`).
//!
//! A `POST` has a form: `action` (`replay`, `discard` with `reason`, `purge` with `grant`, `pause`,
//! `resume`), `key` (repeated) and `was` or a filter as above, and `confirm=1` for more than one
//! entry and for what was done. By default a key is of a dead entry; one in another state is passed
//! over. A filter selects what there is by then: to change what a dry run has counted, send its
//! `keys`, each as `key`, and its `was`. A browser gets `303`; as JSON it is `selected`, `done`,
//! `is_cut`, for a filter that selects more `next_before`, below which the next part is, and for a
//! purge `left`. If the engine fails, it is `503`, with `error`, and `done` and `selected` until
//! then. The example `inbox` is a command line over this.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod action;
mod authorize;
mod builder;
mod csrf;
mod filter;
mod limit;
mod loopback;
mod page;
mod params;
mod recent;
mod respond;
mod service;
mod settings;
mod source;
mod time;
mod turns;
mod view;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use self::{
    action::{Action, ActionKind, ActionResult},
    authorize::Access,
    builder::{Builder, Closed, Open},
    loopback::Peer,
    recent::Recent,
    service::{Inspector, ResponseFuture},
};
