//! What a body that is still on its way may cost: time and memory.

use std::{
    fmt,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{
    budget::{RECHECK, Reservation},
    settings::Settings,
};
use crate::{
    report::Rejection,
    time::{Sleep, Timer},
};

/// A body that had to wait at least once.
pub(super) struct Waiting {
    since: Instant,
    waited: Duration,
    reservation: Reservation,
    /// What [`waited`](Self::waited) will be at its end, and the sleep.
    sleep: Option<(Duration, Sleep)>,
}

impl Waiting {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            since: settings.timer.now(),
            waited: Duration::ZERO,
            reservation: Reservation::new(settings.budget.clone(), settings.on_buffered),
            sleep: None,
        }
    }

    /// Called when there is nothing to do but wait, with the number of bytes held meanwhile.
    /// Ready when the body has to go.
    pub(super) fn poll_refused(
        &mut self,
        cx: &mut Context<'_>,
        settings: &Settings,
        held: usize,
    ) -> Poll<Rejection> {
        let timer = &*settings.timer;
        if self.reservation.hold(held).is_err() {
            return Poll::Ready(Rejection::BudgetExhausted);
        }
        if self.sleep.is_some() {
            self.waited = self.waited(timer);
        }
        loop {
            // Sending away who holds nothing would make no room.
            let patience = match held {
                0 => settings.read_timeout,
                _ => settings.budget.patience(settings.read_timeout),
            };
            if self.waited >= settings.read_timeout {
                return Poll::Ready(Rejection::ReadTimeout);
            }
            if self.waited >= patience {
                return Poll::Ready(Rejection::BudgetExhausted);
            }
            let (end, sleep) = self.sleep.get_or_insert_with(|| {
                let length = RECHECK.min(patience.saturating_sub(self.waited));
                (self.waited + length, timer.sleep(length))
            });
            ready!(sleep.as_mut().poll(cx));
            // Even if the clock stands still, the deadline comes, and with it the end of the loop.
            let at_least = *end;
            self.waited = self.waited(timer).max(at_least);
            self.sleep = None;
        }
    }

    fn waited(&self, timer: &dyn Timer) -> Duration {
        let passed = timer.now().saturating_duration_since(self.since);
        passed.max(self.waited)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("waited", &self.waited)
            .field("reservation", &self.reservation)
            .finish_non_exhaustive()
    }
}
