//! What a worker does beside what the suite of engines checks.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use http::{HeaderMap, Request, Response, StatusCode};
use tokio::sync::Notify;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    Ack, BoxError, TriggerRouter, VerifiedBody,
    inbox::{
        self, Browse, DeadCause, Delivery, Enqueue, Entry, EntryState, Happened, Inbox, Inspect,
        MemoryInbox, Settlement, Worker,
        conformance::{Call, Fault, Faults},
    },
    testing::{self, VirtualClock},
    time::{Clock, Sleep, Timer},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn body(id: &str) -> VerifiedBody {
    testing::verified(format!(
        r#"{{"type":"message.created","id":"{id}","data":{{"object":{{"id":"m","grant_id":"g"}}}}}}"#
    ))
}

fn store(clock: &VirtualClock, inbox: &MemoryInbox, id: &str) -> inbox::EntryKey {
    let entry = Entry::new(&body(id), clock.unix_time());
    let key = entry.key();
    clock.run_until(inbox.append(entry)).unwrap();
    key
}

fn on<I: Inbox, S>(clock: &VirtualClock, inbox: I, service: S) -> Worker<I, S> {
    let spawn = clock.clone();
    Worker::on_runtime(inbox, service, clock.clone(), move |task| spawn.spawn(task))
}

async fn sleep(clock: VirtualClock, duration: Duration) {
    clock.sleep(duration).await;
}

/// Everything that the inbox says of an entry after it was handled once by this service.
fn settled_by<S, R>(service: S) -> (Settlement, Duration)
where
    S: tower::Service<Request<VerifiedBody>, Response = Response<R>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: Send,
{
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone()).keep_done(MINUTE, 1 << 20);
    let key = store(&clock, &inbox, "n-1");
    let worker = on(&clock, inbox.clone(), service).handler_timeout(MINUTE);
    clock
        .run_until(
            worker
                .drain_timeout(2 * MINUTE)
                .run_until(sleep(clock.clone(), SECOND)),
        )
        .unwrap();
    let timeline = clock.run_until(inbox.timeline(key)).unwrap();
    let start = timeline[0].at;
    let settled = timeline.into_iter().find_map(|event| match event.what {
        Happened::Settled(settlement) => Some((settlement, event.at.saturating_sub(start))),
        _ => None,
    });
    settled.unwrap()
}

fn answering(status: u16, retry_after: Option<&'static str>) -> Settlement {
    let service = service_fn(move |_: Request<VerifiedBody>| async move {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(retry_after) = retry_after {
            response
                .headers_mut()
                .insert("retry-after", retry_after.parse().unwrap());
        }
        Ok::<_, Infallible>(response)
    });
    settled_by(service).0
}

