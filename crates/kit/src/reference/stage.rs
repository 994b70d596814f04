//! The real stack, driven by hand through a scenario, in time that passes only here.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use tower_nylas::{
    CodingFault, Notification, Outcome, Rejection, Resolution, SecretSource, Secrets,
    TriggerRouter, VerifiedBody, WebhookLayer,
    notification::Malformed,
    testing::{self, VirtualClock},
    time::{Clock, Sleep, Timer},
    webhook::Webhook,
};
use tower_service::Service;

use super::{
    Body, Kind, Prediction, naive, predict,
    scenario::{
        End, Event, Pause, Plan, Readiness, Request, RouteKind, Scenario, SecretOperation, Step,
        Strict, Tenant,
    },
};

/// What routed services answer with.
pub const INNER_BODY: &[u8] = b"from inside";

/// Plays a scenario and compares every answer with the prediction.
pub fn play(scenario: &Scenario) {
    let predictions = predict(scenario);
    let stage = Stage::new(scenario);
    let mut predictions = predictions.iter();
    for event in &scenario.events {
        match event {
            Event::Secrets(operation) => {
                operate(&stage.secrets, operation);
            }
            Event::TimePasses(duration) => stage.backstage.timer.advance(*duration),
            Event::Request(request) => {
                let predicted = predictions.next().unwrap();
                let seen = stage.send(request, scenario.polls_needlessly);
                compare(&seen, predicted, request);
            }
        }
    }
}

fn compare(seen: &Seen, predicted: &Prediction, request: &Request) {
    let told = (seen.status, seen.kind);
    assert_eq!(told, (predicted.status, predicted.kind), "{request:?}");
    match &predicted.body {
        Body::Exactly(body) => assert_eq!(seen.body, *body, "{request:?}"),
        Body::Text => assert_eq!(seen.body, seen.text.unwrap_or_default().as_bytes()),
    }
    assert_eq!(seen.allow.as_deref(), predicted.allow, "{request:?}");
    assert_eq!(seen.retry_after, predicted.retry_after, "{request:?}");
    let handled: Vec<_> = predicted.handled.iter().cloned().collect();
    assert_eq!(seen.handled, handled, "{request:?}");
    assert_eq!(seen.fault, predicted.fault, "{request:?}");
    assert_eq!(seen.answered_at, predicted.answered_at, "{request:?}");
    assert_eq!(seen.violations, &[] as &[&str], "{request:?}");
    assert!(
        predicted.may_poll_body || !seen.body_was_polled,
        "{request:?}"
    );
}

/// What a request led to.
struct Seen {
    status: u16,
    kind: Kind,
    body: Vec<u8>,
    text: Option<&'static str>,
    allow: Option<String>,
    retry_after: Option<String>,
    handled: Vec<(usize, Vec<u8>)>,
    fault: Option<(bool, usize)>,
    answered_at: Duration,
    body_was_polled: bool,
    violations: Vec<&'static str>,
}

struct Stage {
    secrets: Secrets,
    endpoint: Webhook<TriggerRouter>,
    backstage: Backstage,
}

/// What the routes share with the stage.
#[derive(Clone)]
struct Backstage {
    timer: VirtualClock,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    plan: Option<Plan>,
    handled: Vec<(usize, Vec<u8>)>,
    fault: Option<(bool, usize)>,
    reports: Vec<Kind>,
    violations: Vec<&'static str>,
    body_was_polled: bool,
}

impl Backstage {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    fn plan(&self) -> Plan {
        self.log().plan.clone().unwrap()
    }
}

impl Stage {
    fn new(scenario: &Scenario) -> Self {
        let backstage = Backstage {
            timer: VirtualClock::new(),
            log: Arc::default(),
        };
        let secrets = Secrets::builder().clock(backstage.timer.clone());
        let secrets = match &scenario.secrets[..] {
            [] => secrets.pending(),
            some => secrets.any_of(some.iter().copied()).unwrap(),
        };
        let endpoint = layer(scenario, &secrets, &backstage).layer(router(scenario, &backstage));
        Self {
            secrets,
            endpoint,
            backstage,
        }
    }

