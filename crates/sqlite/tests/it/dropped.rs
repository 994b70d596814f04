//! Futures that nobody waits for any more.

use std::{
    fs::File,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Wake},
    time::{Duration, Instant},
};

use tower_nylas::{
    BoxError,
    inbox::{
        Browse, Claimed, DeadCause, Entry, Happened, Inbox, Inspect, Settlement, TimelineEvent,
    },
    testing::VirtualClock,
    time::Clock,
};
use tower_nylas_kit::inbox::entry;
use tower_nylas_sqlite::{SqliteInbox, SqliteReceipt};

use crate::scratch::scratch;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Tells when it was woken.
struct Tell {
    tell: Mutex<Sender<()>>,
    is_woken: AtomicBool,
}

impl Tell {
    fn new() -> (Arc<Self>, Receiver<()>) {
        let (tell, told) = channel();
        let is_woken = AtomicBool::new(false);
        let tell = Mutex::new(tell);
        (Arc::new(Self { tell, is_woken }), told)
    }

    fn tell(&self) {
        // Nobody may wait any more.
        let _ = self.tell.lock().unwrap().send(());
    }
}

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.tell();
    }
}

/// Dropped when the file is open, and before that is known.
#[test]
fn an_open_that_is_dropped_lets_go_of_the_file() {
    let scratch = scratch();
    let (tell, told) = Tell::new();
    let waker = tell.into();
    let mut opening = Box::pin(SqliteInbox::open(scratch.path("inbox.db")));
    let polled = opening.as_mut().poll(&mut Context::from_waker(&waker));
    if polled.is_pending() {
        told.recv().unwrap();
    }
    drop((polled, opening));
    let lock = File::open(scratch.path("inbox.db-lock")).unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while let Err(why) = lock.try_lock() {
        assert!(Instant::now() < end, "{why}");
        std::thread::yield_now();
    }
}

/// An operator's order of any length holds the writer for a moment at a time.
#[tokio::test]
async fn a_replay_that_is_dropped_has_replayed_a_part() {
    let scratch = scratch();
    let inbox = SqliteInbox::open(scratch.path("inbox.db")).await.unwrap();
    let stored: Vec<_> = (0..200).map(|n| entry(&format!("n-{n}"))).collect();
    for entry in &stored {
        inbox.append(entry.clone()).await.unwrap();
    }
    for claim in inbox.claim(200, Duration::ZERO).await.unwrap() {
        let dead = Settlement::Dead {
            cause: DeadCause::Exhausted,
            why: String::new(),
        };
        inbox.settle(&claim.receipt, dead).await.unwrap();
    }
    let keys: Vec<_> = stored.iter().map(Entry::key).collect();
    let (tell, told) = Tell::new();
    let waker = tell.into();
    let mut replaying = Box::pin(inbox.replay(&keys));
    let polled = replaying.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    told.recv().unwrap();
    drop(replaying);
    let replayed = inbox.stats().await.unwrap().ready;
    assert!((1..200).contains(&replayed), "{replayed}");
    let others = inbox.replay(&keys).await.unwrap();
    assert_eq!(replayed + others as u64, 200);
}

type Claiming = Pin<Box<dyn Future<Output = Result<Vec<Claimed<SqliteReceipt>>, BoxError>> + Send>>;

/// Does something when it is asked for the time once again.
#[derive(Clone, Default)]
struct Interrupting {
    clock: VirtualClock,
    next: Arc<Mutex<Option<(usize, Interruption)>>>,
}

type Interruption = Box<dyn FnOnce() + Send>;

impl Clock for Interrupting {
    fn now(&self) -> Instant {
        let mut next = self.next.lock().unwrap();
        let interruption = match &mut *next {
            Some((0, _)) => next.take(),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        drop(next);
        if let Some((_, interrupt)) = interruption {
            interrupt();
        }
        self.clock.now()
    }

    fn unix_time(&self) -> Duration {
        self.clock.unix_time()
    }
}

/// Whenever it is dropped before there is an answer, the entry is due again at once, and has not
/// crashed: no lease ends here.
#[tokio::test]
async fn a_claim_that_is_dropped_at_any_moment_is_given_back() {
    let mut given_back = 0;
    for moment in 0..8 {
        let (scratch, clock) = (scratch(), Interrupting::default());
        let builder = SqliteInbox::builder().clock(clock.clone());
        let inbox = builder.open(scratch.path("inbox.db")).await.unwrap();
        let stored = entry("n-1");
        inbox.append(stored.clone()).await.unwrap();
        if !claim_until(moment, &clock, &inbox) {
            continue;
        }
        let claims = inbox.claim(1, Duration::from_secs(10)).await.unwrap();
        assert_eq!(claims.len(), 1, "dropped at {moment}");
        assert_eq!((claims[0].crashes, claims[0].failures), (0, 0));
        let timeline = inbox.timeline(stored.key()).await.unwrap();
        let is_return = |event: &&TimelineEvent| matches!(event.what, Happened::Settled(_));
        given_back += timeline.iter().filter(is_return).count();
    }
    assert!(given_back > 0, "it was always dropped before the claim");
}

/// Drops a claim at the moment when the writer asks for the time once more than so often, if it has
/// not answered before. Whether it was dropped.
fn claim_until(moment: usize, clock: &Interrupting, inbox: &SqliteInbox) -> bool {
    let claiming: Claiming = {
        let inbox = inbox.clone();
        Box::pin(async move { inbox.claim(1, HOUR).await })
    };
    let claiming = Arc::new(Mutex::new(Some(claiming)));
    let (tell, told) = Tell::new();
    let interrupt = {
        let (claiming, tell) = (claiming.clone(), tell.clone());
        move || {
            let mut claiming = claiming.lock().unwrap();
            if !tell.is_woken.load(Ordering::SeqCst) {
                claiming.take();
                tell.tell();
            }
        }
    };
    *clock.next.lock().unwrap() = Some((moment, Box::new(interrupt)));
    let waker = tell.into();
    let mut context = Context::from_waker(&waker);
    loop {
        let mut claiming = claiming.lock().unwrap();
        let Some(running) = claiming.as_mut() else {
            return true;
        };
        if running.as_mut().poll(&mut context).is_ready() {
            return false;
        }
        drop(claiming);
        told.recv().unwrap();
    }
}
