//! What is remembered of one destination.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    Cause, Finding, Level, Share,
    doubt::{Doubt, Kind},
    ring::Ring,
    share::level,
};
use crate::signature::Secrets;

/// Seconds in a bucket of the short windows.
pub(super) const TICK: u64 = 10;

/// Short buckets in one of the long window, a quarter of an hour.
const TICKS: u64 = 90;

/// 5 minutes, and the present bucket.
const FIVE_MINUTES: usize = 31;
/// 15 minutes, and the present bucket.
const FIFTEEN_MINUTES: usize = 91;
/// An hour, and the present bucket.
const HOUR: usize = 5;
/// 72 hours, and the present bucket.
const THREE_DAYS: usize = 289;

/// A share of fewer requests than these says nothing in the short and the long window. Nor is it
/// known what silence is usual where 72 hours have fewer than the latter.
const LEAST_SHORT: u64 = 5;
const LEAST_LONG: u64 = 10;

/// How long no share is an error: what fails while a process begins may well be all that it has
/// seen, and Nylas judges by 15 minutes.
const BEGINNING: Duration = Duration::from_secs(5 * 60);

/// How long the traffic of a destination is observed before its silence means something.
const OBSERVED: Duration = Duration::from_secs(24 * 60 * 60);

/// No silence up to this means anything.
const LEAST_SILENCE: Duration = Duration::from_secs(15 * 60);

/// Times are since the start of the process, unless they are kept for the next request, which has
/// nothing to subtract then.
pub(super) struct Record {
    start: Instant,
    since: Duration,
    /// When the present tick ends. `None` before the first notification.
    tick_end: Option<Instant>,
    short: Ring<Counts, FIFTEEN_MINUTES>,
    long: Ring<Quarter, THREE_DAYS>,
    /// When a notification was verified first and last.
    verified: Option<(Duration, Instant)>,
    /// By the share of failures.
    level: Level,
    /// The longest gap of the 72 hours before the present silence, which leaves them during it.
    usual: Option<Duration>,
    doubt: Option<Doubt>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    requests: u32,
    failed: u32,
}

#[derive(Clone, Copy, Default)]
struct Quarter {
    counts: Counts,
    lost: u32,
    /// In seconds, of those that ended in it.
    longest_gap: u32,
}

/// What a record says at one moment.
pub(super) struct Reading {
    pub(super) findings: Vec<Finding>,
    pub(super) five_minutes: Share,
    pub(super) fifteen_minutes: Share,
    pub(super) three_days: Share,
    pub(super) lost_within_hour: u64,
    pub(super) since_verified: Option<Duration>,
}

impl Record {
    pub(super) fn new(start: Instant, at: Duration) -> Self {
        Self {
            start,
            since: at,
            tick_end: None,
            short: Ring::new(tick(at)),
            long: Ring::new(tick(at) / TICKS),
            verified: None,
            level: Level::Ok,
            usual: None,
            doubt: None,
        }
    }

    /// A request was refused that may have been genuine.
    pub(super) fn doubt(&mut self, kind: Kind, secrets: Option<&Secrets>, at: Duration) {
        let doubt = self.doubt.get_or_insert_with(|| Doubt::new(kind, at));
        doubt.add(kind, secrets, at);
    }

    /// A notification was verified.
    pub(super) fn trust(&mut self) {
        self.doubt = None;
    }

    /// A verified notification was answered, or its client disconnected. Returns the time if
    /// another tick has begun with it.
    pub(super) fn answered(&mut self, failed: bool, lost: bool, now: Instant) -> Option<Duration> {
        let is_first = self.tick_end.is_none_or(|end| now >= end);
        let begun = is_first.then(|| self.begin_tick(now));
        self.short.present().count(failed);
        let quarter = self.long.present();
        quarter.counts.count(failed);
        quarter.lost = quarter.lost.saturating_add(u32::from(lost));
        if let Some((_, last)) = &mut self.verified {
            *last = now;
        }
        begun
    }

    /// Gaps within one tick are none that anybody asks for.
    #[cold]
    fn begin_tick(&mut self, now: Instant) -> Duration {
        let at = now.saturating_duration_since(self.start);
        let tick = tick(at);
        self.tick_end = self
            .start
            .checked_add(Duration::from_secs((tick + 1) * TICK));
        let (_, last) = *self.verified.get_or_insert((at, now));
        let gap = now.saturating_duration_since(last).as_secs();
        self.usual = None;
        self.short.at(tick);
        let quarter = self.long.at(tick / TICKS);
        let gap = u32::try_from(gap).unwrap_or(u32::MAX);
        quarter.longest_gap = quarter.longest_gap.max(gap);
        at
    }

