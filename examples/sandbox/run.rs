//! The same thing many times: at a rate, or as fast as it is taken.

use std::{
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tower_nylas::testing::nylas::{Event, Fate, Ledger};

use crate::perform::Sandbox;

/// How many first attempts are under way at once: each takes a connection of this machine.
const AT_ONCE: usize = 128;

/// How far back they are looked for.
const WINDOW: usize = 1024;

/// The runs that go on.
#[derive(Default)]
pub(crate) struct Runs {
    running: Mutex<Vec<Arc<Run>>>,
    /// What there is to say of those that have ended.
    ended: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
}

pub(crate) struct Run {
    total: u64,
    sent: AtomicU64,
    began: Instant,
}

impl Runs {
    pub(crate) fn start(&self, sandbox: Arc<Sandbox>, event: Event, total: u64, rate: Option<f64>) {
        let run = Arc::new(Run {
            total,
            sent: AtomicU64::new(0),
            began: Instant::now(),
        });
        self.change(|running| running.push(run.clone()));
        tokio::spawn(async move {
            run.send(&sandbox, &event, rate).await;
            let took = run.began.elapsed().as_secs_f64();
            let ended = format!("{total} sent in {took:.1} s");
            let all = sandbox.runs.ended.lock();
            all.unwrap_or_else(PoisonError::into_inner).push(ended);
            sandbox
                .runs
                .change(|running| running.retain(|other| !Arc::ptr_eq(other, &run)));
        });
    }

    /// Waits until everything is sent for the first time.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as this.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// One line for each that goes on.
    pub(crate) fn progress(&self) -> Vec<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().map(|run| run.progress()).collect()
    }

    pub(crate) fn take_ended(&self) -> Vec<String> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut ended)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Run>>)) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        self.count.send_replace(running.len());
    }
}

impl Run {
    async fn send(&self, sandbox: &Sandbox, event: &Event, rate: Option<f64>) {
        let mut sent = 0;
        while sent < self.total {
            let due = match rate {
                Some(rate) => as_count(self.began.elapsed().as_secs_f64() * rate) + 1,
                None => self.total,
            };
            let waiting = sandbox.nylas.with_ledger(untried);
            let room = AT_ONCE.saturating_sub(waiting) as u64;
            let now = due.min(self.total).saturating_sub(sent).min(room);
            for _ in 0..now {
                sandbox.nylas.emit(event.clone());
            }
            sent += now;
            self.sent.store(sent, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn progress(&self) -> String {
        let sent = self.sent.load(Ordering::Relaxed);
        let took = self.began.elapsed().as_secs_f64();
        let mut text = format!("{sent} of {} sent", self.total);
        if sent > 0 && took > 0.0 {
            let rate = as_f64(sent) / took;
            let left = Duration::from_secs_f64(as_f64(self.total - sent) / rate);
            let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
            let _ = write!(text, ", {rate:.0} a second, {minutes} min {seconds} s left");
        }
        text
    }
}

/// How many of the last events no attempt was made for.
fn untried(ledger: &Ledger) -> usize {
    let skipped = ledger.events().len().saturating_sub(WINDOW);
    let is_untried = |attempts: usize, fates: &[(_, Fate)]| {
        attempts == 0 && fates.iter().any(|(_, fate)| *fate == Fate::Open)
    };
    let last = ledger.events().skip(skipped);
    last.filter(|event| is_untried(event.attempts.len(), &event.fates))
        .count()
}

#[expect(clippy::cast_precision_loss, reason = "it is shown, or a pace")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is no more than a million a second"
)]
fn as_count(count: f64) -> u64 {
    count as u64
}