/// When it comes again, and whether it has failed.
fn retried(settlement: &Settlement) -> (u64, bool) {
    match settlement {
        Settlement::Retry { after, failed, .. } => (after.as_secs(), *failed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_status_decides() {
    for status in [200, 202, 204] {
        assert_eq!(answering(status, None), Settlement::Done);
    }
    for (retry_after, seconds) in [
        (None, 30),
        (Some("7"), 7),
        (Some("99999999"), 24 * 60 * 60),
        (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 30),
    ] {
        for status in [429, 408] {
            let settlement = answering(status, retry_after);
            assert_eq!(retried(&settlement), (seconds, false));
        }
    }
    for status in [301, 400, 404, 413, 500, 503] {
        let settlement = answering(status, Some("7"));
        let (after, failed) = retried(&settlement);
        assert!(after <= 2 && failed, "{settlement:?}");
    }
}

#[test]
fn what_handlers_say_decides() {
    let by = |router: TriggerRouter| settled_by(router).0;
    let all = TriggerRouter::new;
    assert_eq!(by(all().fallback(async || Ack::Discard)), Settlement::Done);
    assert_eq!(
        by(all().fallback(async || Ack::give_up("useless"))),
        Settlement::Done
    );
    assert_eq!(by(all()), Settlement::Done, "without a route");
    let failed = by(all().fallback(async || Err::<(), _>("a\nreason ".repeat(200))));
    let Settlement::Retry {
        why, failed: true, ..
    } = failed
    else {
        panic!("{failed:?}");
    };
    assert!(why.contains(r"a\nreason") && why.ends_with('…'), "{why}");
    assert!(why.len() < 1000);
    let panicked = by(all().fallback(async || -> () { panic!("it panics") }));
    assert!(retried(&panicked).1);
    let (timed_out, after) = settled_by(all().fallback(pending::<()>));
    assert!(retried(&timed_out).1);
    assert_eq!(after, MINUTE);
}

/// A handler finds out that it is asked to try again.
#[test]
fn what_on_malformed_asks_for_is_done() {
    let router = TriggerRouter::new().on_malformed(async || Ack::Retry);
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let entry = Entry::new(&testing::verified("[]"), clock.unix_time());
    clock.run_until(inbox.append(entry)).unwrap();
    let worker = on(&clock, inbox.clone(), router);
    clock
        .run_until(worker.run_until(sleep(clock.clone(), SECOND)))
        .unwrap();
    let stats = clock.run_until(inbox.stats()).unwrap();
    assert_eq!((stats.dead, stats.ready + stats.waiting), (0, 1));
}

/// No notification has such a field.
#[derive(serde::Deserialize)]
struct Wrong {
    #[serde(rename = "missing")]
    _missing: u32,
}

#[test]
fn a_replay_brings_a_malformed_one_back() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let key = store(&clock, &inbox, "n-1");
    let wrong = TriggerRouter::new().on(
        "message.created",
        async |_: tower_nylas::Notification<Wrong>| (),
    );
    let worker = on(&clock, inbox.clone(), wrong);
    clock
        .run_until(worker.run_until(sleep(clock.clone(), SECOND)))
        .unwrap();
    let dead = clock.run_until(inbox.dead(None, 10)).unwrap();
    assert_eq!(dead[0].state, EntryState::Dead(DeadCause::Malformed));
    assert_eq!(clock.run_until(inbox.replay(&[key])).unwrap(), 1);
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let mended = TriggerRouter::new().on("message.created", move || {
        count.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    let worker = on(&clock, inbox.clone(), mended);
    clock
        .run_until(worker.run_until(sleep(clock.clone(), SECOND)))
        .unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 1);
}

/// The label, the id and the trace context of the delivery reach the handler, and no other header.
#[test]
fn the_handler_sees_whose_it_is_and_where_it_came_from() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (id, traceparent) in [
        ("n-1", trace),
        ("n-2", "00-no"),
        ("n-3", &trace.to_uppercase()),
    ] {
        let request = Request::post("/elsewhere")
            .header("traceparent", traceparent)
            .header("x-forwarded-for", "203.0.113.7")
            .body(inbox::assume_verified(body(id).into_bytes(), "acme"))
            .unwrap();
        let enqueue = Enqueue::with_timer(inbox.clone(), clock.clone());
        clock.run_until(enqueue.oneshot(request)).unwrap();
    }
    clock.advance(MINUTE);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let router = TriggerRouter::new().fallback(
        move |delivery: Option<Delivery>, request: Request<VerifiedBody>| {
            let delivery = delivery.unwrap();
            notes.lock().unwrap().push((
                request.headers().clone(),
                request.body().verified_by().to_owned(),
                delivery.received_at(),
            ));
            async {}
        },
    );
    let worker = on(&clock, inbox, router).concurrency(1);
    clock
        .run_until(worker.run_until(sleep(clock.clone(), SECOND)))
        .unwrap();
    let mut with_trace = HeaderMap::new();
    with_trace.insert("traceparent", trace.parse().unwrap());
    let expected = [with_trace, HeaderMap::new(), HeaderMap::new()].map(|headers| {
        let received_at = Duration::from_secs(1_767_225_600);
        (headers, "acme".to_owned(), received_at)
    });
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn without_an_inbox_there_is_no_delivery() {
    let router = TriggerRouter::new().fallback(async |delivery: Option<Delivery>| {
        assert!(delivery.is_none());
    });
    let request = Request::new(body("n-1"));
    let clock = VirtualClock::new();
    let response = clock.run_until(router.oneshot(request)).unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn as_many_run_at_a_time_as_allowed() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    for number in 0..50 {
        store(&clock, &inbox, &format!("n-{number}"));
    }
    for concurrency in [1, 7] {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (now, peak, timer) = (running.clone(), most.clone(), clock.clone());
        let router = TriggerRouter::new().fallback(move || {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let (now, work) = (now.clone(), timer.sleep(SECOND));
            async move {
                work.await;
                now.fetch_sub(1, Ordering::SeqCst);
            }
        });
        let worker = on(&clock, inbox.clone(), router).concurrency(concurrency);
        clock
            .run_until(worker.run_until(sleep(clock.clone(), 5 * SECOND)))
            .unwrap();
        assert_eq!(most.load(Ordering::SeqCst), concurrency);
    }
}

#[derive(Clone)]
struct NeverSleeps(VirtualClock);

impl Clock for NeverSleeps {
    fn now(&self) -> std::time::Instant {
        self.0.now()
    }
}

impl Timer for NeverSleeps {
    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.sleep(duration)
    }

    fn can_sleep(&self) -> bool {
        false
    }
}

#[test]
fn without_a_timer_it_does_not_start() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let timer = NeverSleeps(clock.clone());
    let worker = Worker::on_runtime(inbox, TriggerRouter::new(), timer, |_| unreachable!());
    assert!(clock.run_until(worker.run_until(pending())).is_err());
}

/// A settlement that hangs when the drain timeout passes is tried once more.
#[test]
fn a_drain_forgets_no_settlement() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let faults = Faults::new(inbox.clone(), clock.clone());
    store(&clock, &inbox, "n-1");
    faults.set(&[Call::Settle], Fault::Hangs);
    let (mended, timer) = (faults.clone(), clock.clone());
    clock.spawn(async move {
        timer.sleep(14 * SECOND).await;
        mended.set(&[Call::Settle], None);
    });
    let worker = on(&clock, faults, TriggerRouter::new().fallback(async || ()));
    let worker = worker.drain_timeout(3 * SECOND);
    clock
        .run_until(worker.run_until(sleep(clock.clone(), 8 * SECOND)))
        .unwrap();
    assert!(clock.elapsed() < 20 * SECOND, "{:?}", clock.elapsed());
    let stats = clock.run_until(inbox.stats()).unwrap();
    assert_eq!((stats.claimed, stats.ready, stats.waiting), (0, 0, 0));
}

