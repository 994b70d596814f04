//! The same thing many times: at a rate, or as fast as it is taken.

use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tower_nylas::testing::nylas::{Event, Simulator};

use crate::perform::Sandbox;

/// How many attempts are under way at once: each takes a connection of this machine.
const AT_ONCE: usize = 128;

/// About how many notifications a run lets be open at once: each is kept, with its body, until it
/// is accepted or given up.
pub(crate) const MOST_OPEN: u64 = 10_000;

/// How many runs go on at once.
const MOST_RUNS: usize = 100;

/// How many ends of runs are kept until they are shown.
const MOST_ENDED: usize = 1000;

/// The runs that go on.
#[derive(Default)]
pub(crate) struct Runs {
    running: Mutex<Vec<Arc<Run>>>,
    /// What there is to say of those that have ended.
    ended: Mutex<VecDeque<String>>,
    failed: AtomicU64,
    count: watch::Sender<usize>,
}

pub(crate) struct Run {
    total: u64,
    sent: AtomicU64,
    is_held: AtomicBool,
    began: Instant,
}

impl Runs {
    pub(crate) fn start(
        &self,
        sandbox: Arc<Sandbox>,
        event: Event,
        total: u64,
        rate: Option<f64>,
    ) -> Result<(), String> {
        let run = Arc::new(Run {
            total,
            sent: AtomicU64::new(0),
            is_held: AtomicBool::new(false),
            began: Instant::now(),
        });
        let mut running = self.running();
        if running.len() >= MOST_RUNS {
            return Err(format!("{MOST_RUNS} runs go on: `wait` for them"));
        }
        running.push(run.clone());
        self.count.send_replace(running.len());
        drop(running);
        tokio::spawn(async move {
            let going = Going {
                sandbox: &sandbox,
                run: &run,
            };
            run.send(&sandbox.nylas, &event, rate).await;
            drop(going);
        });
        Ok(())
    }

    /// Waits until everything is sent for the first time.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as this.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// How many have ended before everything was sent.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    /// One line for each that goes on.
    pub(crate) fn is_going_on(&self) -> bool {
        !self.running().is_empty()
    }

    pub(crate) fn progress(&self) -> Vec<String> {
        self.running().iter().map(|run| run.progress()).collect()
    }

    pub(crate) fn take_ended(&self) -> Vec<String> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.drain(..).collect()
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<Run>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, run: &Arc<Run>) {
        let (sent, total) = (run.sent.load(Ordering::SeqCst), run.total);
        let took = run.began.elapsed().as_secs_f64();
        let said = if sent == total {
            format!("{total} sent in {took:.1} s")
        } else {
            self.failed.fetch_add(1, Ordering::SeqCst);
            format!("a run has failed: {sent} of {total} sent in {took:.1} s")
        };
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push_back(said);
        if ended.len() > MOST_ENDED {
            ended.pop_front();
        }
        drop(ended);
        let mut running = self.running();
        running.retain(|other| !Arc::ptr_eq(other, run));
        self.count.send_replace(running.len());
    }
}

/// A run that goes on until this is dropped, be it by a panic.
struct Going<'a> {
    sandbox: &'a Sandbox,
    run: &'a Arc<Run>,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.sandbox.runs.end(self.run);
    }
}

impl Run {
    async fn send(&self, nylas: &Simulator, event: &Event, rate: Option<f64>) {
        let mut sent = 0;
        while sent < self.total {
            let due = match rate {
                Some(rate) => as_count(self.began.elapsed().as_secs_f64() * rate) + 1,
                None => self.total,
            };
            // Also what was accepted, if Nylas does not know of it.
            let open = nylas.under_way() as u64;
            self.is_held.store(open >= MOST_OPEN, Ordering::SeqCst);
            let room = AT_ONCE.saturating_sub(nylas.in_flight()) as u64;
            let room = room.min(MOST_OPEN.saturating_sub(open));
            let now = due.min(self.total).saturating_sub(sent).min(room);
            for _ in 0..now {
                nylas.emit(event.clone());
                sent += 1;
                self.sent.store(sent, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn progress(&self) -> String {
        let sent = self.sent.load(Ordering::SeqCst);
        let took = self.began.elapsed().as_secs_f64();
        let mut text = format!("{sent} of {} sent", self.total);
        if self.is_held.load(Ordering::SeqCst) {
            let _ = write!(text, ", waits: {MOST_OPEN} are under way");
        } else if sent > 0 && took > 0.0 {
            let rate = as_f64(sent) / took;
            let left = Duration::from_secs_f64(as_f64(self.total - sent) / rate);
            let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
            let _ = write!(text, ", {rate:.0} a second, {minutes} min {seconds} s left");
        }
        text
    }
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

#[cfg(test)]
mod tests {
    use tower_nylas::testing::nylas::{NewDestination, Status};

    use super::*;
    use crate::command::Command;

    fn sandbox() -> Arc<Sandbox> {
        let nylas = Simulator::builder().build();
        let new = NewDestination::new("http://127.0.0.1:1/", ["message.created"]);
        let put = nylas.put("wh-1", "an-invented-secret", &new, Status::Active);
        put.unwrap();
        Arc::new(Sandbox::new(nylas, 1))
    }

    /// What a command does not let through, so that the run's task panics.
    fn unfit() -> Event {
        Event::new("message.created").set("nothing.here", 1)
    }

    #[tokio::test]
    async fn a_run_that_panics_is_failed_and_waited_for_no_longer() {
        let sandbox = sandbox();
        sandbox
            .runs
            .start(sandbox.clone(), unfit(), 7, None)
            .unwrap();
        let waited = sandbox.perform(Command::Wait {}).await.unwrap();
        assert!(waited.text.ends_with(", 1 runs failed"), "{}", waited.text);
        assert_eq!(waited.data["failed_runs"], 1);
        let ended = sandbox.runs.take_ended();
        assert!(
            ended[0].starts_with("a run has failed: 0 of 7 sent"),
            "{ended:?}"
        );
        assert!(sandbox.runs.progress().is_empty());
        assert!(!sandbox.is_all_well());
    }

    #[tokio::test]
    async fn neither_runs_nor_what_is_said_of_them_grow_without_end() {
        let sandbox = sandbox();
        for _ in 0..MOST_ENDED * 2 {
            sandbox
                .runs
                .start(sandbox.clone(), unfit(), 7, None)
                .unwrap();
            sandbox.runs.ended().await;
        }
        assert_eq!(sandbox.runs.take_ended().len(), MOST_ENDED);
        // One in an hour.
        let start = || {
            let event = Event::new("message.created");
            let started = &sandbox.runs;
            started.start(sandbox.clone(), event, 2, Some(1.0 / 3600.0))
        };
        for _ in 0..MOST_RUNS {
            start().unwrap();
        }
        assert_eq!(start().unwrap_err(), "100 runs go on: `wait` for them");
        assert_eq!(sandbox.runs.progress().len(), MOST_RUNS);
    }
}