    pub(super) fn read(&mut self, at: Duration) -> Reading {
        self.short.at(tick(at));
        self.long.at(tick(at) / TICKS);
        let lost = self.long.latest().take(HOUR);
        let mut reading = Reading {
            findings: Vec::new(),
            five_minutes: sum(self.short.latest().take(FIVE_MINUTES)),
            fifteen_minutes: sum(self.short.all()),
            three_days: sum(self.long.all().iter().map(|quarter| &quarter.counts)),
            lost_within_hour: lost.map(|quarter| u64::from(quarter.lost)).sum(),
            since_verified: self
                .verified
                .map(|(_, last)| at.saturating_sub(self.at(last))),
        };
        let (long, is_widened) = self.long_window(reading.fifteen_minutes);
        let short = reading.five_minutes;
        let short = if short.requests >= LEAST_SHORT {
            short
        } else {
            long
        };
        self.level = level(self.level, short, long).max(self.kept(reading.fifteen_minutes));
        let most = if at.saturating_sub(self.since) < BEGINNING {
            Level::Warning
        } else {
            Level::Critical
        };
        self.doubt.take_if(|doubt| doubt.is_over(at));
        let findings = [
            failures(self.level.min(most), long, is_widened),
            lost_ones(reading.lost_within_hour),
            self.silence(at),
            self.doubt.as_ref().and_then(|doubt| doubt.finding(at)),
        ];
        reading.findings = findings.into_iter().flatten().collect();
        reading
    }

    fn at(&self, then: Instant) -> Duration {
        then.saturating_duration_since(self.start)
    }

    /// The last 15 minutes, or longer until there are enough requests; none if 72 hours have too
    /// few. And whether it is longer.
    fn long_window(&self, fifteen_minutes: Share) -> (Share, bool) {
        if fifteen_minutes.requests >= LEAST_LONG {
            return (fifteen_minutes, false);
        }
        let mut window = Share::default();
        for quarter in self.long.latest() {
            window = window.with(quarter.counts.share());
            if window.requests >= LEAST_LONG {
                return (window, true);
            }
        }
        (Share::default(), true)
    }

    /// The level that the 15 minutes keep by themselves, however few requests they have: else it
    /// falls where they go below the least number, since the wider window begins before.
    fn kept(&self, fifteen_minutes: Share) -> Level {
        level(self.level, fifteen_minutes, fifteen_minutes).min(self.level)
    }

    /// Whether nothing was verified for twice the longest gap of the last 72 hours.
    fn silence(&mut self, at: Duration) -> Option<Finding> {
        let (first, last) = self.verified?;
        let silent = at.saturating_sub(self.at(last));
        if silent <= LEAST_SILENCE || at.saturating_sub(first) < OBSERVED {
            return None;
        }
        let longest = *self
            .usual
            .get_or_insert_with(|| usual_silence(self.long.all()));
        let is_unusual = silent > longest.saturating_mul(2);
        is_unusual.then(|| {
            let text = format!(
                "nothing was verified for {}, and the longest gap of the 72 hours before was {}",
                Minutes(silent),
                Minutes(longest)
            );
            Finding::new(Cause::Quiet, Level::Warning, text)
        })
    }
}

/// The bucket of the short windows.
pub(super) fn tick(at: Duration) -> u64 {
    at.as_secs() / TICK
}

impl Counts {
    fn count(&mut self, failed: bool) {
        self.requests = self.requests.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(failed));
    }

    fn share(self) -> Share {
        Share {
            requests: self.requests.into(),
            failed: self.failed.into(),
        }
    }
}

/// The longest gap, or without end where it is not known.
fn usual_silence(quarters: &[Quarter]) -> Duration {
    let counts = quarters.iter().map(|quarter| &quarter.counts);
    if sum(counts).requests < LEAST_LONG {
        return Duration::MAX;
    }
    let longest = quarters.iter().map(|quarter| quarter.longest_gap).max();
    Duration::from_secs(u64::from(longest.unwrap_or(0)))
}

fn sum<'a>(all: impl IntoIterator<Item = &'a Counts>) -> Share {
    let mut sum = Share::default();
    for counts in all {
        sum = sum.with(counts.share());
    }
    sum
}

fn failures(level: Level, window: Share, is_widened: bool) -> Option<Finding> {
    let Share { requests, failed } = window;
    let percent = failed.saturating_mul(100).checked_div(requests)?;
    let within = if is_widened {
        "the last"
    } else {
        "15 minutes'"
    };
    (level > Level::Ok).then(|| {
        let text = format!(
            "{failed} of {within} {requests} notifications failed: {percent} %, and at 95 % of 15 \
             minutes Nylas calls the destination failing"
        );
        Finding::new(Cause::Failures, level, text)
    })
}

fn lost_ones(lost: u64) -> Option<Finding> {
    (lost > 0).then(|| {
        let text = format!("notifications were lost within an hour: {lost}");
        Finding::new(Cause::Lost, Level::Warning, text)
    })
}

/// A duration for a text.
struct Minutes(Duration);

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.as_secs() / 60;
        match (minutes / 60, minutes % 60) {
            (0, minutes) => write!(f, "{minutes} min"),
            (hours, minutes) => write!(f, "{hours} h {minutes} min"),
        }
    }
}