/// Its lease is extended from another task, and a drain ends all the same.
#[cfg(feature = "tokio")]
#[test]
fn a_handler_that_blocks_its_thread_keeps_its_lease_and_is_given_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    store(&clock, &inbox, "n-1");
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let router = TriggerRouter::new().fallback(move || {
        entered.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
        async {}
    });
    let handle = runtime.handle().clone();
    let worker = Worker::on_runtime(inbox.clone(), router, clock.clone(), move |task| {
        handle.spawn(task);
    });
    let stop = Arc::new(Notify::new());
    let stopped = {
        let stop = stop.clone();
        runtime.spawn(async move { worker.run_until(stop.notified()).await })
    };
    has_entered.recv().unwrap();
    // Five leases pass, in steps that the tasks follow.
    let pass = |duration: Duration| {
        let end = clock.elapsed() + duration;
        while clock.elapsed() < end {
            while clock.sleepers() == 0 {
                thread::yield_now();
            }
            let next = clock
                .until_next_wake()
                .unwrap_or(SECOND)
                .max(Duration::from_millis(1));
            clock.advance(next);
            // What was woken polls, and sleeps again.
            for _ in 0..50 {
                thread::yield_now();
            }
        }
    };
    pass(150 * SECOND);
    stop.notify_one();
    while !stopped.is_finished() {
        if clock.sleepers() > 0 {
            clock.advance(Duration::from_millis(500));
        }
        thread::yield_now();
    }
    let claims = clock.run_until(inbox.claim(10, Duration::ZERO)).unwrap();
    assert_eq!((claims.len(), claims[0].failures), (1, 0));
    assert!(has_entered.try_recv().is_err(), "handled twice");
    release.send(()).unwrap();
    drop(release);
    runtime.shutdown_background();
}
