//! Events without end, as many as a seed and a time of the day make of them.

use std::{sync::Arc, time::Duration};

use super::{Event, Shared};
use crate::{
    testing::{SAMPLES, nylas::random::Random},
    trigger::{Filter, Trigger},
};

/// Events at random times, with the same average rate all the time unless something else is asked
/// for.
#[derive(Debug, Clone)]
pub struct Traffic {
    triggers: Vec<&'static str>,
    each: Duration,
    during: Option<Duration>,
    is_daily: bool,
    burst: Option<(Duration, u32)>,
    duplicates: f64,
    large: f64,
}

impl Traffic {
    /// One event in this time on average, of one of the triggers that these filters receive, such
    /// as `message.created` or `event.*`.
    ///
    /// # Panics
    ///
    /// Panics if a text is no [`Filter`] or receives no trigger of which there is a
    /// [sample](crate::testing::sample), and if the time is zero.
    #[track_caller]
    pub fn new<T: AsRef<str>>(filters: impl IntoIterator<Item = T>, each: Duration) -> Self {
        assert!(!each.is_zero(), "there is time between two events");
        let mut triggers = Vec::new();
        for text in filters {
            let text = text.as_ref();
            let filter = text.parse::<Filter>();
            let filter = filter.unwrap_or_else(|why| panic!("{why}"));
            let before = triggers.len();
            let names = SAMPLES.iter().map(|(name, _)| *name);
            triggers.extend(names.filter(|name| {
                let trigger = Trigger::from(*name);
                let comes_by_itself =
                    trigger.is_truncated() || trigger.is_transformed() || trigger.is_metadata();
                filter.matches(&trigger) && (!comes_by_itself || *name == text)
            }));
            assert!(triggers.len() > before, "there is no sample for `{text}`");
        }
        assert!(!triggers.is_empty(), "there is no trigger");
        Self {
            triggers,
            each,
            during: None,
            is_daily: false,
            burst: None,
            duplicates: 0.0,
            large: 0.0,
        }
    }

    /// How long it lasts; by default it has no end.
    #[must_use]
    pub fn during(mut self, duration: Duration) -> Self {
        self.during = Some(duration);
        self
    }

    /// More by day than by night: nine times as much at 15:00 UTC as at 3:00, with the same
    /// average.
    #[must_use]
    pub fn day_and_night(mut self) -> Self {
        self.is_daily = true;
        self
    }

    /// This many events at once, again and again after this time.
    #[must_use]
    pub fn bursts(mut self, each: Duration, events: u32) -> Self {
        self.burst = Some((each, events));
        self
    }

    /// How likely it is that the provider reports an event twice, from 0 to 1; by default 0.
    #[must_use]
    pub fn duplicates(mut self, probability: f64) -> Self {
        self.duplicates = probability;
        self
    }

    /// How likely it is that an event has 2 MiB, from 0 to 1; by default 0.
    #[must_use]
    pub fn large(mut self, probability: f64) -> Self {
        self.large = probability;
        self
    }

    pub(super) async fn run(self, shared: Arc<Shared>, mut random: Random) {
        let start = shared.time.elapsed();
        let end = self.during.map(|duration| start.saturating_add(duration));
        let mut next = start;
        let mut next_burst = self.burst.map(|(each, _)| start.saturating_add(each));
        loop {
            next = next.saturating_add(self.pause(shared.time.unix(), &mut random));
            let is_burst = next_burst.is_some_and(|burst| burst <= next);
            let at = next_burst.filter(|_| is_burst).unwrap_or(next);
            if end.is_some_and(|end| at >= end) {
                if let Some(end) = end {
                    shared.time.sleep_until(end).await;
                }
                return;
            }
            shared.time.sleep_until(at).await;
            let mut events = 1;
            if let (true, Some((each, many))) = (is_burst, self.burst) {
                events = many;
                next = at;
                next_burst = Some(at.saturating_add(each.max(MILLISECOND)));
            }
            for _ in 0..events {
                let event = self.event(&mut random);
                shared.emit(&event);
            }
        }
    }

    fn event(&self, random: &mut Random) -> Event {
        let at = usize::try_from(random.below(self.triggers.len() as u64));
        let mut event = Event::new(self.triggers[at.unwrap_or_default()]);
        if random.happens(self.duplicates) {
            event = event.duplicates(1);
        }
        if random.happens(self.large) {
            event = event.size(2 << 20);
        }
        event
    }

    /// Until the next event: exponentially distributed.
    fn pause(&self, unix: u64, random: &mut Random) -> Duration {
        let rate = if self.is_daily { daily(unix) } else { 1.0 };
        let factor = -(1.0 - random.fraction()).ln() / rate;
        let pause = Duration::try_from_secs_f64(self.each.as_secs_f64() * factor);
        let millis = pause.unwrap_or(Duration::MAX).as_millis();
        // To the millisecond, so that no platform's logarithm shows.
        Duration::from_millis(millis.try_into().unwrap_or(u64::MAX)).max(MILLISECOND)
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// From 0.2 at 3:00 to 1.8 at 15:00 and back.
fn daily(unix: u64) -> f64 {
    let since_three = (unix + 21 * 3600) % (24 * 3600);
    let from_top = since_three.abs_diff(12 * 3600);
    1.8 - 1.6 * f64::from(u32::try_from(from_top).unwrap_or_default()) / (12.0 * 3600.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_nine_times_as_much_by_day_as_by_night() {
        for (hour, expected) in [(3, 0.2), (9, 1.0), (15, 1.8), (21, 1.0), (0, 0.6)] {
            let seen = daily(20_000 * 86_400 + hour * 3600);
            assert!((seen - expected).abs() < 1e-9, "{hour}: {seen}");
        }
    }
}
