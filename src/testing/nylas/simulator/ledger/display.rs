//! The ledger as a text.

use std::{fmt, time::Duration};

use super::{Fate, Ledger, TestEventRecord};

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tests: Vec<_> = self.test_events.iter().map(TestLine).collect();
        let mut others: Vec<(u64, &dyn fmt::Display)> = Vec::new();
        others.extend(self.notes.iter().map(|it| (it.order, it as _)));
        others.extend(tests.iter().map(|it| (it.0.order, it as _)));
        others.sort_by_key(|(order, _)| *order);
        let mut others = others.into_iter().peekable();
        for (event, attempt) in self.attempts() {
            while let Some((_, other)) = others.next_if(|(order, _)| *order < attempt.order) {
                writeln!(f, "{other}")?;
            }
            writeln!(
                f,
                "{} {} {} {attempt}",
                At(attempt.at),
                event.id,
                event.trigger
            )?;
        }
        for (_, other) in others {
            writeln!(f, "{other}")?;
        }
        let count = |fate| self.with_fate(fate).len();
        write!(f, "{} events", self.len())?;
        for fate in [Fate::Accepted, Fate::Open, Fate::Lost, Fate::Unsent] {
            write!(f, ", {} {fate}", count(fate))?;
        }
        if self.forgotten.all > 0 {
            write!(f, ", {} forgotten", self.forgotten.all)?;
        }
        Ok(())
    }
}

/// With its time.
struct TestLine<'a>(&'a TestEventRecord);

impl fmt::Display for TestLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", At(self.0.at), self.0)
    }
}

impl fmt::Display for super::Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            destination,
            step,
            ..
        } = self;
        match destination {
            Some(destination) => write!(f, "{} {destination} {step}", At(*at)),
            None => write!(f, "{} {step}", At(*at)),
        }
    }
}

/// Days, hours and so on, to the millisecond.
pub(super) struct At(pub(super) Duration);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}
