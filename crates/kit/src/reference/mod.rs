//! The whole stack written a second time, from README.md's table and the decisions behind it: the
//! body in one `Vec`, one `if` after the other, nothing shared with the crate.
//! `crates/kit/tests/oracles` and the fuzz target `stack` compare the two.

pub mod generate;
pub mod naive;
pub mod scenario;
pub mod secrets;
pub mod stage;

use std::time::Duration;

use http::Method;
use serde_json::Value;
use tower_nylas::{Ack, Mismatch};

use self::{
    scenario::{
        End, Event, Pause, Plan, Readiness, Request, RouteKind, Scenario, SecretOperation, Step,
        Tenant,
    },
    secrets::KnownSecrets,
};

/// What one request should lead to.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    pub status: u16,
    pub kind: Kind,
    pub body: Body,
    pub allow: Option<&'static str>,
    pub retry_after: Option<String>,
    /// Which route ran (the fallback counts as one more), and with which bytes.
    pub handled: Option<(usize, Vec<u8>)>,
    /// What that route, if it is a service, learned of the body's coding: whether it was
    /// mislabelled, and how many bytes were ignored.
    pub fault: Option<(bool, usize)>,
    pub may_poll_body: bool,
    /// Since the beginning of the scenario.
    pub answered_at: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Challenged,
    /// The name of a `Rejection`.
    Rejected(&'static str),
    /// The name of an `Outcome`.
    Ended(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Exactly(Vec<u8>),
    /// The fixed text of the rejection.
    Text,
}

/// Says what each request of a scenario leads to.
pub fn predict(scenario: &Scenario) -> Vec<Prediction> {
    let mut endpoint = Endpoint {
        scenario,
        now: Duration::ZERO,
        secrets: KnownSecrets::new(&scenario.secrets),
    };
    let mut predictions = Vec::new();
    for event in &scenario.events {
        match event {
            Event::Secrets(operation) => endpoint.operate(operation),
            Event::TimePasses(duration) => endpoint.now += *duration,
            Event::Request(request) => predictions.push(endpoint.answer(request)),
        }
    }
    predictions
}

struct Endpoint<'a> {
    scenario: &'a Scenario,
    now: Duration,
    secrets: KnownSecrets,
}

/// A request that never became a handler's business.
struct Refused {
    status: u16,
    why: &'static str,
}

fn refuse<T>(status: u16, why: &'static str) -> Result<T, Refused> {
    Err(Refused { status, why })
}

