//! What Nylas concludes from the answers of a destination: the rules of 95 %.

use std::{collections::VecDeque, fmt, time::Duration};

use super::Readings;

/// Whether Nylas sends notifications to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Notifications are sent.
    Active,
    /// Nothing is sent, as the application has asked for.
    Paused,
    /// 95 % of the attempts of 15 minutes have failed; they go on.
    Failing,
    /// 95 % of the attempts of 72 hours have failed; nothing is sent.
    Failed,
}

impl Status {
    /// Whether anything is sent. What happens while it is not is never delivered later
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    pub fn is_delivering(self) -> bool {
        matches!(self, Self::Active | Self::Failing)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Paused => "pause",
            Self::Failing => "failing",
            Self::Failed => "failed",
        })
    }
}

const QUARTER: Duration = Duration::from_secs(15 * 60);
const DAYS: Duration = Duration::from_secs(72 * 60 * 60);

/// The answers of a destination since it was last activated.
///
/// The documentation has 95 % over 15 minutes for `failing` and over 72 hours for `failed`
/// ([source](https://developer.nylas.com/docs/v3/notifications/)). Both are read as sliding windows
/// that count once the destination has been active for their whole length and
/// [enough attempts](Readings::least_attempts) are in them. Only what is `failing` becomes
/// `failed`.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    since: Duration,
    quarter: Window,
    days: Window,
}

impl Answers {
    pub(super) fn since(now: Duration) -> Self {
        Self {
            since: now,
            quarter: Window::new(QUARTER, Duration::from_secs(1)),
            days: Window::new(DAYS, Duration::from_secs(60)),
        }
    }

    /// The status after one more attempt.
    pub(super) fn add(
        &mut self,
        is_accepted: bool,
        status: Status,
        readings: &Readings,
        now: Duration,
    ) -> Status {
        for window in [&mut self.quarter, &mut self.days] {
            window.add(is_accepted, now);
        }
        let age = now.saturating_sub(self.since);
        let has_failed = |window: &Window, length| {
            age >= length && window.sum.all >= readings.least_attempts && window.has_failed()
        };
        match status {
            Status::Active if has_failed(&self.quarter, QUARTER) => Status::Failing,
            Status::Failing if has_failed(&self.days, DAYS) => Status::Failed,
            Status::Failing if readings.failing_recovers && !self.quarter.has_failed() => {
                Status::Active
            }
            other => other,
        }
    }
}

/// How many attempts of the last minutes or hours were accepted, to the length of a slot.
#[derive(Debug, Clone)]
struct Window {
    slots: u128,
    slot: Duration,
    counts: VecDeque<(u128, Count)>,
    sum: Count,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: u64,
    accepted: u64,
}

impl Window {
    fn new(length: Duration, slot: Duration) -> Self {
        Self {
            slots: length.as_nanos() / slot.as_nanos(),
            slot,
            counts: VecDeque::new(),
            sum: Count::default(),
        }
    }

    fn add(&mut self, is_accepted: bool, now: Duration) {
        let slot = now.as_nanos() / self.slot.as_nanos();
        while let Some((old, count)) = self.counts.front().copied() {
            if old + self.slots > slot {
                break;
            }
            self.counts.pop_front();
            self.sum.all -= count.all;
            self.sum.accepted -= count.accepted;
        }
        if self.counts.back().is_none_or(|(last, _)| *last != slot) {
            self.counts.push_back((slot, Count::default()));
        }
        let last = self.counts.back_mut().map(|(_, count)| count);
        for count in last.into_iter().chain([&mut self.sum]) {
            count.all += 1;
            count.accepted += u64::from(is_accepted);
        }
    }

    fn has_failed(&self) -> bool {
        let failed = self.sum.all - self.sum.accepted;
        self.sum.all > 0 && failed * 100 >= self.sum.all * 95
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The status after each of these attempts, one each second.
    fn run(answers: &mut Answers, mut status: Status, from: u32, given: &[bool]) -> Vec<Status> {
        let mut statuses = Vec::new();
        for (at, accepted) in (from..).zip(given) {
            status = answers.add(*accepted, status, &Readings::default(), at * SECOND);
            statuses.push(status);
        }
        statuses
    }

    #[test]
    fn a_destination_that_never_answers_is_failing_after_15_minutes_and_failed_after_72_hours() {
        let mut answers = Answers::since(Duration::ZERO);
        let statuses = run(&mut answers, Status::Active, 0, &vec![false; 72 * 3600 + 1]);
        let first = |wanted| statuses.iter().position(|status| *status == wanted);
        assert_eq!(first(Status::Failing), Some(900));
        assert_eq!(first(Status::Failed), Some(72 * 3600));
    }

    #[test]
    fn ninety_five_percent_is_the_limit() {
        for (accepted_each, expected) in [(20, Status::Failing), (19, Status::Active)] {
            let mut answers = Answers::since(Duration::ZERO);
            let given: Vec<_> = (0..1801).map(|at| at % accepted_each == 0).collect();
            let last = *run(&mut answers, Status::Active, 0, &given).last().unwrap();
            assert_eq!(last, expected, "one of {accepted_each} is accepted");
        }
    }

    #[test]
    fn a_few_attempts_after_quiet_days_prove_nothing() {
        let mut answers = Answers::since(Duration::ZERO);
        let from = 73 * 3600;
        let statuses = run(&mut answers, Status::Active, from, &[false; 20]);
        assert_eq!(statuses[..19], [Status::Active; 19]);
        assert_eq!(statuses[19], Status::Failing);
        let readings = Readings::default().least_attempts(1);
        let mut answers = Answers::since(Duration::ZERO);
        let status = answers.add(false, Status::Active, &readings, from * SECOND);
        assert_eq!(status, Status::Failing);
    }

    #[test]
    fn a_failing_destination_does_not_recover_by_quiet_minutes() {
        let mut answers = Answers::since(Duration::ZERO);
        run(&mut answers, Status::Active, 0, &[false; 901]);
        let quiet = run(&mut answers, Status::Failing, 3600, &[false, true]);
        assert_eq!(quiet, [Status::Failing, Status::Active]);
    }

    #[test]
    fn it_recovers_as_soon_as_more_than_5_percent_are_accepted() {
        let mut answers = Answers::since(Duration::ZERO);
        let mut given = vec![false; 1000];
        given.extend([true; 100]);
        let statuses = run(&mut answers, Status::Active, 0, &given);
        let active = statuses[1000..].iter().position(|s| *s == Status::Active);
        assert_eq!(active, Some(45));
    }
}
