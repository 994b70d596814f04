//! Workers that run until a test ends them.

use tokio::{sync::watch, task::JoinSet};
use tower_nylas::{
    TriggerRouter,
    inbox::{Inbox, Worker},
    time::TimerMissing,
};

#[derive(Debug)]
pub struct Working {
    stop: watch::Sender<()>,
    workers: JoinSet<Result<(), TimerMissing>>,
}

impl Working {
    /// A worker for each of these inboxes, with the same handlers.
    pub fn start<I: Inbox>(inboxes: &[I], router: &TriggerRouter, concurrency: usize) -> Self {
        let stop = watch::Sender::new(());
        let mut workers = JoinSet::new();
        for inbox in inboxes {
            let mut stopped = stop.subscribe();
            let worker = Worker::new(inbox.clone(), router.clone()).concurrency(concurrency);
            workers.spawn(worker.run_until(async move {
                let _ = stopped.changed().await;
            }));
        }
        Self { stop, workers }
    }

    /// Drains them.
    pub async fn end(self) {
        self.stop.send_replace(());
        for ended in self.workers.join_all().await {
            ended.unwrap();
        }
    }
}
