//! Three days of an inbox on virtual time, with an engine that is away for 4 hours and handlers
//! that fail for 10: what was accepted is handled, and once. A program of its own, since it
//! measures what it allocates.

#![cfg(all(feature = "inbox", feature = "testing"))]

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use http::Request;
use tower::ServiceExt;
use tower_nylas::{
    Ack, BoxError, TriggerRouter,
    inbox::{
        Browse, Delivery, Enqueue, EntryKey, MemoryInbox, Worker,
        conformance::{Call, Fault, Faults},
    },
    testing::{self, VirtualClock},
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// Between two notifications, in milliseconds, on the average: two each second or, where the code
/// is not optimized, two each 20 seconds.
const PAUSE: u64 = if cfg!(debug_assertions) { 10_000 } else { 500 };

/// Nylas makes three attempts within 20 minutes.
const ATTEMPTS: [Duration; 3] = [Duration::ZERO, MINUTE, Duration::from_secs(15 * 60)];

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.next() % (to - from))
    }
}

/// What has happened.
#[derive(Default)]
struct Ledger {
    accepted: HashMap<u64, EntryKey>,
    lost: Vec<u64>,
    handled: HashMap<EntryKey, u32>,
    failures: u64,
    /// Of every acceptance and every try, in their order and with their times.
    hash: DefaultHasher,
}

#[derive(Clone)]
struct World {
    clock: VirtualClock,
    ledger: Arc<Mutex<Ledger>>,
    inbox: MemoryInbox,
    faults: Faults<MemoryInbox>,
    handlers_fail: Arc<Mutex<bool>>,
}

