//! Guides to what concerns more than one item. Documentation only: there is nothing to import.
//!
//! - [`statuses`]: which status each kind of request gets, and why
//! - [`recipes`]: common tasks, each with code and with what can go wrong
//! - [`secrets`]: the handshake, rotations, wrong secrets
//! - [`management`]: a destination from nothing, its secret on several replicas, HTTP clients
//! - [`refetch`]: truncated notifications and their whole objects
//! - [`tenants`]: a secret for each, found by path, host or header
//! - [`layers`]: tower's and tower-http's layers, outside and inside, and where to mount
//! - [`proxies`]: what nginx, HAProxy, Envoy, load balancers and tunnels change, and their settings
//! - [`memory`]: what unverified bodies may hold
//! - [`handlers`]: state, values that do not fit, deadlines, back-pressure, duplicates
//! - [`inbox`]: what it promises, failures, engines of one's own
//! - [`shutdown`]: how to stop a server
//! - [`testing`]: tests of one's own handlers

#[doc = include_str!("statuses.md")]
pub mod statuses {}

#[doc = include_str!("recipes.md")]
pub mod recipes {}

#[doc = include_str!("secrets.md")]
pub mod secrets {}

#[cfg_attr(feature = "api", doc = include_str!("management.md"))]
pub mod management {}

#[cfg_attr(feature = "api", doc = include_str!("refetch.md"))]
pub mod refetch {}

#[doc = include_str!("tenants.md")]
pub mod tenants {}

#[doc = include_str!("layers.md")]
pub mod layers {}

#[doc = include_str!("proxies.md")]
pub mod proxies {}

#[doc = include_str!("memory.md")]
pub mod memory {}

#[doc = include_str!("handlers.md")]
pub mod handlers {}

#[doc = include_str!("inbox.md")]
pub mod inbox {}

#[doc = include_str!("shutdown.md")]
pub mod shutdown {}

#[doc = include_str!("testing.md")]
pub mod testing {}
