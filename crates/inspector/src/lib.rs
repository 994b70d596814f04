//! Pages for operators of Nylas webhooks.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod action;
mod authorize;
mod builder;
mod csrf;
mod filter;
mod loopback;
mod page;
mod params;
mod recent;
mod respond;
mod service;
mod settings;
mod source;
mod time;
mod view;

pub use self::{
    action::{Action, ActionKind, ActionResult},
    authorize::Access,
    builder::{Builder, Closed, Open},
    loopback::Peer,
    recent::Recent,
    service::{Inspector, ResponseFuture},
};