impl World {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let inbox = MemoryInbox::with_timer(clock.clone()).window(24 * HOUR);
        Self {
            faults: Faults::new(inbox.clone(), clock.clone()),
            inbox,
            clock,
            // Large enough from the start, or it would be what grows.
            ledger: Arc::new(Mutex::new(Ledger {
                accepted: HashMap::with_capacity(1_000_000),
                lost: Vec::with_capacity(100_000),
                handled: HashMap::with_capacity(1_000_000),
                ..Ledger::default()
            })),
            handlers_fail: Arc::default(),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    fn note(&self, what: impl Hash) {
        let at = self.clock.elapsed();
        (at, what).hash(&mut self.ledger().hash);
    }

    /// Sends notifications.
    fn send(&self, seed: u64, until: Duration) {
        let world = self.clone();
        let enqueue = Enqueue::with_timer(self.faults.clone(), self.clock.clone());
        self.clock.spawn(async move {
            let mut random = Random(seed);
            for number in 0.. {
                sleep(&world, random.millis(PAUSE / 5, PAUSE * 9 / 5)).await;
                if world.clock.elapsed() >= until {
                    return;
                }
                let (world, enqueue) = (world.clone(), enqueue.clone());
                world.clone().clock.spawn(async move {
                    world.deliver(&enqueue, number).await;
                });
            }
        });
    }

    async fn deliver(&self, enqueue: &Enqueue<Faults<MemoryInbox>>, number: u64) {
        let body = format!(
            r#"{{"specversion":"1.0","type":"message.created","id":"n-{number}","time":1767225600,"webhook_delivery_attempt":1,"data":{{"object":{{"id":"m-{number}","grant_id":"g-1"}}}}}}"#
        );
        let body = testing::verified(body);
        let key = tower_nylas::inbox::Entry::new(&body, Duration::ZERO).key();
        for wait in ATTEMPTS {
            sleep(self, wait).await;
            let response = enqueue.clone().oneshot(Request::new(body.clone())).await;
            if response.unwrap().status() == 200 {
                self.note((number, "accepted"));
                self.ledger().accepted.insert(number, key);
                return;
            }
        }
        self.ledger().lost.push(number);
    }

    fn handlers(&self) -> TriggerRouter<Self> {
        TriggerRouter::with_state(self.clone()).on("message.created", handle)
    }

    fn work(&self) {
        let clock = self.clock.clone();
        let spawn = move |task| clock.spawn(task);
        let (inbox, handlers) = (self.faults.clone(), self.handlers());
        let worker = Worker::on_runtime(inbox, handlers, self.clock.clone(), spawn);
        self.clock.spawn(async move {
            let _ = worker.run_until(std::future::pending()).await;
        });
    }
}

async fn handle(
    tower_nylas::State(world): tower_nylas::State<World>,
    delivery: Option<Delivery>,
) -> Result<Ack, BoxError> {
    let key = delivery.ok_or("not from a worker")?.key();
    let mut random = Random(u64::from(key.as_bytes()[0]));
    sleep(&world, random.millis(5, 100)).await;
    world.note(key);
    if *world.handlers_fail.lock().unwrap() {
        world.ledger().failures += 1;
        return Err("the database of the handlers is away".into());
    }
    *world.ledger().handled.entry(key).or_default() += 1;
    Ok(Ack::Done)
}

async fn sleep(world: &World, duration: Duration) {
    tower_nylas::time::Timer::sleep(&world.clock, duration).await;
}

/// The ledger's hash.
fn assert_whole(world: &World) -> u64 {
    let ledger = world.ledger();
    let twice = ledger.handled.values().filter(|count| **count > 1).count();
    assert_eq!(twice, 0, "{twice} handled more than once");
    let keys = ledger.accepted.values();
    let missing = keys.filter(|key| !ledger.handled.contains_key(key)).count();
    assert_eq!(missing, 0, "{missing} accepted and not handled");
    assert_eq!(ledger.accepted.len(), ledger.handled.len());
    ledger.hash.finish()
}

/// Hours of traffic, with one outage of each kind. What is allocated at the end of each hour, in
/// bytes more than at the beginning.
fn play(seed: u64, hours: u32, engine: Range<u32>, handlers: Range<u32>) -> (World, Vec<i64>) {
    let world = World::new();
    world.send(seed, hours * HOUR);
    world.work();
    let mut live = Vec::new();
    let mut total = 0;
    // Two more, for what is still to be handled.
    for hour in 0..hours + 2 {
        let fault = engine.contains(&hour).then_some(Fault::Fails);
        world.faults.set(&Call::ALL, fault);
        *world.handlers_fail.lock().unwrap() = handlers.contains(&hour);
        let allocated = allocation_counter::measure(|| world.clock.run_for(HOUR));
        total += allocated.bytes_current;
        live.push(total);
    }
    (world, live)
}

#[test]
fn what_is_accepted_in_three_days_with_outages_is_handled_and_once() {
    let (world, live) = play(1, 72, 46..50, 56..66);
    assert_whole(&world);
    let stats = world.clock.run_until(world.inbox.stats()).unwrap();
    let open = (stats.ready, stats.waiting, stats.claimed, stats.dead);
    assert_eq!(open, (0, 0, 0, 0), "{stats:?}");
    let ledger = world.ledger();
    assert!(ledger.accepted.len() as u64 > 60 * 3600 * 1000 / PAUSE);
    // Those of the engine's outage, but for its last minutes, are not promised anything.
    let hours_lost = ledger.lost.len() as u64 * PAUSE / 1000 / 3600;
    assert!((3..4).contains(&hours_lost), "{} lost", ledger.lost.len());
    assert!(ledger.failures > 20_000, "{}", ledger.failures);

    // Keys are remembered for a day, and nothing else stays.
    let (day, later, end) = (live[26], live[44], live[73]);
    assert!(day > 0);
    assert!(later <= day + day / 50, "{day} bytes grew to {later}");
    assert!(end <= day + day / 10, "{day} bytes grew to {end}");
}

#[test]
fn the_same_seed_gives_the_same_ledger() {
    let hours = |seed| assert_whole(&play(seed, 6, 1..2, 3..4).0);
    let first = hours(7);
    assert_eq!(hours(7), first);
    assert_ne!(hours(8), first);
}
