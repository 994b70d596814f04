//! An inbox that is opened while the program runs.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    panic::resume_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use http::Request;
use tower::ServiceExt;
use tower_nylas::{
    BoxError, Outcome, TriggerRouter, VerifiedBody,
    inbox::{
        AppendError, Appended, Browse, Delivery, Enqueue, Entry, EntryKey, Inbox, Inspect,
        LazyInbox, MemoryInbox, Query, SettleError, Settlement, Task, Worker,
    },
    testing::{self, VirtualClock},
    time::{Clock, Timer},
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// How an attempt ends.
#[derive(Clone, Copy)]
enum End {
    Opens,
    Fails(&'static str),
    Panics,
    Hangs,
}

use End::{Fails, Hangs, Opens, Panics};

/// An error of an engine, which is told by its type.
#[derive(Debug)]
struct Away(&'static str);

impl std::fmt::Display for Away {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Away {}

/// What each attempt does, the first one first; without one, it opens at once.
#[derive(Clone, Default)]
struct Script {
    clock: VirtualClock,
    ends: Arc<Mutex<VecDeque<(Duration, End)>>>,
    /// When each has begun.
    begun: Arc<Mutex<Vec<Duration>>>,
    /// How many are under way.
    under_way: Arc<AtomicUsize>,
}

/// An attempt that has neither ended nor been dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Script {
    async fn attempt(self, inbox: MemoryInbox) -> Result<MemoryInbox, Away> {
        self.begun.lock().unwrap().push(self.clock.elapsed());
        let before = self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(self.under_way.clone());
        assert_eq!(before, 0, "two attempts at a time");
        let end = self.ends.lock().unwrap().pop_front();
        let (after, end) = end.unwrap_or((Duration::ZERO, Opens));
        if !after.is_zero() {
            self.clock.sleep(after).await;
        }
        match end {
            Opens => Ok(inbox),
            Fails(why) => Err(Away(why)),
            Panics => resume_unwind(Box::new("the opener panics")),
            Hangs => pending().await,
        }
    }

    fn begun(&self) -> Vec<Duration> {
        self.begun.lock().unwrap().clone()
    }
}

struct World {
    clock: VirtualClock,
    main: MemoryInbox,
    script: Script,
    lazy: LazyInbox<MemoryInbox>,
}

impl World {
    fn new(ends: impl IntoIterator<Item = (Duration, End)>) -> Self {
        let clock = VirtualClock::new();
        let spawn = clock.clone();
        Self::on(clock, ends, move |task| spawn.spawn(task))
    }

    fn on(
        clock: VirtualClock,
        ends: impl IntoIterator<Item = (Duration, End)>,
        spawn: impl Fn(Task) + Send + Sync + 'static,
    ) -> Self {
        let script = Script {
            clock: clock.clone(),
            ends: Arc::new(Mutex::new(ends.into_iter().collect())),
            ..Script::default()
        };
        let main = MemoryInbox::with_timer(clock.clone());
        let open = {
            let (script, main) = (script.clone(), main.clone());
            move || script.clone().attempt(main.clone())
        };
        Self {
            lazy: LazyInbox::on_runtime(open, clock.clone(), spawn),
            clock,
            main,
            script,
        }
    }

    fn entry(&self, id: &str) -> Entry {
        Entry::new(&testing::verified(notification(id)), self.clock.unix_time())
    }

    fn append(&self, id: &str) -> Result<Appended, String> {
        let appended = self.clock.run_until(self.lazy.append(self.entry(id)));
        appended.map_err(|why| match why {
            AppendError::Unavailable(why) => why.to_string(),
            other => panic!("{other:?}"),
        })
    }

    fn worker<S>(&self, service: S) -> Worker<LazyInbox<MemoryInbox>, S> {
        let spawn = self.clock.clone();
        Worker::on_runtime(
            self.lazy.clone(),
            service,
            self.clock.clone(),
            move |task| spawn.spawn(task),
        )
    }
}

fn notification(id: &str) -> String {
    format!(r#"{{"type":"message.created","id":"{id}","data":{{"object":{{"grant_id":"g-1"}}}}}}"#)
}

fn failed(why: &str) -> Result<Appended, String> {
    Err(format!("it could not be opened: {why}"))
}

#[test]
fn it_is_opened_by_the_first_call_and_once() {
    let world = World::new([]);
    let shown = |state| format!(r#"LazyInbox {{ state: "{state}", timeout: 30s, .. }}"#);
    assert_eq!(format!("{:?}", world.lazy), shown("not opened yet"));
    assert!(world.lazy.get().is_none());
    assert!(world.script.begun().is_empty());
    assert_eq!(world.append("n-1"), Ok(Appended::New));
    assert_eq!(world.append("n-1"), Ok(Appended::Duplicate));
    assert_eq!(format!("{:?}", world.lazy), shown("open"));
    assert_eq!(world.script.begun(), [Duration::ZERO]);
    let opened = world.lazy.clone().get().unwrap();
    let stats = world.clock.run_until(opened.stats()).unwrap();
    assert_eq!(stats.ready, 1);
    assert_eq!(world.clock.run_until(world.main.stats()).unwrap(), stats);
}

#[test]
fn until_it_is_open_every_call_says_why_it_is_not() {
    let world = World::new([(Duration::ZERO, Fails("refused"))]);
    world
        .clock
        .run_until(world.main.append(world.entry("n-1")))
        .unwrap();
    let claimed = world.clock.run_until(world.main.claim(1, SECOND));
    let receipt = claimed.unwrap().remove(0).receipt;
    assert_eq!(world.append("n-2"), failed("refused"));

    let key = EntryKey::from_bytes([0; 16]);
    let settled = |result: Result<(), SettleError>| match result {
        Err(SettleError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    };
    let lazy = &world.lazy;
    let errors: Vec<BoxError> = world.clock.run_until(async {
        vec![
            lazy.claim(1, SECOND).await.map(|_| ()).unwrap_err(),
            settled(lazy.extend(&receipt).await),
            settled(lazy.settle(&receipt, Settlement::Done).await),
            lazy.stats().await.unwrap_err(),
            lazy.dead(None, 1).await.unwrap_err(),
            lazy.dead_groups(1).await.unwrap_err(),
            lazy.replay(&[key]).await.unwrap_err(),
            lazy.discard(&[key]).await.unwrap_err(),
            lazy.list(&Query::default()).await.unwrap_err(),
            lazy.timeline(key).await.unwrap_err(),
            lazy.purge_grant("g-1").await.unwrap_err(),
        ]
    });
    for why in errors {
        assert_eq!(why.to_string(), "it could not be opened: refused");
    }
    // All of them in the pause.
    assert_eq!(world.script.begun(), [Duration::ZERO]);
    world.clock.run_for(SECOND);
    let settling = lazy.settle(&receipt, Settlement::Done);
    world.clock.run_until(settling).unwrap();
    let stats = world.clock.run_until(world.main.stats()).unwrap();
    assert_eq!((stats.ready, stats.claimed), (0, 0));
}

/// Calls in a pause fail at once, and with the last reason.
#[test]
fn pauses_double_up_to_a_second() {
    let reasons = ["1", "2", "3", "4", "5", "6", "7"];
    let world = World::new(reasons.map(|why| (Duration::ZERO, Fails(why))));
    let mut opened_at = None;
    while opened_at.is_none() {
        let started = world.clock.elapsed();
        match world.append("n-1") {
            Ok(_) => opened_at = Some(started),
            Err(why) => {
                let last = reasons[world.script.begun().len() - 1];
                assert_eq!(Err(why), failed(last));
            }
        }
        assert_eq!(world.clock.elapsed(), started);
        world.clock.run_for(10 * MILLISECOND);
    }
    let begun = world.script.begun();
    let begun: Vec<_> = begun.iter().map(Duration::as_millis).collect();
    assert_eq!(begun, [0, 100, 300, 700, 1500, 2500, 3500, 4500]);
    assert_eq!(opened_at, Some(4500 * MILLISECOND));
}

#[test]
fn callers_at_the_same_time_share_an_attempt() {
    let world = World::new([(SECOND, Fails("refused")), (SECOND, Opens)]);
    let append_all = || {
        let results = Arc::<Mutex<Vec<bool>>>::default();
        for number in 0..100 {
            let (lazy, results) = (world.lazy.clone(), results.clone());
            let entry = world.entry(&format!("n-{number}"));
            world.clock.spawn(async move {
                let appended = lazy.append(entry).await;
                results.lock().unwrap().push(appended.is_ok());
            });
        }
        world.clock.run_for(SECOND);
        Arc::into_inner(results).unwrap().into_inner().unwrap()
    };
    assert_eq!(append_all(), [false; 100]);
    assert_eq!(world.script.begun().len(), 1);
    world.clock.run_for(SECOND);
    assert_eq!(append_all(), [true; 100]);
    assert_eq!(world.script.begun().len(), 2);
    let stats = world.clock.run_until(world.main.stats()).unwrap();
    assert_eq!(stats.ready, 100);
}

/// Such as a migration, or the third of three hosts.
#[test]
fn an_attempt_that_takes_longer_than_callers_wait_still_opens() {
    let world = World::new([(10 * SECOND, Opens)]);
    let too_long = Err("opening it takes longer than 2s".to_owned());
    assert_eq!(world.append("n-1"), too_long);
    assert_eq!(world.clock.elapsed(), 2 * SECOND);
    // And those that come later do not wait at all.
    assert_eq!(world.append("n-1"), too_long);
    assert_eq!(world.clock.elapsed(), 2 * SECOND);
    world.clock.run_for(8 * SECOND);
    assert_eq!(world.append("n-1"), Ok(Appended::New));
    assert_eq!(world.script.begun().len(), 1);
}

#[test]
fn an_attempt_that_hangs_is_dropped_and_another_one_made() {
    let world = World::new([(Duration::ZERO, Hangs), (Duration::ZERO, Hangs)]);
    assert!(world.append("n-1").is_err());
    world.clock.run_for(27 * SECOND);
    assert_eq!(world.script.under_way.load(Ordering::SeqCst), 1);
    world.clock.run_for(SECOND);
    assert_eq!(world.script.under_way.load(Ordering::SeqCst), 0);
    assert_eq!(world.append("n-1"), failed("it has not ended within 30s"));
    world.clock.run_for(SECOND);
    let why = world.append("n-1").unwrap_err();
    assert_eq!(
        why,
        "opening it takes longer than 2s; before, it could not be opened: it has not ended within 30s"
    );
    world.clock.run_for(30 * SECOND);
    assert_eq!(world.append("n-1"), Ok(Appended::New));
    assert_eq!(world.script.begun().len(), 3);
}

#[test]
fn the_timeout_of_an_attempt_can_be_set() {
    let mut world = World::new([(Duration::ZERO, Hangs), (40 * SECOND, Opens)]);
    world.lazy = world.lazy.timeout(SECOND);
    assert_eq!(world.append("n-1"), failed("it has not ended within 1s"));
    assert_eq!(world.clock.elapsed(), SECOND);
    let patient = world.lazy.clone().timeout(60 * SECOND);
    world.clock.run_until(patient.open()).unwrap();
    assert_eq!(world.clock.elapsed(), 41 * SECOND);
}

/// Before `Enqueue` stops waiting, also where it has another inbox: the reason is that of opening.
#[test]
fn an_attempt_that_hangs_is_503_or_spilled_after_2_seconds() {
    let world = World::new([(Duration::ZERO, Hangs)]);
    let local = MemoryInbox::with_timer(world.clock.clone());
    let alone = Enqueue::with_timer(world.lazy.clone(), world.clock.clone());
    let answer = |enqueue: Enqueue<_>, id: &str| {
        let request = Request::new(testing::verified(notification(id)));
        let response = world.clock.run_until(enqueue.oneshot(request)).unwrap();
        let outcome = response.extensions().get::<Outcome>().unwrap().to_string();
        (response.status().as_u16(), outcome)
    };
    let (status, outcome) = answer(alone.clone(), "n-1");
    assert_eq!(status, 503);
    let reason = "the inbox failed: opening it takes longer than 2s";
    assert!(outcome.ends_with(reason), "{outcome}");
    assert_eq!(world.clock.elapsed(), 2 * SECOND);
    // The next attempt, for which the first inbox has 2.5 seconds.
    world.script.ends.lock().unwrap().push_back((SECOND, Hangs));
    world.clock.run_for(30 * SECOND);
    let with_other = alone.or(local.clone());
    let started = world.clock.elapsed();
    assert_eq!(answer(with_other.clone(), "n-1").0, 200);
    assert_eq!(world.clock.elapsed(), started + 2 * SECOND);
    assert_eq!(answer(with_other, "n-2").0, 200);
    assert_eq!(world.clock.elapsed(), started + 2 * SECOND);
    let spilled = world.clock.run_until(local.stats()).unwrap();
    assert_eq!(spilled.ready, 2);
}

#[test]
fn a_caller_that_is_dropped_ends_no_attempt() {
    let world = World::new([(SECOND, Opens)]);
    {
        let append = world.lazy.append(world.entry("n-1"));
        let mut append = Box::pin(append);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(append.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(world.append("n-2"), Ok(Appended::New));
    assert_eq!(world.clock.elapsed(), SECOND);
    assert_eq!(world.script.begun(), [Duration::ZERO]);
    let stats = world.clock.run_until(world.main.stats()).unwrap();
    assert_eq!(stats.ready, 1);
    assert_eq!(world.clock.sleepers(), 0);
}

#[test]
fn an_opener_that_panics_is_one_that_fails() {
    let world = World::new([(Duration::ZERO, Panics), (SECOND, Panics)]);
    let why = "it panicked: the opener panics";
    assert_eq!(world.append("n-1"), failed(why));
    world.clock.run_for(SECOND);
    assert_eq!(world.append("n-1"), failed(why));
    world.clock.run_for(SECOND);
    assert_eq!(world.append("n-1"), Ok(Appended::New));
}

/// As outside of any runtime, where tokio's own function panics.
#[test]
fn a_runtime_that_takes_no_task_is_an_error() {
    for panics in [false, true] {
        let world = World::on(VirtualClock::new(), [], move |_| {
            if panics {
                resume_unwind(Box::new("there is no runtime"));
            }
        });
        assert_eq!(world.append("n-1"), failed("its task was dropped"));
        world.clock.run_for(SECOND);
        assert_eq!(world.append("n-1"), failed("its task was dropped"));
    }
}

/// As that of a runtime which nobody runs any more, and nobody drops.
#[test]
fn a_task_that_does_not_run_is_given_up() {
    let clock = VirtualClock::new();
    let kept = Arc::<Mutex<Option<Task>>>::default();
    let world = World::on(clock.clone(), [], {
        let (kept, clock) = (kept.clone(), clock.clone());
        let number = AtomicUsize::new(0);
        move |task| match number.fetch_add(1, Ordering::SeqCst) {
            0 => *kept.lock().unwrap() = Some(task),
            _ => clock.spawn(task),
        }
    });
    let too_long = Err("opening it takes longer than 2s".to_owned());
    assert_eq!(world.append("n-1"), too_long);
    world.clock.run_for(28 * SECOND);
    assert_eq!(world.append("n-1"), too_long);
    world.clock.run_for(SECOND);
    assert_eq!(world.append("n-1"), failed("its task does not run"));
    world.clock.run_for(SECOND);
    assert_eq!(world.append("n-1"), Ok(Appended::New));
    // It opens the inbox once more, for nobody.
    let task = kept.lock().unwrap().take().unwrap();
    world.clock.run_until(task);
    assert_eq!(world.script.begun().len(), 2);
    assert_eq!(world.append("n-1"), Ok(Appended::Duplicate));
}

#[test]
fn open_makes_an_attempt_at_once_and_waits_for_its_end() {
    let world = World::new([
        (Duration::ZERO, Fails("refused")),
        (10 * SECOND, Fails("of a later version")),
        (10 * SECOND, Opens),
    ]);
    assert_eq!(world.append("n-1"), failed("refused"));
    let why = world.clock.run_until(world.lazy.open()).unwrap_err();
    assert_eq!(world.script.begun(), [Duration::ZERO; 2]);
    assert_eq!(world.clock.elapsed(), 10 * SECOND);
    assert_eq!(why.downcast_ref::<Away>().unwrap().0, "of a later version");
    // It waits for one that is under way.
    let lazy = world.lazy.clone();
    world.clock.spawn(async move {
        let _ = lazy.open().await;
    });
    world.clock.run_for(4 * SECOND);
    world.clock.run_until(world.lazy.open()).unwrap();
    assert_eq!(world.clock.elapsed(), 20 * SECOND);
    world.clock.run_until(world.lazy.open()).unwrap();
    assert_eq!(world.script.begun().len(), 3);
}

#[test]
fn a_worker_opens_it_without_a_request() {
    let world = World::new([(Duration::ZERO, Fails("refused")); 5]);
    let entry = world.entry("n-1");
    world.clock.run_until(world.main.append(entry)).unwrap();
    let handled = Arc::<AtomicUsize>::default();
    let triggers = TriggerRouter::new().fallback({
        let handled = handled.clone();
        move |_: VerifiedBody| {
            handled.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        }
    });
    let stop = world.clock.sleep(15 * SECOND);
    let worker = world.worker(triggers).run_until(stop);
    world.clock.run_until(worker).unwrap();
    assert_eq!(world.script.begun().len(), 6);
    assert_eq!(handled.load(Ordering::SeqCst), 1);
}

#[test]
fn a_worker_of_one_that_never_opens_can_stop() {
    let world = World::new([(Duration::ZERO, Hangs); 10]);
    let stop = world.clock.sleep(100 * SECOND);
    let worker = world.worker(TriggerRouter::new()).report_stats();
    world.clock.run_until(worker.run_until(stop)).unwrap();
    assert!(world.clock.elapsed() < 110 * SECOND);
}

/// What comes before it is open is stored in the local inbox, and is moved and handled afterwards:
/// all of it once, and as it was received.
#[test]
fn what_was_spilled_before_it_opened_is_handled_once() {
    let outage = 60 * SECOND;
    let world = World::new([]);
    {
        // Refused, and each third attempt hangs.
        let ends = [Fails("refused"), Fails("refused"), Hangs].into_iter();
        let ends = ends.cycle().map(|end| (Duration::ZERO, end)).take(12);
        world.script.ends.lock().unwrap().extend(ends);
    }
    let clock = &world.clock;
    let local = MemoryInbox::with_timer(clock.clone());
    let enqueue = Enqueue::with_timer(world.lazy.clone(), clock.clone()).or(local.clone());

    let handled = Arc::<Mutex<HashMap<EntryKey, Vec<Duration>>>>::default();
    let triggers = TriggerRouter::new().fallback({
        let handled = handled.clone();
        move |delivery: Option<Delivery>, _: VerifiedBody| {
            let delivery = delivery.unwrap();
            let mut handled = handled.lock().unwrap();
            let times = handled.entry(delivery.key()).or_default();
            times.push(delivery.received_at());
            std::future::ready(())
        }
    });
    let end = 600 * SECOND;
    let handling = world.worker(triggers).run_until(clock.sleep(end));
    clock.spawn(async move { handling.await.unwrap() });
    let forward = Enqueue::with_timer(world.lazy.clone(), clock.clone()).forwarding();
    let spawn = clock.clone();
    let moving = Worker::on_runtime(local.clone(), forward, clock.clone(), move |task| {
        spawn.spawn(task);
    });
    let moving = moving.run_until(clock.sleep(end));
    clock.spawn(async move { moving.await.unwrap() });

    let mut sent = HashMap::new();
    let mut number = 0;
    let mut most_local = 0;
    while world.lazy.get().is_none() || number < 400 {
        assert!(number < 4000, "it does not open");
        let body = testing::verified(notification(&format!("n-{number}")));
        let key = Entry::new(&body, Duration::ZERO).key();
        sent.insert(key, clock.unix_time());
        let response = clock.run_until(enqueue.clone().oneshot(Request::new(body)));
        assert_eq!(response.unwrap().status(), 200);
        number += 1;
        clock.run_for(200 * MILLISECOND);
        let stats = clock.run_until(local.stats()).unwrap();
        most_local = most_local.max(stats.ready + stats.waiting + stats.claimed);
    }
    assert!(clock.elapsed() > outage && most_local > 100, "{most_local}");
    clock.run_for(60 * SECOND);
    let stats = clock.run_until(local.stats()).unwrap();
    assert_eq!((stats.ready, stats.waiting, stats.claimed), (0, 0, 0));
    assert_eq!(stats.dead, 0);
    let handled = handled.lock().unwrap().clone();
    let once = sent.into_iter().map(|(key, at)| (key, vec![at]));
    assert_eq!(handled, once.collect());
}

/// Tokio's own time and tasks.
#[test]
fn it_opens_on_every_runtime_of_tokio() {
    use tokio::runtime::Builder;
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_all().build().unwrap();
        let attempts = Arc::new(AtomicUsize::new(0));
        let lazy = LazyInbox::new({
            let attempts = attempts.clone();
            move || {
                let number = attempts.fetch_add(1, Ordering::SeqCst);
                async move {
                    tokio::task::yield_now().await;
                    match number {
                        0 => Err("refused"),
                        _ => Ok(MemoryInbox::new()),
                    }
                }
            }
        });
        runtime.block_on(async {
            assert!(lazy.open().await.is_err());
            let entry = Entry::new(&testing::verified(notification("n-1")), Duration::ZERO);
            let appending = async |entry: Entry| {
                while lazy.append(entry.clone()).await.is_err() {
                    tokio::time::sleep(10 * MILLISECOND).await;
                }
            };
            tokio::join!(appending(entry.clone()), appending(entry));
            assert_eq!(lazy.stats().await.unwrap().ready, 1);
        });
        assert_eq!(attempts.load(Ordering::SeqCst), 2);
    }
}

/// Its runtime has ended, and another one goes on.
#[test]
fn an_attempt_whose_runtime_is_dropped_has_failed() {
    let attempts = AtomicUsize::new(0);
    let lazy = LazyInbox::new(move || {
        let number = attempts.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                pending::<()>().await;
            }
            Ok::<_, BoxError>(MemoryInbox::new())
        }
    });
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    runtime().block_on(async {
        let opening = tokio::time::timeout(10 * MILLISECOND, lazy.open());
        assert!(opening.await.is_err());
    });
    assert!(format!("{lazy:?}").contains("failed"), "{lazy:?}");
    runtime().block_on(lazy.open()).unwrap();
}
