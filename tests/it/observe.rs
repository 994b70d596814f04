//! What operators are told: spans, events and metrics, with exact numbers, and nothing that is
//! secret.

#![cfg(all(feature = "metrics", feature = "tracing"))]

mod destinations;
mod hints;
mod lost;
mod pages;

use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use tower::{Service, service_fn};
use tower_nylas::{
    Ack, MemoryBudget, Notification, ResponseBody, SecretSource, Secrets, TriggerRouter,
    WebhookLayer, notification::object::Message, testing::VirtualClock, time::Clock,
};
use tower_nylas_kit::{
    body::{Scripted, Step, Untouchable},
    delivery::{PATH, SECRET, proven, sign, sign_test_event},
    faulty::{Mute, PanicsOnDrop},
};
use tracing::{Dispatch, Level, subscriber::NoSubscriber};
use tracing_subscriber::fmt::MakeWriter;

/// What was told while something ran: log lines as JSON, and metrics as Prometheus reads them.
pub(crate) struct Told {
    pub(crate) lines: Vec<Value>,
    pub(crate) metrics: String,
    pub(crate) log: String,
}

/// Where log lines go.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Told {
    /// Everything down to `DEBUG`, and every span when it ends.
    pub(crate) fn by(run: impl FnOnce()) -> Self {
        Self::at(Level::DEBUG, run)
    }

    fn at(level: Level, run: impl FnOnce()) -> Self {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(level)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
            .with_writer(written.clone())
            .finish();
        // With only one, `tracing` asks whichever thread comes to an event first whether somebody
        // listens, and keeps the answer, also where that is another test without a subscriber.
        let _another = Dispatch::new(NoSubscriber::default());
        let recorder = PrometheusBuilder::new().build_recorder();
        tracing::subscriber::with_default(subscriber, || {
            metrics::with_local_recorder(&recorder, run);
        });
        let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        Self {
            lines: lines.collect(),
            metrics: recorder.handle().render(),
            log,
        }
    }

    /// The events of the crate, without the ends of spans and what is told of what was kept back.
    pub(crate) fn events(&self) -> Vec<&Value> {
        let ours = |line: &&Value| line["target"] == "tower_nylas" && !is_close(line);
        let told = |line: &&Value| line["fields"].get("suppressed").is_none();
        self.lines.iter().filter(ours).filter(told).collect()
    }

    fn event(&self) -> &Value {
        let events = self.events();
        assert_eq!(events.len(), 1, "{}", self.log);
        events[0]
    }

    /// The ended spans.
    pub(crate) fn spans(&self) -> Vec<&Value> {
        let closed = self.lines.iter().filter(|line| is_close(line));
        closed.map(|line| &line["span"]).collect()
    }

    fn span(&self) -> &Value {
        let spans = self.spans();
        assert_eq!(spans.len(), 1, "{}", self.log);
        spans[0]
    }

    /// How many were kept back, by reason, outcome or fault.
    fn suppressed(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for line in &self.lines {
            let fields = &line["fields"];
            if let Some(count) = fields.get("suppressed") {
                let what = ["reason", "outcome", "fault"]
                    .iter()
                    .find_map(|name| fields.get(name));
                let what = what.unwrap();
                *all.entry(what.as_str().unwrap().to_owned()).or_default() +=
                    count.as_u64().unwrap();
            }
        }
        all
    }

    /// The samples of a metric: labels as Prometheus writes them, without that of the only
    /// destination, and the value.
    fn samples(&self, name: &str) -> BTreeMap<String, f64> {
        let name = format!("nylas_webhook_{name}");
        let lines = self.metrics.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let (metric, labels) = series.split_once('{').unwrap_or((series, "}"));
                let labels = labels.trim_end_matches('}');
                let labels = labels.replace(r#",destination="default""#, "");
                (metric == name).then(|| (labels, value.parse().unwrap()))
            })
            .collect()
    }

    #[track_caller]
    fn assert_samples<const N: usize>(&self, name: &str, expected: [(&str, f64); N]) {
        let expected = expected.map(|(labels, value)| (labels.to_owned(), value));
        assert_eq!(
            self.samples(name),
            BTreeMap::from(expected),
            "{}",
            self.metrics
        );
    }

    fn total(&self, name: &str) -> f64 {
        self.samples(name).values().sum()
    }

    /// Every request came to one end.
    #[track_caller]
    fn assert_sum(&self, received: f64) {
        let ends = ["challenges_total", "rejected_total", "outcomes_total"];
        let ends: f64 = ends.iter().map(|name| self.total(name)).sum();
        assert_eq!(
            (self.total("received_total"), ends),
            (received, received),
            "{}",
            self.metrics
        );
    }
}

fn is_close(line: &Value) -> bool {
    line["fields"]["message"] == "close"
}

fn layer(timer: &VirtualClock) -> WebhookLayer {
    WebhookLayer::with_timer(proven(), timer.clone())
}

fn request<B>(signature: &str, body: B) -> Request<B> {
    let request = Request::post(PATH).header("x-nylas-signature", signature);
    request.body(body).unwrap()
}

fn signed(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let body = body.into();
    request(&sign(&body).to_hex(), Full::new(body))
}

fn forged() -> Request<Full<Bytes>> {
    request(&"0".repeat(64), Full::new(Bytes::from_static(b"{}")))
}

fn notification(trigger: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"{trigger}","source":"/nylas/x","id":"n-1","time":{},"webhook_delivery_attempt":2,"data":{{"object":{{"id":"m-1","grant_id":"g-1"}}}}}}"#,
        unix_now() - 60
    )
}