    fn send(&self, request: &Request, polls_needlessly: bool) -> Seen {
        *self.backstage.log() = Log {
            plan: Some(request.plan.clone()),
            ..Log::default()
        };
        let start = self.backstage.timer.elapsed();
        let response = self.drive(request, polls_needlessly);
        assert!(self.backstage.timer.elapsed() >= start);
        let log = std::mem::take(&mut *self.backstage.log());
        let extensions = response.extensions();
        assert_eq!(response.version(), http::Version::HTTP_11);
        assert!(extensions.get::<Odd>().is_none());
        let rejection = extensions.get::<Rejection>().cloned();
        let kind = match (&rejection, extensions.get::<Outcome>(), response.status()) {
            (Some(rejection), None, _) => Kind::Rejected(rejection_name(rejection)),
            (None, Some(outcome), _) => Kind::Ended(outcome_name(outcome)),
            // Neither success carries anything; the report tells them apart.
            (None, None, StatusCode::OK) => *log.reports.first().expect("a report"),
            other => panic!("{other:?}"),
        };
        assert_eq!(log.reports, [kind], "{request:?}");
        if let Some(rejection) = &rejection {
            assert_eq!(rejection.status(), response.status());
        }
        let header = |name| {
            let value: &HeaderValue = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        Seen {
            status: response.status().as_u16(),
            kind,
            text: rejection.map(|rejection| rejection.text()),
            allow: header(header::ALLOW),
            retry_after: header(header::RETRY_AFTER),
            handled: log.handled,
            fault: log.fault,
            answered_at: self.backstage.timer.elapsed(),
            body_was_polled: log.body_was_polled,
            violations: log.violations,
            body: naive::read(response.into_body()),
        }
    }

    /// Polls when woken, and lets time pass to the end of the next sleep when nobody was.
    fn drive(
        &self,
        request: &Request,
        polls_needlessly: bool,
    ) -> Response<impl http_body::Body<Data = Bytes> + use<>> {
        let mut endpoint = self.endpoint.clone();
        let call = endpoint.call(self.real(request));
        let mut call = pin!(call);
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        let timer = &self.backstage.timer;
        loop {
            if let Poll::Ready(response) = call.as_mut().poll(&mut Context::from_waker(&waker)) {
                let Ok(response) = response;
                return response;
            }
            while !bell.0.swap(false, Ordering::SeqCst) {
                let left = timer.until_next_wake().expect("somebody wakes the request");
                if polls_needlessly && left > Duration::from_millis(1) {
                    let nearly = left.saturating_sub(Duration::from_millis(1));
                    timer.advance(nearly);
                    let early = call.as_mut().poll(&mut Context::from_waker(&waker));
                    assert!(early.is_pending(), "answered too early: {request:?}");
                    timer.advance(Duration::from_millis(1));
                } else {
                    timer.advance(left);
                }
            }
        }
    }

    fn real(&self, request: &Request) -> http::Request<Steps> {
        let path = match request.tenant {
            Tenant::Known => "/known",
            Tenant::Unknown => "/unknown",
            Tenant::LookupFails => "/fails",
        };
        let mut uri = path.as_bytes().to_vec();
        if let Some(query) = &request.query {
            uri.push(b'?');
            uri.extend(query);
        }
        let mut real = http::Request::builder()
            .method(request.method.clone())
            .uri(http::Uri::try_from(uri).unwrap());
        for signature in &request.signatures {
            real = real.header(
                "x-nylas-signature",
                HeaderValue::from_bytes(signature).unwrap(),
            );
        }
        if let Some(coding) = request.content_encoding {
            real = real.header(header::CONTENT_ENCODING, coding);
        }
        let body = Steps {
            left: request.body.iter().cloned().collect(),
            claims: request.claims,
            announces_end: request.announces_end,
            pausing: None,
            secrets: self.secrets.clone(),
            backstage: self.backstage.clone(),
        };
        real.body(body).unwrap()
    }
}

/// Whether somebody asked to be polled.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Does to the real secrets what the reference does to its own, and returns whether the secret is
/// accepted.
pub fn operate(secrets: &Secrets, operation: &SecretOperation) -> bool {
    match operation {
        SecretOperation::Set(secret) => secrets.set(*secret).is_ok(),
        SecretOperation::Rotate(secret, keep) => secrets.rotate(*secret, *keep).is_ok(),
        SecretOperation::ExpectRotation(max) => {
            secrets.expect_rotation(*max);
            true
        }
    }
}

fn layer(scenario: &Scenario, secrets: &Secrets, backstage: &Backstage) -> WebhookLayer {
    let settings = &scenario.settings;
    let known = secrets.clone();
    let log = backstage.log.clone();
    let timer = MaybeMissing {
        timer: backstage.timer.clone(),
        can_sleep: !settings.lacks_timer,
    };
    let mut layer = if settings.has_lookup {
        let source = SecretSource::lookup(move |request| match request.uri.path() {
            "/known" => Ok(Some(known.clone())),
            "/unknown" => Ok(None),
            _ => Err("the lookup fails".into()),
        });
        WebhookLayer::with_timer(source, timer)
    } else {
        WebhookLayer::with_timer(known, timer)
    };
    if settings.pass_client_errors {
        layer = layer.pass_client_errors();
    }
    if let Some(on_mismatch) = settings.on_mismatch {
        layer = layer.on_mismatch(on_mismatch);
    }
    layer
        .max_body_size(settings.max_body)
        .max_challenge_length(settings.max_challenge)
        .max_inflated_size(settings.max_inflated)
        .read_timeout(settings.read_timeout)
        .handler_timeout(settings.handler_timeout)
        .acknowledge_test_events(settings.acknowledge_test_events)
        .observe(move |report| {
            let kind = match report.resolution() {
                Resolution::Challenged => Kind::Challenged,
                Resolution::Rejected(rejection) => Kind::Rejected(rejection_name(rejection)),
                Resolution::Acknowledged(outcome) => Kind::Ended(outcome_name(outcome)),
                _ => panic!("{report}"),
            };
            log.lock().unwrap().reports.push(kind);
        })
}

/// Says that it cannot sleep, if that is so in the scenario.
struct MaybeMissing {
    timer: VirtualClock,
    can_sleep: bool,
}

impl Clock for MaybeMissing {
    fn now(&self) -> Instant {
        self.timer.now()
    }

