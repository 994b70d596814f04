//! What happens to an endpoint: requests, time, and operations on its secrets.

use std::time::Duration;

use http::Method;
use tower_nylas::{Ack, Mismatch};

#[derive(Debug, Clone)]
pub struct Scenario {
    pub settings: Settings,
    pub routes: Vec<Route>,
    pub fallback: Option<RouteKind>,
    /// Known at the start; without one the set is pending.
    pub secrets: Vec<&'static str>,
    pub events: Vec<Event>,
    /// Polls futures also when nobody asked for it.
    pub polls_needlessly: bool,
}

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is one choice of a scenario
pub struct Settings {
    pub max_body: usize,
    pub max_challenge: usize,
    pub max_inflated: usize,
    pub read_timeout: Duration,
    pub handler_timeout: Duration,
    pub acknowledge_test_events: bool,
    pub pass_client_errors: bool,
    /// `None` for what the crate does by itself, as in `on_malformed`.
    pub on_mismatch: Option<Mismatch>,
    pub on_malformed: Option<Ack>,
    /// Secrets come from a lookup by the path.
    pub has_lookup: bool,
    /// The timer says that it cannot sleep.
    pub lacks_timer: bool,
}

#[derive(Debug, Clone)]
pub struct Route {
    pub filter: &'static str,
    pub kind: RouteKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// A function that takes the verified bytes.
    Plain,
    /// A function that takes a [`Strict`].
    Typed,
    Service,
}

/// An object that not every notification has.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Strict {
    #[allow(dead_code)]
    pub must: i64,
}

#[derive(Debug, Clone)]
pub enum Event {
    Secrets(SecretOperation),
    TimePasses(Duration),
    Request(Box<Request>),
}

#[derive(Debug, Clone)]
pub enum SecretOperation {
    Set(&'static str),
    Rotate(&'static str, Duration),
    ExpectRotation(Duration),
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub tenant: Tenant,
    pub query: Option<Vec<u8>>,
    /// The values of the signature header.
    pub signatures: Vec<Vec<u8>>,
    pub content_encoding: Option<&'static str>,
    pub body: Vec<Step>,
    /// The least and the greatest length that the body claims to have.
    pub claims: (u64, Option<u64>),
    pub announces_end: bool,
    pub plan: Plan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenant {
    Known,
    Unknown,
    LookupFails,
}

/// What a body does next.
#[derive(Debug, Clone)]
pub enum Step {
    Data(Vec<u8>),
    Trailers,
    Pause(Pause),
    Broken,
    /// Meanwhile, elsewhere in the program.
    Secrets(SecretOperation),
}

#[derive(Debug, Clone, Copy)]
pub enum Pause {
    /// Not ready, but asks to be polled again.
    Again,
    Wait(Duration),
    Never,
}

/// What the handler does, if it comes to that.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Before a service is ready.
    pub ready: Vec<Pause>,
    pub readiness: Readiness,
    pub work: Vec<Pause>,
    pub end: End,
}

/// How a service answers the question whether it is ready, in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    Fails,
    Panics,
}

#[derive(Debug, Clone)]
pub enum End {
    Ack(Ack),
    Status {
        status: u16,
        /// The values of the header.
        retry_after: &'static [&'static str],
        /// With a version, a `Rejection` and another extension, none of which is meant for Nylas.
        is_odd: bool,
    },
    Error,
    PanicAtOnce,
    Panic,
}

impl End {
    /// What a function says that was planned as a service.
    pub fn as_ack(&self) -> Ack {
        match self {
            Self::Ack(ack) => ack.clone(),
            _ => Ack::Done,
        }
    }

    /// What a service says that was planned as a function.
    pub fn as_status(&self) -> (u16, &'static [&'static str]) {
        match self {
            Self::Status {
                status,
                retry_after,
                ..
            } => (*status, *retry_after),
            Self::Ack(Ack::Discard) => (204, &[]),
            Self::Ack(Ack::Retry) => (500, &["3"]),
            Self::Ack(Ack::RetryAfter(_)) => (429, &["40"]),
            _ => (200, &["5"]),
        }
    }
}