/// Where the clock of every test begins.
fn unix_now() -> u64 {
    VirtualClock::new().unix_time().as_secs()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The status, of a request that nothing holds up.
fn answer<S, B, R>(mut service: S, request: Request<B>) -> StatusCode
where
    S: Service<Request<B>, Response = Response<ResponseBody<R>>>,
    S::Error: std::fmt::Debug,
    B: Body,
{
    match poll(Box::pin(service.call(request)).as_mut()) {
        Poll::Ready(response) => response.unwrap().status(),
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// Sends one notification of `message.created` to a handler.
fn delivered(timer: &VirtualClock, triggers: TriggerRouter, status: u16) -> Told {
    Told::by(|| {
        let service = layer(timer).layer(triggers);
        assert_eq!(
            answer(service, signed(notification("message.created"))),
            status
        );
    })
}

#[test]
fn a_notification_is_a_span_with_what_is_known_of_it() {
    let timer = VirtualClock::new();
    let passing = timer.clone();
    let triggers = TriggerRouter::new().on("message.created", move || {
        passing.advance(Duration::from_millis(250));
        async { tracing::info!(target: "application", "handled") }
    });
    let body = notification("message.created");
    let length = body.len();
    let told = Told::by(|| {
        let service = layer(&timer).layer(triggers);
        let late = timer.clone();
        let body = Scripted::frames([Bytes::from(body.clone())])
            .on_poll(move |_| late.advance(Duration::from_millis(40)));
        let signature = sign(notification("message.created").as_bytes()).to_hex();
        assert_eq!(answer(service, request(&signature, body)), 200);
    });
    let span = told.span();
    assert_eq!(span["name"], "delivery");
    assert_eq!(span["destination"], "default");
    assert_eq!(span["trigger"], "message.created");
    assert_eq!(span["notification_id"], "n-1");
    assert_eq!(span["attempt"], 2);
    assert_eq!(span.get("lost"), None);
    assert_eq!(span["bytes"], length);
    assert_eq!(span["age_ms"], 60_080.0);
    // One poll for the frame and one for the end.
    assert_eq!(span["read_ms"], 80.0);
    assert_eq!(span["handle_ms"], 250.0);
    assert_eq!(span["outcome"], "done");
    assert_eq!(span["status"], 200);
    assert_eq!(span.get("otel.status_code"), None);

    // What the handler logs is inside.
    let handlers: Vec<_> = told
        .lines
        .iter()
        .filter(|line| line["target"] == "application")
        .collect();
    assert_eq!(handlers.len(), 1);
    assert_eq!(handlers[0]["span"]["notification_id"], "n-1");

    let event = told.event();
    assert_eq!(event["level"], "DEBUG");
    let fields = &event["fields"];
    assert_eq!(fields["message"], "notification acknowledged: handled");
    // The rest is in its span.
    assert_eq!(fields.as_object().unwrap().len(), 1, "{fields}");
    assert_eq!(event["span"]["outcome"], "done");

    let trigger = r#"trigger="message.created""#;
    told.assert_samples("received_total", [("", 1.0)]);
    let attempt = format!(r#"attempt="2",{trigger}"#);
    told.assert_samples("verified_total", [(&attempt, 1.0)]);
    let done = format!(r#"outcome="done",{trigger}"#);
    told.assert_samples("outcomes_total", [(&done, 1.0)]);
    #[allow(clippy::cast_precision_loss)]
    told.assert_samples("body_bytes_sum", [("", length as f64)]);
    told.assert_samples("read_seconds_sum", [("", 0.08)]);
    told.assert_samples("handle_seconds_sum", [(trigger, 0.25)]);
    told.assert_samples("duration_seconds_sum", [("", 0.33)]);
    let age = told.total("age_seconds_sum");
    assert!((60.0..90.0).contains(&age), "{age}");
    told.assert_sum(1.0);
}

/// The outcome, the level, the text of the last event, the handler, and the status.
type Ending = (&'static str, &'static str, &'static str, TriggerRouter, u16);

#[test]
fn every_outcome_is_told_once() {
    let on = |ack: Ack| {
        TriggerRouter::new().fallback(move || {
            let ack = ack.clone();
            async move { ack }
        })
    };
    let timer = VirtualClock::new();
    let endings: [Ending; 9] = [
        ("done", "DEBUG", "acknowledged: handled", on(Ack::Done), 200),
        (
            "discarded",
            "DEBUG",
            "discarded by its handler",
            on(Ack::Discard),
            200,
        ),
        (
            "retry",
            "INFO",
            "answered 503, to be sent again: its handler asked for it again",
            on(Ack::Retry),
            503,
        ),
        (
            "retry_after",
            "INFO",
            "answered 429, to be sent again: its handler asked for it again after 3s",
            on(Ack::RetryAfter(Duration::from_secs(3))),
            429,
        ),
        (
            "failed",
            "WARN",
            "its handler failed: no disk",
            TriggerRouter::new().fallback(async || Err::<(), _>("no disk")),
            503,
        ),
        (
            "panicked",
            "WARN",
            "its handler panicked",
            TriggerRouter::new().fallback(async |n: Notification| {
                assert!(n.object.is_null(), "as it must");
            }),
            503,
        ),
        (
            "unrouted",
            "WARN",
            "acknowledged: no route for message.created",
            TriggerRouter::new().on("event.*", async || ()),
            200,
        ),
        (
            "unread",
            "WARN",
            "answered 503, to be sent again: nothing reads it: message.created: the field `absent` is missing",
            TriggerRouter::new().on_any_type(),
            503,
        ),
        (
            "malformed",
            "WARN",
            "malformed: message.created: the field `absent` is missing",
            TriggerRouter::new().on_any_type().on_malformed(async || ()),
            200,
        ),
    ];
    for (outcome, level, text, triggers, status) in endings {
        let told = delivered(&timer, triggers, status);
        let event = told.event();
        let message = event["fields"]["message"].as_str().unwrap();
        assert!(message.contains(text), "{outcome}: {message}");
        assert_eq!(event["level"], level, "{outcome}");
        for place in [told.span(), &event["span"]] {
            assert_eq!(place["outcome"], outcome);
            assert_eq!(place["status"], status);
            assert_eq!(place["trigger"], "message.created");
            assert_eq!(place["notification_id"], "n-1");
        }
        let failed = level == "WARN" && status != 200;
        let code = told.span().get("otel.status_code");
        assert_eq!(
            code.is_some_and(|code| code == "ERROR"),
            failed,
            "{outcome}"
        );
        let labels = format!(r#"outcome="{outcome}",trigger="message.created""#);
        told.assert_samples("outcomes_total", [(&labels, 1.0)]);
        told.assert_sum(1.0);
    }
}

#[cfg(feature = "dedup")]
#[test]
fn what_deduplication_decides_is_told() {
    use tower_nylas::{
        BoxError, DeduplicateLayer,
        dedup::{Begun, NotificationKey, SeenIds},
    };

    /// Knows the same of each notification, and remembers none.
    #[derive(Clone, Copy)]
    struct Fixed(Begun<()>);

    impl SeenIds for Fixed {
        type Claim = ();

        fn begin(
            &self,
            _: NotificationKey,
        ) -> impl Future<Output = Result<Begun<()>, BoxError>> + Send {
            std::future::ready(Ok(self.0))
        }

        fn finish(&self, (): ()) -> impl Future<Output = Result<(), BoxError>> + Send {
            std::future::ready(Err("no disk".into()))
        }

        fn release(&self, (): ()) -> impl Future<Output = Result<(), BoxError>> + Send {
            std::future::ready(Ok(()))
        }
    }

    let unlabelled = || SecretSource::lookup(|_| Ok(Some(proven())));
    for (outcome, level, source, begun, status) in [
        ("duplicate", "DEBUG", proven().into(), Begun::Done, 200),
        (
            "in_progress",
            "INFO",
            proven().into(),
            Begun::InProgress,
            503,
        ),
        ("unremembered", "WARN", proven().into(), Begun::New(()), 200),
        ("unlabelled", "ERROR", unlabelled(), Begun::New(()), 503),
    ] {
        let told = Told::by(|| {
            let inner = DeduplicateLayer::over(Fixed(begun))
                .layer(TriggerRouter::new().fallback(async || ()));
            let service = WebhookLayer::with_timer(source, VirtualClock::new()).layer(inner);
            assert_eq!(
                answer(service, signed(notification("message.created"))),
                status
            );
        });
        let event = told.event();
        assert_eq!(event["level"], level, "{outcome}");
        assert_eq!(event["span"]["outcome"], outcome);
        assert_eq!(event["span"]["notification_id"], "n-1");
        let code = told.span().get("otel.status_code");
        assert_eq!(
            code.is_some_and(|code| code == "ERROR"),
            level == "ERROR",
            "{outcome}"
        );
        let labels = format!(r#"outcome="{outcome}",trigger="message.created""#);
        told.assert_samples("outcomes_total", [(&labels, 1.0)]);
        told.assert_sum(1.0);
    }
}

#[cfg(feature = "api")]
#[test]
fn an_object_that_cannot_be_fetched_is_told() {
    use tower_nylas::{RefetchLayer, api::Api};

    for (outcome, level, answer_of_nylas, status) in [
        ("unfetched", "WARN", 429, 429),
        ("unfetched", "WARN", 500, 503),
        ("unfetchable", "ERROR", 401, 503),
    ] {
        let told = Told::by(|| {
            let client = service_fn(move |_| {
                let response = Response::builder().status(answer_of_nylas);
                std::future::ready(response.body(String::new()))
            });
            let clock = VirtualClock::new();
            let api = Api::with_timer(Api::US, "an-invented-key", clock.clone()).unwrap();
            let triggers = TriggerRouter::new().fallback(async || ());
            let inner = RefetchLayer::new(api, client).layer(triggers);
            let service = WebhookLayer::with_timer(proven(), clock).layer(inner);
            let truncated = signed(notification("message.created.truncated"));
            assert_eq!(answer(service, truncated), status);
        });
        assert_eq!(told.event()["level"], level);
        assert_eq!(told.event()["span"]["outcome"], outcome);
        let labels = format!(r#"outcome="{outcome}",trigger="message.created.truncated""#);
        told.assert_samples("outcomes_total", [(&labels, 1.0)]);
        told.assert_sum(1.0);
    }
}

/// A route whose type no notification fits.
trait OnAnyType {
    fn on_any_type(self) -> Self;
}

impl OnAnyType for TriggerRouter {
    fn on_any_type(self) -> Self {
        #[derive(serde::Deserialize)]
        struct Strict {
            #[allow(dead_code)]
            absent: String,
        }
        self.fallback(async |_: Notification<Strict>| ())
    }
}

#[test]
fn an_inner_services_own_status_is_told() {
    let told = Told::by(|| {
        let inner = service_fn(async |_| {
            let response = Response::builder().status(500);
            response.body(String::new())
        });
        let service = layer(&VirtualClock::new()).layer(inner);
        let body = notification("event.created.truncated");
        assert_eq!(answer(service, signed(body)), 503);
    });
    assert_eq!(told.span()["outcome"], "status");
    let labels = r#"outcome="status",trigger="event.created.truncated""#;
    told.assert_samples("outcomes_total", [(labels, 1.0)]);
}

#[test]
fn a_handler_that_takes_too_long_is_told_and_so_is_what_it_logs_when_dropped() {
    let timer = VirtualClock::new();
    let told = Told::by(|| {
        let mut service = layer(&timer).layer(waiting());
        let mut response = Box::pin(service.call(signed(notification("message.created"))));
        assert!(poll(response.as_mut()).is_pending());
        timer.advance(Duration::from_secs(6));
        assert!(poll(response.as_mut()).is_ready());
    });
    let span = told.span();
    assert_eq!(span["outcome"], "timed_out");
    assert_eq!(span["handle_ms"], 6000.0);
    assert_eq!(last_words(&told)["span"]["notification_id"], "n-1");
    told.assert_sum(1.0);
}

#[test]
fn a_client_that_goes_away_is_told() {
    let timer = VirtualClock::new();
    let told = Told::by(|| {
        let mut service = layer(&timer).layer(waiting());
        let mut response = Box::pin(service.call(signed(notification("message.created"))));
        assert!(poll(response.as_mut()).is_pending());
        timer.advance(Duration::from_secs(2));
        drop(response);
    });
    let span = told.span();
    assert_eq!(span["outcome"], "dropped");
    assert_eq!(span["handle_ms"], 2000.0);
    assert_eq!(span.get("status"), None);
    assert_eq!(last_words(&told)["span"]["notification_id"], "n-1");
    assert_eq!(told.event()["level"], "WARN");
    let labels = r#"outcome="dropped",trigger="message.created""#;
    told.assert_samples("outcomes_total", [(labels, 1.0)]);
    told.assert_sum(1.0);

    // Before verification nothing that it said is told.
    let told = Told::by(|| {
        let mut service = layer(&timer).layer(waiting());
        let steps = [Step::Data(&br#"{"type":"confidential.a"#[..]), Step::Stuck];
        let body = Scripted::new(steps);
        let mut response = Box::pin(service.call(request(&sign(b"").to_hex(), body)));
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        // Not even polled.
        drop(service.call(signed(notification("message.created"))));
    });
    assert!(told.spans().is_empty());
    assert!(!told.log.contains("confidential"), "{}", told.log);
    told.assert_samples("rejected_total", [(r#"reason="aborted""#, 2.0)]);
    told.assert_sum(2.0);
}

/// Even if its handler panics then.
#[test]
fn a_client_that_goes_away_is_told_whatever_its_handler_does() {
    let told = Told::by(|| {
        let triggers = TriggerRouter::new().fallback(async || {
            let _local = PanicsOnDrop;
            std::future::pending::<()>().await;
        });
        let mut service = layer(&VirtualClock::new()).layer(triggers);
        let mut response = Box::pin(service.call(signed(notification("message.created"))));
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
    });
    assert_eq!(told.span()["outcome"], "dropped");
    let labels = r#"outcome="dropped",trigger="message.created""#;
    told.assert_samples("outcomes_total", [(labels, 1.0)]);
    told.assert_sum(1.0);
}

/// Whoever observes it, the others do as well.
#[test]
fn an_end_is_told_even_if_its_error_has_no_text() {
    let seen = Arc::new(Mutex::new(0));
    let told = Told::by(|| {
        let seen = seen.clone();
        let layer = layer(&VirtualClock::new()).observe(move |_| *seen.lock().unwrap() += 1);
        let service = layer.layer(TriggerRouter::new().fallback(async || Err::<(), _>(Mute)));
        assert_eq!(
            answer(service, signed(notification("message.created"))),
            503
        );
    });
    assert_eq!(*seen.lock().unwrap(), 1);
    assert_eq!(told.span()["outcome"], "failed");
    assert_eq!(told.event()["level"], "WARN");
    let message = &told.event()["fields"]["message"];
    assert_eq!(message, "an error whose `Display` panicked");
    let labels = r#"outcome="failed",trigger="message.created""#;
    told.assert_samples("outcomes_total", [(labels, 1.0)]);
    told.assert_sum(1.0);
}

/// A handler that never ends, and says something when it is dropped.
fn waiting() -> TriggerRouter {
    struct LastWords;
    impl Drop for LastWords {
        fn drop(&mut self) {
            tracing::info!(target: "application", "dropped");
        }
    }
    TriggerRouter::new().fallback(async || {
        let _words = LastWords;
        std::future::pending::<()>().await;
    })
}

fn last_words(told: &Told) -> &Value {
    let mut lines = told.lines.iter();
    lines
        .find(|line| line["target"] == "application")
        .expect("the handler was dropped")
}

#[test]
fn what_is_no_notification_is_told_without_a_trigger() {
    for (body, trigger, outcome, status) in [
        ("not JSON", "malformed", "unread", 503),
        ("", "malformed", "unread", 503),
        (r#"{"id":"n-1"}"#, "malformed", "unread", 503),
        (r#"{"type":7,"id":"n-1"}"#, "malformed", "unread", 503),
        (
            r#"{"deltas":[{"type":"message.created"}]}"#,
            "deltas",
            "unrouted",
            200,
        ),
    ] {
        let told = Told::by(|| {
            let service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
            assert_eq!(answer(service, signed(body)), status);
        });
        assert_eq!(told.span()["outcome"], outcome, "{body}");
        assert_eq!(told.span().get("trigger"), None);
        let labels = format!(r#"outcome="{outcome}",trigger="{trigger}""#);
        told.assert_samples("outcomes_total", [(&labels, 1.0)]);
    }
}

#[test]
fn what_is_lost_is_an_error() {
    for attempt in [3, 4] {
        let body = notification("message.created").replace(
            r#""webhook_delivery_attempt":2"#,
            &format!(r#""webhook_delivery_attempt":{attempt}"#),
        );
        let told = Told::by(|| {
            let service = layer(&VirtualClock::new()).layer(TriggerRouter::new().on_any_type());
            assert_eq!(answer(service, signed(body)), 200);
        });
        let event = told.event();
        assert_eq!(event["level"], "ERROR");
        let message = event["fields"]["message"].as_str().unwrap();
        assert!(
            message.contains("answered 200 at the last attempt, so it is lost: nothing reads it"),
            "{message}"
        );
        assert_eq!(event["span"]["attempt"], attempt);
        assert_eq!(told.span()["outcome"], "unread");
        assert_eq!(told.span()["otel.status_code"], "ERROR");
    }
}

/// Anybody can sign one, so it has no span, and nothing that it says is told.
#[test]
fn a_test_event_is_told_without_what_it_says() {
    let told = Told::by(|| {
        let layer = layer(&VirtualClock::new()).acknowledge_test_events(true);
        let body = notification("confidential.name");
        let signature = sign_test_event(body.as_bytes()).to_hex();
        let request = request(&signature, Full::new(Bytes::from(body)));
        assert_eq!(answer(layer.layer(TriggerRouter::new()), request), 200);
    });
    assert!(told.spans().is_empty());
    assert_eq!(told.event()["fields"]["outcome"], "test_event");
    assert!(!told.log.contains("confidential"), "{}", told.log);
    let labels = r#"outcome="test_event",trigger="none",destination="none""#;
    told.assert_samples("outcomes_total", [(labels, 1.0)]);
    told.assert_samples("verified_total", []);
    told.assert_sum(1.0);
}

#[cfg(feature = "gzip")]
#[test]
fn a_compressed_notification_is_read_after_inflating_and_counted_as_it_came() {
    let plain = notification("message.created").replace("m-1", &"m".repeat(10_000));
    let body = tower_nylas_kit::delivery::gzip(plain.as_bytes());
    let cut = body[..body.len() - 1].to_vec();
    for (body, outcome, trigger, status) in [
        (body, "done", Some("message.created"), 200),
        (cut, "undecodable", None, 503),
    ] {
        let length = body.len();
        let told = Told::by(|| {
            let triggers = TriggerRouter::new().on("message.created", async || ());
            let request = encoded("gzip", body);
            let service = layer(&VirtualClock::new()).layer(triggers);
            assert_eq!(answer(service, request), status);
        });
        let span = told.span();
        assert_eq!(span["outcome"], outcome);
        assert_eq!(span["bytes"], length);
        assert_eq!(span.get("trigger").and_then(Value::as_str), trigger);
        #[allow(clippy::cast_precision_loss)]
        told.assert_samples("body_bytes_sum", [("", length as f64)]);
        let trigger = trigger.unwrap_or("none");
        let labels = format!(r#"outcome="{outcome}",trigger="{trigger}""#);
        told.assert_samples("outcomes_total", [(&labels, 1.0)]);
    }
}

/// Both kinds: a label that contradicts the bytes, and bytes behind the last gzip member.
#[cfg(feature = "gzip")]
#[test]
fn a_body_that_is_not_as_it_is_labelled_is_counted_and_an_event() {
    let plain = notification("message.created");
    let gzip = tower_nylas_kit::delivery::gzip(plain.as_bytes());
    let padded = [&*gzip, &[0; 7]].concat();
    let mislabelled = r#"fault="mislabelled""#;
    let trailing = r#"fault="trailing_bytes""#;
    for (label, body, faults, text) in [
        ("gzip", gzip.clone(), &[][..], ""),
        ("identity", plain.clone().into_bytes(), &[], ""),
        ("br", gzip, &[mislabelled], "the body is gzip, but"),
        (
            "gzip",
            plain.into_bytes(),
            &[mislabelled],
            "the body is plain JSON, but",
        ),
        (
            "gzip",
            padded.clone(),
            &[trailing],
            "7 bytes behind its last",
        ),
        (
            "UTF-8",
            padded,
            &[mislabelled, trailing],
            "say so; 7 bytes behind",
        ),
    ] {
        let told = Told::at(Level::INFO, || {
            let triggers = TriggerRouter::new().on("message.created", async || ());
            let service = layer(&VirtualClock::new()).layer(triggers);
            assert_eq!(answer(service, encoded(label, body)), 200);
        });
        let samples = faults.iter().map(|fault| ((*fault).to_owned(), 1.0));
        assert_eq!(told.samples("coding_faults_total"), samples.collect());
        told.assert_samples(
            "outcomes_total",
            [(r#"outcome="done",trigger="message.created""#, 1.0)],
        );
        let Some(fault) = faults.first() else {
            assert!(told.events().is_empty(), "{}", told.log);
            continue;
        };
        let event = told.event();
        assert_eq!(event["level"], "WARN");
        assert_eq!(event["span"]["name"], "delivery");
        let fields = &event["fields"];
        assert_eq!(format!("fault={}", fields["fault"]), *fault);
        assert_eq!(event["span"]["trigger"], "message.created");
        assert_eq!(event["span"]["notification_id"], "n-1");
        assert!(
            fields["message"].as_str().unwrap().contains(text),
            "{fields}"
        );
    }
}

/// A proxy that mislabels one body mislabels all of them.
#[test]
fn a_flood_of_mislabelled_bodies_cannot_flood_the_log() {
    let told = Told::at(Level::WARN, || {
        let triggers = TriggerRouter::new().fallback(async || ());
        let mut service = layer(&VirtualClock::new()).layer(triggers);
        for _ in 0..1000 {
            let request = encoded("UTF-8", notification("a.b").into_bytes());
            assert_eq!(answer(&mut service, request), 200);
        }
    });
    assert_eq!(told.events().len(), 10);
    assert_eq!(
        told.suppressed(),
        BTreeMap::from([("mislabelled".to_owned(), 990)])
    );
    told.assert_samples("coding_faults_total", [(r#"fault="mislabelled""#, 1000.0)]);
}

/// Signed, with this `Content-Encoding`.
fn encoded(label: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = signed(body);
    let label = label.parse().unwrap();
    request.headers_mut().insert("content-encoding", label);
    request
}

#[test]
fn a_challenge_is_counted() {
    let told = Told::by(|| {
        let service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
        let request = Request::get(format!("{PATH}?challenge=confidential"));
        assert_eq!(answer(service, request.body(String::new()).unwrap()), 200);
    });
    told.assert_samples("challenges_total", [("", 1.0)]);
    assert_eq!(told.event()["level"], "DEBUG");
    assert!(!told.log.contains("confidential"), "{}", told.log);
    told.assert_sum(1.0);
}

/// A request that is refused, for which reason, with which status and at which level.
type Refusal = (
    &'static str,
    u16,
    &'static str,
    Box<dyn FnOnce() -> StatusCode>,
);

#[test]
fn every_rejection_is_one_event_with_its_reason() {
    let refusals: Vec<Refusal> = vec![
        refusal("method", 405, "INFO", |layer, _| {
            let mut put = signed("{}");
            *put.method_mut() = http::Method::PUT;
            answer(layer.layer(TriggerRouter::new()), put)
        }),
        refusal("challenge_too_long", 400, "INFO", |layer, _| {
            let request = Request::get(format!("{PATH}?challenge=12345"));
            let layer = layer.max_challenge_length(4);
            let request = request.body(String::new()).unwrap();
            answer(layer.layer(TriggerRouter::new()), request)
        }),
        refusal("timer_missing", 503, "WARN", |_, _| {
            // Outside of any runtime.
            let layer = WebhookLayer::new(Secrets::new(SECRET).unwrap());
            answer(layer.layer(TriggerRouter::new()), signed("{}"))
        }),
        refusal("signature_missing", 401, "INFO", |layer, _| {
            let request = Request::post(PATH).body(String::new()).unwrap();
            answer(layer.layer(TriggerRouter::new()), request)
        }),
        refusal("signature_repeated", 401, "WARN", |layer, _| {
            let mut request = signed("{}");
            let another = sign(b"another").to_hex().parse().unwrap();
            request.headers_mut().append("x-nylas-signature", another);
            answer(layer.layer(TriggerRouter::new()), request)
        }),
        refusal("signature_malformed", 401, "WARN", |layer, _| {
            let request = request("sha256=abc", Untouchable { claims: 1 });
            answer(layer.layer(TriggerRouter::new()), request)
        }),
        refusal("tenant_unknown", 401, "WARN", |_, timer| {
            let source = SecretSource::lookup(|_| Ok(None));
            let layer = WebhookLayer::with_timer(source, timer.clone());
            answer(layer.layer(TriggerRouter::new()), signed("{}"))
        }),
        refusal("lookup_failed", 503, "WARN", |_, timer| {
            let source = SecretSource::lookup(|_| Err("no database".into()));
            let layer = WebhookLayer::with_timer(source, timer.clone());
            answer(layer.layer(TriggerRouter::new()), signed("{}"))
        }),
        refusal("secret_pending", 503, "WARN", |_, timer| {
            let layer = WebhookLayer::with_timer(Secrets::pending(), timer.clone());
            answer(layer.layer(TriggerRouter::new()), signed("{}"))
        }),
        refusal("budget_exhausted", 503, "WARN", |layer, _| {
            let body = Scripted::new([Step::Data(&b"{}"[..]), Step::Stuck]);
            let layer = layer.memory_budget(MemoryBudget::new(1));
            let request = request(&sign(b"{}").to_hex(), body);
            answer(layer.layer(TriggerRouter::new()), request)
        }),
        refusal("body_too_large", 413, "WARN", |layer, _| {
            let layer = layer.max_body_size(1);
            answer(layer.layer(TriggerRouter::new()), signed("{}"))
        }),
        refusal("read_timeout", 408, "WARN", |layer, timer| {
            let mut service = layer.layer(TriggerRouter::new());
            let body = Scripted::new([Step::Data(&b"{}"[..]), Step::Stuck]);
            let request = request(&sign(b"{}").to_hex(), body);
            let mut response = Box::pin(service.call(request));
            assert!(poll(response.as_mut()).is_pending());
            timer.advance(Duration::from_secs(3));
            match poll(response.as_mut()) {
                Poll::Ready(Ok(response)) => response.status(),
                Poll::Pending => panic!("its time is over"),
            }
        }),
        refusal("transport", 503, "WARN", |layer, _| {
            let body = Scripted::new([Step::Data(&b"{}"[..]), Step::Broken]);
            let request = request(&sign(b"{}").to_hex(), body);
            answer(layer.layer(TriggerRouter::new()), request)
        }),
        refusal("signature_mismatch", 401, "WARN", |layer, _| {
            answer(layer.layer(TriggerRouter::new()), forged())
        }),
        refusal("secret_unproven", 503, "WARN", |_, timer| {
            let layer = WebhookLayer::with_timer(Secrets::new(SECRET).unwrap(), timer.clone());
            answer(layer.layer(TriggerRouter::new()), forged())
        }),
        refusal("rotation_expected", 503, "WARN", |_, timer| {
            let secrets = proven();
            secrets.expect_rotation(Duration::from_secs(60));
            let layer = WebhookLayer::with_timer(secrets, timer.clone());
            answer(layer.layer(TriggerRouter::new()), forged())
        }),
    ];
    assert_eq!(refusals.len(), 16);
    for (reason, status, level, send) in refusals {
        let told = Told::by(|| assert_eq!(send(), status, "{reason}"));
        let event = told.event();
        assert_eq!(event["level"], level, "{reason}");
        assert_eq!(event["fields"]["reason"], reason);
        assert_eq!(event["fields"]["status"], status);
        let message = event["fields"]["message"].as_str().unwrap();
        let begin = format!("request rejected with {status} ");
        assert!(message.starts_with(&begin), "{message}");
        assert!(told.spans().is_empty());
        let labels = format!(r#"reason="{reason}""#);
        told.assert_samples("rejected_total", [(&labels, 1.0)]);
        told.assert_sum(1.0);
    }
}

fn refusal(
    reason: &'static str,
    status: u16,
    level: &'static str,
    send: impl FnOnce(WebhookLayer, &VirtualClock) -> StatusCode + 'static,
) -> Refusal {
    let send = move || {
        let timer = VirtualClock::new();
        send(layer(&timer), &timer)
    };
    (reason, status, level, Box::new(send))
}

#[test]
fn a_flood_of_forgeries_cannot_flood_the_log() {
    let timer = VirtualClock::new();
    let told = Told::by(|| {
        let layer = layer(&timer);
        // Services of one layer share the limit.
        let mut services = [
            layer.layer(TriggerRouter::new()),
            layer.clone().layer(TriggerRouter::new()),
        ];
        for at in 0..10_000 {
            assert_eq!(answer(&mut services[at % 2], forged()), 401);
            if at % 100 == 99 {
                // 20 seconds in all.
                timer.advance(Duration::from_millis(200));
            }
        }
        // A flood of one kind does not keep another from being told.
        let unsigned = Request::post(PATH).body(Full::<Bytes>::default()).unwrap();
        assert_eq!(answer(&mut services[0], unsigned), 401);
    });
    let events = told.events();
    let mismatches = events
        .iter()
        .filter(|event| event["fields"]["reason"] == "signature_mismatch");
    let mismatches = mismatches.count();
    assert_eq!(mismatches, 20, "10 in each 10 seconds");
    assert_eq!(events.len(), mismatches + 1);
    // One summary for each window, of which the first two are over.
    assert_eq!(told.lines.len(), mismatches + 1 + 2);
    let suppressed = BTreeMap::from([("signature_mismatch".to_owned(), 10_000 - 20)]);
    assert_eq!(told.suppressed(), suppressed);
    let counts = [
        (r#"reason="signature_mismatch""#, 10_000.0),
        (r#"reason="signature_missing""#, 1.0),
    ];
    told.assert_samples("rejected_total", counts);
    told.assert_sum(10_001.0);
}

/// Without another request, the rest is told at the end.
#[test]
fn what_was_suppressed_is_told_when_the_layer_is_dropped() {
    let told = Told::by(|| {
        let mut service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
        for _ in 0..25 {
            assert_eq!(answer(&mut service, forged()), 401);
        }
    });
    assert_eq!(told.events().len(), 10);
    let suppressed = BTreeMap::from([("signature_mismatch".to_owned(), 15)]);
    assert_eq!(told.suppressed(), suppressed);
}

/// Somebody who has captured one genuine request can send it again and again.
#[test]
fn nor_can_a_flood_of_what_is_verified() {
    for (triggers, outcome, status, events) in [
        (TriggerRouter::new(), "unrouted", 200, 10),
        (
            TriggerRouter::new().fallback(async || Err::<(), _>("no disk")),
            "failed",
            503,
            100,
        ),
    ] {
        let told = Told::at(Level::WARN, || {
            let mut service = layer(&VirtualClock::new()).layer(triggers);
            for _ in 0..1000 {
                let request = signed(notification("message.created"));
                assert_eq!(answer(&mut service, request), status);
            }
        });
        assert_eq!(told.events().len(), events);
        let suppressed = BTreeMap::from([(outcome.to_owned(), 1000 - events as u64)]);
        assert_eq!(told.suppressed(), suppressed);
        // The level took the spans away, but the events say which notification it was.
        assert!(told.spans().is_empty());
        assert_eq!(told.events()[0]["fields"]["notification_id"], "n-1");
    }
}

#[test]
fn strangers_make_no_series() {
    let told = Told::by(|| {
        let triggers = TriggerRouter::new().fallback(async || ());
        let mut service = layer(&VirtualClock::new()).layer(triggers);
        for number in 0..1000 {
            let body = notification(&format!("yacht.sunk_{number}"))
                .replace("attempt\":2", &format!("attempt\":{}", number + 4));
            assert_eq!(answer(&mut service, signed(body)), 200);
        }
        for trigger in ["message.created.truncated", "message.created.transformed"] {
            let body = notification(trigger).replace("\"webhook_delivery_attempt\":2,", "");
            assert_eq!(answer(&mut service, signed(body)), 200);
        }
    });
    let attempts = [
        (r#"attempt="other",trigger="unknown""#, 1000.0),
        (r#"attempt="none",trigger="message.created.truncated""#, 1.0),
        (
            r#"attempt="none",trigger="message.created.transformed""#,
            1.0,
        ),
    ];
    told.assert_samples("verified_total", attempts);
    assert_eq!(told.samples("outcomes_total").len(), 3);
    assert_eq!(told.samples("handle_seconds_sum").len(), 3);
    // The spans have the names.
    assert_eq!(told.spans()[999]["trigger"], "yacht.sunk_999");
}

#[test]
fn a_time_in_the_future_is_no_negative_age() {
    let told = Told::by(|| {
        let mut service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
        for time in ["99999999999", "-1", "9223372036854775807", "\"soon\""] {
            let body = format!(r#"{{"type":"a.b","time":{time}}}"#);
            assert_eq!(answer(&mut service, signed(body)), 200);
        }
    });
    // Only a moment that there is counts.
    told.assert_samples("age_seconds_count", [("", 2.0)]);
    told.assert_samples("age_seconds_sum", [("", 0.0)]);
}

#[test]
fn buffered_bytes_of_several_layers_add_up_and_are_given_back() {
    let timer = VirtualClock::new();
    let recorder = PrometheusBuilder::new().build_recorder();
    let buffered = || {
        let text = recorder.handle().render();
        let mut lines = text.lines();
        let sample = lines.find_map(|line| line.strip_prefix("nylas_webhook_buffered_bytes "));
        sample.map(ToOwned::to_owned)
    };
    metrics::with_local_recorder(&recorder, || {
        let begin = |length: usize| {
            let piece = Bytes::from(vec![b' '; length]);
            let body = Scripted::new([Step::Data(piece), Step::Stuck]);
            let mut service = layer(&timer).layer(TriggerRouter::new());
            let mut response = Box::pin(service.call(request(&sign(b"").to_hex(), body)));
            assert!(poll(response.as_mut()).is_pending());
            response
        };
        let (one, other) = (begin(1000), begin(234));
        assert_eq!(buffered().as_deref(), Some("1234"));
        drop(one);
        assert_eq!(buffered().as_deref(), Some("234"));
        drop(other);
        assert_eq!(buffered().as_deref(), Some("0"));
    });
}

#[test]
fn metrics_are_described() {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        tower_nylas::observe::describe_metrics();
        let triggers = TriggerRouter::new().fallback(async || ());
        let mut service = layer(&VirtualClock::new()).layer(triggers);
        answer(&mut service, signed(notification("a.b")));
        answer(&mut service, forged());
        let challenge = Request::get("/?challenge=x").body(String::new()).unwrap();
        answer(&mut service, challenge);
        let body = Scripted::new([Step::Data(&b"{"[..]), Step::Later, Step::Broken]);
        let mut response = Box::pin(service.call(request(&sign(b"").to_hex(), body)));
        assert!(poll(response.as_mut()).is_pending());
        assert!(poll(response.as_mut()).is_ready());
        let mislabelled = encoded("UTF-8", notification("a.b").into_bytes());
        answer(&mut service, mislabelled);
    });
    let text = recorder.handle().render();
    let of_kind = |kind: &str| {
        let lines = text.lines().filter(|line| line.starts_with(kind));
        let names = lines.filter_map(|line| line.split(' ').nth(2));
        names
            .map(ToOwned::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(of_kind("# HELP"), of_kind("# TYPE"), "{text}");
    assert_eq!(of_kind("# TYPE").len(), 16, "{text}");
    let guide = include_str!("../../src/observe/mod.rs");
    for name in of_kind("# TYPE") {
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn nothing_that_is_secret_is_told() {
    const BODY_TEXT: &str = "dear diary, this is nobody's business";
    let hostile = format!(
        r#"{{"type":"an.event\n{{\"forged\":1}}\u001b[2J\u2028{}","id":"n\r\n-1","data":{{"object":{{"id":"m-1","body":"{BODY_TEXT}"}}}}}}"#,
        "x".repeat(1000)
    );
    let mail = format!(
        r#"{{"type":"message.created","id":"n-1","data":{{"object":{{"id":["{BODY_TEXT}"],"body":"{BODY_TEXT}"}}}}}}"#
    );
    let not_json = format!("\"{BODY_TEXT}\" and more");
    let told = Told::by(|| {
        let triggers = TriggerRouter::new()
            .on("message.created", async |_: Notification<Message>| ())
            .on_unlisted("do.fail", async || Err::<(), _>("line\nforged \u{1b}[31m"));
        let source = SecretSource::lookup(|request| match request.uri.query() {
            Some("fail") => Err("line\nforged \u{1b}[31m".into()),
            _ => Ok(Some(proven())),
        });
        let layer =
            WebhookLayer::with_timer(source, VirtualClock::new()).acknowledge_test_events(true);
        let mut service = layer.layer(triggers);
        let mut send = |request| assert_ne!(answer(&mut service, request), 500);
        for text in [&*hostile, &mail, &not_json, r#"{"type":"do.fail"}"#] {
            let genuine = sign(text.as_bytes()).to_hex();
            let upper = genuine.to_uppercase();
            let public = sign_test_event(text.as_bytes()).to_hex();
            let prefixed = format!("sha256={genuine}");
            for signature in [
                &*genuine,
                &upper,
                &public,
                &prefixed,
                SECRET,
                &"f".repeat(64),
            ] {
                let body = || Full::new(Bytes::from(text.to_owned()));
                send(request(signature, body()));
                let mut failing = request(signature, body());
                *failing.uri_mut() = "/?fail".parse().unwrap();
                send(failing);
                let mut encoded = request(signature, body());
                let coding = format!("{SECRET} {genuine}").parse().unwrap();
                encoded.headers_mut().insert("content-encoding", coding);
                send(encoded);
                let mut repeated = request(signature, body());
                let again = genuine.parse().unwrap();
                repeated.headers_mut().append("x-nylas-signature", again);
                send(repeated);
                let uri = format!("/?challenge={SECRET}{}", "x".repeat(5000));
                let mut challenge = request(signature, body());
                *challenge.method_mut() = http::Method::GET;
                *challenge.uri_mut() = uri.parse().unwrap();
                send(challenge);
            }
        }
    });
    let mut needles = vec![SECRET.to_owned(), BODY_TEXT.to_owned()];
    for text in [&hostile, &mail, &not_json] {
        for signature in [sign(text.as_bytes()), sign_test_event(text.as_bytes())] {
            needles.push(signature.to_hex());
            needles.push(signature.to_hex().to_uppercase());
        }
    }
    assert!(told.log.contains("an.event") && told.log.contains("do.fail"));
    assert!(told.metrics.contains("unknown"));
    for needle in needles {
        assert!(!told.log.contains(&needle), "{needle}: {}", told.log);
        assert!(!told.metrics.contains(&needle), "{}", told.metrics);
    }
    for line in &told.lines {
        each_text(line, &mut |text| {
            let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
            assert!(!text.contains(breaks), "{text:?}");
            assert!(text.chars().count() <= 1024, "{text}");
        });
    }
}

/// Every string in a JSON value, unescaped.
fn each_text(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, look)),
        Value::Object(members) => members.values().for_each(|value| each_text(value, look)),
        _ => {}
    }
}

/// With nobody to read it, nothing changes.
#[test]
fn it_works_without_a_subscriber_and_without_a_recorder() {
    let triggers = TriggerRouter::new().fallback(async || ());
    let mut service = layer(&VirtualClock::new()).layer(triggers);
    assert_eq!(answer(&mut service, signed(notification("a.b"))), 200);
    assert_eq!(answer(&mut service, forged()), 401);
}