    fn unix_time(&self) -> Duration {
        self.timer.unix_time()
    }
}

impl Timer for MaybeMissing {
    fn sleep(&self, duration: Duration) -> Sleep {
        self.timer.sleep(duration)
    }

    fn can_sleep(&self) -> bool {
        self.can_sleep
    }
}

fn router(scenario: &Scenario, backstage: &Backstage) -> TriggerRouter {
    let mut router = TriggerRouter::new();
    if let Some(ack) = scenario.settings.on_malformed.clone() {
        router = router.on_malformed(move |_: Malformed| std::future::ready(ack.clone()));
    }
    for (index, route) in scenario.routes.iter().enumerate() {
        let backstage = backstage.clone();
        router = match route.kind {
            RouteKind::Plain => router.on_unlisted(route.filter, plain(backstage, index)),
            RouteKind::Typed => router.on_unlisted(route.filter, typed(backstage, index)),
            RouteKind::Service => {
                router.on_unlisted_service(route.filter, Routed::new(backstage, index))
            }
        };
    }
    let index = scenario.routes.len();
    let backstage = backstage.clone();
    match scenario.fallback {
        None => router,
        Some(RouteKind::Plain) => router.fallback(plain(backstage, index)),
        Some(RouteKind::Typed) => router.fallback(typed(backstage, index)),
        Some(RouteKind::Service) => router.fallback_service(Routed::new(backstage, index)),
    }
}

type Ended = Result<tower_nylas::Ack, String>;
type Working = Pin<Box<dyn Future<Output = Ended> + Send>>;

fn plain(backstage: Backstage, index: usize) -> impl Fn(VerifiedBody) -> Working + Send + Sync {
    move |body| work(&backstage, index, &body)
}

fn typed(
    backstage: Backstage,
    index: usize,
) -> impl Fn(Notification<Strict>) -> Working + Send + Sync {
    move |notification| work(&backstage, index, notification.body())
}

fn work(backstage: &Backstage, index: usize, body: &VerifiedBody) -> Working {
    let plan = begin(backstage, index, body);
    let pauses = pauses(backstage, &plan.work);
    Box::pin(async move {
        pauses.await;
        match plan.end {
            End::Error => Err("as planned".to_owned()),
            End::Panic => panic_quietly(),
            end => Ok(end.as_ack()),
        }
    })
}

fn begin(backstage: &Backstage, index: usize, body: &VerifiedBody) -> Plan {
    let plan = backstage.plan();
    let bytes = body.bytes().to_vec();
    backstage.log().handled.push((index, bytes));
    if let End::PanicAtOnce = plan.end {
        panic_quietly();
    }
    plan
}

/// Without the hook, which under libFuzzer ends the process.
fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("as planned"))
}

fn pauses(backstage: &Backstage, pauses: &[Pause]) -> Pausing {
    let timer = backstage.timer.clone();
    let pauses = pauses.to_vec();
    Box::pin(async move {
        for pause in pauses {
            match pause {
                Pause::Again => again().await,
                Pause::Wait(duration) => timer.sleep(duration).await,
                Pause::Never => std::future::pending().await,
            }
        }
    })
}

