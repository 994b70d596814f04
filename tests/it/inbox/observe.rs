//! What operators are told of a worker.

use std::time::Duration;

use serde_json::Value;
use tower_nylas::{
    BoxError, TriggerRouter,
    inbox::{
        Browse, Delivery, Enqueue, Entry, Inbox, LazyInbox, MemoryInbox, Worker,
        conformance::{Call, Fault, Faults},
    },
    testing::{self, VirtualClock},
    time::{Clock, Timer},
};

use crate::observe::Told;

const SECOND: Duration = Duration::from_secs(1);

fn store(clock: &VirtualClock, inbox: &impl Inbox, body: &str) {
    let entry = Entry::new(&testing::verified(body.to_owned()), clock.unix_time());
    clock.run_until(inbox.append(entry)).unwrap();
}

fn work(clock: &VirtualClock, inbox: Faults<MemoryInbox>, router: TriggerRouter, time: Duration) {
    let spawn = clock.clone();
    let worker = Worker::on_runtime(inbox, router, clock.clone(), move |task| spawn.spawn(task));
    let timer = clock.clone();
    let worker = worker
        .report_stats()
        .run_until(async move { timer.sleep(time).await });
    clock.run_until(worker).unwrap();
}

fn field<'a>(line: &'a Value, name: &str) -> &'a Value {
    &line["fields"][name]
}