impl Endpoint<'_> {
    fn operate(&mut self, operation: &SecretOperation) {
        self.secrets.operate(self.now, operation);
    }

    fn answer(&mut self, request: &Request) -> Prediction {
        let is_head = request.method == Method::HEAD;
        if request.method == Method::GET || is_head {
            let query = request.query.as_deref().unwrap_or_default();
            if let Some(challenge) = naive::form_field(query, b"challenge") {
                if challenge.len() > self.scenario.settings.max_challenge {
                    return self.refused(400, "ChallengeTooLong", is_head, false);
                }
                let body = if is_head { Vec::new() } else { challenge };
                return self.prediction(200, Kind::Challenged, Body::Exactly(body), false);
            }
        }
        if self.scenario.settings.lacks_timer {
            return self.refused(503, "TimerMissing", is_head, false);
        }
        if request.method != Method::POST {
            let mut refused = self.refused(405, "Method", is_head, false);
            refused.allow = Some("GET, HEAD, POST");
            return refused;
        }
        if let Err(refused) = self.look_at_head(request) {
            return self.refused(refused.status, refused.why, false, false);
        }
        let wire = match self.read(request) {
            Ok(wire) => wire,
            Err(refused) => return self.refused(refused.status, refused.why, false, true),
        };
        match self.verify(request, &wire) {
            Ok(true) => self.handle(request, &wire),
            Ok(false) => self.ended(200, "TestEvent"),
            Err(refused) => self.refused(refused.status, refused.why, false, true),
        }
    }

    fn look_at_head(&self, request: &Request) -> Result<(), Refused> {
        if let Err(why) = naive::only_signature(&request.signatures) {
            return refuse(401, why);
        }
        if self.scenario.settings.has_lookup {
            match request.tenant {
                Tenant::Known => {}
                Tenant::Unknown => return refuse(401, "TenantUnknown"),
                Tenant::LookupFails => return refuse(503, "LookupFailed"),
            }
        }
        if self.secrets.is_pending() {
            return refuse(503, "SecretPending");
        }
        if request.claims.0 > self.scenario.settings.max_body as u64 {
            return refuse(413, "BodyTooLarge");
        }
        Ok(())
    }

    fn read(&mut self, request: &Request) -> Result<Vec<u8>, Refused> {
        let mut wire = Vec::new();
        // The deadline counts from the first time that there is nothing to read.
        let mut deadline = None;
        for step in &request.body {
            match step {
                Step::Data(data) => {
                    wire.extend(data);
                    if wire.len() > self.scenario.settings.max_body {
                        return refuse(413, "BodyTooLarge");
                    }
                }
                Step::Trailers => {}
                Step::Broken => return refuse(503, "Transport"),
                Step::Secrets(operation) => self.operate(operation),
                Step::Pause(pause) => {
                    let end = self.now + self.scenario.settings.read_timeout;
                    if !self.pause(*pause, *deadline.get_or_insert(end)) {
                        return refuse(408, "ReadTimeout");
                    }
                }
            }
        }
        Ok(wire)
    }

    /// Whether the pause ended before the deadline did.
    fn pause(&mut self, pause: Pause, deadline: Duration) -> bool {
        let end = match pause {
            Pause::Again => self.now,
            Pause::Wait(duration) => self.now + duration,
            Pause::Never => Duration::MAX,
        };
        assert_ne!(end, deadline, "a scenario leaves open which comes first");
        self.now = end.min(deadline);
        end < deadline
    }

    /// Whether the body is Nylas', rather than a test event.
    fn verify(&mut self, request: &Request, wire: &[u8]) -> Result<bool, Refused> {
        let signature = naive::only_signature(&request.signatures).unwrap();
        let signed_with =
            |secret: &str| naive::hmac_sha256(secret.as_bytes(), wire)[..] == signature;
        for secret in self.secrets.accepted(self.now) {
            if signed_with(secret) {
                self.secrets.verified(secret);
                return Ok(true);
            }
        }
        let settings = &self.scenario.settings;
        if signed_with("mock-webhook-secret") {
            if settings.acknowledge_test_events {
                return Ok(false);
            }
            return refuse(401, "SignatureMismatch");
        }
        if self.secrets.expects_rotation(self.now) {
            return refuse(503, "RotationExpected");
        }
        let by_default = if settings.has_lookup {
            Mismatch::Refuse
        } else {
            Mismatch::RetryUntilProven
        };
        match settings.on_mismatch.unwrap_or(by_default) {
            Mismatch::Refuse => refuse(401, "SignatureMismatch"),
            _ if !self.secrets.is_proven() => refuse(503, "SecretUnproven"),
            Mismatch::Retry => refuse(503, "MismatchRetried"),
            Mismatch::RetryUntilProven => refuse(401, "SignatureMismatch"),
            other => panic!("the reference does not know {other:?}"),
        }
    }

    fn handle(&mut self, request: &Request, wire: &[u8]) -> Prediction {
        let max = self.scenario.settings.max_inflated;
        let Some(decoded) = naive::decode(wire, request.content_encoding, max) else {
            return self.ended(503, "Undecodable");
        };
        let fault = (decoded.is_mislabelled, decoded.ignored);
        let body = decoded.content;
        let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
        let json: Value = serde_json::from_slice(text).unwrap_or_default();
        let routes = &self.scenario.routes;
        let filters: Vec<&str> = routes.iter().map(|route| route.filter).collect();
        let fallback = self.scenario.fallback.map(|kind| (routes.len(), kind));
        // Reads whatever comes, and not only what has a `must`.
        let reads_all = fallback.filter(|(_, kind)| *kind != RouteKind::Typed);
        let route = match json["type"].as_str() {
            Some(name) => match route(name, &filters) {
                Some(index) => Some((index, routes[index].kind)),
                None => match fallback {
                    Some(fallback) => Some(fallback),
                    None => return self.ended(200, "Unrouted"),
                },
            },
            None if json["type"].is_null() && !json["deltas"].is_null() => match reads_all {
                Some(fallback) => Some(fallback),
                None => return self.ended(200, "Unrouted"),
            },
            None => None,
        };
        let fits = |(_, kind): &(usize, RouteKind)| {
            *kind != RouteKind::Typed || is_whole_number(&json["data"]["object"]["must"])
        };
        let Some((index, kind)) = route.filter(fits).or(reads_all) else {
            return self.unread(&json);
        };
        let mut plan = request.plan.clone();
        if kind != RouteKind::Service {
            plan.ready.clear();
            plan.readiness = Readiness::Ready;
        }
        let mut prediction = self.work(kind, &plan);
        if !self.never_called(&plan) {
            prediction.handled = Some((index, body));
            if kind == RouteKind::Service && fault != (false, 0) {
                prediction.fault = Some(fault);
            }
        }
        prediction
    }

    fn unread(&self, json: &Value) -> Prediction {
        let Some(ack) = self.scenario.settings.on_malformed.clone() else {
            let attempt = json["webhook_delivery_attempt"].as_u64();
            let is_lost = attempt.is_some_and(|attempt| attempt >= 3);
            return self.ended(if is_lost { 200 } else { 503 }, "Unread");
        };
        let is_taken = matches!(ack, Ack::Done | Ack::Discard);
        let mut prediction = self.acknowledged(ack);
        if is_taken {
            prediction.kind = Kind::Ended("Malformed");
        }
        prediction
    }

    /// Whether it is not ready before the deadline. (Only readiness counts, so this is asked with
    /// the time since the first pause alone.)
    fn never_called(&self, plan: &Plan) -> bool {
        let mut waited = Duration::ZERO;
        for pause in &plan.ready {
            match pause {
                Pause::Again => {}
                Pause::Wait(duration) => waited += *duration,
                Pause::Never => waited = Duration::MAX,
            }
            if waited > self.scenario.settings.handler_timeout {
                return true;
            }
        }
        plan.readiness != Readiness::Ready
    }

    fn work(&mut self, kind: RouteKind, plan: &Plan) -> Prediction {
        let mut deadline = None;
        let never_called = self.never_called(plan);
        let mut pauses = plan.ready.clone();
        if !never_called && !matches!(plan.end, End::PanicAtOnce) {
            pauses.extend(&plan.work);
        }
        for pause in pauses {
            let end = self.now + self.scenario.settings.handler_timeout;
            if !self.pause(pause, *deadline.get_or_insert(end)) {
                return self.ended(503, "TimedOut");
            }
        }
        match plan.readiness {
            Readiness::Ready => {}
            Readiness::Fails => return self.ended(503, "Failed"),
            Readiness::Panics => return self.ended(503, "Panicked"),
        }
        match plan.end {
            End::Error => self.ended(503, "Failed"),
            End::Panic | End::PanicAtOnce => self.ended(503, "Panicked"),
            _ if kind != RouteKind::Service => self.acknowledged(plan.end.as_ack()),
            _ => {
                let (status, retry_after) = plan.end.as_status();
                self.settled(status, retry_after)
            }
        }
    }

    fn acknowledged(&self, ack: Ack) -> Prediction {
        match ack {
            Ack::Done => self.ended(200, "Done"),
            Ack::Discard => self.ended(200, "Discarded"),
            Ack::GiveUp(_) => self.ended(200, "GivenUp"),
            Ack::Retry => self.ended(503, "Retry"),
            Ack::RetryAfter(wait) => {
                let mut prediction = self.ended(429, "RetryAfter");
                let whole = wait.as_secs();
                let seconds = if wait > Duration::from_secs(whole) {
                    whole + 1
                } else {
                    whole
                };
                prediction.retry_after = Some(seconds.to_string());
                prediction
            }
            other => panic!("the reference does not know {other:?}"),
        }
    }

    fn settled(&self, status: u16, retry_after: &[&str]) -> Prediction {
        let mut prediction = match status {
            200..=299 => return self.ended(200, "Done"),
            408 | 429 => self.ended(429, "Status"),
            400..=499 if self.scenario.settings.pass_client_errors => {
                let mut passed_on = self.ended(status, "Status");
                passed_on.body = Body::Exactly(stage::INNER_BODY.to_vec());
                passed_on
            }
            _ => self.ended(503, "Status"),
        };
        prediction.retry_after = naive::retry_after(retry_after);
        prediction
    }

    fn refused(&self, status: u16, why: &'static str, is_head: bool, polled: bool) -> Prediction {
        let body = if is_head {
            Body::Exactly(Vec::new())
        } else {
            Body::Text
        };
        self.prediction(status, Kind::Rejected(why), body, polled)
    }

    fn ended(&self, status: u16, how: &'static str) -> Prediction {
        self.prediction(status, Kind::Ended(how), Body::Exactly(Vec::new()), true)
    }

    fn prediction(&self, status: u16, kind: Kind, body: Body, may_poll_body: bool) -> Prediction {
        Prediction {
            status,
            kind,
            body,
            allow: None,
            retry_after: None,
            handled: None,
            fault: None,
            may_poll_body,
            answered_at: self.now,
        }
    }
}