type Pausing = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn again() {
    let mut asked = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An extension that only an inner service makes.
#[derive(Clone)]
struct Odd;

/// A service that keeps to the plan, and notes when it is called unready.
struct Routed {
    backstage: Backstage,
    index: usize,
    /// In a mutex because routed services are `Sync`.
    becoming_ready: Mutex<Option<Pausing>>,
    is_ready: bool,
}

impl Routed {
    fn new(backstage: Backstage, index: usize) -> Self {
        Self {
            backstage,
            index,
            becoming_ready: Mutex::default(),
            is_ready: false,
        }
    }
}

impl Clone for Routed {
    /// A clone of a ready service is not ready.
    fn clone(&self) -> Self {
        Self::new(self.backstage.clone(), self.index)
    }
}

impl Service<http::Request<VerifiedBody>> for Routed {
    type Response = Response<VerifiedBody>;
    type Error = String;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, String>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let plan = self.backstage.plan();
        let becoming_ready = self.becoming_ready.get_mut().unwrap();
        let pausing = becoming_ready.get_or_insert_with(|| pauses(&self.backstage, &plan.ready));
        if !self.is_ready {
            std::task::ready!(pausing.as_mut().poll(cx));
        }
        match plan.readiness {
            Readiness::Ready => {}
            Readiness::Fails => return Poll::Ready(Err("as planned".to_owned())),
            Readiness::Panics => panic_quietly(),
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<VerifiedBody>) -> Self::Future {
        if !std::mem::take(&mut self.is_ready) {
            self.backstage.log().violations.push("called unready");
        }
        *self.becoming_ready.get_mut().unwrap() = None;
        let fault = request.extensions().get::<CodingFault>();
        self.backstage.log().fault = fault.map(|fault| (fault.is_mislabelled, fault.ignored));
        let plan = begin(&self.backstage, self.index, request.body());
        let pauses = pauses(&self.backstage, &plan.work);
        Box::pin(async move {
            pauses.await;
            match plan.end {
                End::Error => return Err("as planned".to_owned()),
                End::Panic => panic_quietly(),
                _ => {}
            }
            let (status, retry_after) = plan.end.as_status();
            let mut response = Response::new(testing::verified(INNER_BODY));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for value in retry_after {
                let value = HeaderValue::from_static(value);
                response.headers_mut().append(header::RETRY_AFTER, value);
            }
            if let End::Status { is_odd: true, .. } = plan.end {
                *response.version_mut() = http::Version::HTTP_09;
                response.extensions_mut().insert(Odd);
                response.extensions_mut().insert(Rejection::Transport);
            }
            Ok(response)
        })
    }
}

/// A body that follows its script.
struct Steps {
    left: VecDeque<Step>,
    claims: (u64, Option<u64>),
    announces_end: bool,
    pausing: Option<Pausing>,
    secrets: Secrets,
    backstage: Backstage,
}

struct Broken;

impl http_body::Body for Steps {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.backstage.log().body_was_polled = true;
        loop {
            if let Some(pausing) = &mut self.pausing {
                std::task::ready!(pausing.as_mut().poll(cx));
                self.pausing = None;
            }
            match self.left.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data.into())))),
                Some(Step::Trailers) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new()))));
                }
                Some(Step::Broken) => return Poll::Ready(Some(Err(Broken))),
                Some(Step::Secrets(operation)) => {
                    operate(&self.secrets, &operation);
                }
                Some(Step::Pause(pause)) => self.pausing = Some(pauses(&self.backstage, &[pause])),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.announces_end && self.left.is_empty() && self.pausing.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.claims.0);
        if let Some(upper) = self.claims.1 {
            hint.set_upper(upper);
        }
        hint
    }
}

fn rejection_name(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Method => "Method",
        Rejection::ChallengeTooLong(_) => "ChallengeTooLong",
        Rejection::TimerMissing => "TimerMissing",
        Rejection::SignatureMissing => "SignatureMissing",
        Rejection::SignatureRepeated => "SignatureRepeated",
        Rejection::SignatureMalformed(_) => "SignatureMalformed",
        Rejection::TenantUnknown => "TenantUnknown",
        Rejection::LookupFailed(_) => "LookupFailed",
        Rejection::SecretPending => "SecretPending",
        Rejection::BudgetExhausted => "BudgetExhausted",
        Rejection::BodyTooLarge(_) => "BodyTooLarge",
        Rejection::ReadTimeout => "ReadTimeout",
        Rejection::Transport => "Transport",
        Rejection::SignatureMismatch(_) => "SignatureMismatch",
        Rejection::SecretUnproven(_) => "SecretUnproven",
        Rejection::MismatchRetried(_) => "MismatchRetried",
        Rejection::RotationExpected => "RotationExpected",
        other => panic!("the reference does not know {other:?}"),
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "Done",
        Outcome::Discarded => "Discarded",
        Outcome::GivenUp(_) => "GivenUp",
        Outcome::Unrouted(_) => "Unrouted",
        Outcome::Unread { .. } => "Unread",
        Outcome::Malformed { .. } => "Malformed",
        Outcome::TestEvent => "TestEvent",
        Outcome::Retry => "Retry",
        Outcome::RetryAfter(_) => "RetryAfter",
        Outcome::Failed(_) => "Failed",
        Outcome::Panicked(_) => "Panicked",
        Outcome::TimedOut(_) => "TimedOut",
        Outcome::Status(_) => "Status",
        Outcome::Undecodable(_) => "Undecodable",
        other => panic!("the reference does not know {other:?}"),
    }
}
