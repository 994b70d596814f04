//! Hours of a receiver's life over the engine, in virtual time, with a simulated Nylas. The
//! engine's threads work in real time, which the clock waits for.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Builder;
use tower_nylas::{
    Notification, Secrets, State, TriggerRouter, WebhookLayer,
    inbox::{Browse, Enqueue, Worker},
    testing::{
        BusyInbox, VirtualClock,
        nylas::{NewDestination, Simulator, Traffic},
    },
};
use tower_nylas_sqlite::SqliteInbox;

use crate::scratch::scratch;

const URL: &str = "https://app.example.com/webhooks/nylas";
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Default)]
struct Application {
    is_away: Arc<AtomicBool>,
    handled: Arc<Mutex<Vec<String>>>,
}

async fn handle(State(app): State<Application>, it: Notification) -> Result<(), &'static str> {
    if app.is_away.load(Ordering::SeqCst) {
        return Err("what it needs is away");
    }
    let id = it.id().unwrap_or_default().to_owned();
    app.handled.lock().unwrap().push(id);
    Ok(())
}

#[test]
fn an_outage_of_hours_loses_nothing_and_everything_is_handled_once() {
    let (clock, scratch, app) = (VirtualClock::new(), scratch(), Application::default());
    let runtime = Builder::new_current_thread().build().unwrap();
    let opening = SqliteInbox::builder()
        .clock(clock.clone())
        .open(scratch.path("inbox.db"));
    let inbox = runtime.block_on(opening).unwrap();
    let busy = BusyInbox::new(inbox.clone(), clock.clone());

    let tasks = clock.clone();
    let triggers = TriggerRouter::with_state(app.clone()).on("message.created", handle);
    let spawn = move |task| tasks.spawn(task);
    let worker = Worker::on_runtime(busy.clone(), triggers, clock.clone(), spawn);
    clock.spawn(async move { worker.run_until(pending()).await.unwrap() });

    let nylas = Simulator::builder().clock(clock.clone()).build();
    let secrets = Secrets::builder().clock(clock.clone()).pending();
    let enqueue = Enqueue::with_timer(busy, clock.clone());
    let webhooks = WebhookLayer::with_timer(secrets.clone(), clock.clone()).layer(enqueue);
    nylas.host(URL, webhooks);
    let new = NewDestination::new(URL, ["message.created"]);
    let created = clock.run_until(nylas.create(&new)).unwrap();
    secrets.set(created.secret()).unwrap();

    let traffic = Traffic::new(["message.created"], Duration::from_secs(30));
    nylas.run(traffic.during(4 * HOUR));
    clock.run_for(HOUR);
    let before = app.handled.lock().unwrap().len();
    app.is_away.store(true, Ordering::SeqCst);
    clock.run_for(2 * HOUR);
    assert_eq!(app.handled.lock().unwrap().len(), before);
    app.is_away.store(false, Ordering::SeqCst);
    clock.run_until(nylas.settled());
    // What has failed for hours is handled again an hour later at most.
    clock.run_for(HOUR);

    let ledger = nylas.ledger();
    ledger.no_event_lost();
    ledger.handled_exactly_once(app.handled.lock().unwrap().iter());
    assert!(ledger.len() > 400, "{}", ledger.len());
    // None of them had to be sent again: no time passed while the engine worked.
    assert_eq!(ledger.attempts().len() as u64, ledger.len());
    let took = ledger.attempts().into_iter().map(|(_, it)| it.took).max();
    assert_eq!(took, Some(Duration::ZERO));
    let left = runtime.block_on(inbox.stats()).unwrap();
    assert_eq!((left.waiting, left.dead), (0, 0), "{left:?}");
    runtime.block_on(inbox.close());
}
