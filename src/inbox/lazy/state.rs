//! Whether an attempt to open an inbox is under way, and what became of the last one.

use std::time::{Duration, Instant};

use crate::inbox::{engine::Failure, worker::of_engine};

/// The longest pause after an attempt that has failed; the first one is 100 milliseconds, and each
/// other one twice the last.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long after its timeout an attempt is given up whose task tells nothing: its runtime does not
/// run any more.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How often a failure that lasts is told.
const TELL_EACH: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct State {
    is_open: bool,
    attempts: u64,
    under_way: Option<Attempt>,
    failed: Option<Failed>,
}

#[derive(Clone, Copy)]
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) started_at: Instant,
    pub(super) timeout: Duration,
}

struct Failed {
    why: Failure,
    times: u32,
    first_at: Instant,
    last_at: Instant,
    told_at: Instant,
}

/// What a call does that finds no open inbox.
pub(super) enum Turn {
    /// It has been opened since.
    Open,
    /// It starts an attempt, and waits for it.
    Start(Attempt),
    /// It waits for the one that is under way.
    Join(Attempt),
    /// It fails for this reason.
    Pause(Failure),
}

impl Attempt {
    pub(super) fn runs_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started_at)
    }

    /// How long its end is waited for at most, from its start.
    pub(super) fn ends_within(&self) -> Duration {
        self.timeout.saturating_add(GRACE)
    }
}

impl Failed {
    fn is_in_pause(&self, now: Instant) -> bool {
        let pause = of_engine(self.times).min(LONGEST_PAUSE);
        now.saturating_duration_since(self.last_at) < pause
    }
}

impl State {
    /// `skips_pause` for whoever wants an attempt at once.
    pub(super) fn turn(&mut self, now: Instant, timeout: Duration, skips_pause: bool) -> Turn {
        if self.is_open {
            return Turn::Open;
        }
        if let Some(attempt) = self.under_way {
            return Turn::Join(attempt);
        }
        if let Some(failed) = &self.failed
            && !skips_pause
            && failed.is_in_pause(now)
        {
            return Turn::Pause(failed.why.clone());
        }
        self.attempts += 1;
        let attempt = Attempt {
            number: self.attempts,
            started_at: now,
            timeout,
        };
        self.under_way = Some(attempt);
        Turn::Start(attempt)
    }

    pub(super) fn is_under_way(&self, number: u64) -> bool {
        self.under_way
            .is_some_and(|attempt| attempt.number == number)
    }

    /// The attempt whose task should have ended long ago.
    pub(super) fn overdue(&self, now: Instant) -> Option<Attempt> {
        let attempt = self.under_way;
        attempt.filter(|attempt| attempt.runs_for(now) >= attempt.ends_within())
    }

    /// An attempt has failed. For how long they have been failing if that is to be told.
    pub(super) fn fail(&mut self, why: Failure, now: Instant) -> Option<Duration> {
        self.under_way = None;
        let Some(failed) = &mut self.failed else {
            self.failed = Some(Failed {
                why,
                times: 1,
                first_at: now,
                last_at: now,
                told_at: now,
            });
            return Some(Duration::ZERO);
        };
        failed.why = why;
        failed.times = failed.times.saturating_add(1);
        failed.last_at = now;
        if now.saturating_duration_since(failed.told_at) < TELL_EACH {
            return None;
        }
        failed.told_at = now;
        Some(now.saturating_duration_since(failed.first_at))
    }

    /// An attempt has succeeded, be it under way or given up. For how long they had been failing,
    /// if they had.
    pub(super) fn open(&mut self, now: Instant) -> Option<Duration> {
        self.is_open = true;
        self.under_way = None;
        let failed = self.failed.take()?;
        Some(now.saturating_duration_since(failed.first_at))
    }

    /// Why the last attempt has failed that has ended.
    pub(super) fn why(&self) -> Option<Failure> {
        self.failed.as_ref().map(|failed| failed.why.clone())
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self { is_open: true, .. } => "open",
            Self {
                under_way: Some(_), ..
            } => "opening",
            Self {
                failed: Some(_), ..
            } => "failed",
            _ => "not opened yet",
        }
    }
}
