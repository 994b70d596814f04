//! A worker over the inbox.

pub(super) mod answers;
pub(super) mod ends;
pub(super) mod faulty;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use http::{Request, Response};
use tokio::sync::oneshot;
use tower_service::Service;

use super::{
    Engine,
    bench::{Bench, LABEL},
    process::Process,
};
use crate::{
    inbox::{Browse, Delivery, EntryKey, Inbox, StoredEntry, Worker},
    report::{Ack, BoxError},
    router::TriggerRouter,
    time::Timer,
    verify::VerifiedBody,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The calls of a handler, in their order.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<(EntryKey, Instant, u32)>>>);

impl Calls {
    /// How often the entry was handled before.
    fn note(&self, delivery: Option<Delivery>, timer: &dyn Timer) -> usize {
        let delivery = delivery.expect("a worker tells which entry it is");
        let key = delivery.key();
        let before = self.of(key).len();
        self.all().push((key, timer.now(), delivery.failures()));
        before
    }

    fn all(&self) -> MutexGuard<'_, Vec<(EntryKey, Instant, u32)>> {
        self.0.lock().unwrap()
    }

    /// The times of one entry.
    fn of(&self, key: EntryKey) -> Vec<Instant> {
        let all = self.all();
        let of_key = all.iter().filter(|(called, ..)| *called == key);
        of_key.map(|(_, at, _)| *at).collect()
    }

    fn assert_once_each(&self, keys: &[EntryKey]) {
        let mut counts: HashMap<EntryKey, usize> = HashMap::new();
        for (key, ..) in self.all().iter() {
            *counts.entry(*key).or_default() += 1;
        }
        let twice = counts.values().filter(|count| **count > 1).count();
        assert_eq!(twice, 0, "{twice} entries were handled more than once");
        let missing = keys.iter().filter(|key| !counts.contains_key(key)).count();
        assert_eq!(missing, 0, "{missing} entries were not handled");
        assert_eq!(counts.len(), keys.len());
    }
}

/// A worker that runs in a process.
struct Running {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Running {
    async fn drain(self) {
        let _ = self.stop.send(());
        self.stopped.await.unwrap();
    }
}

impl<E: Engine> Bench<'_, E> {
    fn worker<I: Inbox, S>(&self, inbox: I, service: S, process: &Process) -> Worker<I, S> {
        let (spawn, process) = (self.engine.spawner(), process.clone());
        Worker::on_runtime(inbox, service, self.timer.clone(), move |task| {
            spawn(process.task(task));
        })
    }
}

fn run<E, I, S, R>(bench: &Bench<'_, E>, worker: Worker<I, S>, process: &Process) -> Running
where
    E: Engine,
    I: Inbox,
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: Send + 'static,
{
    let (stop, is_stopped) = oneshot::channel();
    let (has_stopped, stopped) = oneshot::channel();
    let task = process.task(Box::pin(async move {
        let shutdown = async {
            let _ = is_stopped.await;
        };
        worker.run_until(shutdown).await.unwrap();
        let _ = has_stopped.send(());
    }));
    bench.spawn(task);
    Running { stop, stopped }
}

/// Answers as `answer` says, which is told how often the entry was handled before.
fn router<A, F>(calls: &Calls, timer: &Arc<dyn Timer>, answer: A) -> TriggerRouter
where
    A: Fn(usize, EntryKey) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Ack, BoxError>> + Send + 'static,
{
    let (calls, timer) = (calls.clone(), timer.clone());
    TriggerRouter::new().fallback(move |delivery: Option<Delivery>, _: VerifiedBody| {
        let key = delivery.as_ref().map(Delivery::key);
        let before = calls.note(delivery, &*timer);
        answer(before, key.expect("noted"))
    })
}

async fn assert_all_done<E: Engine>(bench: &Bench<'_, E>, inbox: &impl Browse) {
    bench.pass(SECOND).await;
    let stats = inbox.stats().await.unwrap();
    let open = (stats.ready, stats.waiting, stats.claimed, stats.dead);
    assert_eq!(open, (0, 0, 0, 0), "{stats:?}");
}

async fn dead(inbox: &impl Browse) -> Vec<StoredEntry> {
    inbox.dead(None, 1000).await.unwrap()
}