/// Which of the filters receives a trigger: the exact name, then without `.transformed`, then
/// without `.truncated`, then without either, then the same for the base of `.metadata`, then the
/// longest family.
pub fn route(name: &str, filters: &[&str]) -> Option<usize> {
    let (stem, transformed, truncated) = split(name);
    let mut stems = vec![stem.clone()];
    if let Some(base) = stem
        .strip_suffix(".metadata")
        .filter(|base| base.contains('.'))
    {
        stems.push(base.to_owned());
    }
    for stem in stems {
        for (keeps_transformed, keeps_truncated) in
            [(true, true), (false, true), (true, false), (false, false)]
        {
            let wanted = (
                stem.clone(),
                transformed && keeps_transformed,
                truncated && keeps_truncated,
            );
            if let Some(index) = filters.iter().position(|filter| split(filter) == wanted) {
                return Some(index);
            }
        }
    }
    let mut longest: Option<(usize, usize)> = None;
    for (index, filter) in filters.iter().enumerate() {
        if let Some(family) = filter.strip_suffix('*')
            && name.starts_with(family)
            && longest.is_none_or(|(length, _)| length < family.len())
        {
            longest = Some((family.len(), index));
        }
    }
    longest.map(|(_, index)| index)
}

/// The name without its automatic suffixes, and which of them it had. What remains has at least
/// two segments.
pub fn split(name: &str) -> (String, bool, bool) {
    let mut segments: Vec<&str> = name.split('.').collect();
    let (mut transformed, mut truncated) = (false, false);
    while segments.len() > 2 {
        match segments[segments.len() - 1] {
            "transformed" if !transformed => transformed = true,
            "truncated" if !truncated => truncated = true,
            _ => break,
        }
        segments.pop();
    }
    (segments.join("."), transformed, truncated)
}

/// A number without a fraction, or the text of one.
fn is_whole_number(value: &Value) -> bool {
    match value {
        Value::String(text) => serde_json::from_str(text)
            .is_ok_and(|value: Value| !value.is_string() && is_whole_number(&value)),
        number => number.is_i64() || number.as_f64().is_some_and(|number| number.fract() == 0.0),
    }
}