#[test]
fn entries_are_counted_by_what_becomes_of_them() {
    let told = Told::by(|| {
        let clock = VirtualClock::new();
        let inbox = Faults::new(MemoryInbox::with_timer(clock.clone()), clock.clone());
        store(&clock, &inbox, r#"{"type":"grant.expired","id":"n-1"}"#);
        store(&clock, &inbox, r#"{"type":"message.created","id":"n-2"}"#);
        store(&clock, &inbox, "[]");
        clock.advance(10 * SECOND);
        let router = TriggerRouter::new().on("grant.expired", async || ()).on(
            "message.created",
            async |delivery: Option<Delivery>| {
                let before = delivery.map_or(0, |delivery| delivery.failures());
                match before {
                    0 => Err::<(), BoxError>("it\nfails".into()),
                    _ => Ok(()),
                }
            },
        );
        work(&clock, inbox, router, 5 * SECOND);
    });
    for line in [
        r#"nylas_inbox_claimed_total{after="nothing"} 3"#,
        r#"nylas_inbox_claimed_total{after="failure"} 1"#,
        r#"nylas_inbox_settled_total{settlement="done"} 2"#,
        r#"nylas_inbox_settled_total{settlement="failed"} 1"#,
        r#"nylas_inbox_settled_total{settlement="malformed"} 1"#,
        "nylas_inbox_lag_seconds_count 2",
        r#"nylas_inbox_entries{state="ready"} 3"#,
        "nylas_inbox_oldest_ready_seconds 10",
    ] {
        assert!(
            told.metrics.lines().any(|told| told == line),
            "{line}\n{}",
            told.metrics
        );
    }

    let of = |settlement: &str| {
        let events = told.events().into_iter();
        let mut of = events.filter(|line| field(line, "settlement") == settlement);
        of.next().unwrap()
    };
    assert_eq!(of("done")["level"], "DEBUG");
    assert_eq!(of("failed")["level"], "WARN");
    let why = field(of("failed"), "message").as_str().unwrap();
    assert!(why.ends_with(r"its handler failed: it\nfails"), "{why}");
    assert_eq!(of("malformed")["level"], "ERROR");

    // The id is that of the span of its delivery.
    let spans = told.spans();
    let handled: Vec<_> = spans
        .iter()
        .filter(|span| span["name"] == "handle")
        .collect();
    assert_eq!(handled.len(), 4);
    let expired = handled.iter().find(|span| span["notification_id"] == "n-1");
    let expired = expired.unwrap();
    assert_eq!(expired["trigger"], "grant.expired");
    assert_eq!(expired["status"], 200);
    assert_eq!(expired["entry"].as_str().unwrap().len(), 32);
}

#[test]
fn an_engine_in_trouble_is_told() {
    let told = Told::by(|| {
        let clock = VirtualClock::new();
        let inbox = Faults::new(MemoryInbox::with_timer(clock.clone()), clock.clone());
        store(&clock, &inbox, r#"{"type":"grant.expired","id":"n-1"}"#);
        inbox.set(&[Call::Settle], Fault::Fails);
        work(&clock, inbox, TriggerRouter::new(), 2 * SECOND);
    });
    assert!(
        told.metrics
            .contains(r#"nylas_inbox_engine_failures_total{call="settle"}"#)
    );
    let first = told.events()[0];
    assert_eq!(first["level"], "WARN");
    assert_eq!(field(first, "call"), "settle");
    // 100 of each kind in 10 seconds, and how many more.
    let failures = told.events().len();
    assert!(failures <= 500, "{failures}");
    let left = told
        .events()
        .into_iter()
        .find(|line| field(line, "claims") == 1);
    assert!(left.is_some(), "{}", told.log);
}

#[test]
fn what_never_fits_is_an_error() {
    let told = Told::by(|| {
        let clock = VirtualClock::new();
        let inbox = MemoryInbox::with_timer(clock.clone()).max_bytes(600);
        let enqueue = Enqueue::with_timer(inbox, clock.clone());
        let body = testing::verified(format!("[\"{}\"]", "x".repeat(1000)));
        let response = tower::ServiceExt::oneshot(enqueue, http::Request::new(body));
        assert_eq!(clock.run_until(response).unwrap().status(), 503);
    });
    assert_eq!(told.lines[0]["level"], "ERROR");
    let text = field(&told.lines[0], "message").as_str().unwrap();
    assert!(text.ends_with("it will be lost"), "{text}");
}

/// The reason of the first inbox is told, which no answer has.
#[test]
fn what_the_other_inbox_stores_is_told() {
    let told = Told::by(|| {
        let clock = VirtualClock::new();
        let first = Faults::new(MemoryInbox::with_timer(clock.clone()), clock.clone());
        first.set(&[Call::Append], Fault::Fails);
        let other = Faults::new(MemoryInbox::with_timer(clock.clone()), clock.clone());
        let enqueue = Enqueue::with_timer(first, clock.clone()).or(other.clone());
        for (fault, status) in [(None, 200), (Some(Fault::Panics), 503)] {
            other.set(&[Call::Append], fault);
            let body = testing::verified(r#"{"type":"grant.expired","id":"n-1"}"#);
            let response = tower::ServiceExt::oneshot(enqueue.clone(), http::Request::new(body));
            assert_eq!(clock.run_until(response).unwrap().status(), status);
        }
    });
    for line in [
        "nylas_inbox_spilled_total 1",
        r#"nylas_inbox_engine_failures_total{call="append"} 1"#,
    ] {
        assert!(told.metrics.lines().any(|told| told == line), "{line}");
    }
    let events = told.events();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event["level"], "WARN");
        let text = field(event, "message").as_str().unwrap();
        assert!(text.ends_with("the inbox failed: it fails"), "{text}");
    }
}

/// Of what waits to be moved, each settlement is `put_off`, which is no warning.
#[test]
fn an_inbox_that_takes_nothing_over_is_told() {
    let told = Told::by(|| {
        let clock = VirtualClock::new();
        let first = Faults::new(MemoryInbox::with_timer(clock.clone()), clock.clone());
        first.set(&[Call::Append], Fault::Fails);
        let local = MemoryInbox::with_timer(clock.clone());
        store(&clock, &local, r#"{"type":"grant.expired","id":"n-1"}"#);
        let forward = Enqueue::with_timer(first, clock.clone()).forwarding();
        let (spawn, timer) = (clock.clone(), clock.clone());
        let worker =
            Worker::on_runtime(local, forward, clock.clone(), move |task| spawn.spawn(task));
        let worker = worker.run_until(async move { timer.sleep(10 * SECOND).await });
        clock.run_until(worker).unwrap();
    });
    let line = r#"nylas_inbox_engine_failures_total{call="append"} 1"#;
    assert!(
        told.metrics.lines().any(|told| told == line),
        "{}",
        told.metrics
    );
    let events = told.events();
    let warning = events
        .iter()
        .find(|event| event["level"] == "WARN")
        .unwrap();
    let text = field(warning, "message").as_str().unwrap();
    assert!(text.ends_with("the inbox failed: it fails"), "{text}");
}

/// The first failure, then one a minute, and that it is open at last.
#[test]
fn an_inbox_that_does_not_open_is_told_again_and_again() {
    let told = Told::by(|| {
        let clock = VirtualClock::new();
        let inbox = MemoryInbox::with_timer(clock.clone());
        let (timer, spawn) = (clock.clone(), clock.clone());
        let open = move || {
            let opened = if timer.elapsed() >= 150 * SECOND {
                Ok(inbox.clone())
            } else {
                Err("refused\nat once")
            };
            std::future::ready(opened)
        };
        let lazy = LazyInbox::on_runtime(open, clock.clone(), move |task| spawn.spawn(task));
        while clock.run_until(lazy.stats()).is_err() {
            clock.run_for(SECOND / 2);
        }
        clock.run_until(lazy.stats()).unwrap();
    });
    let events: Vec<_> = told
        .events()
        .into_iter()
        .map(|event| (&event["level"], field(event, "message")))
        .map(|(level, text)| (level.as_str().unwrap(), text.as_str().unwrap()))
        .collect();
    let lasting =
        |seconds| format!(r"the inbox has not been opened for {seconds} s: refused\nat once");
    assert_eq!(
        events,
        [
            (
                "WARN",
                r"the inbox could not be opened, and is tried again: refused\nat once"
            ),
            ("ERROR", &*lasting(60)),
            ("ERROR", &*lasting(120)),
            (
                "INFO",
                "the inbox is open, 150 s after the first attempt that has failed"
            ),
        ]
    );
}

/// A recorder that panics is the observers' own trouble.
#[test]
fn a_recorder_that_panics_ends_nothing() {
    struct Panics;
    impl metrics::Recorder for Panics {
        fn describe_counter(
            &self,
            _: metrics::KeyName,
            _: Option<metrics::Unit>,
            _: metrics::SharedString,
        ) {
        }
        fn describe_gauge(
            &self,
            _: metrics::KeyName,
            _: Option<metrics::Unit>,
            _: metrics::SharedString,
        ) {
        }
        fn describe_histogram(
            &self,
            _: metrics::KeyName,
            _: Option<metrics::Unit>,
            _: metrics::SharedString,
        ) {
        }
        fn register_counter(
            &self,
            _: &metrics::Key,
            _: &metrics::Metadata<'_>,
        ) -> metrics::Counter {
            panic!("the recorder panics")
        }
        fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
            panic!("the recorder panics")
        }
        fn register_histogram(
            &self,
            _: &metrics::Key,
            _: &metrics::Metadata<'_>,
        ) -> metrics::Histogram {
            panic!("the recorder panics")
        }
    }
    let clock = VirtualClock::new();
    let inbox = Faults::new(MemoryInbox::with_timer(clock.clone()), clock.clone());
    store(&clock, &inbox, r#"{"type":"grant.expired","id":"n-1"}"#);
    let router = TriggerRouter::new().on("grant.expired", async || ());
    metrics::with_local_recorder(&Panics, || work(&clock, inbox.clone(), router, SECOND));
    let left = clock.run_until(inbox.claim(10, Duration::ZERO)).unwrap();
    assert!(left.is_empty());
}
