//! Bounds the time and the memory of an incomplete body.

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

    /// Called when the body is pending, with the number of bytes that it holds. Ready when the body
    /// must be refused.
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
            // Refusing a body that holds nothing would free no memory.
            let wait_limit = match held {
                0 => settings.read_timeout,
                _ => settings.budget.wait_limit(settings.read_timeout),
            };
            if self.waited >= settings.read_timeout {
                return Poll::Ready(Rejection::ReadTimeout);
            }
            if self.waited >= wait_limit {
                return Poll::Ready(Rejection::BudgetExhausted);
            }
            let (end, sleep) = self.sleep.get_or_insert_with(|| {
                let length = RECHECK.min(wait_limit.saturating_sub(self.waited));
                (self.waited + length, timer.sleep(length))
            });
            ready!(sleep.as_mut().poll(cx));
            // So that the deadline is reached, and the loop ends, even if the clock does not
            // advance.
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
